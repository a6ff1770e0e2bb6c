package keyring

import (
	"bytes"
	"crypto/cipher"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"unsafe"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	keySize = 32
	hidden  = "[secret]"
)

// ErrSecret is returned by whatever would encode a secret.
var ErrSecret = errors.New("keyring: secrets are not encoded")

// secret is 32 random bytes that no printer or encoder shows. The bytes lie behind a function, since fmt does not ask
// unexported fields of a struct for their methods and reaches through pointers when a verb does not fit: nothing that
// works by reflection looks into a function.
type secret struct {
	reveal func() *[keySize]byte
}

func emptySecret() secret {
	b := new([keySize]byte)
	return secret{reveal: func() *[keySize]byte { return b }}
}

// bytes are the secret itself, not a copy.
func (s secret) bytes() []byte { return s.reveal()[:] }

func (s secret) wipe() { clear(s.bytes()) }

// Format implements fmt.Formatter: whatever the verb, nothing is shown.
func (secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// LogValue implements slog.LogValuer: nothing is shown.
func (secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText implements encoding.TextMarshaler; encoding/json and TOML writers use it too.
func (secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalBinary implements encoding.BinaryMarshaler, which gob and CBOR ask for: it always fails.
func (secret) MarshalBinary() ([]byte, error) { return nil, ErrSecret }

// dayKey seals what is buffered under one grant and day.
type dayKey struct {
	durable bool // the file holds it; guarded by Ring.mu

	mu     sync.RWMutex
	secret secret
	cipher func() cipher.AEAD // nil once destroyed; a function for the same reason as in secret
}

func newDayKey(s secret, durable bool) *dayKey {
	aead, err := chacha20poly1305.New(s.bytes())
	if err != nil {
		panic(err) // only for a key of another length
	}
	return &dayKey{secret: s, cipher: func() cipher.AEAD { return aead }, durable: durable}
}

func (k *dayKey) wipe() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cipher != nil {
		clear(copyInside(k.cipher(), k.secret.bytes()))
	}
	k.secret.wipe()
	k.cipher = nil
}

// copyInside is the cipher's own copy of its key, to be overwritten when the key is destroyed: the library has no call for
// that, and memory that is only dropped keeps its bytes until something else is put there. It is nil when the cipher is not
// as we know it, 32 bytes of key behind a pointer; a test says so then.
func copyInside(aead cipher.AEAD, key []byte) []byte {
	v := reflect.ValueOf(aead)
	if v.Kind() != reflect.Pointer || v.Type().Elem().Size() != keySize {
		return nil
	}
	inside := unsafe.Slice((*byte)(v.UnsafePointer()), keySize)
	if !bytes.Equal(inside, key) {
		return nil
	}
	return inside
}

// box is the cipher that callers get. It dies with its key: whoever still holds it can neither read nor write.
type box struct {
	k *dayKey
}

// NonceSize implements cipher.AEAD.
func (box) NonceSize() int { return chacha20poly1305.NonceSize }

// Overhead implements cipher.AEAD.
func (box) Overhead() int { return chacha20poly1305.Overhead }

// Seal implements cipher.AEAD. The interface has no error, so under a destroyed key it appends as many zeros as the
// sealed text would have bytes: they open under no key and tell nothing of the plaintext but its length.
func (b box) Seal(dst, nonce, plaintext, additionalData []byte) []byte {
	b.k.mu.RLock()
	defer b.k.mu.RUnlock()
	if b.k.cipher == nil {
		return append(dst, make([]byte, len(plaintext)+chacha20poly1305.Overhead)...)
	}
	return b.k.cipher().Seal(dst, nonce, plaintext, additionalData)
}

// Open implements cipher.AEAD; under a destroyed key the error is [ErrGone].
func (b box) Open(dst, nonce, ciphertext, additionalData []byte) ([]byte, error) {
	b.k.mu.RLock()
	defer b.k.mu.RUnlock()
	if b.k.cipher == nil {
		return nil, fmt.Errorf("keyring: open sealed bytes: %w", ErrGone)
	}
	return b.k.cipher().Open(dst, nonce, ciphertext, additionalData)
}

// Format implements fmt.Formatter: the key is not shown.
func (box) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// LogValue implements slog.LogValuer: the key is not shown.
func (box) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText implements encoding.TextMarshaler: the key is not shown.
func (box) MarshalText() ([]byte, error) { return []byte(hidden), nil }
