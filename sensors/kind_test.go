package sensors

import (
	"slices"
	"testing"
)

// TestKinds holds every row of the table to what Kind says of its parts.
func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Kinds() {
		if seen[k.Name] || CheckName(k.Name, MaxSourceName) != nil {
			t.Errorf("%q is there twice, or is no name", k.Name)
		}
		seen[k.Name] = true
		if again, ok := KindNamed(k.Name); !ok || again != k {
			t.Errorf("%s is not found by its name", k.Name)
		}
		if !slices.Contains(Classes(), k.Class) || k.Implies != "" && !slices.Contains(Classes(), k.Implies) {
			t.Errorf("%s has a class that is none", k.Name)
		}
		if k.Implies == k.Class {
			t.Errorf("%s implies its own class", k.Name)
		}
		switch k.Type {
		case Numeric:
			if k.Unit == "" || k.Scale < 0 || k.Scale > 9 || k.Min >= k.Max {
				t.Errorf("%s: unit %q, scale %d, %d to %d", k.Name, k.Unit, k.Scale, k.Min, k.Max)
			}
		case Boolean:
			if k.Min != 0 || k.Max != 1 || k.Scale != 0 {
				t.Errorf("%s: scale %d, %d to %d", k.Name, k.Scale, k.Min, k.Max)
			}
		case Text:
			if k.Unit != "" || k.Scale != 0 || k.Min != 0 || k.Max != 0 {
				t.Errorf("%s is a token with unit, scale or range", k.Name)
			}
		default:
			t.Errorf("%s has type %d", k.Name, k.Type)
		}
	}
	if !slices.IsSortedFunc(Kinds(), func(a, b Kind) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	}) {
		t.Error("the kinds are not sorted")
	}
}

func TestKindOfColumn(t *testing.T) {
	for column, want := range map[string]string{
		"temperature": "temperature", " Temp ": "temperature", "T": "temperature", "temp_2": "temperature", "co2": "co2",
		"CO2": "co2", "co2_1": "co2", "pir6": "motion", "lamp1": "switch", "light": "illuminance", "lat": "latitude",
		"count": "count", "door-3": "contact", "badge": "badge", "sound_level": "sound-level", "voc-index": "voc-index",
		"gx": "", "": "", "12": "", "_": "", "temperatures": "", "2temp": "",
	} {
		k, ok := KindOfColumn(column)
		if k.Name != want || ok != (want != "") {
			t.Errorf("KindOfColumn(%q) = %q, %v; want %q", column, k.Name, ok, want)
		}
	}
	for alias, name := range columnNames() {
		if _, ok := KindNamed(name); !ok {
			t.Errorf("%s stands for %s, which is no kind", alias, name)
		}
	}
}

func TestKindCheck(t *testing.T) {
	temperature, _ := KindNamed("temperature")
	badge, _ := KindNamed("badge")
	long := make([]byte, MaxToken+1)
	for _, c := range []struct {
		name string
		kind Kind
		in   Value
		want Value
	}{
		{"lowest", temperature, Number(-80_000), Number(-80_000)},
		{"below", temperature, Number(-80_001), Value{Num: -80_001, Quality: OutOfRange}},
		{"above", temperature, Number(200_001), Value{Num: 200_001, Quality: OutOfRange}},
		{"stale stays", temperature, Value{Num: 900_000, Quality: Stale}, Value{Num: 900_000, Quality: Stale}},
		{"absent stays", temperature, Value{}, Value{}},
		{"token", badge, Token("a"), Token("a")},
		{"longest token", badge, Token(string(long[1:])), Token(string(long[1:]))},
		{"too long", badge, Token(string(long)), Value{Quality: Fault}},
		{"empty", badge, Token(""), Value{Quality: Fault}},
	} {
		if got := c.kind.Check(c.in); got != c.want {
			t.Errorf("%s: the quality is %v, want %v", c.name, got.Quality, c.want.Quality)
		}
	}
}

func TestFieldQuantity(t *testing.T) {
	co2, _ := KindNamed("co2")
	f := NewField("hall", "co2", co2)
	if f.Name != "hall.co2" || f.Quantity() != "co2" || f.Class != Environment {
		t.Errorf("the field is %q, %q, %q", f.Name, f.Quantity(), f.Class)
	}
	if got := (Field{Name: "bare"}).Quantity(); got != "bare" {
		t.Errorf("the quantity of a bare name is %q", got)
	}
}
