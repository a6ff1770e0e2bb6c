package bus

import (
	"errors"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// start starts the goroutine of the bus if it is not running, and says whether the bus is open for requests.
func (b *Bus) start() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	if !b.started {
		b.started = true
		go b.work()
	}
	return true
}

// worker is what the goroutine of a bus knows. Only that goroutine uses it.
type worker struct {
	bus     *Bus
	adapter Adapter // nil when it is not open
	opened  bool    // was open before
	retry   pause   // between attempts to open
	failure error   // of the last attempt
}

// work carries out one request after the other until the bus is closed.
func (b *Bus) work() {
	defer close(b.ended)
	w := &worker{bus: b, retry: pause{first: b.o.ReopenFirst, longest: b.o.ReopenLongest}}
	defer w.close()
	for {
		select {
		case <-b.closing:
			return
		case q := <-b.queue:
			w.serve(q)
		}
	}
}

// serve carries out one request. Whatever it is, q.done is closed.
func (w *worker) serve(q *request) {
	b := w.bus
	b.mu.Lock()
	b.current, q.started = q, b.o.Now()
	b.mu.Unlock()

	err := w.open(b.o.Now())
	tried := err == nil && !q.only
	if tried {
		if err = w.adapter.Transfer(q.addr, q.w, q.r); err != nil {
			err = b.fault(q.addr, q.w, q.r, kindOf(err), err)
		}
	}
	stuck := b.finish(q, tried, err)
	close(q.done)
	if tried && err != nil && (stuck || sensors.FaultOf(err) == sensors.Gone) {
		w.recover(b.o.Now())
	} else if tried && err == nil {
		w.retry.reset()
	}
}

// finish notes the outcome of a request, and says whether the bus is stuck.
func (b *Bus) finish(q *request, tried bool, err error) (stuck bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q.err, q.finished, b.current = err, true, nil
	switch {
	case !tried:
	case err == nil && q.givenUp:
		b.health.moves() // late, and counted as a timeout already
	case err == nil:
		b.health.good(q.addr)
	case !q.givenUp:
		b.health.bad(q.addr, sensors.FaultOf(err), b.o.Now())
	}
	return !b.health.since.IsZero()
}

// open opens the adapter if it is not open. Between attempts that failed it repeats the error of the last one.
func (w *worker) open(now time.Time) error {
	if w.adapter != nil {
		return nil
	}
	if !w.retry.over(now) && w.failure != nil {
		return w.failure
	}
	adapter, err := w.bus.o.Open()
	w.failure = nil
	var known *sensors.FaultError
	switch {
	case err == nil:
		w.adapter = adapter
	case errors.As(err, &known):
		w.failure = err
	default:
		w.failure = &sensors.FaultError{Bus: w.bus.o.Name, Operation: "opening", Kind: kindOf(err), Cause: err}
	}
	w.bus.mu.Lock()
	defer w.bus.mu.Unlock()
	w.bus.failure = w.failure
	if w.opened && err == nil {
		w.bus.reopen++
	}
	w.opened = w.opened || err == nil
	return w.failure
}

// recover gives the adapter back so that the next request opens it afresh, but not more often than the pause allows.
func (w *worker) recover(now time.Time) {
	if !now.Before(w.retry.next) {
		w.close()
	}
}

func (w *worker) close() {
	if w.adapter == nil {
		return
	}
	// What a close of a device node could report does not help anyone: the next open says how things are.
	_ = w.adapter.Close()
	w.adapter = nil
}
