package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestSeal(t *testing.T) {
	for suite, overhead := range map[Suite]int{SuiteX25519: 48, SuiteMLKEM768X25519: 1136} {
		key, err := GenerateOpenKey(suite)
		if err != nil {
			t.Fatal(err)
		}
		text, err := key.Secret()
		if err != nil {
			t.Fatal(err)
		}
		// Both halves take the way over a key file.
		if key, err = ParseOpenKey(" " + text + "\n"); err != nil {
			t.Fatal(err)
		}
		public, err := ParseSealKey(key.Public().String() + "\n")
		if err != nil {
			t.Fatal(err)
		}
		info, aad, plain := []byte("route"), []byte("stream"), []byte("a signed message")
		sealed, err := Seal(public, info, aad, plain)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(sealed) - len(plain); got != overhead || suite.Overhead() != overhead {
			t.Errorf("%s: adds %d bytes, says %d, want %d", suite, got, suite.Overhead(), overhead)
		}
		got, err := Open(key, info, aad, sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s: %q, %v", suite, got, err)
		}
		if _, err := Open(key, []byte("elsewhere"), aad, sealed); !errors.Is(err, ErrSeal) {
			t.Errorf("%s, another route: %v", suite, err)
		}
		if _, err := Open(key, info, []byte("other"), sealed); !errors.Is(err, ErrSeal) {
			t.Errorf("%s, another stream: %v", suite, err)
		}
		for _, i := range []int{0, overhead - 17, overhead - 16, len(sealed) - 1} {
			sealed[i] ^= 1
			if _, err := Open(key, info, aad, sealed); !errors.Is(err, ErrSeal) {
				t.Errorf("%s, byte %d changed: %v", suite, i, err)
			}
			sealed[i] ^= 1
		}
		for _, n := range []int{0, 1, overhead - 1} {
			if _, err := Open(key, info, aad, sealed[:n]); !errors.Is(err, ErrTruncated) {
				t.Errorf("%s cut at %d: %v", suite, n, err)
			}
		}
		if _, err := Open(key, info, aad, make([]byte, MaxMessage+overhead+1)); !errors.Is(err, ErrLimit) {
			t.Errorf("%s, too long: %v", suite, err)
		}
		other, err := GenerateOpenKey(suite)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(other, info, aad, sealed); !errors.Is(err, ErrSeal) {
			t.Errorf("%s, another key: %v", suite, err)
		}
	}
}

func TestSealKeysThatCannotBe(t *testing.T) {
	key, err := GenerateOpenKey(SuiteX25519)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := key.Secret()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseSealKey(secret); err == nil {
		t.Error("a secret key was taken for a public one")
	} else if strings.Contains(err.Error(), secret[25:35]) {
		t.Error("the secret is in the error")
	}
	if _, err := ParseOpenKey(key.Public().String()); err == nil {
		t.Error("a public key was taken for a secret one")
	}
	for _, text := range []string{
		"", ":", "candor-hpke-", "candor-hpke-x25519:", "candor-hpke-x25519:AAAA", "candor-hpke-x25519:!!!!",
		"candor-hpke-p256:AAAA", "age1xyz", "candor-hpke-mlkem768x25519:" + strings.Repeat("A", 44),
		"candor-hpke-x25519-secret:AAAA", "candor-hpke-x25519 :AAAA",
	} {
		if _, err := ParseSealKey(text); err == nil {
			t.Errorf("%q is a public key", text)
		}
		if _, err := ParseOpenKey(text); err == nil {
			t.Errorf("%q is a secret key", text)
		}
	}
	if _, err := GenerateOpenKey(9); err == nil {
		t.Error("a key of no suite was made")
	}
	if _, err := Seal(nil, nil, nil, nil); !errors.Is(err, ErrSeal) {
		t.Errorf("sealing to nobody: %v", err)
	}
	if _, err := Open(nil, nil, nil, nil); !errors.Is(err, ErrSeal) {
		t.Errorf("opening with nothing: %v", err)
	}
	if (&SealKey{}).String() != "" {
		t.Error("the zero key has a text")
	}
}
