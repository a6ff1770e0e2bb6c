package agent

import (
	"fmt"
	"sync"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// slowest is how long a reading may be on its way from a source to the buffer, and how much later than its schedule a
// look may come back. A card that is worn or busy takes seconds, not this.
const slowest = 30 * time.Second

// flow knows whether data flows. It has no goroutine and no timer: it is asked by the sampling loops themselves, each time a look at a
// sensor came back or a reading was taken in, and only then does it tell anybody that all is well. When sampling stops, so
// does the telling. Safe for concurrent use.
type flow struct {
	clock sensors.Clock
	log   func(stuck string) // called when data stops flowing, once each time

	tell  func()        // nil: nobody wants to know, and nothing is noted. Set before anything runs
	apart time.Duration // between two calls of tell, at least

	mu     sync.Mutex
	beats  []*beat
	told   time.Time
	silent bool // the last question had a bad answer
}

// beat is what is known of one source.
type beat struct {
	flow  *flow
	name  string
	every time.Duration // between two looks, at most; 0: no schedule
	// looked is when a look came back last; zero before the first: what hung from the start was not well before, and starting
	// again would not mend it.
	looked time.Time
	begun  time.Time // when the reading that is on its way was handed over; zero: none is
}

// watch adds a source. It is called before the source runs.
func (f *flow) watch(s sensors.Source) *beat {
	b := &beat{flow: f, name: s.Name()}
	if timed, ok := s.(sensors.Beating); ok {
		b.every = timed.Beat(b.look)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.beats = append(f.beats, b)
	return b
}

// look takes in that a look at the source came back.
func (b *beat) look() {
	if b.flow.tell == nil {
		return
	}
	b.flow.mu.Lock()
	defer b.flow.mu.Unlock()
	b.looked = b.flow.clock.Now()
	b.flow.ask(b.looked)
}

// carry has a reading taken in. While that lasts too long nothing is told.
func (b *beat) carry(take func() error) error {
	if b.flow.tell == nil {
		return take()
	}
	b.flow.mu.Lock()
	b.begun = b.flow.clock.Now()
	b.flow.mu.Unlock()
	err := take()
	b.flow.mu.Lock()
	b.begun = time.Time{}
	b.flow.mu.Unlock()
	if err == nil {
		b.look()
	}
	return err
}

// end takes in that the source has ended: nothing is expected of it any more.
func (b *beat) end() {
	b.flow.mu.Lock()
	defer b.flow.mu.Unlock()
	b.every, b.begun = 0, time.Time{}
}

// ask tells that data flows, if it does. f.mu is held.
func (f *flow) ask(now time.Time) {
	if !f.told.IsZero() && now.Sub(f.told) < f.apart {
		return
	}
	stuck := f.stuck(now)
	if stuck != "" && !f.silent && f.log != nil {
		f.log(stuck)
	}
	f.silent = stuck != ""
	if !f.silent {
		f.told = now
		f.tell()
	}
}

// stuck says what does not flow; "" when all does. f.mu is held.
func (f *flow) stuck(now time.Time) string {
	for _, b := range f.beats {
		if !b.begun.IsZero() && now.Sub(b.begun) > slowest {
			return fmt.Sprintf("a reading of %s has not been taken in for %s", b.name, now.Sub(b.begun).Round(time.Second))
		}
		if b.every > 0 && !b.looked.IsZero() && now.Sub(b.looked) > 2*b.every+slowest {
			return fmt.Sprintf("no look at %s has come back for %s", b.name, now.Sub(b.looked).Round(time.Second))
		}
	}
	return ""
}

// OnFlow has tell called from within the sampling loops, with apart between two calls at least, whenever a look at a sensor came
// back or a reading was taken in, and no other look or reading hangs. It must be called before Run, at most once; tell
// must return soon. every is the longest time between two looks at the sensor that is read least often; 0 says that none is
// read on a schedule, so that silence means nothing.
func (a *Agent) OnFlow(apart time.Duration, tell func()) (every time.Duration) {
	a.flow.mu.Lock()
	defer a.flow.mu.Unlock()
	a.flow.apart, a.flow.tell = apart, tell
	for _, b := range a.flow.beats {
		every = max(every, b.every)
	}
	return every
}
