package keyring

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

func TestInfoIsDeterministicCBOR(t *testing.T) {
	mode, err := cbor.CoreDetEncOptions().EncMode()
	must(t, err)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "text")
		b := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "bytes")
		n := rapid.Uint64().Draw(t, "uint") >> rapid.IntRange(0, 63).Draw(t, "shift")
		want, err := mode.Marshal([]any{"candor1", s, b, n})
		if err != nil {
			t.Fatal(err)
		}
		if got := newInfo(4).text(s).bytes(b).uint(n); !bytes.Equal(got, want) {
			t.Fatalf("got %x, want %x", []byte(got), want)
		}
	})
}

func TestPseudonymKeyIsWhatTheFormatSays(t *testing.T) {
	r := newDisk(t).open(t)
	must(t, r.NewGrant(1, "trends"))
	mode, err := cbor.CoreDetEncOptions().EncMode()
	must(t, err)
	about, err := mode.Marshal([]any{"candor1", "pseudonym", "trends", uint64(688), "identity"})
	must(t, err)
	want, err := hkdf.Expand(sha256.New, grantSecret(t, r, 1), string(about), 32)
	must(t, err)
	got, err := r.PseudonymKey(1, 688, sensors.Identity)
	must(t, err)
	if !bytes.Equal(got, want) {
		t.Fatal("another implementation derives another key")
	}
}

func TestDerivedKeysDiffer(t *testing.T) {
	r := newDisk(t).open(t)
	must(t, r.NewGrant(1, "ab"))
	must(t, r.NewGrant(2, "a"))
	must(t, r.NewGrant(3, "ab"))
	seen := make(map[string]string)
	note := func(what string, key []byte, err error) {
		t.Helper()
		must(t, err)
		if other, ok := seen[string(key)]; ok {
			t.Errorf("%s has the same key as %s", what, other)
		}
		seen[string(key)] = what
	}
	for id := consent.GrantID(1); id <= 3; id++ {
		for epoch := range uint64(3) {
			for _, class := range []sensors.Class{"c", "bc", sensors.Identity, sensors.Location} {
				key, err := r.PseudonymKey(id, epoch, class)
				note(fmt.Sprintf("pseudonym %d %d %s", id, epoch, class), key, err)
				again, _ := r.PseudonymKey(id, epoch, class)
				if !bytes.Equal(key, again) {
					t.Error("the same arguments gave two keys")
				}
			}
		}
		for n := range byte(2) {
			name := [16]byte{n}
			key, err := r.StreamKey(id, name)
			note(fmt.Sprintf("stream %d %d", id, n), key.Seed(), err)
			erase, err := r.EraseCapability(id, name)
			note(fmt.Sprintf("erase %d %d", id, n), erase[:], err)
			blind, err := r.Blind(id, name)
			note(fmt.Sprintf("blind %d %d", id, n), blind[:], err)
		}
	}
	must(t, r.Destroy(1))
	name := [16]byte{1}
	_, err1 := r.PseudonymKey(1, 0, sensors.Identity)
	_, err2 := r.StreamKey(1, name)
	_, err3 := r.EraseCapability(1, name)
	_, err4 := r.Blind(1, name)
	for _, err := range []error{err1, err2, err3, err4} {
		if !errors.Is(err, ErrGone) {
			t.Errorf("after Destroy: %v", err)
		}
	}
}

func TestSecretsAreNeverShown(t *testing.T) {
	d := newDisk(t)
	r := d.open(t)
	must(t, r.NewGrant(1, "service"))
	aead, err := r.Sealer(1, 1)
	must(t, err)
	canaries := [][]byte{grantSecret(t, r, 1), daySecret(t, r, 1, 1), append([]byte(nil), r.content.seed.bytes()...),
		append([]byte(nil), r.content.ledger.secret.bytes()...)}
	s := r.content.grants[1].secret
	values := []any{r, aead, r.LedgerCipher(), r.content.ledger, s, &s, r.content.grants[1], &r.content, r.content.grants[1].days[1], []any{s}, map[string]any{"k": s}}
	var shown strings.Builder
	logger := slog.New(slog.NewTextHandler(&shown, nil))
	jsonLogger := slog.New(slog.NewJSONHandler(&shown, nil))
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%c", "%U", "%p"} {
			fmt.Fprintf(&shown, verb+"\n", v)
		}
		logger.Info("x", "v", v)
		jsonLogger.Info("x", "v", v)
		if out, err := json.Marshal(v); err == nil {
			shown.Write(out)
		}
		if out, err := cbor.Marshal(v); err == nil {
			shown.Write(out)
		}
	}
	_, err = s.MarshalBinary()
	if !errors.Is(err, ErrSecret) {
		t.Errorf("MarshalBinary: %v", err)
	}
	text := shown.String()
	for i, c := range canaries {
		c = c[:6]
		list := strings.Trim(fmt.Sprint(c), "[]")
		goList := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", c), "[]byte{"), "}")
		for _, form := range []string{string(c), fmt.Sprintf("%x", c), fmt.Sprintf("%X", c), list, goList, strings.ReplaceAll(list, " ", ",")} {
			if strings.Contains(text, form) {
				t.Errorf("secret %d was shown as %q", i, form)
			}
		}
	}
	if !strings.Contains(text, hidden) {
		t.Error("nothing was printed at all")
	}
}

func FuzzDecodeContent(f *testing.F) {
	d := newDisk(f)
	r := d.open(f)
	f.Add(r.content.appendContent(nil))
	must(f, r.NewGrant(1, "service"))
	_, err := r.Sealer(1, 20_000)
	must(f, err)
	must(f, r.NewGrant(7, "trends"))
	whole := r.content.appendContent(nil)
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := decodeContent(data)
		if err != nil {
			return
		}
		if got := c.appendContent(nil); !bytes.Equal(got, data) {
			t.Fatalf("decoded and encoded again it is %x, was %x", got, data)
		}
		if c.size() != len(data) {
			t.Fatalf("size says %d, has %d", c.size(), len(data))
		}
	})
}

func TestEveryTruncationIsAnError(t *testing.T) {
	r := newDisk(t).open(t)
	must(t, r.NewGrant(1, "service"))
	_, err := r.Sealer(1, 20_000)
	must(t, err)
	whole := r.content.appendContent(nil)
	for n := range len(whole) {
		if _, err := decodeContent(whole[:n]); err == nil {
			t.Fatalf("%d of %d bytes were accepted", n, len(whole))
		}
	}
}
