package chip

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/bus"
	"github.com/candor-edge/candor/tinyconf"
)

// Attachment says how a part is connected.
type Attachment string

// The attachments.
const (
	I2C  Attachment = "i2c"  // a chip that is read over a bus
	GPIO Attachment = "gpio" // a line that is followed
	Mux  Attachment = "mux"  // a switch between branches of a bus; it measures nothing
)

// Evidence says what a row's code was held against. The zero value claims nothing.
type Evidence string

// The kinds of evidence, from weak to strong.
const (
	FromModel     Evidence = "simulated" // only something of our own that behaves as we think it does
	FromDatasheet Evidence = "datasheet" // a transcript made from the datasheet's own examples and formulas
	FromRig       Evidence = "rig"       // recorded from an emulated chip under a stock kernel
	FromHardware  Evidence = "hardware"  // recorded from a real part
)

// Sentence is the evidence in words.
func (e Evidence) Sentence() string {
	switch e {
	case FromHardware:
		return "recorded on hardware"
	case FromRig:
		return "recorded in the rig (emulated chip, real kernel); not yet seen on hardware"
	case FromModel:
		return "tried on a simulation of our own; not yet seen on hardware"
	case FromDatasheet:
		return "made from the datasheet; not yet seen on hardware"
	}
	return "not tested"
}

// Quantity is one thing that a part measures.
type Quantity struct {
	Name     string       // the field's name after the source: "temperature"
	Kind     sensors.Kind // unit, scale, class, plausible range
	Min, Max int64        // what this part can measure, in the kind's scale; outside is a fault. Both 0 for tokens
}

// Setting is something about a part that can't be read from it.
type Setting struct {
	Name     string
	Default  string
	Doc      string
	Min, Max int64 // both included; every setting is a whole number
}

// Row is what is known of one part.
type Row struct {
	Name       string // the driver's name: "bme280"
	Doc        string // one line
	Datasheet  string // maker, document and revision
	On         Attachment
	Quantities []Quantity
	Addresses  []uint16 // I2C: where it can be; the first is the default
	Identity   string   // how it is recognised, in words
	Evidence   Evidence
	Settings   []Setting
	Every      time.Duration // time between readings when the configuration says nothing; for GPIO 0 means at changes
	Fastest    time.Duration // the part has nothing new sooner
	ZeroIsReal bool          // all values zero is something this part says in good health
	Caveat     string        // what to know before believing it; "" for nothing
	Takes      time.Duration // how long Identify or Sense may take when all is well; 0 for less than half a second

	device func(p *place, s settings) device // I2C
	follow func(s settings) tally            // GPIO
	pull   bus.Bias                          // GPIO
	narrow func(q []Quantity, s settings) []Quantity
}

// quantity is a row of a part's table. It panics on an unknown kind: the tables are fixed and all made by a test.
func quantity(name, kind string, least, most int64) Quantity {
	k, ok := sensors.KindNamed(kind)
	if !ok {
		panic("chip: no kind is called " + kind)
	}
	return Quantity{Name: name, Kind: k, Min: least, Max: most}
}

// Fields are the fields that a source of that name has with these settings.
func (r Row) Fields(source string, chosen map[string]string) ([]sensors.Field, error) {
	s, err := r.settle(chosen)
	if err != nil {
		return nil, err
	}
	var fields []sensors.Field
	for _, q := range r.measures(s) {
		fields = append(fields, sensors.NewField(source, q.Name, q.Kind))
	}
	return fields, nil
}

func (r Row) measures(s settings) []Quantity {
	if r.narrow == nil {
		return r.Quantities
	}
	return r.narrow(r.Quantities, s)
}

// deadline is when the part is not slow but stuck. It has to hold whatever the interval is.
func (r Row) deadline() time.Duration { return max(2*r.Takes, time.Second) }

// Named looks a part up in the table; the error lists near names.
func Named(name string) (Row, error) {
	var names []string
	for _, r := range Parts() {
		if r.Name == name {
			return r, nil
		}
		names = append(names, r.Name)
	}
	return Row{}, fmt.Errorf("no part is called %q; %s", name, tinyconf.Hint(name, names))
}

// settings are a row's settings with the defaults filled in.
type settings map[string]int64

// settle checks what was chosen against the row's settings. The error names the setting and what would do.
func (r Row) settle(chosen map[string]string) (settings, error) {
	out := settings{}
	var names []string
	for _, s := range r.Settings {
		names = append(names, s.Name)
		text, ok := chosen[s.Name]
		if !ok {
			text = s.Default
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < s.Min || n > s.Max {
			return nil, fmt.Errorf("%s: setting %s: %q won't do; a whole number from %d to %d (%s)",
				r.Name, s.Name, text, s.Min, s.Max, s.Doc)
		}
		out[s.Name] = n
	}
	for _, name := range slices.Sorted(maps.Keys(chosen)) {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("%s: there is no setting called %q; %s", r.Name, name, tinyconf.Hint(name, names))
		}
	}
	return out, nil
}

// checkAddress gives the default for 0 and refuses an address at which the part can't be.
func (r Row) checkAddress(address uint16) (uint16, error) {
	if address == 0 {
		return r.Addresses[0], nil
	}
	if slices.Contains(r.Addresses, address) {
		return address, nil
	}
	text := ""
	for i, a := range r.Addresses {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("0x%02x", a)
	}
	return 0, fmt.Errorf("a %s can't be at address 0x%02x; it can be at %s", r.Name, address, text)
}
