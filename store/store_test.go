package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/candor-edge/candor/store/consent"
)

func TestRowsComeBackInOrder(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	h.take(s, numbered(1, 100, 0, 1500))
	h.take(s, numbered(1, 101, 1500, 10))
	h.take(s, numbered(2, 100, 7, 3))
	if st := s.Status(); st.WaitingRows != 1513 || st.BufferedRows != 0 {
		t.Fatalf("waiting %d, buffered %d", st.WaitingRows, st.BufferedRows)
	}
	h.flush(s)
	st := s.Status()
	if st.WaitingRows != 0 || st.BufferedRows != 1513 || st.OldestDay != 100 || st.State != StateOK {
		t.Fatalf("after flush: %+v", st)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = h.open()
	if s.Status().Unclean {
		t.Error("a store that was closed counts as unclean")
	}
	equal(t, "streams", s.Streams(), []uint32{100, 200})
	equal(t, "stream 100", h.peek(s, 100), count0(0, 1510))
	equal(t, "stream 200", h.peek(s, 200), count0(7, 3))
}

func TestCutCarriesAndNumbers(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	for i := range 5 {
		h.take(s, numbered(1, 100+int64(i), i*10, 10))
		h.flush(s)
	}
	out, err := s.Cut(100, 15, rooms(12)) // two chunks of 10: one upload, 8 carried
	if err != nil || len(out) != 1 || out[0].Seq() != 1 || out[0].Rows() != 12 {
		t.Fatalf("first cut: %v, %v", out, err)
	}
	equal(t, "left", h.peek(s, 100), count0(12, 38))
	s = h.after()
	equal(t, "left after a power cut", h.peek(s, 100), count0(12, 38))
	out, err = s.Cut(100, 1000, rooms(12))
	if err != nil || len(out) != 3 || out[0].Seq() != 2 {
		t.Fatalf("second cut: %v, %v", out, err)
	}
	equal(t, "left", h.peek(s, 100), count0(48, 2))
	all := s.Outgoing(100)
	var want []string
	for i := range 4 {
		want = append(want, fmt.Sprint(count0(i*12, 12)))
	}
	equal(t, "uploads", h.loaded(s, all), want)
	full, _ := s.Load(all[0])
	if full.ColumnBytes() != 3 || full.Fields()[0] != "hall.temperature" || full.Grant() != 1 || full.Size() != len(full.Body()) {
		t.Errorf("facts of an upload: %d %v %d", full.ColumnBytes(), full.Fields(), full.Grant())
	}
	before := s.Status().Written
	if out, err = s.Cut(100, 1000, rooms(12)); err != nil || len(out) != 0 || s.Status().Written != before {
		t.Errorf("a cut that makes nothing: %v, %v, wrote %d", out, err, s.Status().Written-before)
	}
}

func TestCarriedRowsOfSeveralDaysStayTogether(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	for i := range 3 {
		h.take(s, numbered(1, 100+int64(i), i*4, 4))
		h.flush(s)
	}
	h.take(s, numbered(1, 103, 12, 4))
	h.flush(s)
	if _, err := s.Cut(100, 12, rooms(5)); err != nil { // 2 uploads of 5, 2 rows carried; one chunk untouched
		t.Fatal(err)
	}
	keep := func(l Lot) ([]Upload, []Row, error) { // takes one row at a time
		return []Upload{{Bytes: fmt.Append(nil, firsts(l.Rows[:1]))}}, l.Rows[1:], nil
	}
	for i := 10; i < 16; i++ {
		out, err := s.Cut(100, 1, keep)
		if err != nil || string(out[0].Body()) != fmt.Sprint([]int{i}) {
			t.Fatalf("cut %d: %v %s", i, err, out[0].Body())
		}
		if i < 15 {
			equal(t, "left after a power cut", h.peek(h.after(), 100), count0(i+1, 15-i))
		}
	}
}

func TestAcknowledgedAndParkedUploads(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	h.take(s, numbered(1, 100, 0, 60))
	h.flush(s)
	if _, err := s.Cut(100, 60, rooms(10)); err != nil {
		t.Fatal(err)
	}
	all := s.Outgoing(100)
	if err := s.Acknowledge([]Outgoing{all[1], all[3], all[1]}); err != nil {
		t.Fatal(err)
	}
	if err := s.Park(all[0], "the recipient says 400"); err != nil {
		t.Fatal(err)
	}
	if err := s.Park(all[1], "x"); !errors.Is(err, ErrGone) {
		t.Errorf("parking what is gone: %v", err)
	}
	seqs := func(s *Store) (out []uint64) {
		for _, o := range s.Outgoing(100) {
			out = append(out, o.Seq())
		}
		return out
	}
	s = h.after()
	equal(t, "offered", seqs(s), []uint64{3, 5, 6})
	if st := s.Status(); st.OutgoingBatches != 3 || st.Parked != 1 || s.Parked()[0].Reason != "the recipient says 400" {
		t.Errorf("status %+v", st)
	}
	if _, err := s.Load(all[3]); !errors.Is(err, ErrGone) {
		t.Errorf("loading what is gone: %v", err)
	}
	if err := s.Unpark(); err != nil {
		t.Fatal(err)
	}
	equal(t, "offered again", seqs(s), []uint64{1, 3, 5, 6})
	if err := s.Acknowledge(s.Outgoing(100)); err != nil {
		t.Fatal(err)
	}
	if s.Streams() != nil {
		t.Errorf("streams %v", s.Streams())
	}
}

func TestEncodeErrorChangesNothing(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	h.take(s, numbered(1, 100, 0, 10), Mark{1, "rec", 10})
	h.flush(s)
	boom := errors.New("boom")
	cases := map[string]Encode{
		"an error":       func(l Lot) ([]Upload, []Row, error) { return []Upload{{Bytes: []byte("x")}}, nil, boom },
		"a foreign row":  func(l Lot) ([]Upload, []Row, error) { return nil, []Row{{}}, nil },
		"a row twice":    func(l Lot) ([]Upload, []Row, error) { return nil, []Row{l.Rows[0], l.Rows[0]}, nil },
		"a huge upload":  func(l Lot) ([]Upload, []Row, error) { return []Upload{{Bytes: make([]byte, maxUpload+1)}}, nil, nil },
		"a spoilt carry": func(l Lot) ([]Upload, []Row, error) { l.Rows[0].Group = -1; return nil, l.Rows[:1], nil },
	}
	for name, encode := range cases {
		if _, err := s.Cut(100, 100, encode); err == nil {
			t.Errorf("%s: no error", name)
		}
		equal(t, name, h.peek(s, 100), count0(0, 10))
	}
	out, err := s.Cut(100, 100, whole)
	if err != nil || out[0].Seq() != 1 || s.Position(1, "rec") != 10 {
		t.Errorf("afterwards: %v %v", out, err)
	}
}

func TestEmptyCutOfAnEnrolledStream(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	if _, err := s.Cut(100, 10, whole); !errors.Is(err, ErrUnknown) {
		t.Errorf("a stream nobody named: %v", err)
	}
	if err := s.Enroll(100, 1, 7); err != nil {
		t.Fatal(err)
	}
	if err := s.Enroll(100, 2, 7); err == nil {
		t.Error("a stream was given to a second grant")
	}
	for want := uint64(1); want <= 2; want++ {
		out, err := s.Cut(100, 0, whole)
		if err != nil || len(out) != 1 || out[0].Seq() != want || string(out[0].Body()) != "[]" {
			t.Fatalf("empty cut: %v %v", out, err)
		}
	}
	s = h.after()
	if got := h.loaded(s, s.Outgoing(100)); len(got) != 2 {
		t.Errorf("after a power cut: %v", got)
	}
}

func TestRefusedRows(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	if err := s.Append([]consent.Cleared{{}}); err == nil {
		t.Error("a zero row was taken")
	}
	bad := numbered(1, 1<<40, 0, 1)
	long := numbered(1, 100, 0, 1)
	long[0].row.Cells[0].Token = strings.Repeat("secret", 50)
	for name, in := range map[string][]incoming{"day": bad, "token": long, "stream": numbered(66, 100, 0, 1)} {
		err := s.take(append(in, numbered(1, 100, 5, 1)...), nil)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.flush(s)
	equal(t, "the good rows", h.peek(s, 100), []int{5, 5, 5})
}

func TestRowsAreNotShown(t *testing.T) {
	r := Row{Time: 4711, Day: 4711, Cells: []consent.Cell{{Num: 4711, Set: true}}}
	for _, shown := range []string{
		fmt.Sprintf("%v %+v %#v %d", r, r, r, r),
		fmt.Sprint(Lot{Rows: []Row{r}}),
		fmt.Sprintf("%v %+v", Upload{Bytes: []byte("4711")}, Outgoing{body: []byte("4711"), fields: []string{"4711"}})} {
		if strings.Contains(shown, "4711") {
			t.Errorf("a row is shown: %s", shown)
		}
	}
}

// A store that says it begins is known not to have been closed, although nothing was written since; one that was only
// looked at is not.
func TestBeginIsSeenAfterAPowerCut(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	h.take(s, numbered(1, 100, 0, 5))
	h.flush(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = h.open()
	if s.Status().Unclean || h.after().Status().Unclean {
		t.Error("looking counts as a power cut")
	}
	if err := s.Begin(); err != nil {
		t.Fatal(err)
	}
	h.take(s, numbered(1, 100, 5, 5))
	after := h.after()
	if !after.Status().Unclean {
		t.Error("a power cut before the first commit is not told")
	}
	if got := h.peek(after, 100); len(got) != 5 {
		t.Errorf("rows %v", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Begin(); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
