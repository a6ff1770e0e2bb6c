package jetstream

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/candor-edge/candor/uplink/receive"
	"github.com/candor-edge/candor/uplink/wire"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// startServer runs a NATS server in this process, on a port of its own.
func startServer(t testing.TB, change func(*server.Options)) *server.Server {
	t.Helper()
	o := &server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true}
	if change != nil {
		change(o)
	}
	s, err := server.NewServer(o)
	must(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the NATS server did not start")
	}
	return s
}

func open(t testing.TB, url string, replicas int) *Sink {
	t.Helper()
	var s *Sink
	var err error
	for end := time.Now().Add(2 * time.Minute); ; { // a cluster elects its leaders first
		s, err = Open(context.Background(), Options{URL: url, Replicas: replicas, Log: quiet()})
		if err == nil || time.Now().After(end) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func newHandler(t testing.TB, s *Sink) *receive.Handler {
	t.Helper()
	h, err := receive.NewHandler(receive.Config{Streams: s, Sink: s, Export: s, Log: quiet(), Now: time.Now, Err: s.Err, Bodies: 512, Workers: 64})
	must(t, err)
	return h
}

// object is a sending object with one stream; all follows from its number.
type object struct {
	t          testing.TB
	key        ed25519.PrivateKey
	capability wire.Capability
	hour       int64 // in which it was made: a batch that is made again in the next one would be another
	a          *wire.Announcement
	signed     []byte
	digest     [16]byte
	enc        wire.Encoder
}

func today() uint32 { return uint32(time.Now().Unix() / 86400) }

func newObject(t testing.TB, n uint32, change func(*wire.Announcement)) *object {
	t.Helper()
	var seed [32]byte
	binary.BigEndian.PutUint32(seed[:], n)
	o := &object{t: t, hour: time.Now().Unix() / 3600, key: ed25519.NewKeyFromSeed(seed[:]), capability: wire.Capability(seed)}
	o.a = &wire.Announcement{
		Stream: wire.StreamID{byte(n), byte(n >> 8), byte(n >> 16), 0xab}, Epoch: 3, Key: o.key.Public().(ed25519.PublicKey),
		Purpose: "trends", Recipient: "acme", Tick: 3600_000_000,
		Groups: []wire.Group{{Source: "room", Fields: []wire.FieldSpec{{Name: "room.temperature", Unit: "Cel", Scale: 3, Step: 1, Min: -40000, Max: 85000}}}},
		Access: wire.GroundConsent, Basis: wire.GroundConsent, RetentionDays: 395, Erase: o.capability.Digest(), Receipt: wire.Receipt{Language: "fr"},
	}
	if change != nil {
		change(o.a)
	}
	payload, err := wire.AppendAnnouncement(nil, o.a)
	must(t, err)
	o.signed = wire.AppendSigned(nil, wire.SignWith(o.key), wire.KindAnnouncement, payload)
	o.digest = wire.AnnouncementDigest(payload)
	return o
}

// batch makes the batch of a number, to be gone by a day.
func (o *object) batch(seq uint64, day uint32, values ...int64) []byte {
	o.t.Helper()
	b := &wire.Batch{Announcement: o.digest, Seq: seq, DeleteBy: day}
	if len(values) > 0 {
		g := wire.Rows{Columns: []wire.Column{{Nums: values}}}
		for i := range values {
			g.Time = append(g.Time, o.hour-int64(len(values))+int64(i))
		}
		b.Groups = []wire.Rows{g}
	}
	payload, err := o.enc.AppendBatch(nil, b, 0)
	must(o.t, err)
	return wire.AppendSigned(nil, wire.SignWith(o.key), wire.KindBatch, payload)
}

func (o *object) deletion() []byte {
	o.t.Helper()
	payload, err := wire.AppendDeletion(nil, &wire.Deletion{Stream: o.a.Stream, Epoch: o.a.Epoch, Capability: o.capability})
	must(o.t, err)
	return wire.AppendSigned(nil, wire.SignWith(o.key), wire.KindDeletion, payload)
}

func post(h http.Handler, path string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", receive.TypeSigned)
	if path == "/access" {
		r.Header.Set("Content-Type", receive.TypeJSON)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func want(t testing.TB, h http.Handler, path string, body []byte, status int) *httptest.ResponseRecorder {
	t.Helper()
	w := post(h, path, body)
	if w.Code != status {
		t.Fatalf("%s: %d, want %d: %s", path, w.Code, status, w.Body)
	}
	return w
}

func (o *object) access() []byte {
	text, err := json.Marshal(map[string]string{"stream": o.a.Stream.String(), "capability": hex.EncodeToString(o.capability[:])})
	must(o.t, err)
	return text
}

// contents counts the batches in the cluster by stream and number.
func contents(t testing.TB, s *Sink) map[string]int {
	t.Helper()
	found := make(map[string]int)
	must(t, s.eachHead(context.Background(), batchSubjects, func(m *stored) error {
		if m.tail.kind == kindBatch {
			found[fmt.Sprintf("%s %d", m.subject[len(m.subject)-32:], m.tail.seq)]++
		}
		return nil
	}))
	return found
}
