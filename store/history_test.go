package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

const mineGrant = 7

func mineOf(t testing.TB, grant consent.GrantID) *consent.Mine {
	t.Helper()
	temperature, ok := sensors.KindNamed("temperature")
	label, ok2 := sensors.KindNamed("label")
	if !ok || !ok2 {
		t.Fatal("kinds are missing")
	}
	in := consent.MineInputs{Keep: 30, Agreed: 30, Sources: []consent.SourceFields{
		{Name: "hall", Every: 10 * sensors.Second, Fields: []sensors.Field{{Name: "hall.temperature", Kind: temperature, Class: sensors.Environment}, {Name: "hall.label", Kind: label, Class: sensors.Usage}}},
	}}
	in.Answer = &consent.Answer{State: consent.Given, Grant: consent.Grant{ID: grant, Purpose: consent.MineID, Extent: consent.CompileMine(in).Extent}}
	return consent.CompileMine(in)
}

func (h *house) history() *History {
	h.t.Helper()
	o := h.opt
	o.Dir = h.dir
	s, err := OpenHistory(o)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = s.Close() })
	return s
}

// live appends n readings, a second apart from the start of a day, the i-th with the number i and a canary as label.
func (h *house) live(s *History, m *consent.Mine, day int64, n int) {
	h.t.Helper()
	for i := range n {
		at := sensors.Micros(day)*sensors.Day + sensors.Micros(i)*sensors.Second
		k, _, ok := m.Keep(&sensors.Reading{Source: "hall", Time: at, Taken: at, Values: []sensors.Value{sensors.Number(int64(i)), sensors.Token("canary-label")}}, nil)
		if !ok {
			h.t.Fatal("a reading was not kept")
		}
		if err := s.Append(k); err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *house) readHistory(s *History, q HistoryQuery) (got []string) {
	h.t.Helper()
	_, err := s.Read(h.t.Context(), q, func(r HistoryRow) error {
		got = append(got, fmt.Sprint(r.Time.DayNumber(), " ", r.Cells[0].Num))
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return got
}

// What was kept is there after a restart, in its order, with what the numbers mean, and in the reverse when asked for.
func TestHistoryKeepsReadingsOverARestart(t *testing.T) {
	h := newHouse(t)
	m := mineOf(t, mineGrant)
	s := h.history()
	h.live(s, m, 20000, 3)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = h.history()
	h.live(s, m, 20001, 2)
	want := []string{"20000 0", "20000 1", "20000 2", "20001 0", "20001 1"}
	equal(t, "oldest first", h.readHistory(s, HistoryQuery{}), want)
	slices.Reverse(want)
	equal(t, "newest first", h.readHistory(s, HistoryQuery{Newest: true}), want)
	day := 20001 * sensors.Day
	equal(t, "a period", h.readHistory(s, HistoryQuery{From: day - 2*sensors.Day, To: day + sensors.Second, Fields: []string{"hall.temperature"}}),
		[]string{"20000 0", "20000 1", "20000 2", "20001 0"})
	equal(t, "another field", h.readHistory(s, HistoryQuery{Fields: []string{"attic.co2"}}), nil)
}

// An agent that is started often on one day goes on in the stream it had: the record of what is alive stays small.
func TestHistoryGoesOnInItsStream(t *testing.T) {
	for _, aside := range []bool{false, true} {
		h := newHouse(t)
		if aside {
			h.lookAside()
		}
		goesOnInItsStream(t, h)
	}
}

func goesOnInItsStream(t *testing.T, h *house) {
	m := mineOf(t, mineGrant)
	for range 5 {
		s := h.history()
		h.live(s, m, 20000, 2)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := h.history()
	if n := len(s.streams(false)); n != 1 {
		t.Errorf("%d streams for one day, want 1", n)
	}
	if got := h.readHistory(s, HistoryQuery{}); len(got) != 10 {
		t.Errorf("%d readings, want 10", len(got))
	}
}

// Days that are over are forgotten with their keys and streams.
func TestHistoryExpires(t *testing.T) {
	h := newHouse(t)
	m := mineOf(t, mineGrant)
	s := h.history()
	for day := int64(20000); day < 20004; day++ {
		h.live(s, m, day, 2)
		if err := s.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Expire(mineGrant, 20002); err != nil {
		t.Fatal(err)
	}
	equal(t, "what is left", h.readHistory(s, HistoryQuery{}), []string{"20002 0", "20002 1", "20003 0", "20003 1"})
	for day := int64(20000); day < 20004; day++ {
		if _, has := h.keys.Opener(mineGrant, day); has != (day >= 20002) {
			t.Errorf("day %d: key there: %v", day, has)
		}
	}
	if s.Empty(mineGrant) {
		t.Error("it is said to be empty")
	}
	if err := s.Expire(mineGrant, 30000); err != nil || !s.Empty(mineGrant) {
		t.Errorf("not empty after all its days: %v", err)
	}
}

// Days that the person erases are gone, also what waits in memory, and what comes after is kept with what it means.
func TestHistoryErasesDays(t *testing.T) {
	h := newHouse(t)
	m := mineOf(t, mineGrant)
	s := h.history()
	for day := int64(20000); day < 20003; day++ {
		h.live(s, m, day, 2)
		if err := s.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	h.live(s, m, 20002, 3) // waits
	if err := s.EraseDays(20001, 20002); err != nil {
		t.Fatal(err)
	}
	equal(t, "what is left", h.readHistory(s, HistoryQuery{}), []string{"20000 0", "20000 1"})
	h.live(s, m, 20002, 1)
	equal(t, "what comes after", h.readHistory(s, HistoryQuery{}), []string{"20000 0", "20000 1", "20002 0"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, "after a restart", h.readHistory(h.history(), HistoryQuery{}), []string{"20000 0", "20000 1", "20002 0"})
}

// A copy of the files made before a withdrawal is unreadable after it, nothing in the clear lies in them, and the buffer
// never sees a file of the history.
func TestHistoryIsGoneWithItsKeys(t *testing.T) {
	h := newHouse(t)
	m := mineOf(t, mineGrant)
	s := h.history()
	h.live(s, m, 20000, 50)
	if err := s.KeepCopies(m, 20000, []Copy{{Stream: "ab", Seq: 1, Recipient: "acme", Purpose: "trends", Signed: []byte("canary-batch"), Announcement: []byte("canary-paper")}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(h.dir, "history", "buffer", "*"))
	if len(files) == 0 {
		t.Fatal("no file of the history")
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil || bytes.Contains(b, []byte("canary")) || bytes.Contains(b, []byte("hall")) || bytes.Contains(b, []byte("acme")) {
			t.Errorf("%s: values or names in the clear, or %v", filepath.Base(name), err)
		}
	}
	old := h.copy()
	s = h.history()
	h.keys.destroy(mineGrant)
	if err := s.Drop(mineGrant); err != nil {
		t.Fatal(err)
	}
	equal(t, "after the withdrawal", h.readHistory(s, HistoryQuery{}), nil)
	old.opt.Keys = h.keys
	again := old.history()
	equal(t, "of the copy", old.readHistory(again, HistoryQuery{}), nil)
	if err := again.Copies(t.Context(), "", func(Copy) error { return errors.New("a copy was read") }); err != nil {
		t.Error(err)
	}
}

// The copy of a batch comes back byte for byte, with the announcement it needs, and a stream's name finds its own only.
func TestHistoryCopies(t *testing.T) {
	h := newHouse(t)
	m := mineOf(t, mineGrant)
	s := h.history()
	in := []Copy{{"aa", 1, "acme", "trends", []byte("one"), []byte("A")}, {"bb", 1, "acme", "improve", []byte("two"), []byte("B")}, {"aa", 2, "acme", "trends", []byte("three"), []byte("A")}}
	if err := s.KeepCopies(m, 20000, in); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = h.history()
	for _, c := range []struct {
		stream string
		want   []int
	}{{"", []int{0, 1, 2}}, {"aa", []int{0, 2}}} {
		var got []Copy
		if err := s.Copies(context.Background(), c.stream, func(c Copy) error { got = append(got, c); return nil }); err != nil {
			t.Fatal(err)
		}
		if len(got) != len(c.want) {
			t.Fatalf("stream %q: %d copies, want %d", c.stream, len(got), len(c.want))
		}
		for i, at := range c.want {
			w := in[at]
			if g := got[i]; g.Stream != w.Stream || g.Seq != w.Seq || g.Purpose != w.Purpose || g.Recipient != w.Recipient || !bytes.Equal(g.Signed, w.Signed) || !bytes.Equal(g.Announcement, w.Announcement) {
				t.Errorf("copy %d came back as another", at)
			}
		}
	}
}

// A history that is full gives up its own oldest days; the files of the buffer are not its business.
func TestHistoryStaysInItsShare(t *testing.T) {
	h := newHouse(t)
	h.opt.MaxSize = LeastHistory
	m := mineOf(t, mineGrant)
	s := h.history()
	for day := int64(20000); day < 20030; day++ {
		h.live(s, m, day, 4000)
		if err := s.Flush(); err != nil && !errors.Is(err, ErrFull) {
			t.Fatal(err)
		}
	}
	if st := s.Status(); st.Bytes > LeastHistory {
		t.Errorf("%d bytes, at most %d are its share", st.Bytes, LeastHistory)
	}
	got := h.readHistory(s, HistoryQuery{})
	if len(got) == 0 || got[0] == "20000 0" || got[len(got)-1] != "20029 3999" {
		t.Errorf("%d readings are left and not the newest", len(got))
	}
}

// What the person keeps after a withdrawal is remembered over a restart.
func TestHistoryRetained(t *testing.T) {
	h := newHouse(t)
	s := h.history()
	h.live(s, mineOf(t, mineGrant), 20000, 1)
	if s.Retained(mineGrant) {
		t.Fatal("nobody said so yet")
	}
	if err := errors.Join(s.Retain(mineGrant), s.Close()); err != nil {
		t.Fatal(err)
	}
	if s = h.history(); !s.Retained(mineGrant) || s.Retained(mineGrant+1) {
		t.Error("what the person chose is forgotten")
	}
}

// By its types the history has no way out: none of its calls takes or gives what can be sent, it can't be cut, and what is kept
// for the person is no row that the buffer would take.
func TestHistoryHasNoWayOut(t *testing.T) {
	outgoing := reflect.TypeFor[Outgoing]()
	for m := range reflect.TypeFor[*History]().Methods() {
		for i := range m.Type.NumIn() + m.Type.NumOut() {
			x := m.Type
			var arg reflect.Type
			if i < x.NumIn() {
				arg = x.In(i)
			} else {
				arg = x.Out(i - x.NumIn())
			}
			for arg.Kind() == reflect.Slice || arg.Kind() == reflect.Pointer {
				arg = arg.Elem()
			}
			if arg == outgoing || arg == reflect.TypeFor[Encode]() || arg == reflect.TypeFor[Store]() {
				t.Errorf("History.%s deals in %s, which can be sent", m.Name, arg)
			}
		}
	}
	if reflect.TypeFor[consent.Kept]().ConvertibleTo(reflect.TypeFor[consent.Cleared]()) {
		t.Error("what is kept for the person can be made into a row that is sent")
	}
}

// A quarter of a day of ten sources of three fields at ten seconds, written every ten minutes, costs the card little beside the 15 MB
// that the buffer may write in that time.
func TestHistoryFlash(t *testing.T) {
	h := newHouse(t)
	kind, _ := sensors.KindNamed("temperature")
	in := consent.MineInputs{Keep: 30, Agreed: 30}
	for s := range 10 {
		src := consent.SourceFields{Name: fmt.Sprintf("s%d", s), Every: 10 * sensors.Second}
		for f := range 3 {
			src.Fields = append(src.Fields, sensors.Field{Name: fmt.Sprintf("s%d.f%d", s, f), Kind: kind})
		}
		in.Sources = append(in.Sources, src)
	}
	in.Answer = &consent.Answer{State: consent.Given, Grant: consent.Grant{ID: mineGrant, Purpose: consent.MineID, Extent: consent.CompileMine(in).Extent}}
	m, s := consent.CompileMine(in), h.history()
	random := rand.New(rand.NewPCG(1, 2))
	for tick := range 2160 {
		at := 20000*sensors.Day + sensors.Micros(tick)*10*sensors.Second
		for src := range 10 {
			values := []sensors.Value{sensors.Number(20000 + random.Int64N(200)), sensors.Number(50000 + random.Int64N(500)), sensors.Number(random.Int64N(2000))}
			k, _, _ := m.Keep(&sensors.Reading{Source: fmt.Sprintf("s%d", src), Time: at, Taken: at, Values: values}, nil)
			if err := s.Append(k); err != nil {
				t.Fatal(err)
			}
		}
		if tick%60 == 59 {
			if err := s.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	written := s.Status().Written
	t.Logf("%d bytes written for 21,600 readings, %.1f each", written, float64(written)/21600)
	if written > 3_000_000 {
		t.Errorf("%d bytes are written in a quarter of a day, at most 3,000,000 may be", written)
	}
}

func TestHistoryRefusesWhatNobodyAgreedTo(t *testing.T) {
	h := newHouse(t)
	if err := h.history().Append(consent.Kept{}); err == nil {
		t.Error("a reading without a yes was taken")
	}
}

// While the disk is short, the history gives way before the buffer does.
func TestHistoryGivesWayFirst(t *testing.T) {
	h := newHouse(t)
	h.opt.Reserve = 1 << 20
	s, b := h.history(), h.open()
	free := int64(math.MaxInt64)
	s.s.opt.Free = func(string) (int64, error) { return free, nil }
	b.opt.Free = s.s.opt.Free
	free = 3 << 19 // one and a half times what the buffer leaves free
	h.take(b, numbered(1, 20000, 1, 10))
	h.live(s, mineOf(t, mineGrant), 20000, 10)
	if err := b.Flush(); err != nil {
		t.Errorf("the buffer takes nothing: %v", err)
	}
	if err := s.Flush(); !errors.Is(err, ErrFull) {
		t.Errorf("the history took what the buffer will need: %v", err)
	}
	free = math.MaxInt64
	if err := s.Flush(); err != nil || len(h.readHistory(s, HistoryQuery{})) != 10 {
		t.Errorf("what waited is not there once there is room: %v", err)
	}
}

// All calls may come at once, and a withdrawal in the midst of them leaves nothing.
func TestHistoryAtOnce(t *testing.T) {
	h := newHouse(t)
	m, s := mineOf(t, mineGrant), h.history()
	var all sync.WaitGroup
	begun := make(chan struct{})
	all.Go(func() {
		for i := range 2000 {
			if i == 500 {
				close(begun)
			}
			at := 20000*sensors.Day + sensors.Micros(i)*sensors.Minute
			k, _, _ := m.Keep(&sensors.Reading{Source: "hall", Time: at, Taken: at, Values: []sensors.Value{sensors.Number(int64(i))}}, nil)
			_ = s.Append(k) // refused once it is taken back
		}
	})
	all.Go(func() {
		for i := range 20 {
			_ = s.KeepCopies(m, 20000, []Copy{{Stream: "ab", Seq: uint64(i + 1), Signed: []byte("x"), Announcement: []byte("y")}})
		}
	})
	all.Go(func() {
		for range 5 {
			if _, err := s.Read(t.Context(), HistoryQuery{}, func(HistoryRow) error { return nil }); err != nil {
				t.Error(err)
			}
			_ = s.Copies(t.Context(), "", func(Copy) error { return nil })
			_ = s.Expire(mineGrant, 19999)
			_ = s.Status()
		}
	})
	<-begun
	if err := s.Drop(mineGrant); err != nil {
		t.Error(err)
	}
	all.Wait()
	if err := s.Flush(); err != nil {
		t.Error(err)
	}
	if got := h.readHistory(s, HistoryQuery{}); len(got) != 0 || !s.Empty(mineGrant) {
		t.Errorf("%d readings are left after the withdrawal", len(got))
	}
}
