package ledger

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/pages"
)

// page is a page of a file, changed in place.
type page []byte

func (p page) kind() uint16 { return binary.NativeEndian.Uint16(p[8:]) }

func (p page) put64(at int, v uint64) { binary.NativeEndian.PutUint64(p[at:], v) }

const (
	branch, leaf, free = 1, 2, 16
	firstElement       = 16
)

// wounds are what rot makes of a page that bbolt would follow without end, or far.
func wounds() map[string]func(p page, id uint64) (done bool) {
	return map[string]func(page, uint64) bool{
		"a branch that leads to itself": func(p page, id uint64) bool {
			for i := 0; p.kind() == branch && i < int(binary.NativeEndian.Uint16(p[10:])); i++ {
				p.put64(firstElement+16*i+8, id)
			}
			return p.kind() == branch
		},
		"values of two gigabytes": func(p page, _ uint64) bool {
			for i := 0; p.kind() == leaf && i < int(binary.NativeEndian.Uint16(p[10:])); i++ {
				p[firstElement+16*i+15] |= 0x80
			}
			return p.kind() == leaf
		},
		"values that run over the end": func(p page, _ uint64) bool {
			for i := 0; p.kind() == leaf && i < int(binary.NativeEndian.Uint16(p[10:])); i++ {
				p[firstElement+16*i+14] |= 0x10
			}
			return p.kind() == leaf
		},
		"a free page far behind the end": func(p page, _ uint64) bool {
			if p.kind() == free {
				for i := range int(binary.NativeEndian.Uint16(p[10:])) {
					p[firstElement+8*i+3] |= 0x01 // 2^24 pages: 64 GiB
				}
			}
			return p.kind() == free
		},
		"a free page that is in use": func(p page, _ uint64) bool {
			for i := 0; p.kind() == free && i < int(binary.NativeEndian.Uint16(p[10:])); i++ {
				p.put64(firstElement+8*i, uint64(i+2))
			}
			return p.kind() == free
		},
		"zeros": func(p page, _ uint64) bool { used := p.kind() == branch || p.kind() == leaf; clear(p); return used },
	}
}

// longLedger is the image of a ledger whose trees have branches, and its keys.
func longLedger(t *testing.T) ([]byte, *keeper) {
	t.Helper()
	l, keys := openNew(t)
	for i := range 500 {
		when := start + sensors.Micros(i)*minute
		must(t, l.RecordSent([]Sent{batch(1, uint64(i+1), when)}))
		if i%5 == 0 {
			_, err := l.Record(Event{Kind: Act, Time: when, Text: "looked", Role: "technician"})
			must(t, err)
		}
	}
	must(t, l.Close())
	return image(t, l), keys
}

// usedPages are the pages of the file's trees, and of its free list.
func usedPages(t *testing.T, good []byte) (out []uint64) {
	t.Helper()
	for id := uint64(2); id < uint64(len(good)/pageSize); id++ {
		p := page(good[id*pageSize : (id+1)*pageSize])
		if binary.NativeEndian.Uint64(p) != id || p.kind() != branch && p.kind() != leaf && p.kind() != free {
			continue
		}
		b := bytes.Clone(good) // a page that is read makes a difference
		clear(b[id*pageSize : (id+1)*pageSize])
		if _, err := pages.Check(bytes.NewReader(b), int64(len(b))); err != nil {
			out = append(out, id)
		}
	}
	return out
}

// A page that rots, at rest or under the running ledger, is damage that is said: nothing goes round for ever, takes the memory of the board
// for a value that is not there, or has the file grow without bound.
func TestAPageThatRots(t *testing.T) {
	good, keys := longLedger(t)
	used := usedPages(t, good)
	tried := map[string]int{}
	for name, wound := range wounds() {
		for _, id := range used {
			b := bytes.Clone(good)
			if !wound(b[id*pageSize:(id+1)*pageSize], id) {
				continue
			}
			tried[name]++
			for _, under := range []bool{false, true} {
				rotten(t, name, good, b, keys, under)
			}
		}
	}
	for name := range wounds() {
		if tried[name] == 0 {
			t.Errorf("%s: no page was tried", name)
		}
	}
}

// rotten opens a ledger that rots before or after that, and does with it what the agent does.
func rotten(t *testing.T, name string, good, bad []byte, keys *keeper, under bool) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, fileName)
	first := bad
	if under {
		first = good
	}
	must(t, os.WriteFile(path, first, 0o600))
	l, err := Open(Options{Dir: dir, Keys: keys, Rand: rand.Reader, When: start})
	if !under {
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: opened with %v", name, err)
		}
		return
	}
	must(t, err)
	defer func() { _ = l.Close() }()
	l.db.NoSync = true
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt(bad, 0)
	must(t, errors.Join(err, f.Close()))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, recordErr := l.Record(Event{Kind: Act, Time: start + sensors.Day, Text: "looked", Role: "technician"})
	errs := []error{recordErr,
		l.Events(func(Event) error { return nil }),
		l.sentLines(func(uint64, Sent, error) error { return nil }),
		l.Prune(start + 100*minute),
		l.RecordSent([]Sent{batch(1, 1000, start+1000*minute)}),
	}
	runtime.ReadMemStats(&after)
	if i := slices.IndexFunc(errs, func(err error) bool { return !errors.Is(err, ErrDamaged) }); i >= 0 {
		t.Errorf("%s under the ledger: act %d ended with %v", name, i, errs[i])
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
		t.Errorf("%s under the ledger took %d bytes of memory", name, took)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > 4<<20 {
		t.Errorf("%s under the ledger: the file has %d bytes, %v", name, info.Size(), err)
	}
}

// The page that shows the last transaction rots under the ledger: the one before is not gone on from, as if what was written last had never
// been.
func TestAMetaPageThatRotsTakesNothingBack(t *testing.T) {
	l, _ := openNew(t)
	give(t, l, "trends", start)
	b := image(t, l)
	newest := 0
	if binary.NativeEndian.Uint64(b[pageSize+64:]) > binary.NativeEndian.Uint64(b[64:]) { // 16 of the page, 48 of what it says
		newest = pageSize
	}
	f, err := os.OpenFile(l.path, os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt([]byte{^b[newest+40]}, int64(newest+40))
	must(t, errors.Join(err, f.Close()))
	if err := l.Refuse(answerTo("relation", start+minute)); !errors.Is(err, ErrDamaged) {
		t.Errorf("it goes on with %v", err)
	}
}
