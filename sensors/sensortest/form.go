package sensortest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/candor-edge/candor/sensors"
)

func checkNames(open func() sensors.Source) error {
	source := open()
	var faults []error
	if err := sensors.CheckName(source.Name(), sensors.MaxSourceName); err != nil {
		faults = append(faults, fmt.Errorf("name: %w", err))
	}
	fields := source.Fields()
	if len(fields) == 0 {
		faults = append(faults, errors.New("there are no fields"))
	}
	if !reflect.DeepEqual(fields, source.Fields()) {
		faults = append(faults, errors.New("the list of fields says something else when asked again"))
	}
	seen := map[string]bool{}
	for _, f := range fields {
		if err := checkField(source.Name(), f); err != nil {
			faults = append(faults, fmt.Errorf("field %q: %w", f.Name, err))
		}
		if seen[f.Name] {
			faults = append(faults, fmt.Errorf("field %q is there twice", f.Name))
		}
		seen[f.Name] = true
	}
	return errors.Join(faults...)
}

// checkField says what is wrong with a field of that source.
func checkField(source string, f sensors.Field) error {
	quantity, ours := strings.CutPrefix(f.Name, source+".")
	if !ours {
		return fmt.Errorf("its name does not start with the source's, %q", source+".")
	}
	if err := sensors.CheckName(quantity, sensors.MaxFieldName-len(source)-1); err != nil {
		return fmt.Errorf("quantity: %w", err)
	}
	if kind, ok := sensors.KindNamed(f.Kind.Name); !ok || kind != f.Kind {
		return fmt.Errorf("its kind %q is not one of the table", f.Kind.Name)
	}
	if !slices.Contains(sensors.Classes(), f.Class) {
		return fmt.Errorf("its class %q is not one of the list", f.Class)
	}
	return nil
}

func checkReadings(open func() sensors.Source) error {
	source := open()
	r := whole(source, true)
	_, recorded := source.(sensors.Resuming)
	var last uint64
	for i, reading := range r.readings {
		if err := checkReading(source, reading); err != nil {
			r.faults = append(r.faults, fmt.Errorf("reading %d: %w", i, err))
		}
		if recorded && reading.Position <= last {
			r.faults = append(r.faults, fmt.Errorf("reading %d: its position does not come after the last one", i))
		}
		if !recorded && reading.Position != 0 {
			r.faults = append(r.faults, fmt.Errorf("reading %d: it has a position though the source can't resume", i))
		}
		last = reading.Position
		if len(r.faults) > 10 {
			break
		}
	}
	return errors.Join(r.faults...)
}

// checkReading says what is wrong with a reading, without its values.
func checkReading(source sensors.Source, r sensors.Reading) error {
	fields := source.Fields()
	var faults []error
	if r.Source != source.Name() {
		faults = append(faults, errors.New("its source is not the one that emits it"))
	}
	if r.Taken != 0 {
		faults = append(faults, errors.New("it says when it was taken; that is for the agent to say"))
	}
	if len(r.Values) != len(fields) {
		return errors.Join(append(faults, fmt.Errorf("it has %d values for %d fields", len(r.Values), len(fields)))...)
	}
	for i, f := range fields {
		if err := checkValue(f.Kind, r.Values[i]); err != nil {
			faults = append(faults, fmt.Errorf("field %q: %w", f.Name, err))
		}
	}
	return errors.Join(faults...)
}

// checkValue says what is wrong with a value of that kind, without the value.
func checkValue(k sensors.Kind, v sensors.Value) error {
	empty := v.Num == 0 && v.Token == ""
	switch v.Quality {
	case sensors.Absent, sensors.Fault:
		if !empty {
			return fmt.Errorf("the quality is %v and still there is a value", v.Quality)
		}
		return nil
	case sensors.OutOfRange:
		if k.Type == sensors.Text || v.Token != "" || v.Num >= k.Min && v.Num <= k.Max {
			return errors.New("the quality is out-of-range, and the value is in range or a token")
		}
		return nil
	case sensors.OK, sensors.Stale:
	default:
		return fmt.Errorf("%v is no quality", v.Quality)
	}
	if k.Type == sensors.Text {
		if v.Num != 0 || v.Token == "" || len(v.Token) > sensors.MaxToken || !utf8.ValidString(v.Token) {
			return fmt.Errorf("it is no token of 1 to %d bytes", sensors.MaxToken)
		}
		return nil
	}
	if v.Token != "" {
		return fmt.Errorf("it is a %v and has a token", k.Type)
	}
	if v.Quality == sensors.OK && (v.Num < k.Min || v.Num > k.Max) {
		return fmt.Errorf("the quality is ok and the value outside the range of %s", k.Name)
	}
	return nil
}

// checkFaults asks for the faults while the source runs, for the race detector to see, and looks at what it got.
func checkFaults(open func() sensors.Source) error {
	source := open()
	counting, ok := source.(sensors.Counting)
	if !ok {
		return nil
	}
	stop, asked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(asked)
		for {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Microsecond):
				counting.Faults()
			}
		}
	}()
	r := whole(source, false)
	close(stop)
	<-asked
	type place struct{ what, where string }
	seen := map[place]bool{}
	for _, f := range counting.Faults() {
		if f.What == "" || f.Count == 0 {
			r.faults = append(r.faults, errors.New("a fault has no name or did not happen"))
		}
		if at := (place{f.What, f.Where}); seen[at] {
			r.faults = append(r.faults, fmt.Errorf("the fault %q at %q is there twice", f.What, f.Where))
		} else {
			seen[at] = true
		}
	}
	return errors.Join(r.faults...)
}
