package agent

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/candor-edge/candor/sensors/bus"
	"github.com/candor-edge/candor/sensors/chip"
	"github.com/candor-edge/candor/tinyconf"
)

// Signals is the [signals] table: what a person sees and presses on the object itself.
type Signals struct {
	Sending string `toml:"sending"` // GPIO line of a light: on while something is on its way out, and only then
	Pause   string `toml:"pause"`   // GPIO line of a button to ground: a press pauses everything that leaves, the next ends it; held, it opens the page
}

// check finds lines that two would use.
func (s Signals) check(ctx *tinyconf.Context, c *Config) {
	if s.Sending != "" && s.Sending == s.Pause {
		ctx.Fault("signals.pause", "%s is the light's line already (sending)", s.Pause)
	}
	for _, x := range c.Sensors {
		for key, line := range map[string]string{"signals.sending": s.Sending, "signals.pause": s.Pause} {
			if line != "" && x.Line == line {
				ctx.Fault(key, "the sensor %q has the line %s", x.Name, line)
			}
		}
	}
}

// bounce is how long the button has to be pressed: longer than its contacts chatter, far shorter than a person presses.
const bounce = 30 * time.Millisecond

// How long the button is held says what is meant: less than holdLeast is a press; up to holdMost it opens the page of the person; longer
// is something that leans on it, or a line that is stuck.
const (
	holdLeast = 5 * time.Second
	holdMost  = 30 * time.Second
)

// A line that can't be had is tried again after these times.
const (
	firstLineRetry = time.Second
	lastLineRetry  = time.Minute
)

// output is a GPIO line that is driven; *bus.Output is one.
type output interface {
	Set(on bool) error
	Close() error
}

// working is whether a light or a button works, and why not. The zero value is ready; it is safe for use by several
// goroutines.
type working struct {
	mu      sync.Mutex
	trouble error
}

func (s *working) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = err
}

func (s *working) get() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trouble
}

// light follows the sender. It may be told from within the sender's lock: its own goroutine drives the line.
type light struct {
	working
	line string
	open func(bus.LineOptions) (output, error)
	wake chan struct{}

	state sync.Mutex
	on    bool
	was   bool // on since the line was driven last: a short upload is a short flash, not nothing
}

func newLight(line string, open func(bus.LineOptions) (output, error)) *light {
	return &light{line: line, open: open, wake: make(chan struct{}, 1)}
}

// tell takes in that sending started or stopped. It returns at once.
func (l *light) tell(on bool) {
	l.state.Lock()
	l.on, l.was = on, l.was || on
	l.state.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run drives the line until ctx is done, and leaves it off.
func (l *light) run(ctx context.Context, after func(time.Duration) <-chan time.Time) error {
	return again(ctx, after, &l.working, func() error {
		line, err := l.open(bus.LineOptions{Name: l.line})
		if err != nil {
			return err
		}
		defer func() { _ = line.Close() }() // it is off, or the line is gone
		for {
			l.state.Lock()
			on, flash := l.on, l.was
			l.was = false
			l.state.Unlock()
			if on || flash {
				err = line.Set(true)
			}
			if !on && err == nil {
				err = line.Set(false)
			}
			if err != nil {
				return err
			}
			l.working.set(nil)
			select {
			case <-ctx.Done():
				return nil
			case <-l.wake:
			}
		}
	})
}

// button calls press or hold when it is let go. A press counts from then and not from its beginning: what is held longer is no pause.
type button struct {
	working
	line  string
	open  chip.LineOpener
	press func(context.Context)
	hold  func()
}

// run follows the button until ctx is done. A button that is held down when the object starts is not a press.
func (b *button) run(ctx context.Context, after func(time.Duration) <-chan time.Time) error {
	return again(ctx, after, &b.working, func() error {
		line, err := b.open(bus.LineOptions{Name: b.line, ActiveLow: true, Bias: bus.PullUp, Debounce: bounce})
		if err != nil {
			return err
		}
		defer func() { _ = line.Close() }() // it was read only
		b.working.set(nil)
		var since time.Duration
		down := false
		return line.Edges(ctx, func(e bus.Edge) {
			was := down
			down = e.Rising
			switch held := e.At - since; {
			case e.Rising:
				since = e.At
			case !was: // it was down at the start, or its beginning was missed
			case held < holdLeast:
				b.press(ctx)
			case held <= holdMost:
				b.hold()
			}
		})
	})
}

// again calls use until ctx is done. What it fails with is the signal's trouble until it works.
func again(ctx context.Context, after func(time.Duration) <-chan time.Time, s *working, use func() error) error {
	for pause := firstLineRetry; ctx.Err() == nil; pause = min(2*pause, lastLineRetry) {
		err := use()
		if ctx.Err() != nil {
			break
		}
		if err == nil {
			err = errors.New("the line has no more changes to come")
		}
		s.set(err)
		select {
		case <-ctx.Done():
		case <-after(pause):
		}
	}
	return nil
}

// openSignals makes the light and the button of the configuration. It touches no line.
func (a *Agent) openSignals() {
	if line := a.cfg.Signals.Sending; line != "" {
		a.light = newLight(line, a.hardware.drive)
	}
	if line := a.cfg.Signals.Pause; line != "" {
		a.button = &button{line: line, open: a.hardware.line, press: a.pressed, hold: a.held}
	}
}

// sending is told by the sender, within its lock, that something is on its way, or that nothing is any more.
func (a *Agent) sending(on bool) {
	if a.light != nil {
		a.light.tell(on)
	}
	a.glow(on)
	if a.opts.Sending != nil {
		a.opts.Sending(on)
	}
}

// pressed is one press of the button. A pause holds from the press on, whether it can be written down or not.
func (a *Agent) pressed(ctx context.Context) {
	if _, err := a.TogglePause(ctx); err != nil {
		a.opts.Log.Error("the button was pressed, and that could not be written down", "error", err)
	}
}

// signalTasks are what Run runs for the light and the button.
func (a *Agent) signalTasks() (list []task) {
	after := a.opts.Clock.After
	if a.light != nil {
		list = append(list, task{"light", func(ctx context.Context) error { return a.light.run(ctx, after) }})
	}
	if a.button != nil {
		list = append(list, task{"button", func(ctx context.Context) error { return a.button.run(ctx, after) }})
	}
	return list
}

// signalWarnings say which signal does not work, since a person would take its silence for an answer.
func (a *Agent) signalWarnings() (out []string) {
	if a.light != nil {
		if err := a.light.get(); err != nil {
			out = append(out, "The light that shows sending does not work: "+err.Error())
		}
	}
	if a.button != nil {
		if err := a.button.get(); err != nil {
			out = append(out, "The pause button does not work: "+err.Error())
		}
	}
	return out
}
