package sensors

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/candor-edge/candor/tinyconf"
)

// LimitKeys are the keys of [[sensor]] that [Supervised.Limit] takes in. A driver whose parts are supervised uses them.
func LimitKeys() []string {
	return []string{"change", "at_least", "min_interval", "jump", "stuck_after"}
}

// Limit sets what the configuration says of change, jumps, stuck values and the least interval. Steps are written in the
// field's unit and have to be whole in the kind's scale. Fields and Every have to be set before. The error joins all
// faults, each with its key.
func (s *Supervised) Limit(c Config) error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	steps := func(key string, written map[string]tinyconf.Decimal) map[string]int64 {
		out, err := stepsOf(s.Fields, key, written)
		faults = append(faults, err...)
		return out
	}
	s.Change, s.Jumps = steps("change", c.Change), steps("jump", c.Jump)
	s.AtLeast, s.MinInterval, s.StuckAfter = c.AtLeast.Std(), c.MinInterval.Std(), c.StuckAfter
	if s.AtLeast < 0 || s.MinInterval < 0 {
		fault("at_least and min_interval: a time can't be negative")
	}
	if s.AtLeast > 0 && len(c.Change) == 0 {
		fault("at_least: without change every reading counts already; set change, or leave at_least out")
	}
	if s.AtLeast > 0 && s.AtLeast < s.MinInterval {
		fault("at_least: %v is less than min_interval, %v, which would win", s.AtLeast, s.MinInterval)
	}
	if s.MinInterval > 0 && s.MinInterval <= s.Every {
		fault("min_interval: readings are %v apart already (every); %v changes nothing", s.Every, s.MinInterval)
	}
	if s.StuckAfter < -1 || s.StuckAfter == 1 {
		fault("stuck_after: %d won't do; at least 2 readings, or -1 for never", s.StuckAfter)
	}
	if s.StuckAfter > 0 && !slices.ContainsFunc(s.Fields, func(f Field) bool { return f.Kind.Type == Numeric }) {
		fault("stuck_after: this sensor measures no number")
	}
	return errors.Join(faults...)
}

// stepsOf turns steps by quantity into the scale of each kind.
func stepsOf(fields []Field, key string, written map[string]tinyconf.Decimal) (map[string]int64, []error) {
	if len(written) == 0 {
		return nil, nil
	}
	var quantities []string
	kinds := map[string]Kind{}
	for _, f := range fields {
		quantities = append(quantities, f.Quantity())
		kinds[f.Quantity()] = f.Kind
	}
	out := map[string]int64{}
	var faults []error
	for _, quantity := range slices.Sorted(maps.Keys(written)) {
		k, known := kinds[quantity]
		step, err := written[quantity].Scaled(k.Scale)
		switch {
		case !known:
			faults = append(faults, fmt.Errorf("%s: no field is called %q; %s", key, quantity, tinyconf.Hint(quantity, quantities)))
		case k.Type != Numeric:
			faults = append(faults, fmt.Errorf("%s: %s is a %s and has no steps", key, quantity, k.Type))
		case err != nil:
			faults = append(faults, fmt.Errorf("%s: %s: %w", key, quantity, err))
		case step <= 0:
			faults = append(faults, fmt.Errorf("%s: %s: %s won't do; a step is more than 0", key, quantity, written[quantity]))
		default:
			out[quantity] = step
		}
	}
	return out, faults
}
