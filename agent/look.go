package agent

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/chip"
	"github.com/candor-edge/candor/tinyconf"
)

// lookTime is how long a look without a daemon waits for the first reading of each sensor.
const lookTime = 6 * time.Second

// Look implements control.Looker.
func (a *Agent) Look(ctx context.Context, names []string) (control.Looks, error) {
	chosen, err := a.chosen(names)
	if err != nil {
		return control.Looks{}, err
	}
	a.mu.Lock()
	running := a.daemon
	a.mu.Unlock()
	if !running {
		a.runFor(ctx, chosen, 1)
	}
	workshop := a.workshop()
	out := control.Looks{Workshop: workshop}
	for _, r := range chosen {
		out.Sensors = append(out.Sensors, a.lookAt(r, workshop))
	}
	return out, nil
}

// workshop says whether the object was never handed over: nobody has agreed to anything on it, ever, nor opened its page.
func (a *Agent) workshop() bool {
	return (a.book == nil || !a.book.Handed()) && (a.keys == nil || a.keys.Highest() == 0)
}

// chosen are the sensors of these names, or all; attributes are none.
func (a *Agent) chosen(names []string) ([]*running, error) {
	var all, out []*running
	var known []string
	for _, r := range a.sources {
		if _, fixed := r.source.(*attributes); !fixed {
			all, known = append(all, r), append(known, r.source.Name())
		}
	}
	if len(names) == 0 {
		return all, nil
	}
	for _, name := range names {
		at := slices.Index(known, name)
		if at < 0 {
			return nil, control.Errorf(control.ErrNotFound, "candor sensor list", "no sensor is called %q; %s", name, tinyconf.Hint(name, known))
		}
		if !slices.Contains(out, all[at]) {
			out = append(out, all[at])
		}
	}
	return out, nil
}

// Examine reads each sensor so often, as fast as its part has something new, and tells how they do in verdicts without
// values, whether somebody lives with the object or not. No daemon may run. It opens nothing of the object's state; lines, which tell
// when they change, and what is simulated are left alone.
func Examine(ctx context.Context, cfg *Config, rounds int, o Options) ([]control.Look, error) {
	quick := *cfg
	quick.Sensors = slices.Clone(cfg.Sensors)
	for i := range quick.Sensors {
		c := &quick.Sensors[i]
		if row, err := chip.Named(c.Driver); err == nil && row.On == chip.I2C || c.Driver == "kernel" {
			c.Every = tinyconf.Duration(max(row.Fastest, 100*time.Millisecond))
		}
	}
	a := onBench(&quick, o)
	defer func() { _ = a.Close() }()
	if err := a.openSources(false); err != nil {
		return nil, err
	}
	all, err := a.chosen(nil)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(r *running) bool { return r.simulated || r.config.Line != "" })
	a.runFor(ctx, all, rounds)
	var out []control.Look
	for _, r := range all {
		out = append(out, a.lookAt(r, false))
	}
	return out, ctx.Err()
}

// errEnough ends a source after its last reading.
type errEnough struct{}

// Error implements error.
func (errEnough) Error() string { return "so many readings are enough" }

// runFor runs sources until each has measured so often, or the time is over. Nothing of it goes anywhere.
func (a *Agent) runFor(ctx context.Context, chosen []*running, rounds int) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(rounds)*lookTime)
	defer cancel()
	var all sync.WaitGroup
	for _, r := range chosen {
		all.Go(func() {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			if w, ok := r.source.(sensors.Watched); ok {
				all.Go(func() { hopeless(ctx, cancel, w) })
			}
			r.set("running", nil)
			left := rounds
			err := r.source.Run(ctx, func(reading sensors.Reading) error {
				r.seen.take(&reading, a.opts.Clock.Now())
				if left--; left > 0 {
					return nil
				}
				return errEnough{}
			})
			state := "ended"
			if _, enough := err.(errEnough); enough {
				state, err = "ok", nil
			} else if err != nil {
				state = "failed"
			} else if w, ok := r.source.(sensors.Watched); ok {
				seen := w.Status()
				state, err = seen.State.String(), seen.Last
			}
			r.set(state, err)
		})
	}
	all.Wait()
}

// hopeless ends a look at a sensor that has failed for longer than a part may take to come up.
func hopeless(ctx context.Context, cancel func(), w sensors.Watched) {
	const comeUp = 1500 * time.Millisecond
	ticks := time.NewTicker(comeUp)
	defer ticks.Stop()
	for failed := false; ctx.Err() == nil; {
		select {
		case <-ctx.Done():
		case <-ticks.C:
			again := w.Status().Last != nil
			if failed && again {
				cancel()
			}
			failed = again
		}
	}
}

// lookAt is how one sensor is.
func (a *Agent) lookAt(r *running, workshop bool) control.Look {
	st := r.status()
	out := control.Look{Name: st.Name, Driver: st.Driver, Simulated: st.Simulated, State: st.State, Error: st.Error}
	if err := r.trouble(); err != nil {
		out.Fault = sensors.FaultOf(err).String()
	}
	if out.Fault == sensors.Permission.String() {
		out.State = control.NotAllowed
	}
	if at, ok := r.looked(); ok {
		out.Age = tinyconf.Duration(max(a.opts.Clock.Now().Sub(at), 0).Truncate(time.Second)).String()
	}
	for i, f := range r.source.Fields() {
		out.Fields = append(out.Fields, r.fieldLook(i, f, workshop))
	}
	return out
}

// trouble is what a source failed with last; nil while all is well.
func (r *running) trouble() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w, ok := r.source.(sensors.Watched); ok && r.state == "running" {
		return w.Status().Last
	}
	return r.err
}

// looked is when the source was last looked at with success. It must not tell of an event in the home: a line that says
// yes or no is looked at when it changes, so nothing is told of it.
func (r *running) looked() (time.Time, bool) {
	if w, ok := r.source.(sensors.Watched); ok {
		row, err := chip.Named(r.config.Driver)
		if err == nil && row.On == chip.GPIO && slices.ContainsFunc(row.Quantities, func(q chip.Quantity) bool { return q.Kind.Type == sensors.Boolean }) {
			return time.Time{}, false
		}
		at := w.Status().LastGood
		return at, !at.IsZero()
	}
	_, at, ok := r.seen.last(0)
	return at, ok
}

// aboutThings says whether a field tells of things and not of people.
func aboutThings(f sensors.Field) bool {
	return f.Class == sensors.Environment && f.Kind.Implies == ""
}

// fieldLook is how one field is. After the first yes on this object nothing of a field that tells of people is told: that a
// badge is present, or a counter moves, says who is at home. How its part is stands with the sensor.
func (r *running) fieldLook(i int, f sensors.Field, workshop bool) control.FieldLook {
	out := control.FieldLook{Name: f.Name, Unit: f.Kind.Unit, Present: notTold, InRange: notTold, Moving: notTold, Spread: notTold}
	v, _, measured := r.seen.last(i)
	if !workshop && !aboutThings(f) {
		return out
	}
	out.Present, out.InRange, out.Moving, out.Spread = no, notKnown, notKnown, notKnown
	if !measured {
		return out
	}
	if v.Quality != sensors.Absent {
		out.Present, out.InRange = yes, yes
		if v.Quality != sensors.OK {
			out.InRange = no
		}
	}
	if low, high, count := r.seen.span(i); count > 1 && f.Kind.Type == sensors.Numeric {
		out.Spread, out.Moving = spreadOf(f.Kind, low, high), yes
		if low == high {
			out.Moving = no
		}
	}
	if workshop {
		out.Value = inWords(f.Kind, v)
		if v.Quality == sensors.OutOfRange || v.Quality == sensors.Stale {
			out.Value += " (" + v.Quality.String() + ")"
		}
	}
	return out
}
