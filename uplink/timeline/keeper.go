package timeline

import (
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// floor is a moment before which no object with this software can live: 2026-01-01.
const floor = sensors.Micros(1767225600) * sensors.Second

// ceiling is where a clock is no clock: 2200-01-01. What it says is not even a guess.
const ceiling = sensors.Micros(7258118400) * sensors.Second

const (
	slack     = sensors.Hour        // by how much a trusted clock may lie before the high-water mark
	lookEvery = time.Second         // how often the kernel is asked
	saveEvery = sensors.Hour        // how often the mark is kept: more wears the card
	lasting   = 10 * sensors.Minute // how long a step has to last to be believed
	margin    = 2 * sensors.Hour    // between spans: the end of one that a power cut ended is known to the hour
)

// jumped is what is said of a clock that did.
const jumped = "the clock jumped by more than a day and is not believed before the next start"

// Options are what a keeper is made of. Nothing may be nil but Log.
type Options struct {
	Kernel Kernel
	Load   func() ([]byte, error) // what Save kept last; nil bytes for nothing
	Save   func([]byte) error
	Rand   io.Reader // of boot names
	Log    *slog.Logger
}

// Keeper counts the object's time. Safe for concurrent use.
type Keeper struct {
	o      Options
	mu     sync.Mutex
	high   sensors.Micros
	spans  []Span // by when they were begun
	open   bool   // the last span goes on: the clock is not trusted
	looked time.Duration

	wall, mono sensors.Micros // a trusted moment of this boot
	step       sensors.Micros // how far the wall clock is from there, when that is more than drift
	stepAt     sensors.Micros // since when, on the monotonic clock; 0: it is not
	odd        string         // why the wall clock is not believed

	saved sensors.Micros // the object's count when the state was kept last
	dirty bool
}

// Open begins to count. A state that can't be read is an error; the keeper then begins anew and is usable.
func Open(o Options) (*Keeper, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	k := &Keeper{o: o}
	kept, err := o.Load()
	if err == nil {
		k.high, k.spans, err = decode(kept)
	}
	k.high = max(k.high, floor)
	mono := o.Kernel.Since()
	if k.believable() {
		k.trust(length(mono))
	} else if beginErr := k.begin(length(mono)); err == nil {
		err = beginErr
	}
	k.looked = mono
	return k, err
}

// believable tells whether the wall clock may be trusted, and notes why not.
func (k *Keeper) believable() bool {
	k.odd = ""
	if !k.o.Kernel.Synced() {
		k.odd = "nothing has set the clock since this machine started"
		return false
	}
	wall := micros(k.o.Kernel.Wall())
	switch {
	case wall < k.high-slack:
		k.odd = "the clock says an earlier time than this object has already seen"
	case wall >= ceiling:
		k.odd = "the clock says a time no clock should"
	default:
		return true
	}
	return false
}

// begin opens a span, or goes on with one of the same boot.
func (k *Keeper) begin(mono sensors.Micros) error {
	k.open = true
	if n := len(k.spans); n > 0 && k.spans[n-1].boot == k.o.Kernel.Boot && !k.spans[n-1].Resolved {
		return nil
	}
	s := Span{boot: k.o.Kernel.Boot, mono: mono, Start: k.high + sensors.Second}
	if wall := micros(k.o.Kernel.Wall()); wall >= k.high && wall < ceiling {
		s.Start, s.Guess = wall, true
	}
	for again := true; again; { // behind every span that it would else run into
		again = false
		for i := range k.spans {
			if e := &k.spans[i]; e.End+margin >= s.Start && e.Start < s.Start+365*sensors.Day {
				s.Start, again = e.End+margin+sensors.Second, true
			}
		}
	}
	s.End, s.Off = s.Start, s.Start-k.high
	_, err := io.ReadFull(k.o.Rand, s.secret[:])
	if len(k.spans) >= MaxSpans {
		k.spans = append(k.spans[:0], k.spans[1:]...)
	}
	k.spans, k.dirty = append(k.spans, s), true
	if err != nil {
		return fmt.Errorf("no random name for a boot: %w", err)
	}
	return nil
}

// trust takes the wall clock as it is now. What this boot has counted so far learns what it was.
func (k *Keeper) trust(mono sensors.Micros) {
	wall := micros(k.o.Kernel.Wall())
	for i := range k.spans {
		s := &k.spans[i]
		switch {
		case s.Resolved:
		case s.boot == k.o.Kernel.Boot:
			if k.open && i == len(k.spans)-1 {
				s.End = s.Start + mono - s.mono
			}
			s.Resolved, s.Shift = true, wall-mono+s.mono-s.Start
			s.latest = s.End + s.Shift
		case s.latest == 0:
			s.latest = wall
		}
	}
	k.open, k.wall, k.mono, k.stepAt, k.odd, k.dirty = false, wall, mono, 0, "", true
	k.high = max(k.high, wall)
}

// look asks the kernel, at most once a second.
func (k *Keeper) look(now time.Duration) {
	if now-k.looked < lookEvery && now >= k.looked {
		return
	}
	k.looked = now
	mono := length(now)
	if k.open {
		if k.believable() {
			k.trust(mono)
			k.o.Log.Info("the clock is trusted from now on, and so are the times of what this boot recorded before")
		}
		return
	}
	k.correct(mono)
}

// correct follows the wall clock where that can be right.
func (k *Keeper) correct(mono sensors.Micros) {
	if !k.o.Kernel.Synced() {
		return // the monotonic clock drifts by seconds a day: better than a clock that nobody sets
	}
	wall, run := micros(k.o.Kernel.Wall()), mono-k.mono
	step := wall - (k.wall + run)
	drift := 2*sensors.Second + run/1000
	switch {
	case size(step) <= drift:
		k.stepAt, k.odd = 0, ""
		if run > sensors.Minute { // a clock that stands still is never followed: it is off by all of run
			k.wall, k.mono = wall, mono
		}
	case size(step) > sensors.Day:
		k.stepAt = 0
		if k.odd == "" {
			k.odd = jumped
			k.o.Log.Warn(jumped)
		}
	case k.stepAt == 0 || size(step-k.step) > 2*sensors.Second+(mono-k.stepAt)/1000:
		k.step, k.stepAt = step, mono
	case mono-k.stepAt >= lasting:
		k.wall, k.mono, k.stepAt = wall, mono, 0
	}
}

// now is the object's count. k.mu is held.
func (k *Keeper) now() sensors.Micros {
	d := k.o.Kernel.Since()
	k.look(d)
	mono := length(d)
	if !k.open {
		return k.wall + mono - k.mono
	}
	s := &k.spans[len(k.spans)-1]
	s.End = max(s.End, s.Start+mono-s.mono)
	return s.End
}

// Now is the object's count as a time, without a monotonic reading of its own: it jumps once, when the clock becomes trusted.
func (k *Keeper) Now() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return time.UnixMicro(int64(k.now()))
}

// Trusted tells whether Now is the wall's time for all that can be known, and if not, why.
func (k *Keeper) Trusted() (why string, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.now()
	return k.odd, !k.open
}
