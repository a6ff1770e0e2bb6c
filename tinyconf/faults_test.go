package tinyconf_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/candor-edge/candor/tinyconf"
)

// badFiles are files with everything that is said about them. OK stands for
// three lines that are right.
var badFiles = []struct {
	name, file string
	want       []string
}{
	// The text.
	{"nul", "a = 1\nb = \"\x00\"\n", []string{`2:6: a NUL byte, the file has to be UTF-8 text`}},
	{"not utf-8", "# caf\xc3\xa9\na = \"caf\xe9\"", []string{`2:9: not UTF-8, save the file as UTF-8 text`}},
	{"utf-16", "\xff\xfea\x00", []string{`1:4: a NUL byte, the file has to be UTF-8 text`}},
	{"control character", "a = \"\x01\"", []string{`1:5: a: TOML files cannot contain control characters`}},

	// The syntax: one fault only, and never what stands in the file.
	{"no equals", "a 1", []string{`1:3: a key is followed by = and a value`}},
	{"no value", "a =\nb = 1", []string{`1:4: a value is missing here`}},
	{"no value at the end", "a =", []string{`1:4: a value is missing here`}},
	{"no key", "= 1", []string{`1:1: a key is needed here: letters, digits, - and _, or anything in quotes`}},
	{"ends in a key", "a.", []string{`1:3: the file ends where a key is needed`}},
	{"no quotes", "token = s3cr3t", []string{`1:9: this is no value, text needs quotes`}},
	{"no quotes, not ASCII", "é = 1", []string{`1:1: a key is needed here: letters, digits, - and _, or anything in quotes`}},
	{"value not ASCII", "a = é", []string{`1:5: this is no value, text needs quotes`}},
	{"open quote", "token = \"s3cr3t\nb = 1", []string{`1:9: this text has no closing " on its line`}},
	{"open quotes", "a = 1\nt = \"\"\"s3cr3t\nb = 1", []string{`2:5: this text has no closing """`}},
	{"open list", "a = [1, 2", []string{`1:5: this list has no closing ]`}},
	{"list runs on", "a = [1, 2\nb = 3", []string{`2:1: a comma or the list's closing ] is missing here`}},
	{"open table", "a = { b = 1", []string{`1:5: this table has no closing }`}},
	{"open empty table", "a = {", []string{`1:5: this table has no closing }`}},
	{"no comma", "a = { b = 1 c = 2 }", []string{`1:13: a comma or the table's closing } is missing here`}},
	{"open header", "[a\nb = 1", []string{`1:1: this table's header is not closed, it needs ]`}},
	{"open list header", "[[a]\nb = 1", []string{`1:1: this table's header is not closed, it needs ]]`}},
	{"two on a line", "a = 1 b = s3cr3t", []string{`1:7: something follows on the line, each key needs a line of its own`}},
	{"no digits", "a = 0x", []string{`1:5: this number has no digits`}},
	{"leading zero", "a = 0173", []string{`1:5: a: invalid integer: cannot have leading zeroes`}},
	{"two underscores", "a = 1__2", []string{`1:5: a: invalid integer: underscores must be surrounded by digits`}},
	{"out of range", "a = 99999999999999999999", []string{`1:5: a: this number is out of range, it has to fit 64 bits`}},
	{"no such date", "a = 2026-13-01", []string{`1:5: a: invalid datetime`}},
	{"bad escape", `a = "s3\qcr3t"`, []string{`1:6: a: invalid escape in string`}},
	{"twice", "a = 1\n\na = 2", []string{`3:1: a: key 'a' has already been defined`}},
	{"first fault wins", "a = 1\na = 2\nb", []string{`2:1: a: key 'a' has already been defined`}},
	{"too deep", "a = " + strings.Repeat("[", 100_000), []string{`1:21: more than 16 levels deep`}},
	{"too dotted", strings.Repeat("a.", 100_000) + "b = 1", []string{`1:33: more than 16 levels deep`}},
	{"too long a key", strings.Repeat("k", 129) + " = 1", []string{`1:1: a key is at most 128 bytes long`}},
	{"too many", "a = [" + strings.Repeat("1,", 50_001) + "]", []string{`1:100004: more than 50000 keys and list items`}},

	// Keys.
	{"unknown", "OK\n[[sensor]]\nname = \"hall\"\nadress = 0x76", []string{`6:1: sensor[0].adress: unknown key, did you mean "address"?`}},
	{"unknown, nothing near", "OK\ncolour = 1", []string{`4:1: device.colour: unknown key, use one of state, language, groups`}},
	{"unknown, one possible", "OK\n[mirror]\nurl = \"u\"\nquantity = 1", []string{`6:1: mirror.quantity: unknown key, use url`}},
	{"unknown, many possible", "quantity = 1\nOK", []string{`1:1: quantity: unknown key, use one of device, sensor, attributes, buffer, purpose, token, mirror, since, gain, small, signed, on`}},
	{"unknown table", "OK\n[devise.x]\ny = 1", []string{`4:2: devise: unknown key, did you mean "device"?`}},
	{"unknown to a Rest", "OK\n[[sensor]]\nname = \"a\"\noversampeling = 2", []string{`6:1: sensor[0].oversampeling: unknown key, did you mean "oversampling"?`}},
	{"missing", "gain = 1", []string{
		`1:1: device.state: missing, text in quotes is needed`,
		`1:1: device.groups: missing, a list is needed`}},
	{"missing in a list", "OK\n[[sensor]]\nname = \"a\"\n[[sensor]]\nevery = \"1s\"", []string{`6:3: sensor[1].name: missing, text in quotes is needed`}},
	{"missing in an optional table", "OK\n[mirror]", []string{`4:2: mirror.url: missing, text in quotes is needed`}},
	{"empty", "[device]\nstate = \"\"\ngroups = []", []string{
		`2:1: device.state: empty, text in quotes is needed`,
		`3:1: device.groups: empty, a list is needed`}},

	// Types.
	{"all at once", "since = 2026-01-01\ngain = inf\nsmall = 256\nsigned = -40000\non = \"yes\"\nsensor = 1\nOK", []string{
		`1:1: since: found a date without offset, a date with time and offset such as 2026-01-31T12:00:00Z is needed`,
		`2:1: gain: found +Inf, a finite number is needed`,
		`3:1: small: found 256, an integer from 0 to 255 is needed`,
		`4:1: signed: found -40000, an integer from -32768 to 32767 is needed`,
		`5:1: on: found the text "yes", true or false is needed`,
		`6:1: sensor: found the integer 1, a list of tables is needed`}},
	{"other types", "since = 1\ngain = \"1\"\nsmall = 1.5\non = [1]\nmirror = [{}]\nattributes = 1979-05-27 07:32:00Z\nOK", []string{
		`1:1: since: found the integer 1, a date with time and offset such as 2026-01-31T12:00:00Z is needed`,
		`2:1: gain: found the text "1", a number is needed`,
		`3:1: small: found the number 1.5, an integer is needed`,
		`4:1: on: found a list, true or false is needed`,
		`5:1: mirror: found a list, a table is needed`,
		`6:1: attributes: found a date, a table is needed`}},
	{"in a list", "[device]\nstate = \"s\"\ngroups = [\n  \"a\", # no\n  5, true\n]", []string{
		`5:3: device.groups[1]: found the integer 5, text in quotes is needed`,
		`5:6: device.groups[2]: found true, text in quotes is needed`}},
	{"in inline tables", "sensor = [ {}, { name = 1 } ]\nOK", []string{
		`1:12: sensor[0].name: missing, text in quotes is needed`,
		`1:18: sensor[1].name: found the integer 1, text in quotes is needed`}},
	{"list for table", "OK\n[[buffer]]\nflush = 1", []string{`4:3: buffer: found a list of tables, a table is needed`}},
	{"address", "OK\n[[sensor]]\nname=\"a\"\naddress = 0xEC\n[[sensor]]\nname=\"b\"\naddress = \"hall\"\n[[sensor]]\nname=\"c\"\naddress = 2\n[[sensor]]\nname=\"d\"\naddress = true", []string{
		`6:1: sensor[0].address: found 0xec (236), I2C addresses of parts go from 0x03 to 0x77; as an 8-bit address it would be 0x76`,
		`9:1: sensor[1].address: found "hall", an I2C address is needed as in 0x76`,
		`12:1: sensor[2].address: found 0x02 (2), I2C addresses of parts go from 0x03 to 0x77`,
		`15:1: sensor[3].address: found true, an I2C address is needed as in 0x76`}},
	{"duration", "OK\n[[sensor]]\nname=\"a\"\nevery = 10\n[[sensor]]\nname=\"b\"\nevery = \"0s\"\nholdoff = \"0s\"\n[buffer]\nflush = 1.5", []string{
		`6:1: sensor[0].every: found the integer 10 without a unit, write it as in "10s" (ms, s, m, h, d, w)`,
		`9:1: sensor[1].every: found the text "0s", more than nothing is needed, as in "10s"`,
		`12:1: buffer.flush: found the number 1.5, a duration is needed as in "10s" or "30d"`}},
	{"size", "OK\n[buffer]\nmax_size = \"1.5GB\"\nleast = -1", []string{
		`5:1: buffer.max_size: found "1.5GB", a size is a whole number with a unit, as in "64KiB", "256MiB" or "10MB"`,
		`6:1: buffer.least: found the integer -1, a size is not negative`}},
	{"size of nothing", "OK\n[buffer]\nmax_size = 0\nleast = 0", []string{`5:1: buffer.max_size: found the integer 0, more than nothing is needed, as in "64KiB"`}},
	{"secret", "token = \"hunter2\"\nOK", []string{`1:1: token: found the value itself, which does not belong in this file, write "file:PATH" or "credential:NAME"`}},
	{"secret of another type", "token = 1234\nattributes = { \"a.b\" = 99, c = \"\" }\nOK", []string{
		`1:1: token: this is no text, write "file:PATH" or "credential:NAME" in quotes`,
		`2:16: attributes."a.b": this is no text, write "file:PATH" or "credential:NAME" in quotes`,
		`2:28: attributes.c: found no text, write "file:PATH" or "credential:NAME"`}},
	{"localized", "OK\n[[purpose]]\nid = \"t\"\ntitle = { en = \" \", FR-fr = \"y\", \"é\" = \"z\" }\n[[purpose]]\nid = \"u\"\ntitle = {}\n[[purpose]]\nid = \"v\"\ntitle.fr = 5\ntitle.en = \"x\"", []string{
		`6:1: purpose[0].title.fr: missing, the text in French is needed`,
		`6:11: purpose[0].title.en: empty, the text in English is needed`,
		`6:21: purpose[0].title.FR-fr: no language code, use two or three small letters as in "fr"`,
		`6:34: purpose[0].title."é": no language code, use two or three small letters as in "fr"`,
		`9:1: purpose[1].title.fr: missing, the text in French is needed`,
		`9:1: purpose[1].title.en: missing, the text in English is needed`,
		`9:1: purpose[1].title: empty, a table such as { fr = "…", en = "…" } is needed`,
		`12:7: purpose[2].title.fr: found the integer 5, text in quotes is needed`}},

	// Checks.
	{"unknown word", "OK\n[[purpose]]\nid=\"t\"\ntitle = {fr=\"x\",en=\"x\"}\n[[purpose.rule]]\nfield=\"a.b\"\naction=\"keap\"\nround=\"x\"", []string{
		`9:1: purpose[0].rule[0].action: unknown action "keap", did you mean "keep"?`,
		`10:1: purpose[0].rule[0].round: found "x", a number is needed as in 0.5`}},
	{"fault further down", "OK\n[[purpose]]\nid=\"t\"\ntitle = {fr=\"x\",en=\"x\"}\n[[purpose.rule]]\nfield=\"a\"\n[[purpose.rule]]\nfield=\"a\"\naction=\"drop\"", []string{
		`9:11: purpose[0].rule[1].window: drop has no window`,
		`11:1: purpose[0].rule[1].action: drop cannot be second`}},
	{"two keys compared", "OK\n[buffer]\nleast = \"2KiB\"\nmax_size = \"1KB\"", []string{`5:1: buffer.least: found 2KiB, more than buffer.max_size (1KB)`}},
	{"not compared when one is broken", "OK\n[buffer]\nleast = \"1GiB\"\nmax_size = \"x\"", []string{`6:1: buffer.max_size: found "x", a size is a whole number with a unit, as in "64KiB", "256MiB" or "10MB"`}},
	{"check in a Rest", "OK\n[[sensor]]\nname = \"a\"\noversampling = 17", []string{`6:1: sensor[0].oversampling: found 17, at most 16 is possible`}},
}

func TestBadFiles(t *testing.T) {
	for _, tc := range badFiles {
		t.Run(tc.name, func(t *testing.T) {
			h := house{Gain: 42, Derived: "kept"}
			before := h
			err := tinyconf.Load("c.toml", []byte(withOK(tc.file)), &h)
			if err == nil {
				t.Fatal("loaded")
			}
			want := "c.toml:" + strings.Join(tc.want, "\nc.toml:")
			if err.Error() != want {
				t.Errorf("got\n%v\nwant\n%s", err, want)
			}
			if !reflect.DeepEqual(h, before) {
				t.Errorf("the target changed although the load failed: %+v", h)
			}
			if strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a secret is in the error: %v", err)
			}
			var faults tinyconf.Faults
			if !errors.As(err, &faults) || len(faults) != len(tc.want) {
				t.Fatalf("%d faults, want %d", len(faults), len(tc.want))
			}
		})
	}
}

func TestManyFaultsAreCounted(t *testing.T) {
	var h house
	err := tinyconf.Load("c.toml", []byte(ok+numbered(150)), &h)
	var faults tinyconf.Faults
	if !errors.As(err, &faults) {
		t.Fatal(err)
	}
	if got, want := len(faults), 101; got != want {
		t.Errorf("%d faults, want %d", got, want)
	}
	if got, want := faults[100].Error(), "c.toml: 50 more faults are not shown"; got != want {
		t.Errorf("last is %q, want %q", got, want)
	}
}

func withOK(file string) string {
	return strings.ReplaceAll(strings.ReplaceAll(file, "OK\n", ok), "OK", ok)
}

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("zz" + strings.Repeat("z", i/26) + string(rune('a'+i%26)) + " = 1\n")
	}
	return b.String()
}

func TestFaultFields(t *testing.T) {
	var h house
	err := tinyconf.Load("c.toml", []byte("# é\r\n\"é\" = 1\r\n"+ok), &h)
	var f tinyconf.Fault
	if !errors.As(err, &f) {
		t.Fatal(err)
	}
	want := tinyconf.Fault{File: "c.toml", Line: 2, Col: 1, Key: `"é"`, Text: f.Text}
	if f != want {
		t.Errorf("got %+v, want %+v", f, want)
	}
}

func TestProgramMistakes(t *testing.T) {
	type loop struct {
		Next []loop `toml:"next"`
	}
	for _, tc := range []struct {
		name string
		into any
		want string
	}{
		{"nil", nil, "a pointer to a struct is needed"},
		{"value", house{}, "a pointer to a struct is needed"},
		{"nil pointer", (*house)(nil), "a pointer to a struct is needed"},
		{"channel", &struct {
			C chan int `toml:"c"`
		}{}, "field C of struct { C chan int \"toml:\\\"c\\\"\" }: chan int cannot be filled from a file"},
		{"map key", &struct {
			M map[int]string `toml:"m"`
		}{}, "map[int]string: a map's key is a string"},
		{"conf tag", &struct {
			A int `toml:"a" conf:"optional"`
		}{}, `unknown conf tag "optional"`},
		{"no name", &struct {
			A int `toml:""`
		}{}, "a toml tag needs a name"},
		{"fine", &loop{}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tinyconf.Load("c.toml", nil, tc.into)
			if tc.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), "c.toml: ") || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
