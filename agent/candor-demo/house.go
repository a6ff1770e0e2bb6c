package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/sensors"
)

// house is what the sensors of the configuration would show if one looked at them: the same drivers, seed and clock as
// the agent's, opened a second time. The agent itself shows no values. Safe for concurrent use.
type house struct {
	sources []sensors.Source
	fields  []sensors.Field // of all sources

	mu       sync.Mutex
	latest   map[string]look // by field name
	readings uint64
}

// look is the newest value of one field.
type look struct {
	value sensors.Value
	at    time.Time
}

func openHouse(cfg *agent.Config, c sensors.Clock) (*house, error) {
	h := &house{latest: map[string]look{}}
	env := sensors.HostEnv(c, cfg.Dir())
	for _, s := range cfg.Sensors {
		d, err := sensors.DriverNamed(agent.Drivers(), s.Driver)
		if err != nil {
			return nil, err
		}
		if !d.Simulated {
			return nil, fmt.Errorf("sensor %s is not simulated; the demo opens every sensor twice", s.Name)
		}
		source, err := d.Open(s, env)
		if err != nil {
			return nil, err
		}
		h.sources = append(h.sources, source)
		h.fields = append(h.fields, source.Fields()...)
	}
	return h, nil
}

// run looks until ctx is done.
func (h *house) run(ctx context.Context) error {
	var all sync.WaitGroup
	failed := make(chan error, len(h.sources))
	for _, s := range h.sources {
		all.Go(func() {
			fields := s.Fields()
			if err := s.Run(ctx, func(r sensors.Reading) error { return h.take(fields, r) }); err != nil && ctx.Err() == nil {
				failed <- fmt.Errorf("the house: %s: %w", s.Name(), err)
			}
		})
	}
	all.Wait()
	close(failed)
	var errs []error
	for err := range failed {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (h *house) take(fields []sensors.Field, r sensors.Reading) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.readings++
	for i, v := range r.Values {
		if v.Quality == sensors.OK {
			h.latest[fields[i].Name] = look{v, time.UnixMicro(int64(r.Time)).UTC()}
		}
	}
	return nil
}

// sensed is one line of the house's column.
type sensed struct {
	field, value string // value is "" before there was one
}

// now tells the newest value of every field, and how many readings there were.
func (h *house) now(g glyphs) (lines []sensed, readings uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.fields {
		l, seen := h.latest[f.Name]
		line := sensed{field: f.Name}
		if seen {
			line.value = inWords(f, l, g)
		}
		lines = append(lines, line)
	}
	return lines, h.readings
}

// count is how many readings there were.
func (h *house) count() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.readings
}

// inWords is a value with its unit; a token comes with its time, since it belongs to a moment.
func inWords(f sensors.Field, l look, g glyphs) string {
	switch f.Kind.Type {
	case sensors.Text:
		return l.value.Token + " at " + l.at.Format("15:04")
	case sensors.Boolean:
		if l.value.Num != 0 {
			return "yes"
		}
		return "no"
	}
	unit := f.Kind.Unit
	switch unit {
	case "Cel":
		unit = g.degree + "C"
	case "%RH":
		unit = "%"
	}
	return decimal(l.value.Num, f.Kind.Scale) + " " + unit
}

// decimal writes n / 10^scale, exactly, without zeros at the end.
func decimal(n int64, scale int) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	digits := strconv.FormatInt(n, 10)
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale+1-len(digits)) + digits
	}
	whole, part := digits[:len(digits)-scale], strings.TrimRight(digits[len(digits)-scale:], "0")
	if part == "" {
		return sign + whole
	}
	return sign + whole + "." + part
}
