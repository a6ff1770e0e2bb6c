package sensors

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// loop reads the parts of one bus, one after the other.
type loop struct {
	o    SuperviseOptions
	wake chan struct{} // holds one: somebody joined

	life   sync.Mutex // held while somebody joins or leaves
	cancel context.CancelFunc
	done   chan struct{}

	mu    sync.Mutex
	parts []*supervised // that run

	reader *reader // of the loop's goroutine only
}

// turn is what the loop's goroutine knows of a part.
type turn struct {
	values     []Value // of the call that is running, or of the last one
	due        time.Time
	identified bool
	failures   int       // in a row
	failed     time.Time // when the last of them was
	away       *reader
	gate       gate
}

// join has s read from now on. It says false if s is being read already.
func (l *loop) join(s *supervised) bool {
	l.life.Lock()
	defer l.life.Unlock()
	l.mu.Lock()
	again, first := slices.Contains(l.parts, s), len(l.parts) == 0
	if !again {
		l.parts = append(l.parts, s)
	}
	l.mu.Unlock()
	if again {
		return false
	}
	if first {
		ctx, cancel := context.WithCancel(context.Background())
		l.cancel, l.done = cancel, make(chan struct{})
		go l.run(ctx, l.done)
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return true
}

// leave ends the reading of s. With the last one the loop ends, and leave waits for it.
func (l *loop) leave(s *supervised) {
	l.life.Lock()
	defer l.life.Unlock()
	l.mu.Lock()
	l.parts = slices.DeleteFunc(l.parts, func(other *supervised) bool { return other == s })
	last := len(l.parts) == 0
	l.mu.Unlock()
	if last {
		l.cancel()
		<-l.done
	}
}

// run reads what is due until ctx is done.
func (l *loop) run(ctx context.Context, done chan struct{}) {
	defer close(done)
	defer func() {
		if l.reader != nil {
			l.reader.stop()
			l.reader = nil
		}
	}()
	for ctx.Err() == nil {
		s, wait := l.next(l.o.Clock.Now())
		if s != nil && wait <= 0 {
			l.visit(ctx, s)
			if s.turn.away == nil && s.looked != nil {
				s.looked()
			}
			continue
		}
		var due <-chan time.Time
		if s != nil {
			due = l.o.Clock.After(wait)
		}
		select {
		case <-ctx.Done():
		case <-l.wake:
		case <-due:
		}
	}
}

// next returns the part that is due first and how long that is from now; nil if there is none. A clock that was set
// back can't make a part wait for longer than it may.
func (l *loop) next(now time.Time) (first *supervised, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.parts {
		if latest := now.Add(l.longest(s)); s.turn.due.After(latest) {
			s.turn.due = latest
		}
		if first == nil || s.turn.due.Before(first.turn.due) {
			first = s
		}
	}
	if first == nil {
		return nil, 0
	}
	return first, first.turn.due.Sub(now)
}

// unseen is how long after a failure, or after its turn, a part is still taken for the one that was identified.
const unseen = 2 * time.Second

// longest is the longest time between two tries of a part.
func (l *loop) longest(s *supervised) time.Duration { return max(s.Every, l.o.RetryLongest) }

// visit reads one part, or looks whether a call that was abandoned has returned.
func (l *loop) visit(ctx context.Context, s *supervised) {
	if s.turn.away != nil && !s.turn.away.returned() {
		l.later(s, min(s.Every, l.o.RetryLongest))
		return
	}
	if s.turn.away != nil {
		s.turn.away = nil
		s.set(func(st *PartStatus) { st.Abandoned = 0 })
	}
	if !l.undoubted(ctx, s) {
		return
	}
	if !s.turn.identified {
		if err := l.call(ctx, s, s.Part.Identify); err != nil {
			l.failed(ctx, s, "identify", err)
			return
		}
		s.turn.identified = true
		s.judge.forget()
	}
	if err := l.sense(ctx, s); err != nil {
		l.failed(ctx, s, "sense", err)
		return
	}
	s.turn.failures = 0
	l.on(s)
	l.sensed(s)
}

// undoubted has a part identified anew that another may have taken the place of: when its turn comes too late, or too long
// after a failure. After a failure it is read first, and nothing that it says is passed on: a line that still flips bits would
// make any part look like another. It says false when the part goes on failing.
func (l *loop) undoubted(ctx context.Context, s *supervised) bool {
	now := l.o.Clock.Now()
	failed := s.turn.failures > 0 && now.Sub(s.turn.failed) > unseen
	if !s.turn.identified || !failed && (s.turn.due.IsZero() || now.Sub(s.turn.due) <= unseen) {
		return true
	}
	if failed {
		if err := l.sense(ctx, s); err != nil {
			l.failed(ctx, s, "sense", err)
			return false
		}
	}
	s.turn.identified = false
	return true
}

// sense has the part measure.
func (l *loop) sense(ctx context.Context, s *supervised) error {
	clear(s.turn.values)
	return l.call(ctx, s, func(ctx context.Context) error { return s.Part.Sense(ctx, s.turn.values) })
}

// on moves a part's turn to the next slot of its cadence, leaving out those that are over.
func (l *loop) on(s *supervised) {
	now := l.o.Clock.Now()
	if s.turn.due.IsZero() {
		s.turn.due = now
	}
	if over := now.Sub(s.turn.due); over >= 0 {
		s.turn.due = s.turn.due.Add((over/s.Every + 1) * s.Every)
	}
	s.set(func(st *PartStatus) { st.Next = s.turn.due })
}

// later moves a part's turn to a time from now.
func (l *loop) later(s *supervised, wait time.Duration) {
	s.turn.due = l.o.Clock.Now().Add(wait)
	s.set(func(st *PartStatus) { st.Next = s.turn.due })
}

// sensed takes in what a part measured.
func (l *loop) sensed(s *supervised) {
	now := l.o.Clock.Now()
	s.judge.check(s.turn.values, func(what string, field int) {
		s.tally.add(what, s.Supervised.Fields[field].Name, "")
	})
	good, measured := false, false
	for _, v := range s.turn.values {
		good = good || v.Quality == OK
		measured = measured || v.Quality != Absent
	}
	if good || !measured {
		l.state(s, Working, nil)
		s.set(func(st *PartStatus) { st.LastGood = now })
	} else {
		l.state(s, Faulty, s.fault("sense", Implausible, errNothingGood))
	}
	if measured {
		l.emit(s, now)
	}
}

var errNothingGood = errors.New("none of the values can be used; the counts say why")

// emit offers the values of a part to its Run, if they are worth it.
func (l *loop) emit(s *supervised, now time.Time) {
	g := &s.turn.gate
	if g.worth(&s.Supervised, s.turn.values, now.UnixNano()) && s.offer(now, s.turn.values) {
		g.passed(s.turn.values, now.UnixNano())
	}
}

// failed takes in an error of a part, and decides when to try again.
func (l *loop) failed(ctx context.Context, s *supervised, operation string, err error) {
	if ctx.Err() != nil {
		return // the loop ends, the part did nothing
	}
	kind := FaultOf(err)
	s.turn.failures++
	s.turn.failed = l.o.Clock.Now()
	wait := s.Every
	for n := s.turn.failures; n > 2 && wait < l.longest(s); n-- {
		wait = min(2*wait, l.longest(s))
	}
	l.later(s, wait)
	switch kind {
	case Corrupt, Arbitration, Busy, Other:
	default:
		s.turn.identified = false // it may be another part when it is back
	}
	state := stateOf(kind)
	if s.turn.away != nil {
		state = Unresponsive
		s.tally.add(abandoned, s.place(), hintFor(Timeout))
		s.set(func(st *PartStatus) { st.Abandoned = 1 })
	} else {
		s.tally.add(kind.String(), s.place(), hintFor(kind))
	}
	l.state(s, state, s.fault(operation, kind, err))
	if kind == Corrupt || kind == Implausible {
		for i := range s.turn.values {
			s.turn.values[i] = Value{Quality: Fault}
		}
		l.emit(s, l.o.Clock.Now())
	}
}

// stateOf says how a part is that failed in that way.
func stateOf(kind FaultKind) PartState {
	switch kind {
	case NoAnswer, Gone, Permission:
		return Missing
	case WrongPart:
		return Wrong
	}
	return Faulty
}

// state sets a part's state, and gives notice if it is another than before.
func (l *loop) state(s *supervised, to PartState, why error) {
	changed := false
	s.set(func(st *PartStatus) {
		changed = st.State != to
		if changed {
			st.State, st.Since = to, l.o.Clock.Now()
		}
		st.Last = why
	})
	if changed && l.o.Notice != nil {
		l.o.Notice(s.Status())
	}
}

func (s *supervised) set(change func(*PartStatus)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.status)
}

func (s *supervised) fault(operation string, kind FaultKind, cause error) error {
	return &FaultError{Source: s.Name(), Driver: s.Driver, Bus: s.Bus, Address: s.Address, Operation: operation, Kind: kind, Cause: cause}
}

// place is where a part is, for counts.
func (s *supervised) place() string {
	return (&FaultError{Bus: s.Bus, Address: s.Address}).place()
}
