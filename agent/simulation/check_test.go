//go:build linux && (amd64 || arm64)

package simulation

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strings"
	"testing/synctest"
	"time"
	"unsafe"
)

// look holds the object against what must be true at any time.
func (l *life) look() {
	if l.agent == nil {
		return
	}
	synctest.Wait() // for what is done in this very moment
	l.states()
	status, err := l.agent.Status(context.Background())
	if err != nil {
		return
	}
	size := occupied(l.disk.root)
	l.mu.Lock()
	defer l.mu.Unlock()
	if doubts := strings.Contains(strings.Join(status.Warnings, " "), "clock can't be relied on"); l.backAtStart && l.stillBack() && !doubts && !l.damaged {
		l.violate("clock", "it was started with a clock that says an earlier time than it has seen, and relies on it")
	}
	if l.stuck && l.disk.is(healthy) && l.now() > l.healed+3*time.Hour {
		l.violate("start", "it was started on a disk that took no writing, which it has taken since %v, and goes on as before", l.healed)
	}
	l.tally.Disk = max(l.tally.Disk, size)
	if size > 16<<20 {
		l.violate("disk", "%d bytes", size)
	}
	// What is on its way is booked once the handful that it is of is through.
	if booked := wireBytes(&status) - l.booked; l.countable && !l.sick && !l.lit && (booked < l.sure || booked > l.sure+l.maybe) {
		l.violate("wire", "the ledger has %d bytes, %d to %d went out since %v: %v", booked, l.sure, l.sure+l.maybe, l.based, l.out)
	}
	l.tally.Checks["bytes"]++
}

// stillBack tells whether the clock has not yet come to where it was when it was set back. l.mu is held.
func (l *life) stillBack() bool {
	l.wall.mu.Lock()
	defer l.wall.mu.Unlock()
	return l.now()+l.wall.off < l.setBack-3*time.Hour
}

// occupied is how many bytes the files below root have.
func occupied(root string) (n int64) {
	_ = filepath.WalkDir(root, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // it was deleted a moment ago
		}
		if info, err := d.Info(); err == nil {
			n += info.Size()
		}
		return nil
	})
	return n
}

// exchanged says that another disk is in the place of this one: a cut that is due leaves nothing of the one before.
func (d *disk) exchanged() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.armed {
		d.durable = look(d.root)
	}
}

// deep are the checks that take longer. At the end nothing waits and no power cut is due, so memory has to be what it was.
func (l *life) deep(end bool) {
	if l.agent == nil {
		return
	}
	report, err := l.agent.VerifyLedger(context.Background(), nil)
	var found map[sealed][]string
	if !l.damaged {
		found = nonces(l.t, l.disk.root)
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tally.Checks["ledgers"]++
	heap := m.HeapAlloc - uint64(cap(l.model.truths))*uint64(unsafe.Sizeof(truth{})) // what the test itself knows grows with the life
	for _, b := range l.backups {
		heap -= uint64(b.image.size())
	}
	l.tally.Heap = append(l.tally.Heap, heap)
	switch first := l.tally.Heap[min(1, len(l.tally.Heap)-1)]; {
	case heap > 24<<20:
		l.violate("memory", "%d bytes are in use", heap)
	case end && heap > first+3<<20:
		l.violate("memory", "%d bytes are in use at the end, a month after the beginning it was %d", heap, first)
	}
	l.reused(found)
	if (err != nil || !report.Verified) && !l.damaged {
		l.violate("ledger", "it does not verify: %v %v", err, report.Problems)
	}
}

// finish makes all well, gives it time, and wants all that was promised to have arrived.
func (l *life) finish(next *time.Duration) {
	end := max(time.Duration(l.s.Days)*24*time.Hour, l.now()) // what began before the end may be over after it
	for _, until := range []time.Duration{end, end + 24*time.Hour, end + 3*24*time.Hour} {
		for ; *next < until && !l.broken(); *next += 6*time.Hour + 7*time.Minute {
			l.wait(*next)
			l.look()
		}
		l.wait(until)
		if l.disk.disarm() && l.broken() {
			return
		}
		l.heal()
		l.storm(fair, rand.New(rand.NewPCG(1, 1)))
		l.mu.Lock()
		l.mood = fine
		l.mu.Unlock()
		if l.agent == nil {
			return
		}
		if len(l.model.pauses) > 0 {
			l.pause(false)
		}
		if l.illegible {
			l.change(fmt.Sprint(steps()[0]))
		}
		l.clock(&event{What: "clock right"}, nil)
		if until == end {
			l.restart() // what a recipient refused is offered once more after a start
		}
	}
	l.deep(true)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, y := range l.model.yeses { // whatever came between, the recipients were asked to delete what was taken back
		if l.model.deletes(y) && y.streams > 0 && !l.damaged && !l.model.mayLapse && !l.everLied && !l.transferred && l.kept(y) {
			l.violate("deletion", "nobody confirmed that of %s, taken back at %v", y.purpose, y.to)
		}
	}
	missing, due := l.model.missing(end)
	l.tally.Due += due
	if len(missing) > l.told {
		l.violate("lost", "%d rows of %d are missing and %d were told: %s …", len(missing), due, l.told, strings.Join(missing[:min(len(missing), 6)], ", "))
	}
}

// kept tells whether a stream of a yes was never deleted at the recipient. l.mu is held.
func (l *life) kept(y *yes) bool {
	for _, known := range l.peer.ever {
		if known.yes == y && !known.erased {
			return true
		}
	}
	return false
}
