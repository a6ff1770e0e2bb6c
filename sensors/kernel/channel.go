package kernel

import (
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"

	"github.com/candor-edge/candor/sensors"
)

// Channel is one quantity of a device.
type Channel struct {
	Quantity string       // the field's name after the source
	Kind     sensors.Kind //
	Stem     string       // what its files' names begin with: "in_temp", "temp1"

	num, den int64 // from the file's unit to the kind's unit and scale

	value  string // the file with the value
	offset string // the file to add, "" for none
	scale  string // the file to multiply by, "" for none
	fault  string // the file that says 1 when the value means nothing, "" for none
}

// unit is what the kernel's documents say of a sort of file.
type unit struct {
	kind     string
	num, den int64 // the kind's scaled unit is the file's times num/den
}

// iioUnits are the types of industrial I/O (Documentation/ABI/testing/sysfs-bus-iio), by what stands between "in_" and
// a number. Those without a kind of ours are left out.
func iioUnits() map[string]unit {
	return map[string]unit{
		"temp":              {"temperature", 1, 1},        // milli degrees
		"humidityrelative":  {"humidity", 1, 10},          // milli percent
		"pressure":          {"pressure", 1000, 1},        // kilopascal
		"illuminance":       {"illuminance", 1000, 1},     // lux
		"voltage":           {"voltage", 1000, 1},         // millivolt
		"current":           {"current", 1000, 1},         // milliampere
		"power":             {"power", 1, 1},              // milliwatt
		"energy":            {"energy", 10, 36},           // joule
		"accel":             {"acceleration", 1000000, 1}, // m/s2
		"anglvel":           {"angular-velocity", 1000000, 1},
		"magn":              {"magnetic-flux-density", 100000, 1}, // gauss
		"distance":          {"distance", 1000, 1},                // metre
		"velocity":          {"speed", 1000, 1},                   // m/s
		"concentration_co2": {"co2", 1000000, 1},                  // percent
		"massconcentration": {"particulates", 10, 1},              // ug/m3
	}
}

// hwmonUnits are the sorts of hardware monitoring (Documentation/hwmon/sysfs-interface.rst), by what stands before the
// number.
func hwmonUnits() map[string]unit {
	return map[string]unit{
		"temp":     {"temperature", 1, 1},    // milli degrees
		"in":       {"voltage", 1000, 1},     // millivolt
		"curr":     {"current", 1000, 1},     // milliampere
		"power":    {"power", 1, 1000},       // microwatt
		"energy":   {"energy", 1, 3_600_000}, // microjoule
		"humidity": {"humidity", 1, 10},      // milli percent
		"fan":      {"number", 1_000_000, 1}, // turns a minute
	}
}

// channelOf makes a channel of that sort, or none when there is no kind for it.
func channelOf(units map[string]unit, sort, stem string) (Channel, bool) {
	u, ok := units[sort]
	if !ok {
		return Channel{}, false
	}
	k, ok := sensors.KindNamed(u.kind)
	return Channel{Kind: k, Stem: stem, num: u.num, den: u.den}, ok
}

// fileName is the name of a channel's file, taken apart: sort and number, modifiers each with the underscore before it, and
// what the file holds. temp1_input is "temp", "1", "", "input"; in_temp_ambient_raw is "temp", "", "_ambient", "raw".
type fileName struct{ sort, number, modifiers, holds string }

// takeApart reads the name of a file, without in_. It is used for every file of a directory when a source is opened; a
// regular expression would cost the device binary two hundred kilobytes.
func takeApart(name string) (fileName, bool) {
	name, holds, _ := cutLast(name, "_")
	f := fileName{holds: holds}
	f.sort, name = span(name, 'a', 'z')
	f.number, f.modifiers = span(name, '0', '9')
	if f.sort == "" || holds == "" {
		return f, false
	}
	if f.modifiers == "" {
		return f, true
	}
	for i, m := range strings.Split(f.modifiers, "_") {
		if (i == 0) != (m == "") || strings.Trim(m, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return f, false
		}
	}
	return f, true
}

// cutLast cuts s around the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// span cuts off what s begins with of the characters from first to last.
func span(s string, first, last byte) (of, rest string) {
	i := 0
	for i < len(s) && s[i] >= first && s[i] <= last {
		i++
	}
	return s[:i], s[i:]
}

// iioChannels finds the channels of an industrial I/O device: one for each in_..._input, or in_..._raw with what there
// is of offset and scale, of the channel or shared by all of its type.
func iioChannels(dir string, files []string) []Channel {
	var out []Channel
	for _, name := range files {
		rest, is := strings.CutPrefix(name, "in_")
		f, ok := takeApart(rest)
		raw := f.holds == "raw"
		if !is || !ok || !raw && f.holds != "input" || raw && slices.Contains(files, strings.TrimSuffix(name, "_raw")+"_input") {
			continue
		}
		sort, number, modifier := f.sort, f.number, strings.TrimPrefix(f.modifiers, "_")
		if modifier == "co2" {
			sort, modifier = sort+"_co2", ""
		}
		stem := strings.TrimSuffix(strings.TrimSuffix(name, "_raw"), "_input")
		c, ok := channelOf(iioUnits(), sort, stem)
		if !ok {
			continue
		}
		c.value, c.Quantity = path.Join(dir, name), strings.ReplaceAll(c.Kind.Name, "-", "_")+number
		if modifier != "" {
			c.Quantity += "_" + modifier
		}
		if raw {
			shared := "in_" + f.sort
			c.offset = firstOf(dir, files, stem+"_offset", shared+number+"_offset", shared+"_offset")
			c.scale = firstOf(dir, files, stem+"_scale", shared+f.modifiers+"_scale", shared+number+"_scale", shared+"_scale", "in_scale")
		}
		out = append(out, c)
	}
	return out
}

// firstOf gives the first of names that is one of the files, with its folder; "" when none is.
func firstOf(dir string, files []string, names ...string) string {
	for _, name := range names {
		if slices.Contains(files, name) {
			return path.Join(dir, name)
		}
	}
	return ""
}

// hwmonChannels finds the channels of a hardware monitoring device. A channel with a label is named after it, one
// without after its kind and its number, which the driver fixes.
func hwmonChannels(fsys fs.FS, dir string, files []string) []Channel {
	var out []Channel
	for _, name := range files {
		f, ok := takeApart(name)
		stem, average := f.sort+f.number, f.holds == "average"
		if !ok || f.number == "" || f.modifiers != "" || !average && f.holds != "input" || average && slices.Contains(files, stem+"_input") {
			continue
		}
		c, ok := channelOf(hwmonUnits(), f.sort, stem)
		if !ok {
			continue
		}
		if on, err := readText(fsys, path.Join(dir, stem+"_enable")); err == nil && on == "0" {
			continue
		}
		c.value, c.fault = path.Join(dir, name), firstOf(dir, files, stem+"_fault")
		c.Quantity = strings.ReplaceAll(c.Kind.Name, "-", "_") + f.number
		if f.sort == "fan" {
			c.Quantity = stem
		}
		if label, err := readText(fsys, path.Join(dir, stem+"_label")); err == nil {
			if slug := slugOf(label); slug != "" {
				c.Quantity = slug
			}
		}
		out = append(out, c)
	}
	return out
}

// slugOf makes a field's name of a label: "Package id 0" is "package_id_0".
func slugOf(label string) string {
	const most = 32
	var b strings.Builder
	for _, r := range strings.ToLower(label) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			b.WriteRune(r)
		default:
			b.WriteByte('_')
		}
	}
	slug := strings.Trim(b.String(), "_")
	return strings.TrimRight(slug[:min(len(slug), most)], "_")
}

// settleNames sorts channels and makes their names differ. A number that tells nothing apart is left out:
// "temperature1" is "temperature" when it is the only one.
func settleNames(channels []Channel) []Channel {
	sort.Slice(channels, func(i, j int) bool {
		return channels[i].Quantity+" "+channels[i].Stem < channels[j].Quantity+" "+channels[j].Stem
	})
	kinds := map[string]int{}
	for _, c := range channels {
		kinds[c.Kind.Name]++
	}
	taken := map[string]bool{}
	for i, c := range channels {
		plain := strings.ReplaceAll(c.Kind.Name, "-", "_")
		if kinds[c.Kind.Name] == 1 && strings.TrimRight(c.Quantity, "0123456789") == plain {
			channels[i].Quantity = plain
		}
		if taken[channels[i].Quantity] {
			channels[i].Quantity += "_" + slugOf(c.Stem)
		}
		taken[channels[i].Quantity] = true
	}
	return channels
}

// measure reads a channel: (value + offset) times scale, in the kind's unit.
func (c Channel) measure(fsys fs.FS) (sensors.Value, string, error) {
	if c.fault != "" {
		if bad, err := readText(fsys, c.fault); err == nil && bad != "0" {
			return sensors.Value{Quality: sensors.Fault}, "", nil
		}
	}
	v, err := readNumber(fsys, c.value)
	if err != nil {
		return sensors.Value{}, c.value, err
	}
	for _, step := range []struct {
		file string
		do   func(a, b number) number
	}{{c.offset, number.plus}, {c.scale, number.times}} {
		if step.file == "" {
			continue
		}
		by, err := readNumber(fsys, step.file)
		if err != nil {
			return sensors.Value{}, step.file, err
		}
		v = step.do(v, by)
	}
	n, fits := v.round(c.num, c.den)
	if !fits {
		return sensors.Value{Quality: sensors.Fault}, "", nil
	}
	return c.Kind.Check(sensors.Number(n)), "", nil
}
