package sensors

import (
	"reflect"
	"strings"
	"testing"

	"github.com/candor-edge/candor/tinyconf"
)

func TestDriverCheck(t *testing.T) {
	chip := Driver{Name: "bme280", Needs: []string{"bus", "address"}, Uses: []string{"every"}}
	for _, c := range []struct {
		name   string
		driver Driver
		config Config
		want   []string // one for each line of the error
	}{
		{"all there", chip, Config{Name: "hall", Driver: "bme280", Bus: "i2c-1", Address: 0x76, Every: 1}, nil},
		{"without what may be left out", chip, Config{Name: "hall", Bus: "i2c-1", Address: 0x76}, nil},
		{"needed key", chip, Config{Name: "hall", Bus: "i2c-1"}, []string{`sensor "hall": the driver "bme280" needs the key "address"`}},
		{"unused key", chip, Config{Name: "hall", Bus: "i2c-1", Address: 0x76, Line: "GPIO17"},
			[]string{`sensor "hall": the driver "bme280" does not use the key "line"; it uses: address, bus, every`}},
		{"unused map and number", chip, Config{Name: "hall", Bus: "i2c-1", Address: 0x76, Seed: 1, Columns: map[string]string{}},
			[]string{`does not use the key "columns"`, `does not use the key "seed"`}},
		{"nothing used", Driver{Name: "still"}, Config{Name: "a", Bus: "b"}, []string{`it uses: name and driver only`}},
		{"all at once", chip, Config{Name: "the hall", Room: "hall", Address: tinyconf.Address(1)},
			[]string{`sensor "the hall": name: "the hall" has a character`, `needs the key "bus"`, `does not use the key "room"`}},
		{"no name", Driver{Name: "still"}, Config{}, []string{`sensor "": name: the name is empty`}},
	} {
		err := c.driver.Check(c.config)
		if len(c.want) == 0 {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s: no fault was found", c.name)
			continue
		}
		lines := strings.Split(err.Error(), "\n")
		if len(lines) != len(c.want) {
			t.Errorf("%s: the error is\n%v", c.name, err)
			continue
		}
		for i, want := range c.want {
			if !strings.Contains(lines[i], want) {
				t.Errorf("%s: line %d is %s, want %s", c.name, i, lines[i], want)
			}
		}
	}
}

// TestConfigTags: a field of Config without a key would be set and never checked.
func TestConfigTags(t *testing.T) {
	table := reflect.TypeFor[Config]()
	seen := map[string]bool{}
	for i := range table.NumField() {
		key := table.Field(i).Tag.Get("toml")
		if key == "" || seen[key] {
			t.Errorf("%s has the key %q", table.Field(i).Name, key)
		}
		seen[key] = true
	}
}

func TestCheckName(t *testing.T) {
	for name, want := range map[string]string{
		"hall": "", "Hall_2-b": "", strings.Repeat("x", 32): "",
		"": "is empty", strings.Repeat("x", 33): "33 bytes long; at most 32", "a b": "a character",
		"a.b": "a character", "höhe": "a character", "a\n": "a character", "a/b": "a character",
	} {
		err := CheckName(name, MaxSourceName)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("CheckName(%q) = %v, want %q", name, err, want)
		}
	}
}

func TestDriverNamed(t *testing.T) {
	table := []Driver{{Name: "w1"}, {Name: "bme280"}}
	if d, err := DriverNamed(table, "w1"); err != nil || d.Name != "w1" {
		t.Errorf("w1: %q, %v", d.Name, err)
	}
	if _, err := DriverNamed(table, "w2"); err == nil || err.Error() != `no driver is called "w2"; there are: bme280, w1` {
		t.Errorf("w2: %v", err)
	}
}
