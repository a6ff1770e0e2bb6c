package tinyconf_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/candor-edge/candor/tinyconf"
)

const good = `since = 2026-01-31T12:00:00+01:00
gain = 2
small = 255
on = true
token = "credential:acme-token"

[device]
state = "/var/lib/candor"
groups = ["a", "b"]

[[sensor]]
name = "hall"
address = 0x76
holdoff = "0s"
oversampling = 4
filter = "1d12h"

[[sensor]]
name = "door"
every = "2w"

[attributes]
"device.serial" = "file:/sys/serial"
"site.area" = "FR-69"

[buffer]
max_size = "64KiB"

[mirror]
url = "https://x.example"

[[purpose]]
id = "trends"
title = { fr = "Suivre", en = "Follow" }
  [[purpose.rule]]
  field = "hall.temperature"
  round = 0.5
  [[purpose.rule]]
  field = "hall.humidity"
  round = 0.1000000000000000001
`

func TestGoodFile(t *testing.T) {
	var h house
	if err := tinyconf.Load("c.toml", []byte(strings.Replace(good, "0.1000000000000000001", "0.10000000000000001", 1)), &h); err != nil {
		t.Fatal(err)
	}
	if got := h.Sensors[0]; got.Name != "hall" || got.Address != 0x76 || got.Every.Std() != 10*time.Second || got.chip != (chip{4, tinyconf.Duration(36 * time.Hour)}) {
		t.Errorf("first sensor %+v", got)
	}
	if got := h.Sensors[1]; got.Every.Std() != 14*24*time.Hour || got.chip.Oversampling != 1 || len(got.Rest.Keys()) != 0 {
		t.Errorf("second sensor %+v", got)
	}
	if got := h.Sensors[0].Rest.Keys(); !reflect.DeepEqual(got, []string{"filter", "oversampling"}) {
		t.Errorf("rest %q", got)
	}
	if h.Buffer.Flush.Std() != time.Minute || h.Buffer.Max != 65536 {
		t.Errorf("buffer %+v", h.Buffer)
	}
	if h.Facts["site.area"].Source() != "in the configuration file" || h.Facts["device.serial"].Source() != "file:/sys/serial" {
		t.Errorf("facts %v", h.Facts)
	}
	rules := h.Purpose[0].Rule
	if rules[0].Round.String() != "0.5" || rules[1].Round.String() != "0.10000000000000001" {
		t.Errorf("rounds %v, %v", rules[0].Round, rules[1].Round)
	}
	if h.Purpose[0].Title.In("fr") != "Suivre" || h.Mirror.URL == "" || !h.On || h.Small != 255 || h.Gain != 2 {
		t.Errorf("house %+v", h)
	}
	if !h.Since.Equal(time.Date(2026, 1, 31, 11, 0, 0, 0, time.UTC)) {
		t.Errorf("since %v", h.Since)
	}
}

func TestDigitsAreNotLost(t *testing.T) {
	var h house
	err := tinyconf.Load("c.toml", []byte(good), &h)
	want := `c.toml:40:3: purpose[0].rule[1].round: found the number "0.1000000000000000001", at most 18 digits and powers of ten from -18 to 18 are kept`
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestDefaultsAndAbsentTables(t *testing.T) {
	h := house{Gain: 7, Device: device{Language: "fr"}, Facts: map[string]tinyconf.Secret{"old": tinyconf.Literal("x")}}
	if err := tinyconf.Load("c.toml", []byte(ok), &h); err != nil {
		t.Fatal(err)
	}
	if h.Gain != 7 || h.Device.Language != "fr" || h.Device.State != "/s" || len(h.Facts) != 1 {
		t.Errorf("what the struct held is not the default: %+v", h)
	}
	if h.Buffer.Flush.Std() != time.Minute || h.Mirror != nil || h.Sensors != nil {
		t.Errorf("absent tables: %+v", h)
	}
	if err := tinyconf.Load("c.toml", []byte("sensor = []\nattributes = { new = \"y\" }\n"+ok), &h); err != nil {
		t.Fatal(err)
	}
	if _, old := h.Facts["old"]; old || len(h.Facts) != 1 || h.Sensors == nil {
		t.Errorf("a map of the file does not replace the default: %+v", h)
	}
}

func TestFailedLoadKeepsTheLastGoodOne(t *testing.T) {
	var h house
	if err := tinyconf.Load("c.toml", []byte(good[:strings.Index(good, "[[purpose]]")]), &h); err != nil {
		t.Fatal(err)
	}
	before := h.Sensors[0]
	if err := tinyconf.Load("c.toml", []byte(ok+"[[sensor]]\nname=\"new\"\n[mirror]\n"), &h); err == nil {
		t.Fatal("loaded without mirror.url")
	}
	if h.Sensors[0].Name != before.Name || h.Mirror.URL != "https://x.example" {
		t.Errorf("changed: %+v", h)
	}
}

func TestRestAfterLoad(t *testing.T) {
	var c struct {
		Driver []struct {
			Name string `toml:"name"`
			Rest tinyconf.Rest
		} `toml:"driver"`
	}
	if err := tinyconf.Load("c.toml", []byte("[[driver]]\nname = \"x\"\nlime = 1\nnme = 2\nbus.x = 1\n"), &c); err != nil {
		t.Fatal(err)
	}
	var opts struct {
		Line string `toml:"line" conf:"required"`
	}
	err := c.Driver[0].Rest.Load(&opts)
	want := `c.toml:1:3: driver[0].line: missing, text in quotes is needed
c.toml:3:1: driver[0].lime: unknown key, did you mean "line"?
c.toml:4:1: driver[0].nme: unknown key, did you mean "name"?
c.toml:5:1: driver[0].bus: unknown key, use one of line, name`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if err := (tinyconf.Rest{}).Load(&opts); err == nil || !strings.Contains(err.Error(), "no file:1:1: line: missing") {
		t.Errorf("a Rest of nothing: %v", err)
	}
	if err := c.Driver[0].Rest.Load(opts); err == nil || !strings.HasPrefix(err.Error(), "c.toml: cannot load") {
		t.Errorf("a Rest into a value: %v", err)
	}
}

// merging holds what a Checker hands to Merge.
type merging struct {
	A   int `toml:"a"`
	err error
	has []bool
}

func (m *merging) Check(ctx *tinyconf.Context) {
	ctx.Merge(m.err)
	m.has = []bool{ctx.Has("a"), ctx.Has("b"), ctx.Has("")}
}

func TestContext(t *testing.T) {
	cause := errors.New("odd")
	m := merging{err: cause}
	err := tinyconf.Load("c.toml", []byte("a = 1"), &m)
	if !errors.Is(err, cause) || err.Error() != "c.toml:1:1: odd" {
		t.Errorf("a foreign error becomes %v", err)
	}
	m.err = nil
	if err := tinyconf.Load("c.toml", []byte("a = 1"), &m); err != nil || !reflect.DeepEqual(m.has, []bool{true, false, true}) {
		t.Errorf("%v, has %v", err, m.has)
	}
}

func TestLoadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.toml")
	var h house
	err := tinyconf.LoadFile(os.Open, path, &h)
	if !errors.Is(err, fs.ErrNotExist) || err.Error() != path+": cannot be opened: no such file or directory" {
		t.Errorf("absent file: %v", err)
	}
	if err := os.WriteFile(path, []byte(ok), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := tinyconf.LoadFile(os.Open, path, &h); err != nil || h.Device.State != "/s" {
		t.Errorf("%v, %+v", err, h)
	}
	if err := tinyconf.LoadFile(os.Open, filepath.Dir(path), &h); err == nil || !strings.HasSuffix(err.Error(), ": cannot be read: is a directory") {
		t.Errorf("directory: %v", err)
	}
	files := fstest.MapFS{"c.toml": {Data: []byte(ok)}, "big.toml": {Data: make([]byte, 1<<20+1)}}
	if err := tinyconf.LoadFile(files.Open, "c.toml", &h); err != nil {
		t.Error(err)
	}
	if err := tinyconf.LoadFile(files.Open, "big.toml", &h); err == nil || err.Error() != "big.toml: longer than 1048576 bytes, the limit for a file" {
		t.Errorf("big file: %v", err)
	}
	closing := func(string) (io.ReadCloser, error) { return badCloser{strings.NewReader(ok)}, nil }
	if err := tinyconf.LoadFile(closing, "c.toml", &h); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("a failing close: %v", err)
	}
}

type badCloser struct{ io.Reader }

func (badCloser) Close() error { return fs.ErrClosed }

func TestClosest(t *testing.T) {
	known := []string{"name", "address", "max_size", "on"}
	for word, want := range map[string]string{
		"adress": "address", "Address": "address", "max-size": "max_size", "maxsize": "max_size", "nmae": "name",
		"x": "", "": "", "no": "on", "colour": "", strings.Repeat("name", 20): "",
	} {
		if got, near := tinyconf.Closest(word, known); got != want || near != (want != "") {
			t.Errorf("Closest(%q) = %q, %v, want %q", word, got, near, want)
		}
	}
	for _, tc := range []struct {
		known []string
		want  string
	}{
		{nil, "none is known"}, {[]string{"zz"}, "use zz"}, {[]string{"zz", "yy"}, "use one of zz, yy"},
		{strings.Split("a1b2 c3d4 e5f6 g7h8 i9j0 k1l2 m3n4 o5p6 q7r8 s9t0 u1v2 w3x4 y5z6", " "),
			"use one of a1b2, c3d4, e5f6, g7h8, i9j0, k1l2, m3n4, o5p6, q7r8, s9t0, u1v2, w3x4 and 1 more"},
	} {
		if got := tinyconf.Hint("quantity", tc.known); got != tc.want {
			t.Errorf("Hint(%v) = %q, want %q", tc.known, got, tc.want)
		}
	}
}
