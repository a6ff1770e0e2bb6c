package cli

import (
	"crypto/ed25519"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/candor-edge/candor/uplink/wire"
)

const hour = int64(3600 * 1_000_000) // microseconds

// key is a fixed stream key, so that messages are the same at every run.
func key() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) }

func announcement() *wire.Announcement {
	return &wire.Announcement{
		Stream: wire.StreamID{1, 2, 3}, Epoch: 3, Key: key().Public().(ed25519.PublicKey), Purpose: "trends", Recipient: "acme", Tick: hour,
		Groups: []wire.Group{{Source: "hall", Fields: []wire.FieldSpec{
			{Name: "hall.temperature", Unit: "Cel", Scale: 1, Type: wire.Number, Step: 5, Min: -400, Max: 800},
			{Name: "hall.motion", Type: wire.Boolean, Step: 1, Max: 1},
		}}},
		Access: wire.GroundConsent, Basis: wire.GroundConsent, RetentionDays: 395, Receipt: wire.Receipt{Language: "fr", PolicyVersion: 7, GrantDay: 20_000},
	}
}

// batch has n rows, two an hour.
func batch(digest [16]byte, seq uint64, n int) *wire.Batch {
	rows := wire.Rows{Columns: make([]wire.Column, 2)}
	for i := range n {
		rows.Time = append(rows.Time, 490_000+int64(i/2))
		rows.Columns[0].Nums = append(rows.Columns[0].Nums, int64(200+5*(i%3)))
		rows.Columns[1].Nums = append(rows.Columns[1].Nums, int64(i%2))
	}
	return &wire.Batch{Announcement: digest, Seq: seq, DeleteBy: 20_900, Groups: []wire.Rows{rows}}
}

// messages returns a signed announcement and two signed batches under it.
func messages() (announced, first, second []byte, err error) {
	payload, err := wire.AppendAnnouncement(nil, announcement())
	if err != nil {
		return nil, nil, nil, err
	}
	sign := wire.SignWith(key())
	announced = wire.AppendSigned(nil, sign, wire.KindAnnouncement, payload)
	var out [2][]byte
	for i := range out {
		var e wire.Encoder
		body, err := e.AppendBatch(nil, batch(wire.AnnouncementDigest(payload), uint64(i+1), 2+20*i), 0)
		if err != nil {
			return nil, nil, nil, err
		}
		out[i] = wire.AppendSigned(nil, sign, wire.KindBatch, body)
	}
	return announced, out[0], out[1], nil
}

// pack is the second batch as SenML.
func pack() []byte {
	payload, err := wire.AppendAnnouncement(nil, announcement())
	if err != nil {
		panic(err)
	}
	text, err := wire.AppendSenMLJSON(nil, announcement(), batch(wire.AnnouncementDigest(payload), 2, 22))
	if err != nil {
		panic(err)
	}
	return text
}

// writeMessages fills a directory with what the decode scripts read.
func writeMessages(dir string) error {
	a, b1, b2, err := messages()
	if err != nil {
		return err
	}
	altered := slices.Clone(b1)
	altered[len(altered)-1] ^= 1
	deletion, err := wire.AppendDeletion(nil, &wire.Deletion{Stream: wire.StreamID{1, 2, 3}, Epoch: 3})
	if err != nil {
		return err
	}
	d := wire.AppendSigned(nil, wire.SignWith(key()), wire.KindDeletion, deletion)
	for name, data := range map[string][]byte{
		"all.cborseq":              slices.Concat(a, b1, b2, d),
		"alone/batch.cbor":         b1,
		"beside/batch.cbor":        b1,
		"beside/announcement.cbor": a,
		"altered.cborseq":          slices.Concat(a, altered, b2),
		"cut.cborseq":              slices.Concat(a, b1[:len(b1)-1]),
		"garbage.cborseq":          slices.Concat(a, []byte{0xff, 0xff, 0xff}),
		"number.cborseq":           {0x05},
		"long.cborseq":             slices.Concat([]byte{0x5b, 0, 0, 0, 0, 0xff, 0, 0, 0}, make([]byte, wire.MaxMessage)),
		"deletion.cbor":            d,
		"empty":                    {},
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// TestDecodeCuts: every cut of a sequence ends with an error or, between two messages, not; never with a panic.
func TestDecodeCuts(t *testing.T) {
	a, b, _, err := messages()
	if err != nil {
		t.Fatal(err)
	}
	whole := slices.Concat(a, b)
	path := filepath.Join(t.TempDir(), "cut.cborseq")
	for n := range len(whole) + 1 {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		want := exitFailed
		if n == len(a) || n == len(whole) {
			want = exitDone
		}
		if code, _, errs := call(1, "decode", path); code != want || (code != 0) != (errs != "") {
			t.Errorf("%d bytes: %d %s", n, code, errs)
		}
	}
}

// FuzzDecode: whatever the file holds, decode ends with 0 or 1, and an error names the file.
func FuzzDecode(f *testing.F) {
	a, b1, b2, err := messages()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(slices.Concat(a, b1, b2), false)
	f.Add(b1, true)
	f.Add([]byte{0x05, 0xff}, false)
	f.Fuzz(func(t *testing.T, data []byte, senml bool) {
		path := filepath.Join(t.TempDir(), "fuzzed")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"decode", path}
		if senml {
			args = append(args, "--senml")
		}
		code, _, errs := call(1, args...)
		if code != exitDone && code != exitFailed {
			t.Errorf("exit code %d", code)
		}
		if code == exitFailed && !strings.Contains(errs, path) {
			t.Errorf("the error does not name the file: %s", errs)
		}
	})
}
