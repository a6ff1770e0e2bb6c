package receive

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/candor-edge/candor/uplink/wire"
)

// today is the receiver's clock in tests: 2015-02-10.
func today() time.Time { return time.Date(2015, 2, 10, 12, 0, 0, 0, time.UTC) }

const todayNumber = 16476

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// object is a sending object with one stream.
type object struct {
	t          testing.TB
	key        ed25519.PrivateKey
	capability wire.Capability
	a          *wire.Announcement
	signed     []byte // the announcement
	digest     [16]byte
	enc        wire.Encoder
}

// newObject makes an object whose stream, key and all follow from its number.
func newObject(t testing.TB, n byte, change func(*wire.Announcement)) *object {
	t.Helper()
	o := &object{t: t, key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize)), capability: wire.Capability{n, 1}}
	o.a = &wire.Announcement{
		Stream: wire.StreamID{n, 0xab}, Epoch: 3, Key: o.key.Public().(ed25519.PublicKey),
		Purpose: "service", Recipient: "acme", Plan: [32]byte{0x91}, Tick: 3600_000_000,
		Groups: []wire.Group{{Source: "room", Fields: []wire.FieldSpec{
			{Name: "room.temperature", Unit: "Cel", Scale: 3, Type: wire.Number, Step: 1, Min: -40000, Max: 85000},
			{Name: "room.open", Type: wire.Boolean},
			{Name: "room.badge", Type: wire.Pseudonym},
			{Name: "room.mode", Type: wire.Label, Labels: []string{"day", "night \"late\""}},
		}}},
		Access: wire.GroundConsent, Basis: wire.GroundConsent, RetentionDays: 395,
		Erase: o.capability.Digest(), Receipt: wire.Receipt{Language: "fr", PolicyVersion: 7, GrantDay: 16470},
	}
	if change != nil {
		change(o.a)
	}
	payload, err := wire.AppendAnnouncement(nil, o.a)
	if err != nil {
		t.Fatal(err)
	}
	o.signed = o.sign(wire.KindAnnouncement, payload)
	o.digest = wire.AnnouncementDigest(payload)
	return o
}

func (o *object) sign(kind wire.Kind, payload []byte) []byte {
	return wire.AppendSigned(nil, wire.SignWith(o.key), kind, payload)
}

// numbers makes a batch of temperatures, hour after hour from 2015-02-04T17:00Z.
func (o *object) numbers(seq uint64, values ...int64) *wire.Batch {
	b := &wire.Batch{Announcement: o.digest, Seq: seq, DeleteBy: todayNumber + 395}
	if len(values) == 0 {
		return b
	}
	g := wire.Rows{Columns: make([]wire.Column, len(o.a.Groups[0].Fields))}
	first := time.Date(2015, 2, 4, 17, 0, 0, 0, time.UTC).UnixMicro() / o.a.Tick
	for i := range values {
		g.Time = append(g.Time, first+int64(i))
	}
	g.Columns[0].Nums = values
	b.Groups = []wire.Rows{g}
	return b
}

// batch signs a batch.
func (o *object) batch(b *wire.Batch) []byte {
	o.t.Helper()
	payload, err := o.enc.AppendBatch(nil, b, int(o.a.Size))
	if err != nil {
		o.t.Fatal(err)
	}
	return o.sign(wire.KindBatch, payload)
}

func (o *object) deletion() []byte {
	o.t.Helper()
	payload, err := wire.AppendDeletion(nil, &wire.Deletion{Stream: o.a.Stream, Epoch: o.a.Epoch, Capability: o.capability})
	if err != nil {
		o.t.Fatal(err)
	}
	return o.sign(wire.KindDeletion, payload)
}

func (o *object) question() []byte {
	o.t.Helper()
	payload, err := wire.AppendFreshness(nil, &wire.Freshness{Stream: o.a.Stream, Epoch: o.a.Epoch, Nonce: [16]byte{7}})
	if err != nil {
		o.t.Fatal(err)
	}
	return o.sign(wire.KindFreshness, payload)
}

func testMessage(o *object) []byte {
	return o.sign(wire.KindTest, wire.AppendTest(nil, &wire.Test{Nonce: [16]byte{9}}))
}

// announce goes through the verifier into the sink.
func (o *object) announce(s *DirSink) error {
	m, err := (&Verifier{s, today}).Announcement(o.signed)
	if err != nil {
		return err
	}
	_, err = s.Announce(context.Background(), m)
	return err
}

func mustOpen(t testing.TB, dir string) *DirSink {
	t.Helper()
	s, err := OpenDir(dir, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, err error, code Code) {
	t.Helper()
	var r *Refusal
	if !errors.As(err, &r) || r.Code != code {
		t.Fatalf("got %v, want a refusal with code %s", err, code)
	}
}

// rowName is what makes a row one of a kind.
type rowName struct {
	Stream string `json:"stream"`
	Epoch  uint64 `json:"epoch"`
	Seq    uint64 `json:"seq"`
	Row    int    `json:"row"`
}

// readRows reads a file of rows; every line must be whole, valid and unique.
func readRows(t testing.TB, path string) map[rowName]string {
	t.Helper()
	rows := make(map[rowName]string)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return rows
	}
	must(t, err)
	defer f.Close()
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return rows
		}
		if err != nil {
			t.Fatalf("%s: a line without its end: %q", path, line)
		}
		var name rowName
		must(t, json.Unmarshal(line, &name))
		if _, twice := rows[name]; twice {
			t.Fatalf("%s: row %+v is there twice", path, name)
		}
		rows[name] = string(line)
	}
}
