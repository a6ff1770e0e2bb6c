package sensors

import (
	"sort"
	"strings"
)

// Type is the form of a kind's values.
type Type uint8

// The forms a value can have.
const (
	Numeric Type = iota // an integer that stands for Num / 10^Scale
	Boolean             // 0 or 1
	Text                // a token: at most MaxToken bytes
)

// String returns "number", "boolean" or "token".
func (t Type) String() string { return [...]string{"number", "boolean", "token"}[t%3] }

// Class says what a field tells about people. The charter can forbid whole classes.
type Class string

// The classes, from design §3. Contact is e-mail, phone and postal address.
const (
	Environment Class = "environment"
	Usage       Class = "usage"
	Presence    Class = "presence"
	Location    Class = "location"
	Identity    Class = "identity"
	Contact     Class = "contact"
	Health      Class = "health"
)

// Classes returns all classes in the order of the documents.
func Classes() []Class {
	return []Class{Environment, Usage, Presence, Location, Identity, Contact, Health}
}

// Kind fixes what the numbers of a field mean. Kinds are values; the table in this file is the whole list.
type Kind struct {
	Name     string
	Unit     string // SenML unit (RFC 8428 §12.1 and RFC 8798), "" for tokens
	Scale    int    // decimal digits kept: a value is Num / 10^Scale
	Type     Type
	Class    Class // what it tells about people, unless the configuration says otherwise
	Min, Max int64 // plausible range in scaled units, both included; outside is OutOfRange
	// Implies is the class that a fine series of this kind gives away besides its own ("" for none): CO2, light,
	// power and humidity tell who is at home.
	Implies Class
}

func kinds() []Kind {
	return []Kind{
		{"temperature", "Cel", 3, Numeric, Environment, -80_000, 200_000, ""},
		{"humidity", "%RH", 2, Numeric, Environment, 0, 100_00, Presence},
		{"pressure", "Pa", 0, Numeric, Environment, 30_000, 120_000, ""},
		{"illuminance", "lx", 3, Numeric, Environment, 0, 200_000_000, Presence},
		{"co2", "ppm", 2, Numeric, Environment, 0, 60_000_00, Presence},
		{"voc-index", "1", 0, Numeric, Environment, 0, 500, Presence},
		{"particulates", "ug/m3", 1, Numeric, Environment, 0, 10_000_0, ""},
		{"sound-level", "dB", 1, Numeric, Environment, 0, 1_500, Presence},
		{"temperature-raw", "Cel", 3, Numeric, Environment, -300_000, 2_000_000, ""},
		{"voltage", "V", 6, Numeric, Usage, -1_000_000_000, 1_000_000_000, ""},
		{"current", "A", 6, Numeric, Usage, -1_000_000_000, 1_000_000_000, Presence},
		{"power", "W", 3, Numeric, Usage, -100_000_000, 100_000_000, Presence},
		{"energy", "Wh", 3, Numeric, Usage, 0, 1_000_000_000_000, Presence},
		{"volume", "l", 3, Numeric, Usage, 0, 1_000_000_000_000, Presence},
		{"occupancy", "", 0, Boolean, Presence, 0, 1, ""},
		{"motion", "", 0, Boolean, Presence, 0, 1, ""},
		{"contact", "", 0, Boolean, Presence, 0, 1, ""},
		{"switch", "", 0, Boolean, Usage, 0, 1, Presence},
		{"count", "count", 0, Numeric, Usage, 0, 1_000_000_000_000, Presence},
		{"people", "count", 0, Numeric, Presence, 0, 100_000, ""},
		{"latitude", "lat", 7, Numeric, Location, -90_0000000, 90_0000000, ""},
		{"longitude", "lon", 7, Numeric, Location, -180_0000000, 180_0000000, ""},
		{"altitude", "m", 3, Numeric, Location, -12_000_000, 100_000_000, ""},
		{"distance", "m", 3, Numeric, Environment, 0, 100_000_000, Presence},
		{"speed", "m/s", 3, Numeric, Location, 0, 1_000_000, ""},
		{"acceleration", "m/s2", 6, Numeric, Usage, -10_000_000_000, 10_000_000_000, Presence},
		{"angular-velocity", "rad/s", 6, Numeric, Usage, -10_000_000_000, 10_000_000_000, Presence},
		{"magnetic-flux-density", "T", 9, Numeric, Environment, -1_000_000_000, 1_000_000_000, ""},
		{"angle", "deg", 3, Numeric, Usage, -360_000, 360_000, ""},
		{"heart-rate", "beat/min", 1, Numeric, Health, 0, 4_000, ""},
		{"weight", "kg", 3, Numeric, Health, 0, 1_000_000, ""},
		{"ratio", "/", 6, Numeric, Usage, -1_000_000_000_000, 1_000_000_000_000, ""},
		{"number", "/", 6, Numeric, Usage, -1_000_000_000_000_000, 1_000_000_000_000_000, ""},
		{"badge", "", 0, Text, Identity, 0, 0, ""},
		{"identity", "", 0, Text, Identity, 0, 0, ""},
		{"email", "", 0, Text, Contact, 0, 0, ""},
		{"phone", "", 0, Text, Contact, 0, 0, ""},
		{"address", "", 0, Text, Contact, 0, 0, ""},
		{"area", "", 0, Text, Location, 0, 0, ""},
		{"label", "", 0, Text, Usage, 0, 0, ""},
	}
}

// columnNames maps what people write over a column to the kind's name. A trailing number is taken off before the
// look-up ("pir6", "temperature_2").
func columnNames() map[string]string {
	return map[string]string{
		"temp": "temperature", "t": "temperature", "rh": "humidity", "hum": "humidity", "baro": "pressure",
		"light": "illuminance", "lux": "illuminance", "pm": "particulates", "voc": "voc-index", "noise": "sound-level",
		"occupied": "occupancy", "presence": "occupancy", "pir": "motion", "door": "contact", "window": "contact",
		"open": "contact", "lamp": "switch", "button": "switch", "on": "switch", "pulses": "count", "persons": "people",
		"lat": "latitude", "lon": "longitude", "lng": "longitude", "ele": "altitude", "alt": "altitude",
		"elevation": "altitude", "volt": "voltage", "water": "volume", "gas": "volume", "card": "badge", "tag": "badge",
		"badge_id": "badge", "id": "identity", "serial": "identity", "uid": "identity", "mac": "identity",
		"name": "identity", "mail": "email", "e-mail": "email", "tel": "phone", "mobile": "phone",
		"sound_level": "sound-level", "heart_rate": "heart-rate", "people_count": "people",
	}
}

// Kinds returns every kind, sorted by name.
func Kinds() []Kind {
	all := kinds()
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all
}

// KindNamed returns the kind of that name, and whether there is one.
func KindNamed(name string) (Kind, bool) {
	for _, k := range kinds() {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}

// KindOfColumn returns the kind that a column of this name has by custom ("temperature", "co2", "pir6", "lamp_1"), and
// whether there is one. Case does not matter, nor does a trailing number.
func KindOfColumn(column string) (Kind, bool) {
	name := strings.ToLower(strings.TrimSpace(column))
	for _, candidate := range []string{name, strings.TrimRight(strings.TrimRight(name, "0123456789"), "_-.")} {
		if k, ok := KindNamed(candidate); ok {
			return k, true
		}
		if alias, ok := columnNames()[candidate]; ok {
			return KindNamed(alias)
		}
	}
	return Kind{}, false
}

// Field is one quantity of one source.
type Field struct {
	Name  string // "<source>.<quantity>"; at most MaxFieldName bytes
	Kind  Kind
	Class Class // Kind.Class unless the configuration declares another
}

// MaxFieldName is the longest field name in bytes.
const MaxFieldName = 128

// NewField is the field of that source and quantity with the kind's own class.
func NewField(source, quantity string, k Kind) Field {
	return Field{Name: source + "." + quantity, Kind: k, Class: k.Class}
}

// Quantity is the part of the name after the source.
func (f Field) Quantity() string {
	if i := strings.LastIndexByte(f.Name, '.'); i >= 0 {
		return f.Name[i+1:]
	}
	return f.Name
}

// Check returns v with the quality that the kind's range and form give it. It only ever lowers quality.
func (k Kind) Check(v Value) Value {
	if v.Quality != OK {
		return v
	}
	if k.Type == Text {
		if len(v.Token) == 0 || len(v.Token) > MaxToken {
			return Value{Quality: Fault}
		}
		return v
	}
	if v.Num < k.Min || v.Num > k.Max {
		v.Quality = OutOfRange
	}
	return v
}
