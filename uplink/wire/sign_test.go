package wire

import (
	"bytes"
	"crypto/ed25519"
	"io"
	"testing"

	"github.com/veraison/go-cose"
)

// algEd25519 is the algorithm of RFC 9864, which go-cose doesn't know by name.
const algEd25519 = cose.Algorithm(-19)

// coseKey lets go-cose sign and verify with it.
type coseKey struct{ private ed25519.PrivateKey }

func (coseKey) Algorithm() cose.Algorithm { return algEd25519 }

func (k coseKey) Sign(_ io.Reader, content []byte) ([]byte, error) {
	return ed25519.Sign(k.private, content), nil
}

func (k coseKey) Verify(content, signature []byte) error {
	if !ed25519.Verify(k.private.Public().(ed25519.PublicKey), content, signature) {
		return cose.ErrVerification
	}
	return nil
}

// payloads of lengths around which the head of the byte string grows.
func payloads() [][]byte {
	var ps [][]byte
	for _, n := range []int{0, 1, 23, 24, 255, 256, 65535, 65536} {
		ps = append(ps, bytes.Repeat([]byte{0xa5}, n))
	}
	return ps
}

func TestGoCoseReadsOurs(t *testing.T) {
	key := testKey(3)
	for _, payload := range payloads() {
		message := AppendSigned([]byte("x"), SignWith(key), KindBatch, payload)[1:]
		if len(message) != SignedSize(len(payload)) {
			t.Errorf("payload of %d bytes: signed %d, SignedSize says %d", len(payload), len(message), SignedSize(len(payload)))
		}
		var m cose.Sign1Message
		if err := m.UnmarshalCBOR(message); err != nil {
			t.Fatalf("payload of %d bytes: %v", len(payload), err)
		}
		if err := m.Verify([]byte("candor/1/batch"), coseKey{key}); err != nil {
			t.Errorf("payload of %d bytes: %v", len(payload), err)
		}
		if !bytes.Equal(m.Payload, payload) {
			t.Errorf("payload of %d bytes came back with %d", len(payload), len(m.Payload))
		}
		if err := m.Verify([]byte("candor/1/deletion"), coseKey{key}); err == nil {
			t.Error("go-cose verified it as another kind")
		}
	}
}

func TestWeReadGoCose(t *testing.T) {
	key := testKey(4)
	pub := key.Public().(ed25519.PublicKey)
	for _, payload := range payloads() {
		m := cose.NewSign1Message()
		m.Headers.Protected.SetAlgorithm(algEd25519)
		m.Payload = payload
		if err := m.Sign(nil, []byte("candor/1/freshness"), coseKey{key}); err != nil {
			t.Fatal(err)
		}
		message, err := m.MarshalCBOR()
		if err != nil {
			t.Fatal(err)
		}
		got, err := OpenSigned(KindFreshness, pub, message)
		if err != nil || !bytes.Equal(got, payload) {
			t.Errorf("payload of %d bytes: %v", len(payload), err)
		}
		if ours := AppendSigned(nil, SignWith(key), KindFreshness, payload); !bytes.Equal(ours, message) {
			t.Errorf("payload of %d bytes: our bytes differ from go-cose's", len(payload))
		}
	}
	// The same with the older, less exact algorithm id is not our form.
	m := cose.NewSign1Message()
	m.Headers.Protected.SetAlgorithm(cose.AlgorithmEdDSA)
	m.Payload = []byte("p")
	signer, err := cose.NewSigner(cose.AlgorithmEdDSA, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Sign(nil, []byte("candor/1/batch"), signer); err != nil {
		t.Fatal(err)
	}
	message, err := m.MarshalCBOR()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSigned(KindBatch, pub, message); fault(err) != ErrForm {
		t.Errorf("algorithm EdDSA: %v, want %v", err, ErrForm)
	}
}

func TestKindsDoNotMix(t *testing.T) {
	key := testKey(5)
	pub := key.Public().(ed25519.PublicKey)
	for signed := KindBatch; signed <= KindTest; signed++ {
		message := AppendSigned(nil, SignWith(key), signed, []byte{0xa1, 0, 1})
		for opened := KindBatch; opened <= KindTest; opened++ {
			_, err := OpenSigned(opened, pub, message)
			if (err == nil) != (signed == opened) || err != nil && fault(err) != ErrSignature {
				t.Errorf("signed as %s, opened as %s: %v", signed, opened, err)
			}
		}
	}
}

// TestAnyChangeShows flips every bit of a message and cuts it everywhere.
func TestAnyChangeShows(t *testing.T) {
	key := testKey(6)
	pub := key.Public().(ed25519.PublicKey)
	message := AppendSigned(nil, SignWith(key), KindBatch, []byte("some payload"))
	for i := range message {
		for bit := range 8 {
			message[i] ^= 1 << bit
			if _, err := OpenSigned(KindBatch, pub, message); err == nil {
				t.Errorf("bit %d of byte %d flipped: opened", bit, i)
			}
			message[i] ^= 1 << bit
		}
		if _, err := OpenSigned(KindBatch, pub, message[:i]); fault(err) != ErrTruncated {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	if _, err := OpenSigned(KindBatch, pub, append(message, 0)); fault(err) != ErrTrailing {
		t.Errorf("a byte more: %v", err)
	}
	if _, err := OpenSigned(KindBatch, pub[:31], message); fault(err) != ErrSignature {
		t.Errorf("a key of 31 bytes: %v", err)
	}
	if _, err := OpenSigned(KindBatch, testKey(7).Public().(ed25519.PublicKey), message); fault(err) != ErrSignature {
		t.Errorf("another key: %v", err)
	}
	payload, err := SignedPayload(message)
	if err != nil || string(payload) != "some payload" {
		t.Errorf("payload %q, %v", payload, err)
	}
}

func TestSignerMustSign(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a message without a signature was made")
		}
	}()
	AppendSigned(nil, func([]byte) []byte { return nil }, KindBatch, nil)
}
