//go:build linux && (amd64 || arm64)

package simulation

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/uplink/timeline"
)

// pace is the clock of the bubble. The agent and its uplink look once a minute whether something is due that nobody told it of, half a million
// times a year: here once an hour.
type pace struct{}

func (pace) Now() time.Time { return time.Now() }

func (pace) After(d time.Duration) <-chan time.Time {
	if d == time.Minute {
		d = time.Hour
	}
	return time.After(d)
}

// wall is the clock on the wall: what the machine's kernel says the time is.
type wall struct {
	mu     sync.Mutex
	off    time.Duration // from the truth
	frozen time.Time     // it stands still
	synced atomic.Bool
	boot   byte
	booted time.Time
}

func (w *wall) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.frozen.IsZero() {
		return w.frozen
	}
	return time.Now().Add(w.off)
}

func (w *wall) kernel() *timeline.Kernel {
	k := &timeline.Kernel{Wall: w.now, Since: func() time.Duration { return time.Since(w.booted) + time.Minute }, Synced: w.synced.Load, Wait: pace{}.After}
	k.Boot[0], k.Boot[1] = 'b', w.boot
	return k
}

// randomness is the agent's: a function of the seed, the instant and the place in the code that asks, and of nothing else, so that who
// asks first in one instant does not matter and a life is a function of its script.
type randomness struct {
	seed  uint64
	start time.Time
	mu    sync.Mutex
	drawn map[[32]byte]uint64
	last  time.Time
}

func (r *randomness) Read(p []byte) (int, error) {
	var pcs [48]uintptr
	n := runtime.Callers(2, pcs[:])
	place := binary.BigEndian.AppendUint64(nil, r.seed)
	place = binary.BigEndian.AppendUint64(place, uint64(time.Since(r.start)))
	for _, pc := range pcs[:n] {
		place = binary.BigEndian.AppendUint64(place, uint64(pc))
	}
	name := sha256.Sum256(place)
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); !now.Equal(r.last) { // what was drawn in an instant that is over is not drawn again
		clear(r.drawn)
		r.last = now
	}
	for i := 0; i < len(p); {
		r.drawn[name]++
		block := sha256.Sum256(binary.BigEndian.AppendUint64(name[:], r.drawn[name]))
		i += copy(p[i:], block[:])
	}
	return len(p), nil
}

// dialled notes that a connection was made: something may leave over it that never arrives.
func (l *life) dialled() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.maybe += perDial
}

// perDial is more than any message that is not heard.
const perDial = 8192

// lost notes that something was cut off on its way: the object may have stopped already.
func (l *life) lost(size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.maybe += int64(size)
}

// heard notes that something has come to the far end; where the weather is such that it must be answered, the light has to be on.
// It returns since when bytes are counted.
func (l *life) heard(path string, size int, sure bool) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if sure && !l.lit && !l.disk.dead.Load() {
		l.violate("page", "%d bytes for %s arrived while the light was off", size, path)
	}
	if l.stuck && !l.disk.dead.Load() {
		l.violate("page", "%d bytes for %s arrived from an object whose disk takes no writing", size, path)
	}
	l.maybe += int64(size)
	if len(l.out) < 30 {
		l.out = append(l.out, fmt.Sprintf("%v %s %d", l.now(), path, size))
	}
	return l.based
}

// answered notes that the object was given an answer: it has to have booked what it sent.
func (l *life) answered(path string, size int, base time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.disk.dead.Load() || base != l.based || path == "/deletions" && l.transferred { // the requests that an earlier owner left name no purpose
		return
	}
	l.sure, l.maybe = l.sure+int64(size), l.maybe-int64(size)-perDial
}

// rebase begins to count anew what the ledger has to hold.
func (l *life) rebase() {
	status, err := l.agent.Status(context.Background())
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.based, l.out = l.now(), nil
	l.sure, l.maybe, l.booked, l.countable = 0, 0, wireBytes(&status), !l.sick && !l.model.broken && !l.damaged
}

func wireBytes(s *control.Status) (n int64) {
	for _, p := range s.Purposes {
		n += int64(p.Sent.WireBytes)
	}
	return n
}
