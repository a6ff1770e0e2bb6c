package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestDiagnosticBatch(t *testing.T) {
	a := testAnnouncement()
	b := testBatch(t, a)
	b.Clock = Clock{Untrusted: true, Boot: [8]byte{1, 2}, Base: 50, Anchored: true, Wall: 60, Error: 7}
	message := AppendSigned(nil, SignWith(testKey(1)), KindBatch, mustEncode(t, b, 600))
	var out bytes.Buffer
	if err := WriteDiagnostic(&out, message); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"signed: 600 bytes, COSE_Sign1, Ed25519, signature not verified",
		"batch 12 of announcement", "9 rows, to be deleted by 2027-11-13",
		"times count from boot 0102000000000000; cut at tick 50, about tick 60 since 1970, give or take 7",
		"lost: 3 rows, sensor fault", "lost: 1 rows, damaged",
		"1789200060 2110 - -", "1789203600 4/4 2310",
		`1789200007 - ` + strings.Repeat("ee", 16) + ` "shut"`,
		"items:\n  {0: 1, 1: h'",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

func TestDiagnosticOthers(t *testing.T) {
	payload, err := AppendAnnouncement(nil, testAnnouncement())
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string][]byte{"announcement": payload}
	for _, m := range controlMessages() {
		if cases[m.name], err = m.append(); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"announcement":     "hall.temperature: number in \"Cel\", steps of 0.05 from -40 to 85\n",
		"deletion":         "deletion request\n  stream 5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a, epoch 4, capability not shown\n",
		"deletion-answer":  "erased on 2026-12-13 from files, jetstream",
		"freshness":        "freshness question",
		"freshness-answer": "last sequence 77, withdrawn true",
		"test":             "test\nitems:",
	} {
		var out bytes.Buffer
		if err := WriteDiagnostic(&out, cases[name]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s: %q is missing in\n%s", name, want, out.String())
		}
	}
}

func TestDiagnosticOfWhatIsNot(t *testing.T) {
	for name, data := range map[string][]byte{
		"nothing": nil, "noise": {0xff, 0xfe}, "other CBOR": {0xa1, 0, 9}, "cut batch": mustEncode(t, &Batch{Seq: 1}, 0)[:20],
	} {
		var out bytes.Buffer
		if err := WriteDiagnostic(&out, data); err == nil {
			t.Errorf("%s: no error, but\n%s", name, out.String())
		}
	}
	if err := WriteDiagnostic(brokenPipe{}, mustEncode(t, &Batch{Seq: 1}, 0)); !errors.Is(err, errPipe) {
		t.Errorf("a writer that fails: %v", err)
	}
}

var errPipe = errors.New("broken pipe")

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errPipe }
