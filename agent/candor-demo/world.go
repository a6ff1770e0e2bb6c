package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/candor-edge/candor/agent"
)

// dawn is where the clock of the demo begins: a Wednesday on which people come home for lunch.
const dawn = "2026-03-04T07:00:00Z"

// world is the house, the object in it and the receiver far away, all on one clock.
type world struct {
	clock    *clock
	receiver *receiver
	object   *agent.Agent
	house    *house
	tail     *tail
	light    light

	cancel context.CancelFunc
	parts  sync.WaitGroup
	failed chan error // what ended by itself, with the reason
}

// light remembers when the object's light was on.
type light struct {
	mu   sync.Mutex
	on   bool
	last time.Time
}

// afterglow is how long a light that was on is shown: requests here are shorter than a frame.
const afterglow = 300 * time.Millisecond

func (l *light) set(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.on, l.last = on, time.Now()
}

func (l *light) shows() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.on || time.Since(l.last) < afterglow && !l.last.IsZero()
}

// openWorld lays everything out in dir and starts nothing but the receiver.
func openWorld(dir string, o options) (w *world, err error) {
	start, err := time.Parse(time.RFC3339, dawn)
	if err != nil {
		return nil, err
	}
	w = &world{clock: newClock(start, o.rate), cancel: func() {}, failed: make(chan error, 2)}
	there := filepath.Join(dir, "receiver")
	if w.receiver, err = startReceiver(there, w.clock.Now); err != nil {
		return nil, err
	}
	w.tail = newTail(there)
	if err := w.openObject(dir, o.seed); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *world) openObject(dir string, seed int64) error {
	path, err := writeConf(dir, w.receiver.url, pageAddress(), seed)
	if err != nil {
		return err
	}
	cfg, err := agent.LoadConfig(path)
	if err != nil {
		return err
	}
	if w.house, err = openHouse(cfg, w.clock); err != nil {
		return err
	}
	w.object, err = agent.Open(cfg, agent.Options{Clock: w.clock, ClockName: w.clock.name(), Sending: w.light.set, Version: "demo"})
	return err
}

// start lets the house live and the object sense. guard runs around each goroutine.
func (w *world) start(guard func(func())) {
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	for name, run := range map[string]func(context.Context) error{"the agent": w.object.Run, "the house": w.house.run} {
		w.parts.Go(func() {
			guard(func() {
				if err := run(ctx); err != nil || ctx.Err() == nil {
					w.failed <- fmt.Errorf("%s has ended: %w", name, orEarly(err))
				}
			})
		})
	}
}

func orEarly(err error) error {
	if err == nil {
		return errors.New("nobody here told it to; on its page it can be made ready for another owner")
	}
	return err
}

// rest stops house and agent and returns when they have ended. What the agent knows can still be asked.
func (w *world) rest() error {
	w.cancel()
	w.parts.Wait()
	select {
	case err := <-w.failed:
		return err
	default:
		return nil
	}
}

// close lets go of everything. It may be called more than once.
func (w *world) close() error {
	var errs []error
	errs = append(errs, w.rest())
	if w.object != nil {
		errs = append(errs, w.object.Close())
		w.object = nil
	}
	if w.receiver != nil {
		errs = append(errs, w.receiver.stop())
		w.receiver = nil
	}
	return errors.Join(errs...)
}
