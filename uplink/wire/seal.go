package wire

import (
	"crypto/ecdh"
	"crypto/hpke"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
)

// Sealing puts a signed message where only the recipient can read it: HPKE
// base mode (RFC 9180) with HKDF-SHA256 and ChaCha20-Poly1305, one message a
// context. A sealed message is the encapsulated key followed by the
// ciphertext, nothing else.

// Suite is a way to agree on a key.
type Suite uint8

// The suites. X25519 is the small one; the other stays closed to a quantum
// computer too, and suits large or rare batches.
const (
	SuiteX25519         Suite = 1 // DHKEM(X25519, HKDF-SHA256), RFC 9180 section 7.1
	SuiteMLKEM768X25519 Suite = 2 // ML-KEM-768 with X25519 (X-Wing), draft-ietf-hpke-pq
)

// String returns the suite as key files write it.
func (s Suite) String() string {
	switch s {
	case SuiteX25519:
		return "x25519"
	case SuiteMLKEM768X25519:
		return "mlkem768x25519"
	}
	return "suite " + strconv.Itoa(int(s))
}

// Overhead is how many bytes sealing adds: the encapsulated key and the tag of
// 16 bytes. 48 for X25519, 1136 for the hybrid, 0 for an unknown suite.
func (s Suite) Overhead() int {
	switch s {
	case SuiteX25519:
		return 32 + 16
	case SuiteMLKEM768X25519:
		return 1120 + 16
	}
	return 0
}

func (s Suite) kem() (hpke.KEM, error) {
	switch s {
	case SuiteX25519:
		return hpke.DHKEM(ecdh.X25519()), nil
	case SuiteMLKEM768X25519:
		return hpke.MLKEM768X25519(), nil
	}
	return nil, faultf(ErrValue, "there is no %s", s)
}

// Key files hold one line: a word that says suite and whether the key is
// secret, a colon, and the key as RFC 9180 serialises it, in base64.
const (
	keyWord    = "candor-hpke-"
	secretWord = "-secret"
)

// SealKey is a recipient's public key. The zero value seals nothing.
type SealKey struct {
	suite Suite
	key   hpke.PublicKey
}

// Suite returns the key's suite.
func (k *SealKey) Suite() Suite { return k.suite }

// String returns the key as a key file holds it, without a line end. The zero
// value has no text.
func (k *SealKey) String() string {
	if k.key == nil {
		return ""
	}
	return keyWord + k.suite.String() + ":" + base64.StdEncoding.EncodeToString(k.key.Bytes())
}

// ParseSealKey reads the text of a public key; blanks around it are ignored. A
// secret key is refused, since it does not belong where it was found, and no
// part of the text is in the error.
func ParseSealKey(text string) (*SealKey, error) {
	suite, secret, raw, err := splitKey(text)
	if err != nil {
		return nil, in(err, "seal key")
	}
	if secret {
		return nil, in(faultf(ErrValue, "this is a secret key; only its public half belongs here"), "seal key")
	}
	kem, err := suite.kem()
	if err != nil {
		return nil, in(err, "seal key")
	}
	key, err := kem.NewPublicKey(raw)
	if err != nil {
		return nil, fmt.Errorf("wire: seal key of suite %s: %w", suite, err)
	}
	return &SealKey{suite, key}, nil
}

// OpenKey is a recipient's secret key. It never prints itself; Secret does.
type OpenKey struct {
	suite Suite
	key   hpke.PrivateKey
}

// GenerateOpenKey makes a key from the system's randomness.
func GenerateOpenKey(suite Suite) (*OpenKey, error) {
	kem, err := suite.kem()
	if err != nil {
		return nil, err
	}
	key, err := kem.GenerateKey()
	if err != nil {
		return nil, fmt.Errorf("wire: generate a %s key: %w", suite, err)
	}
	return &OpenKey{suite, key}, nil
}

// ParseOpenKey reads the text of a secret key; blanks around it are ignored.
// No part of the text is in the error.
func ParseOpenKey(text string) (*OpenKey, error) {
	suite, secret, raw, err := splitKey(text)
	if err != nil {
		return nil, in(err, "open key")
	}
	if !secret {
		return nil, in(faultf(ErrValue, "this is a public key; opening needs the secret one"), "open key")
	}
	kem, err := suite.kem()
	if err != nil {
		return nil, in(err, "open key")
	}
	key, err := kem.NewPrivateKey(raw)
	if err != nil {
		return nil, fmt.Errorf("wire: open key of suite %s is not valid", suite)
	}
	return &OpenKey{suite, key}, nil
}

// Public returns the half that objects get.
func (k *OpenKey) Public() *SealKey { return &SealKey{k.suite, k.key.PublicKey()} }

// Secret returns the key as a key file holds it, without a line end.
func (k *OpenKey) Secret() (string, error) {
	raw, err := k.key.Bytes()
	if err != nil {
		return "", fmt.Errorf("wire: write out an open key: %w", err)
	}
	return keyWord + k.suite.String() + secretWord + ":" + base64.StdEncoding.EncodeToString(raw), nil
}

// Format hides the key from every verb.
func (k OpenKey) Format(s fmt.State, _ rune) { fmt.Fprint(s, hidden) }

// LogValue hides the key.
func (k OpenKey) LogValue() slog.Value { return slog.StringValue(hidden) }

// splitKey takes a key's text apart.
func splitKey(text string) (suite Suite, secret bool, raw []byte, err error) {
	word, data, ok := strings.Cut(strings.TrimSpace(text), ":")
	name, mine := strings.CutPrefix(word, keyWord)
	if !ok || !mine {
		return 0, false, nil, faultf(ErrForm, "a key is %sSUITE:BASE64, on one line", keyWord)
	}
	name, secret = strings.CutSuffix(name, secretWord)
	for suite = SuiteX25519; suite.String() != name; suite++ {
		if suite > SuiteMLKEM768X25519 {
			return 0, false, nil, faultf(ErrValue, "the suites are %s and %s", SuiteX25519, SuiteMLKEM768X25519)
		}
	}
	raw, err = base64.StdEncoding.Strict().DecodeString(data)
	if err != nil {
		return 0, false, nil, faultf(ErrForm, "what follows the colon is not base64")
	}
	return suite, secret, raw, nil
}

// Seal encrypts plaintext to a recipient. info says what for (protocol and
// route) and aad what goes with it in the clear; opening takes the same two.
// The result is Overhead bytes longer and differs each time: the library draws
// its own randomness.
func Seal(to *SealKey, info, aad, plaintext []byte) ([]byte, error) {
	if to == nil || to.key == nil {
		return nil, faultf(ErrSeal, "no key to seal to")
	}
	enc, sender, err := hpke.NewSender(to.key, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info)
	if err != nil {
		return nil, fmt.Errorf("wire: seal to a %s key: %w", to.suite, err)
	}
	sealed, err := sender.Seal(aad, plaintext)
	if err != nil {
		return nil, fmt.Errorf("wire: seal to a %s key: %w", to.suite, err)
	}
	return append(enc, sealed...), nil
}

// SealInfo is the info under which a message of a kind is sealed: "candor/1/"
// and the name of the kind, "candor/1/batch" for one. The aad is empty.
func SealInfo(kind Kind) []byte {
	return []byte("candor/" + strconv.Itoa(Version) + "/" + kind.String())
}

// Open decrypts what Seal made. Anything else, another key, info or aad, and
// more than MaxMessage bytes inside, is an [ErrSeal] or [ErrLimit].
func Open(key *OpenKey, info, aad, data []byte) ([]byte, error) {
	if key == nil || key.key == nil {
		return nil, faultf(ErrSeal, "no key to open with")
	}
	overhead := key.suite.Overhead()
	if len(data) < overhead {
		return nil, in(faultf(ErrTruncated, "shorter than the %d bytes a seal adds", overhead), "sealed message")
	}
	if len(data)-overhead > MaxMessage {
		return nil, in(faultf(ErrLimit, "more than %d bytes inside", MaxMessage), "sealed message")
	}
	enc, sealed := data[:overhead-16], data[overhead-16:]
	recipient, err := hpke.NewRecipient(enc, key.key, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info)
	if err != nil {
		return nil, in(faultf(ErrSeal, "the encapsulated key is not valid"), "sealed message")
	}
	plaintext, err := recipient.Open(aad, sealed)
	if err != nil {
		return nil, in(faultf(ErrSeal, "another key, another route, or altered"), "sealed message")
	}
	return plaintext, nil
}
