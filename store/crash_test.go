package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/candor-edge/candor/store/consent"
)

// view is all that a store would hand out, as text.
func (h *house) view(s *Store, grants []consent.GrantID) string {
	var b bytes.Buffer
	for _, id := range s.Streams() {
		if s.index[id] == nil {
			continue // it only has rows in memory
		}
		fmt.Fprintf(&b, "%d: %v", id, h.peek(s, id))
		out := s.Outgoing(id)
		for i, text := range h.loaded(s, out) {
			fmt.Fprintf(&b, " %d=%s", out[i].Seq(), text)
		}
		fmt.Fprintln(&b)
	}
	for _, p := range s.Parked() {
		fmt.Fprintln(&b, p)
	}
	for _, g := range grants {
		fmt.Fprintf(&b, "grant %d read to %d\n", g, s.state.replays[replayOf(g, "rec")])
	}
	return b.String()
}

// torn gives the directory as a power cut in the middle of a commit may leave it: of the pages changed, any subset, but a
// meta page only after all others.
func (h *house) torn(t *rapid.T, before *house) *house {
	c := h.copy()
	maps.Copy(c.keys.keys, before.keys.keys) // keys are discarded after the commit
	for _, f := range before.bufferFiles() {
		old, _ := os.ReadFile(filepath.Join(before.dir, "buffer", f))
		now, err := os.ReadFile(filepath.Join(h.dir, "buffer", f))
		if err != nil {
			now = old // deleted after the commit
		}
		old = append(old, make([]byte, len(now)-len(old))...)
		for p := 2; p < len(now)/pageSize; p++ {
			at := p * pageSize
			if rapid.Bool().Draw(t, "page written") {
				copy(old[at:at+pageSize], now[at:])
			}
		}
		if err := os.WriteFile(filepath.Join(c.dir, "buffer", f), old, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_ = os.WriteFile(filepath.Join(c.dir, "buffer", "00009999.db.tmp"), []byte("half made"), 0o600)
	return c
}

func (h *house) bufferFiles() (names []string) {
	entries, err := os.ReadDir(filepath.Join(h.dir, "buffer"))
	if err != nil {
		h.t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// life is a store under random use, beside what it must hold.
type life struct {
	*house
	rt     *rapid.T
	s      *Store
	day    int64
	grants []consent.GrantID
	taken  map[consent.GrantID]int // rows appended, ever
	acked  map[consent.GrantID][]int
}

func (l *life) restart(h *house) {
	_ = l.s.Close()
	l.house, l.s = h, h.open()
	l.s.Await()
	if st := l.s.Status(); len(st.Gaps) != 0 || len(st.Dropped) != 0 || len(l.s.Uncertain()) != 0 {
		l.rt.Fatalf("a power cut is told as damage: %+v", st)
	}
	// What waited is lost. A recording is replayed from its position, so the next row is the one after it.
	for _, g := range l.grants {
		l.taken[g] = int(l.s.Position(g, "rec"))
	}
}

// complete checks that nothing of a grant is missing and nothing there twice: acknowledged, then in uploads, buffered, waiting.
func (l *life) complete() {
	for _, g := range l.grants {
		id := uint32(g) * 100
		got := slices.Clone(l.acked[g])
		for _, text := range l.loaded(l.s, l.s.Outgoing(id)) {
			got = append(got, numbersIn(text)...)
		}
		slices.Sort(got)
		got = append(got, l.peek(l.s, id)...)
		waiting := 0
		for _, w := range l.s.waiting {
			if w.grant == g {
				waiting += w.rows.rows
			}
		}
		if len(got)+waiting != l.taken[g] || !slices.Equal(got, count0(0, len(got))) {
			l.rt.Fatalf("grant %d: %d rows taken, %d waiting, found %v", g, l.taken[g], waiting, got)
		}
	}
}

func numbersIn(text string) (out []int) {
	for _, f := range bytes.Fields(bytes.Trim([]byte(text), "[]")) {
		var n int
		_, _ = fmt.Sscan(string(f), &n)
		out = append(out, n)
	}
	return out
}

// step does one thing.
func (l *life) step(t *rapid.T) {
	g := rapid.SampledFrom(l.grants).Draw(t, "grant")
	id := uint32(g) * 100
	switch rapid.IntRange(0, 7).Draw(t, "what") {
	case 0, 1, 2:
		n := rapid.IntRange(1, 40).Draw(t, "rows")
		l.take(l.s, numbered(g, l.day, l.taken[g], n), Mark{g, "rec", uint64(l.taken[g] + n)})
		l.taken[g] += n
		return
	case 3:
		l.flush(l.s)
	case 4:
		if _, known := l.s.state.streams[id]; !known {
			return
		}
		room, most := rapid.IntRange(1, 30).Draw(t, "room"), rapid.IntRange(0, 80).Draw(t, "max")
		if _, err := l.s.Cut(id, most, rooms(room)); err != nil {
			t.Fatal(err)
		}
	case 5:
		out := l.s.Outgoing(id)
		some := slices.DeleteFunc(slices.Clone(out), func(Outgoing) bool { return rapid.Bool().Draw(t, "unanswered") })
		for _, text := range l.loaded(l.s, some) {
			l.acked[g] = append(l.acked[g], numbersIn(text)...)
		}
		if err := l.s.Acknowledge(some); err != nil {
			t.Fatal(err)
		}
	case 6:
		l.day++
		return
	case 7:
		l.s.io.Lock()
		defer l.s.io.Unlock()
		if err := l.s.roll(); err != nil {
			t.Fatal(err)
		}
	}
}

// A store under random use is cut off at random moments: between two operations, and in the middle of a commit. What
// was durable is there, what was not is not, and the marks of the recordings agree with the rows.
func TestPowerCuts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := &life{house: newHouse(t), rt: rt, day: 100, grants: []consent.GrantID{1, 2}, taken: map[consent.GrantID]int{}, acked: map[consent.GrantID][]int{}}
		l.opt.SegmentSize = 64 << 10
		if rapid.Bool().Draw(rt, "look aside") {
			l.lookAside()
		}
		l.s = l.open()
		defer func() { _ = l.s.Close() }()
		for range rapid.IntRange(5, 25).Draw(rt, "steps") {
			saved, acked := l.view(l.s, l.grants), maps.Clone(l.acked)
			var before *house
			cut := rapid.IntRange(0, 5).Draw(rt, "cut") // 1: after the step, 2: in its middle
			if cut == 2 {
				before = l.copy()
			}
			l.step(rt)
			l.complete()
			switch cut {
			case 1:
				saved = l.view(l.s, l.grants)
				l.restart(l.copy())
			case 2:
				now := l.view(l.s, l.grants)
				l.restart(l.torn(rt, before))
				if got := l.view(l.s, l.grants); got == now {
					saved = now
				} else {
					l.acked = acked
				}
			default:
				continue
			}
			if got := l.view(l.s, l.grants); got != saved {
				rt.Fatalf("after a power cut:\n%swas:\n%s", got, saved)
			}
			l.complete()
		}
	})
}

// The canary: neither values nor tokens nor field names are in any file, whatever was done.
func TestFilesTellNothing(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	in := numbered(1, 100, 0, 50)
	canary := int64(0x6e616e61636f6c6f)
	for i := range in {
		in[i].row.Cells[1] = consent.Cell{Token: "CANARY-TOKEN-16b", Set: true}
		in[i].row.Cells[2].Num = canary
	}
	h.take(s, in, Mark{1, "canary-recording.csv", 50})
	h.flush(s)
	if _, err := s.Cut(100, 50, func(l Lot) ([]Upload, []Row, error) {
		return []Upload{{Bytes: []byte("CANARY-UPLOAD"), Rows: 20, Fields: []string{"canary.field"}}}, l.Rows[20:], nil
	}); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	for _, f := range h.bufferFiles() {
		b, _ := os.ReadFile(filepath.Join(h.dir, "buffer", f))
		le, be := binary.LittleEndian.AppendUint64(nil, uint64(canary)), binary.BigEndian.AppendUint64(nil, uint64(canary))
		for _, needle := range [][]byte{[]byte("CANARY"), []byte("canary"), le, be} {
			if bytes.Contains(b, needle) {
				t.Errorf("%s holds %q", f, needle)
			}
		}
	}
}
