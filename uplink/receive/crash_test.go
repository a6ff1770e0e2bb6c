package receive

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/candor-edge/candor/uplink/wire"
)

// story is a sequence of things objects do, one after the other.
type story struct {
	objects []*object
	deeds   []deed
}

type deed struct {
	o    int
	seq  uint64 // 0: announce
	rows int
	gone bool // withdraw

	signed []byte
}

func newStory(t testing.TB) *story {
	st := &story{}
	for n := byte(1); n <= 4; n++ {
		o := newObject(t, n, nil)
		if n == 4 {
			o = newObject(t, n, func(a *wire.Announcement) { a.Purpose = "trends" })
		}
		st.objects = append(st.objects, o)
	}
	st.deeds = []deed{
		{o: 0}, {o: 0, seq: 1, rows: 2}, {o: 1}, {o: 1, seq: 1, rows: 3}, {o: 0, seq: 2, rows: 0}, {o: 3},
		{o: 3, seq: 1, rows: 1}, {o: 0, gone: true}, {o: 2}, {o: 2, gone: true}, {o: 1, seq: 3, rows: 2},
		{o: 1, seq: 2, rows: 1}, {o: 3, gone: true}, {o: 1, seq: 4, rows: 400},
	}
	for i := range st.deeds {
		d := &st.deeds[i]
		o := st.objects[d.o]
		switch {
		case d.gone:
			d.signed = o.deletion()
		case d.seq == 0:
			d.signed = o.signed
		default:
			values := make([]int64, d.rows)
			for r := range values {
				values[r] = int64(d.seq)*1000 + int64(r)
			}
			d.signed = o.batch(o.numbers(d.seq, values...))
		}
	}
	return st
}

func (st *story) do(s *DirSink, d deed) error {
	ctx, v := context.Background(), &Verifier{s, today}
	if d.gone {
		m, _, err := v.Deletion(ctx, d.signed)
		if err != nil {
			return err
		}
		_, err = s.Withdraw(ctx, m)
		return err
	}
	if d.seq == 0 {
		m, err := v.Announcement(d.signed)
		if err != nil {
			return err
		}
		_, err = s.Announce(ctx, m)
		return err
	}
	m, err := v.Batch(ctx, d.signed)
	if err != nil {
		return err
	}
	return s.Store(ctx, m)
}

// names lists the rows there must be after so many deeds.
func (st *story) names(done int) []string {
	gone := map[int]bool{}
	for _, d := range st.deeds[:done] {
		if d.gone {
			gone[d.o] = true
		}
	}
	var list []string
	for _, d := range st.deeds[:done] {
		for r := range d.rows {
			if !gone[d.o] {
				list = append(list, fmt.Sprintf("%s %d %d", st.objects[d.o].a.Stream, d.seq, r))
			}
		}
	}
	slices.Sort(list)
	return list
}

// found lists the rows that are there.
func (st *story) found(t testing.TB, dir string) []string {
	var list []string
	for _, p := range []string{"service", "trends"} {
		for n := range readRows(t, layout{dir}.rows(p)) {
			list = append(list, fmt.Sprintf("%s %d %d", n.Stream, n.Seq, n.Row))
		}
	}
	slices.Sort(list)
	return list
}

// check opens a directory that a crash left after so many answered deeds. The
// next one may have happened or not. Then everything is sent again.
func (st *story) check(t *testing.T, dir string, answered int) {
	t.Helper()
	s, err := OpenDir(dir, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := st.found(t, dir)
	if !slices.Equal(got, st.names(answered)) && !slices.Equal(got, st.names(min(answered+1, len(st.deeds)))) {
		t.Fatalf("after %d answers there are rows\n%s", answered, strings.Join(got, "\n"))
	}
	noLeftovers(t, dir)
	if n := len(s.st.unpurged()); n > 0 {
		t.Fatalf("%d withdrawn streams are still there", n)
	}
	st.again(t, s)
	if got, want := st.found(t, dir), st.names(len(st.deeds)); !slices.Equal(got, want) {
		t.Fatalf("sent again, there are rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	st.checkRaw(t, dir)
}

// again sends everything; what belongs to a withdrawn stream is refused so.
func (st *story) again(t *testing.T, s *DirSink) {
	t.Helper()
	for _, d := range st.deeds {
		err := st.do(s, d)
		var r *Refusal
		if err != nil && !(errors.As(err, &r) && r.Code == CodeWithdrawn) {
			t.Fatalf("%+v: %v", d, err)
		}
	}
}

// checkRaw holds the signed messages against what was sent.
func (st *story) checkRaw(t *testing.T, dir string) {
	t.Helper()
	for i, o := range st.objects {
		data, err := os.ReadFile(layout{dir}.raw(o.a.Stream))
		must(t, err)
		if !bytes.HasPrefix(data, o.signed) {
			t.Fatalf("stream %d: the announcement does not come first", i)
		}
		rest := len(data) - len(o.signed)
		for _, d := range st.deeds {
			if d.o == i && d.gone && !bytes.Equal(data, slices.Concat(o.signed, d.signed)) {
				t.Fatalf("stream %d: more than announcement and deletion is left", i)
			}
			if i == 1 && d.o == i && d.seq > 0 {
				if n := bytes.Count(data, d.signed); n != 1 {
					t.Fatalf("batch %d is there %d times", d.seq, n)
				}
				rest -= len(d.signed)
			}
		}
		if i == 1 && rest != 0 {
			t.Fatalf("%d bytes more than were sent", rest)
		}
	}
}

func noLeftovers(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if strings.HasSuffix(path, tempSuffix) {
			t.Errorf("left over: %s", path)
		}
		return err
	})
	must(t, err)
}

// snapshot is the directory at a step.
type snapshot struct {
	point    string
	answered int
	dir      string
}

// tell runs the story and copies the directory at every step.
func (st *story) tell(t *testing.T) (list []snapshot) {
	dir, answered := t.TempDir(), 0
	s, err := openDir(dir, quiet(), func(point string) error {
		to := filepath.Join(t.TempDir(), "copy")
		must(t, os.CopyFS(to, os.DirFS(dir)))
		list = append(list, snapshot{point, answered, to})
		return nil
	})
	must(t, err)
	for _, d := range st.deeds {
		must(t, st.do(s, d))
		answered++
	}
	must(t, s.Close())
	if got, want := st.found(t, dir), st.names(len(st.deeds)); !slices.Equal(got, want) {
		t.Fatalf("without any crash: %v, want %v", got, want)
	}
	return list
}

// Killed at any step: what was answered is there, once, and the rest can come
// again.
func TestKilledAtEveryStep(t *testing.T) {
	st := newStory(t)
	seen := map[string]int{}
	for i, snap := range st.tell(t) {
		seen[snap.point]++
		t.Run(fmt.Sprintf("%02d %s", i, snap.point), func(t *testing.T) {
			t.Parallel()
			st.check(t, snap.dir, snap.answered)
		})
	}
	for _, p := range []string{"written", "synced", "committed", "tombstone", "raw purged", "rows rewritten", "purge committed", "moved"} {
		if seen[p] == 0 {
			t.Errorf("the story never came to %q", p)
		}
	}
}

// The power fails before the sync: of what was written since the last commit
// any part may be there, or zeros, or something else.
func TestPowerCutBeforeSync(t *testing.T) {
	st := newStory(t)
	damage := map[string]func(f *os.File, from, size int64){
		"lost":    func(f *os.File, from, _ int64) { f.Truncate(from) },
		"half":    func(f *os.File, from, size int64) { f.Truncate((from + size) / 2) },
		"zeros":   func(f *os.File, from, size int64) { f.WriteAt(make([]byte, size-from), from) },
		"garbage": func(f *os.File, from, size int64) { f.WriteAt(bytes.Repeat([]byte("{\n"), int(size-from)), from) },
	}
	for i, snap := range st.tell(t) {
		if snap.point != "written" {
			continue
		}
		for name, spoil := range damage {
			t.Run(fmt.Sprintf("%02d %s", i, name), func(t *testing.T) {
				t.Parallel()
				dir := filepath.Join(t.TempDir(), "copy")
				must(t, os.CopyFS(dir, os.DirFS(snap.dir)))
				spoilTails(t, dir, spoil)
				st.check(t, dir, snap.answered)
			})
		}
	}
}

// spoilTails spoils whatever lies beyond the committed length of each file.
func spoilTails(t *testing.T, dir string, spoil func(f *os.File, from, size int64)) {
	at, state := layout{dir}, newState()
	j, _, err := openJournal(at.journal(), state.record)
	must(t, err)
	j.close()
	committed := map[string]int64{}
	for _, form := range []string{filepath.Join(dir, "*.jsonl"), filepath.Join(at.rawDir(), "*"+rawSuffix)} {
		paths, err := filepath.Glob(form)
		must(t, err)
		for _, p := range paths {
			committed[p] = 0
		}
	}
	for p, f := range state.files {
		committed[at.rows(p)] = f.size
	}
	for id, m := range state.streams {
		committed[at.raw(id)] = m.raw
		if m.withdrawn { // it has another content now
			delete(committed, at.raw(id))
		}
	}
	for path, from := range committed {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		must(t, err)
		info, err := f.Stat()
		must(t, err)
		if info.Size() > from {
			spoil(f, from, info.Size())
		}
		f.Close()
	}
}

// The power fails while the journal is written: any beginning of the record,
// or one with a hole, is as if it were not there.
func TestTornJournal(t *testing.T) {
	st := newStory(t)
	list := st.tell(t)
	for i := range len(list) - 1 {
		if list[i].point != "synced" || list[i+1].point != "committed" {
			continue
		}
		after, err := os.ReadFile(layout{list[i+1].dir}.journal())
		must(t, err)
		before, err := os.ReadFile(layout{list[i].dir}.journal())
		must(t, err)
		for cut := len(before) + 1; cut < len(after); cut += 1 + (len(after)-len(before))/3 {
			for name, torn := range map[string][]byte{"cut": after[:cut], "zeros": append(bytes.Clone(after[:cut]), make([]byte, len(after)-cut)...)} {
				dir := filepath.Join(t.TempDir(), "copy")
				must(t, os.CopyFS(dir, os.DirFS(list[i].dir)))
				must(t, os.WriteFile(layout{dir}.journal(), torn, 0o640))
				t.Run(fmt.Sprintf("%02d %s at %d", i, name, cut-len(before)), func(t *testing.T) {
					t.Parallel()
					st.check(t, dir, list[i].answered)
				})
			}
		}
	}
}

// A step that fails gives an answer that asks to come again, and coming again
// works, with and without a new start.
func TestFailingSteps(t *testing.T) {
	points := []string{"written", "synced", "raw purged", "rows rewritten"}
	for _, point := range points {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s restart=%v", point, restart), func(t *testing.T) {
				st := newStory(t)
				dir := t.TempDir()
				fail, failed := false, 0
				hook := func(p string) error {
					if p == point && fail {
						fail = false
						failed++
						return errors.New("the disk said no")
					}
					return nil
				}
				s, err := openDir(dir, quiet(), hook)
				must(t, err)
				for i, d := range st.deeds {
					fail = true
					err := st.do(s, d)
					if (err != nil) == fail {
						t.Fatalf("deed %d: %v, but the step failed: %v", i, err, !fail)
					}
					if err != nil && asRefusal(err).Code != CodeStorage {
						t.Fatalf("deed %d: %v", i, err)
					}
					if err != nil && !d.gone && !slices.Equal(st.found(t, dir), st.names(i)) {
						t.Fatalf("deed %d failed and left rows", i)
					}
					if got := st.found(t, dir); !slices.Equal(got, st.names(i)) && !slices.Equal(got, st.names(i+1)) {
						t.Fatalf("deed %d left rows %v", i, got)
					}
					fail = false
					if restart {
						must(t, s.Close())
						s, err = openDir(dir, quiet(), hook)
						must(t, err)
					}
					must(t, st.do(s, d))
					if got := st.found(t, dir); !slices.Equal(got, st.names(i+1)) {
						t.Fatalf("after deed %d there are rows %v", i, got)
					}
				}
				must(t, s.Close())
				if failed == 0 {
					t.Fatal("the step never failed")
				}
				st.check(t, dir, len(st.deeds))
			})
		}
	}
}

// A deletion that can't be finished says so and holds all the same, and the
// next start finishes it.
func TestDeletionThatIsStuck(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	o, other := newObject(t, 1, nil), newObject(t, 2, nil)
	must(t, o.announce(s))
	v, ctx := &Verifier{s, today}, context.Background()
	m, err := v.Batch(context.Background(), o.batch(o.numbers(1, 5)))
	must(t, err)
	must(t, s.Store(ctx, m))
	obstacle := s.at.raw(o.a.Stream) + tempSuffix
	must(t, os.Mkdir(obstacle, 0o750))
	w, _, err := v.Deletion(context.Background(), o.deletion())
	must(t, err)
	if _, err := s.Withdraw(ctx, w); asRefusal(err).Code != CodeStorage {
		t.Fatal(err)
	}
	wantCode(t, s.Store(ctx, m), CodeWithdrawn)
	must(t, other.announce(s))
	must(t, s.Close())
	s = mustOpen(t, dir)
	if rows := readRows(t, s.at.rows("service")); len(rows) != 0 {
		t.Errorf("%d rows are left", len(rows))
	}
	raw, err := os.ReadFile(s.at.raw(o.a.Stream))
	if err != nil || !bytes.Equal(raw, slices.Concat(o.signed, o.deletion())) {
		t.Errorf("the proof is not what it was: %v", err)
	}
}

// The sink verifies a deletion itself: the stream may have been announced
// since the handler looked.
func TestForgedDeletionOfAKnownStream(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	o := newObject(t, 1, nil)
	must(t, o.announce(s))
	thief := *o
	thief.capability[0]++
	_, err := s.Withdraw(context.Background(), &Withdrawal{Signed: thief.deletion(), Stream: o.a.Stream})
	wantCode(t, err, CodeErase)
	if st, _ := s.ByID(context.Background(), o.a.Stream); st.Withdrawn {
		t.Error("it was withdrawn all the same")
	}
}

// A disk that changed what was committed is told from a power cut, and
// nothing acknowledged is thrown away.
func TestDamageIsNotATornEnd(t *testing.T) {
	st := newStory(t)
	good := t.TempDir()
	s := mustOpen(t, good)
	for _, d := range st.deeds[:5] {
		must(t, st.do(s, d))
	}
	must(t, s.Close())
	at := layout{good}
	journal, err := os.ReadFile(at.journal())
	must(t, err)
	flipAt := func(i int) func(layout) error {
		return func(l layout) error { return os.WriteFile(l.journal(), flip(journal, i), 0o640) }
	}
	short := func(path func(layout) string) func(layout) error {
		return func(l layout) error { return os.Truncate(path(l), 10) }
	}
	rows := func(l layout) string { return l.rows("service") }
	raw := func(l layout) string { return l.raw(st.objects[0].a.Stream) }
	first := len(journalHead)
	length := binary.LittleEndian.Uint32(journal[first+len(recordMark):])
	cases := map[string]func(layout) error{
		"header":       flipAt(0),
		"first mark":   flipAt(first),
		"first length": flipAt(first + len(recordMark)),
		"first sum":    flipAt(first + len(recordMark) + 4),
		"first body":   flipAt(first + recordHead + int(length)/2),
		"rows cut":     short(rows),
		"rows gone":    func(l layout) error { return os.Remove(rows(l)) },
		"raw cut":      short(raw),
		"raw gone":     func(l layout) error { return os.Remove(raw(l)) },
		"journal of another": func(l layout) error {
			return os.WriteFile(l.journal(), []byte("something else altogether, long enough"), 0o640)
		},
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "copy")
			must(t, os.CopyFS(dir, os.DirFS(good)))
			must(t, spoil(layout{dir}))
			_, err := OpenDir(dir, quiet())
			var d *DamageError
			if !errors.As(err, &d) || !strings.Contains(err.Error(), dir) {
				t.Fatalf("opened with %v", err)
			}
		})
	}
}
