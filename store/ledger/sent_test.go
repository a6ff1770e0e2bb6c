package ledger

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	bolt "go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"github.com/candor-edge/candor/sensors"
)

func batch(stream uint32, seq uint64, when sensors.Micros) Sent {
	return Sent{Stream: stream, Purpose: fmt.Sprint("purpose", stream%3), Recipient: "acme", StreamName: [16]byte{byte(stream)},
		Epoch: 688, Seq: seq, Rows: 60, ColumnBytes: 1_200, WireBytes: 1_700, SentAt: when, Result: ResultAccepted,
		Fields: []string{"hall.temperature", "hall.humidity", "hall.co2", "hall.illuminance", "hall.occupancy"}}
}

func collect(t testing.TB, l *Ledger) []Sent {
	t.Helper()
	var out []Sent
	must(t, l.Sent(func(s Sent) error {
		out = append(out, s)
		return nil
	}))
	return out
}

func TestSentComesBackInOrder(t *testing.T) {
	l, keys := openNew(t)
	want := []Sent{batch(3, 9, start), batch(1, 4, start+minute), batch(2, 1, start-minute)}
	want[1].Control, want[1].Fields, want[1].Rows, want[1].ColumnBytes = "announcement", nil, 0, 0
	want[2].Result = ResultRefused
	must(t, l.RecordSent(want[:1]))
	must(t, l.RecordSent(want[1:]))
	must(t, l.RecordSent(nil))
	for i := range want {
		want[i].Tries = 1
	}
	for range 2 {
		if got := collect(t, l); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v\nwant %+v", got, want)
		}
		if r, err := l.Verify(); err != nil || r.Lines != 3 {
			t.Fatalf("%+v, %v", r, err)
		}
		l = reopen(t, l, keys)
	}
	stop := errors.New("enough")
	if err := l.Sent(func(Sent) error { return stop }); !errors.Is(err, stop) {
		t.Fatalf("visit's error became %v", err)
	}
}

func TestASecondTryIsNoSecondLine(t *testing.T) {
	l, keys := openNew(t)
	first := batch(1, 4, start)
	first.Result = ResultCancelled
	again := batch(1, 4, start+minute)
	control := batch(1, 4, start)
	control.Control = "freshness"
	must(t, l.RecordSent([]Sent{first, first}))
	if got := l.Totals(); got[0].Open != 1 || got[0].OpenRows != 60 {
		t.Fatalf("cut off and yet not open: %+v", got)
	}
	l = reopen(t, l, keys)
	must(t, l.RecordSent([]Sent{again, control}))
	got := collect(t, l)
	if len(got) != 2 || got[0].Tries != 3 || got[0].Result != ResultAccepted || got[0].SentAt != start || got[1].Tries != 1 {
		t.Fatalf("lines %+v", got)
	}
	l = reopen(t, l, keys)
	want := []Total{{Purpose: "purpose1", Batches: 1, Rows: 60, ColumnBytes: 1_200, Controls: 1, WireBytes: 4 * 1_700,
		First: start, Last: start + minute}}
	if got := l.Totals(); !reflect.DeepEqual(got, want) {
		t.Fatalf("totals %+v, want %+v", got, want)
	}
}

func TestPruneKeepsTheCounts(t *testing.T) {
	l, keys := openNew(t)
	var lines []Sent
	for i := range uint64(3_000) {
		lines = append(lines, batch(uint32(1+i%4), i, start+sensors.Micros(i)*minute))
	}
	must(t, l.RecordSent(lines))
	before := l.Totals()
	must(t, l.Prune(start+2_500*minute))
	got := collect(t, l)
	if len(got) != 500 || got[0].Seq != 2_500 {
		t.Fatalf("%d lines, the first is %d", len(got), got[0].Seq)
	}
	must(t, l.RecordSent([]Sent{batch(1, 9_999, start)}))
	l = reopen(t, l, keys)
	if got := collect(t, l); len(got) != 501 || got[500].Seq != 9_999 {
		t.Fatalf("%d lines", len(got))
	}
	after := l.Totals()
	for i := range after {
		after[i].Batches -= before[i].Batches
		after[i].Rows -= before[i].Rows
	}
	if after[0].Batches+after[1].Batches+after[2].Batches != 1 {
		t.Fatalf("pruning changed the counts: %+v", after)
	}
	known := 0
	must(t, l.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(seenBucket)).ForEach(func(k, stored []byte) error {
			b, err := decodeBlock(k, stored)
			for _, n := range b {
				if n != 0 {
					known++
				}
			}
			return err
		})
	}))
	if known != 501 {
		t.Fatalf("the index knows %d lines of 501", known)
	}
}

func TestLinesAreShort(t *testing.T) {
	l, _ := openNew(t)
	const n = 20_000
	for i := uint64(0); i < n; i += 100 {
		var lines []Sent
		for j := range uint64(100) {
			lines = append(lines, batch(uint32(1+j%5), (i+j)/5, start+sensors.Micros(i+j)*17_171_717))
		}
		must(t, l.RecordSent(lines))
	}
	used := 0
	must(t, l.db.View(func(tx *bolt.Tx) error {
		for _, name := range []string{sentBucket, seenBucket, contextBucket} {
			s := tx.Bucket([]byte(name)).Stats()
			used += s.LeafAlloc + s.BranchAlloc
		}
		return nil
	}))
	if perLine := float64(used) / n; perLine > 80 {
		t.Errorf("a line takes %.0f bytes of the file, want at most 80", perLine)
	} else {
		t.Logf("a line takes %.1f bytes of the file", perLine)
	}
}

func TestLinesThatAreRefused(t *testing.T) {
	l, _ := openNew(t)
	for name, change := range map[string]func(*Sent){
		"no result":    func(s *Sent) { s.Result = "" },
		"odd result":   func(s *Sent) { s.Result = "lost" },
		"negative":     func(s *Sent) { s.Rows = -1 },
		"long control": func(s *Sent) { s.Control = string(make([]byte, 33)) },
		"not UTF-8":    func(s *Sent) { s.Fields = []string{"\xff"} },
	} {
		good, bad := batch(1, 1, start), batch(1, 2, start)
		change(&bad)
		if err := l.RecordSent([]Sent{good, bad}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if got := collect(t, l); len(got) != 0 {
		t.Fatalf("%d lines were written although one was refused", len(got))
	}
}

// Whatever is recorded, in whatever batches and over whatever restarts: one line a message, and totals that add up.
func TestSentProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		keys := newKeeper(1)
		l := openAt(t, t.TempDir(), keys)
		defer func() { _ = l.Close() }()
		type id struct {
			stream  uint32
			seq     uint64
			control string
		}
		tries := make(map[id]int)
		var order []id
		wire := uint64(0)
		for range rapid.IntRange(1, 6).Draw(rt, "calls") {
			var lines []Sent
			for range rapid.IntRange(0, 5).Draw(rt, "lines") {
				k := id{rapid.Uint32Range(0, 2).Draw(rt, "stream"), rapid.Uint64Range(0, 3).Draw(rt, "seq"),
					rapid.SampledFrom([]string{"", "test"}).Draw(rt, "control")}
				s := batch(k.stream, k.seq, start)
				s.Control, s.WireBytes = k.control, rapid.IntRange(0, 1<<20).Draw(rt, "bytes")
				wire += uint64(s.WireBytes)
				if tries[k]++; tries[k] == 1 {
					order = append(order, k)
				}
				lines = append(lines, s)
			}
			must(t, l.RecordSent(lines))
			if rapid.Bool().Draw(rt, "restart") {
				must(t, l.Close())
				l = openAt(t, l.dir, keys)
			}
		}
		got := collect(t, l)
		if len(got) != len(order) {
			rt.Fatalf("%d lines, want %d", len(got), len(order))
		}
		for i, s := range got {
			if k := (id{s.Stream, s.Seq, s.Control}); k != order[i] || s.Tries != tries[k] {
				rt.Fatalf("line %d is %+v with %d tries, want %+v with %d", i, k, s.Tries, order[i], tries[order[i]])
			}
		}
		sum := uint64(0)
		for _, total := range l.Totals() {
			sum += total.WireBytes
		}
		if sum != wire {
			rt.Fatalf("totals say %d bytes, want %d", sum, wire)
		}
	})
}

func FuzzDecodeLine(f *testing.F) {
	v := line{context: 1, seq: 300, rows: 60, columns: 1200, wire: 1700, sentAt: start, result: 1, tries: 1}
	key := key64(7)
	good := v.encode(key)
	f.Add(good[:len(good)-4])
	f.Add([]byte{0x80, 0x80, 0x80})
	f.Add([]byte{1, 2, 3, 4, 5, 6, 1, 0x80, 0})
	f.Fuzz(func(t *testing.T, payload []byte) {
		stored := guarded(key, payload)
		v, err := decodeLine(key, stored)
		if err != nil {
			return
		}
		if again := v.encode(key); string(again) != string(stored) {
			t.Fatalf("%x became %x", stored, again)
		}
	})
}

func FuzzDecodeBlock(f *testing.F) {
	key := []byte("key")
	good := (&block{0, 300, 301, 0, 7}).encode(key)
	f.Add(good[:len(good)-4])
	f.Add([]byte{0})
	f.Add([]byte{5, 0, 0})
	f.Fuzz(func(t *testing.T, payload []byte) {
		stored := guarded(key, payload)
		b, err := decodeBlock(key, stored)
		if err != nil {
			return
		}
		if again := b.encode(key); string(again) != string(stored) {
			t.Fatalf("%x became %x", stored, again)
		}
	})
}

func FuzzOpenEntry(f *testing.F) {
	stored, err := sealEntry(entry{Version: entryVersion, Seq: 3, Time: 1_700_000_000_000, Kind: Given, Grant: 4}, newKeeper(1).key)
	must(f, err)
	f.Add(stored)
	f.Add(append([]byte{0xf6}, make([]byte, 64)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := openEntry(data)
		if err != nil {
			return
		}
		payload, _, err := split(entryType, data)
		must(t, err)
		b, err := encode(&e)
		if err != nil || string(b) != string(payload) {
			t.Fatalf("%x became %x, %v", payload, b, err)
		}
	})
}

func TestEveryTruncationOfALineAndAnEntryIsAnError(t *testing.T) {
	stored, err := sealEntry(entry{Version: entryVersion, Seq: 3, Kind: Given}, newKeeper(1).key)
	must(t, err)
	for n := range len(stored) {
		if _, err := openEntry(stored[:n]); err == nil {
			t.Fatalf("%d bytes of an entry were accepted", n)
		}
	}
	v := line{context: 1, seq: 300, rows: 60, columns: 1200, wire: 1700, sentAt: start, result: 1, tries: 1}
	whole := v.encode(key64(7))
	payload := whole[:len(whole)-4]
	for n := range len(payload) {
		if _, err := decodeLine(key64(7), guarded(key64(7), payload[:n:n])); err == nil {
			t.Fatalf("%d bytes of a line were accepted", n)
		}
	}
	if _, err := decodeLine(key64(8), whole); err == nil {
		t.Fatal("a line was accepted under another number")
	}
}
