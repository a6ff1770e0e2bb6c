package sensors

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/candor-edge/candor/tinyconf"
)

// MaxSourceName is the longest name of a source in bytes.
const MaxSourceName = 32

// CheckName says whether name can be the name of a source or the quantity of a field: at least one and at most max
// bytes of a-z, A-Z, 0-9, - and _. The error says what is wrong with it and is nil for a good one.
func CheckName(name string, max int) error {
	if name == "" {
		return errors.New("the name is empty")
	}
	if len(name) > max {
		return fmt.Errorf("the name is %d bytes long; at most %d are possible", len(name), max)
	}
	for i := range len(name) {
		c := name[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			continue
		}
		return fmt.Errorf("%q has a character that a name can't have; use letters a-z, digits, - and _", name)
	}
	return nil
}

// Check says whether c is a table that the driver can use: the source has a name, every key in Needs is set and every
// key that is set is one of Needs and Uses (name and driver always are). A key counts as set when its value is not the
// zero value of its type. All faults come back at once, joined; each names the sensor. Open is not called.
func (d Driver) Check(c Config) error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("sensor %q: "+format, append([]any{c.Name}, args...)...))
	}
	if err := CheckName(c.Name, MaxSourceName); err != nil {
		faults = append(faults, fmt.Errorf("sensor %q: name: %w", c.Name, err))
	}
	set := setKeys(c)
	for _, key := range d.Needs {
		if !slices.Contains(set, key) {
			fault("the driver %q needs the key %q", d.Name, key)
		}
	}
	for _, key := range set {
		if key != "name" && key != "driver" && !slices.Contains(d.Needs, key) && !slices.Contains(d.Uses, key) {
			fault("the driver %q does not use the key %q; it uses: %s", d.Name, key, keyList(d.Keys()))
		}
	}
	return errors.Join(faults...)
}

func keyList(keys []string) string {
	if len(keys) == 0 {
		return "name and driver only"
	}
	return strings.Join(keys, ", ")
}

// setKeys lists the keys of the table that hold something, in the order of Config.
func setKeys(c Config) []string {
	var set []string
	table := reflect.ValueOf(c)
	for i := range table.NumField() {
		key, _, _ := strings.Cut(table.Type().Field(i).Tag.Get("toml"), ",")
		if key != "" && !table.Field(i).IsZero() {
			set = append(set, key)
		}
	}
	return set
}

// SetClasses gives fields the classes that a [sensor.classes] table declares, by quantity. The error joins all faults.
func SetClasses(fields []Field, declared map[string]string) error {
	var faults []error
	quantities := make([]string, len(fields))
	for i, f := range fields {
		quantities[i] = f.Quantity()
	}
	known := make([]string, 0, len(Classes()))
	for _, c := range Classes() {
		known = append(known, string(c))
	}
	for _, quantity := range slices.Sorted(maps.Keys(declared)) {
		class := declared[quantity]
		at := slices.Index(quantities, quantity)
		if at < 0 {
			faults = append(faults, fmt.Errorf("classes: no field is called %q; %s",
				quantity, tinyconf.Hint(quantity, quantities)))
			continue
		}
		if !slices.Contains(known, class) {
			faults = append(faults, fmt.Errorf("classes: %s: no class is called %q; %s",
				quantity, class, tinyconf.Hint(class, known)))
			continue
		}
		fields[at].Class = Class(class)
	}
	return errors.Join(faults...)
}
