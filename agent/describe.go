package agent

import (
	"fmt"
	"strings"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/chip"
	"github.com/candor-edge/candor/sensors/kernel"
	"github.com/candor-edge/candor/tinyconf"
)

// DriverInfo is one driver as `sensor list` shows it.
type DriverInfo struct {
	Name      string        `json:"name"`
	Doc       string        `json:"doc"`
	On        string        `json:"on"` // i2c, gpio, mux, kernel, simulated
	Keys      []string      `json:"keys"`
	Fields    []FieldInfo   `json:"fields"`
	Addresses []string      `json:"addresses,omitempty"`
	Settings  []SettingInfo `json:"settings,omitempty"`
	Identity  string        `json:"identity,omitempty"`
	Every     string        `json:"every,omitempty"` // between readings, unless the configuration says otherwise
	Datasheet string        `json:"datasheet,omitempty"`
	Evidence  string        `json:"evidence"`
	Caveat    string        `json:"caveat,omitempty"`
	Here      []string      `json:"here,omitempty"` // kernel: the devices of this machine, as the key file names them, with their quantities
}

// FieldInfo is one field that a driver's sensors have. The range is the part's own, in the unit.
type FieldInfo struct {
	Quantity string        `json:"quantity"`
	Kind     string        `json:"kind"`
	Unit     string        `json:"unit,omitempty"`
	Class    sensors.Class `json:"class"`
	Implies  sensors.Class `json:"implies,omitempty"` // what a fine series of it gives away besides
	Min      string        `json:"min,omitempty"`
	Max      string        `json:"max,omitempty"`
}

// SettingInfo is one key of [sensor.settings].
type SettingInfo struct {
	Name    string `json:"name"`
	Default string `json:"default"`
	Doc     string `json:"doc"`
}

// DescribeDrivers lists all drivers with what they measure and how well that is proven, muxes included.
func DescribeDrivers() []DriverInfo {
	var out []DriverInfo
	for _, r := range chip.Parts() {
		if r.On == chip.Mux {
			out = append(out, describe(r, nil))
		}
	}
	var drivers []DriverInfo
	for _, d := range Drivers() {
		row, err := chip.Named(d.Name)
		if err == nil {
			drivers = append(drivers, describe(row, d.Keys()))
			continue
		}
		info := DriverInfo{Name: d.Name, Doc: d.Doc, On: "kernel", Keys: d.Keys(), Evidence: "read from files of the kernel; which fields there are depends on the device"}
		if d.Simulated {
			info.On, info.Evidence = "simulated", "never measured now; said wherever it shows"
		}
		if !d.Simulated {
			info.Here = kernelDevices()
		}
		drivers = append(drivers, info)
	}
	return append(drivers, out...)
}

// kernelDevices lists what the kernel of this machine has a driver for; nothing where that can't be seen.
func kernelDevices() (out []string) {
	devices, err := kernel.Devices(newHardware(nil).sys)
	if err != nil && len(devices) == 0 {
		return nil
	}
	for _, d := range devices {
		var quantities []string
		for _, c := range d.Channels {
			quantities = append(quantities, c.Quantity)
		}
		out = append(out, d.Reference().String()+" ("+strings.Join(quantities, ", ")+")")
	}
	return out
}

func describe(r chip.Row, keys []string) DriverInfo {
	info := DriverInfo{Name: r.Name, Doc: r.Doc, On: string(r.On), Keys: keys, Identity: r.Identity, Datasheet: r.Datasheet,
		Evidence: r.Proof(), Caveat: r.Caveat}
	if r.Every > 0 {
		info.Every = tinyconf.Duration(r.Every).String()
	}
	for _, a := range r.Addresses {
		info.Addresses = append(info.Addresses, fmt.Sprintf("0x%02x", a))
	}
	for _, s := range r.Settings {
		info.Settings = append(info.Settings, SettingInfo{s.Name, s.Default, s.Doc})
	}
	for _, q := range r.Quantities {
		f := FieldInfo{Quantity: q.Name, Kind: q.Kind.Name, Unit: q.Kind.Unit, Class: q.Kind.Class, Implies: q.Kind.Implies}
		if q.Kind.Type != sensors.Text {
			f.Min, f.Max = shortened(decimals(q.Min, q.Kind.Scale)), shortened(decimals(q.Max, q.Kind.Scale))
		}
		info.Fields = append(info.Fields, f)
	}
	return info
}

// shortened takes zeros off the end of a decimal number.
func shortened(text string) string {
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}
