package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"
)

func TestSenMLText(t *testing.T) {
	a := testAnnouncement()
	b := testBatch(t, a)
	b.Groups = b.Groups[1:]
	got, err := AppendSenMLJSON(nil, a, b)
	if err != nil {
		t.Fatal(err)
	}
	stream := a.Stream.String()
	start := strings.Index(string(got), `"candor":"`)
	end := start + strings.Index(string(got[start+10:]), `"`) + 11
	text := string(got[:start]) + string(got[end+1:])
	want := `[{"bn":"` + stream + `/","n":"meter.power","u":"W","v":231,"t":1789200000,"coverage":0.75},
{"n":"meter.power","u":"W","v":231,"t":1789203600,"coverage":1},
{"n":"door.open","vb":true,"t":1789200007},
{"n":"door.state","vs":"ajar","t":1789200007},
{"n":"badge.id","vs":"` + strings.Repeat("ee", 16) + `","t":1789200007},
{"n":"door.state","vs":"shut","t":1789200007},
{"n":"door.open","vb":false,"t":1789200009},
{"n":"door.state","vs":"ajar","t":1789200009}]
`
	if text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

// TestSenMLRoundTrip goes to JSON and CBOR and back with drawn batches.
func TestSenMLRoundTrip(t *testing.T) {
	a := testAnnouncement()
	a.Rows = 0
	rapid.Check(t, func(t *rapid.T) {
		b := announced(t, a)
		text, err := AppendSenMLJSON([]byte("x"), a, b)
		if err != nil {
			t.Fatal(err)
		}
		text = text[1:]
		if !json.Valid(text) {
			t.Fatalf("not JSON: %s", text)
		}
		back, err := ParseSenMLJSON(a, text)
		if err != nil || !reflect.DeepEqual(back, b) {
			t.Fatalf("%s\n got %+v, %v\nwant %+v", text, back, err, b)
		}
		data, err := AppendSenMLCBOR([]byte("x"), a, b)
		if err != nil {
			t.Fatal(err)
		}
		data = data[1:]
		back, err = ParseSenMLCBOR(a, data)
		if err != nil || !reflect.DeepEqual(back, b) {
			t.Fatalf("%x\n got %+v, %v\nwant %+v", data, back, err, b)
		}
		var records []map[any]any
		if err := cbor.Unmarshal(data, &records); err != nil {
			t.Fatalf("another CBOR library: %v", err)
		}
	})
}

// announced draws a batch that keeps to testAnnouncement.
func announced(t *rapid.T, a *Announcement) *Batch {
	digest, err := a.Digest()
	if err != nil {
		t.Fatal(err)
	}
	b := &Batch{Announcement: digest, Seq: rapid.Uint64Range(1, 99).Draw(t, "seq")}
	base := int64(497000 * 3600)
	if rapid.Bool().Draw(t, "untrusted") {
		b.Clock = Clock{Untrusted: true, Base: 3600 * 20, Anchored: true, Wall: base, Error: 60}
		base = 0
	}
	for index := range a.Groups {
		if rapid.Bool().Draw(t, "group") {
			b.Groups = append(b.Groups, announcedRows(t, &a.Groups[index], index, base))
		}
	}
	return b
}

func announcedRows(t *rapid.T, s *Group, index int, base int64) Rows {
	n := rapid.IntRange(1, 8).Draw(t, "n")
	g := Rows{Group: index, Columns: make([]Column, len(s.Fields))}
	for range n {
		tick := rapid.Int64Range(0, 20).Draw(t, "tick") * 3600
		g.Time = append(g.Time, base+tick)
		if s.Window > 0 {
			g.Coverage = append(g.Coverage, rapid.Int64Range(0, 4).Draw(t, "coverage"))
		}
	}
	for i := range s.Fields {
		g.Columns[i] = announcedColumn(t, &s.Fields[i], n)
	}
	for row := range n { // every row has a value somewhere
		if g.everyRow() != nil && !g.Columns[0].Has(row) {
			g.Columns[0] = full(&s.Fields[0], n)
		}
	}
	return g
}

func full(f *FieldSpec, n int) (c Column) {
	for range n {
		c.Nums = append(c.Nums, f.Min)
	}
	return c
}

func announcedColumn(t *rapid.T, f *FieldSpec, n int) (c Column) {
	set := rapid.SliceOfN(rapid.Bool(), n, n).Draw(t, "set")
	some, all := false, true
	for _, ok := range set {
		some, all = some || ok, all && ok
	}
	if !some {
		return c
	}
	if !all {
		c.Set = set
	}
	for row := range n {
		if f.Type.tokens() {
			token := ""
			if set[row] && f.Type == Label {
				token = rapid.SampledFrom(f.Labels).Draw(t, "label")
			} else if set[row] {
				token = string(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "pseudonym"))
			}
			c.Tokens = append(c.Tokens, token)
			continue
		}
		num := int64(0)
		if set[row] {
			num = rapid.Int64Range(f.Min/f.Step, f.Max/f.Step).Draw(t, "num") * f.Step
		}
		c.Nums = append(c.Nums, num)
	}
	return c
}

func TestSenMLRefuses(t *testing.T) {
	a := testAnnouncement()
	b := testBatch(t, a)
	b.Groups = b.Groups[:1]
	good, err := AppendSenMLJSON(nil, a, b)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, old, new string
		want           Fault
	}{
		{"sum", `"v":21.05`, `"s":21.05`, ErrValue},
		{"update time", `"v":21.05`, `"v":21.05,"ut":60`, ErrValue},
		{"base value", `"v":21.05`, `"v":21.05,"bv":1`, ErrValue},
		{"data value", `"v":21.05`, `"vd":"AA"`, ErrValue},
		{"must be understood", `"v":21.05`, `"v":21.05,"x_":1`, ErrUnknownKey},
		{"free label", `"v":21.05`, `"v":21.05,"x":1`, 0},
		{"the same in another form", `"v":21.05`, `"v":210.5e-1`, 0},
		{"more digits than the scale", `"v":21.05`, `"v":21.053`, ErrValue},
		{"finer than the step", `"v":21.05`, `"v":21.06`, ErrAlphabet},
		{"huge", `"v":21.05`, `"v":1e40`, ErrValue},
		{"absurd exponent", `"v":21.05`, `"v":1e999999999`, ErrType},
		{"text for a number", `"v":21.05`, `"v":"21.05"`, ErrType},
		{"boolean for a number", `"v":21.05`, `"vb":true`, ErrValue},
		{"two values", `"v":21.05`, `"v":21.05,"vb":true`, ErrValue},
		{"a label twice", `"v":21.05`, `"v":21.05,"v":21.05`, ErrForm},
		{"no value", `"v":21.05,`, ``, ErrMissingKey},
		{"null", `"v":21.05`, `"v":null`, ErrType},
		{"nested", `"v":21.05`, `"v":[21.05]`, ErrType},
		{"another unit", `"u":"Cel"`, `"u":"K"`, ErrValue},
		{"no unit", `"u":"Cel",`, ``, ErrValue},
		{"another name", `"n":"hall.temperature"`, `"n":"hall.noise"`, ErrValue},
		{"another stream", `"bn":"a1`, `"bn":"a2`, ErrValue},
		{"relative time", `"t":1789200000`, `"t":-5`, ErrValue},
		{"finer time", `"t":1789200000`, `"t":1789200000.5`, ErrValue},
		{"another version", `"v":21.05`, `"v":21.05,"bver":5`, ErrVersion},
		{"this version", `"v":21.05`, `"v":21.05,"bver":10`, 0},
		{"coverage of a reading", `"v":21.05`, `"v":21.05,"coverage":1`, ErrValue},
		{"coverage in tenths", `"v":21.05`, `"v":21.05,"coverage":0.1`, ErrValue},
		{"no header", `"candor":"`, `"other":"`, ErrMissingKey},
		{"broken header", `"candor":"`, `"candor":"!`, ErrForm},
		{"cut", `]`, ``, ErrTruncated},
		{"something after", `]`, `]1`, ErrTrailing},
		{"not an array", `[`, ``, ErrForm},
	} {
		text := strings.Replace(string(good), tc.old, tc.new, 1)
		if text == string(good) {
			t.Fatalf("%s: nothing was changed in %s", tc.name, good)
		}
		got, err := ParseSenMLJSON(a, []byte(text))
		if fault(err) != tc.want || (err == nil) != (tc.want == 0) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
		if tc.want == 0 && !reflect.DeepEqual(got, b) {
			t.Errorf("%s: %+v", tc.name, got)
		}
	}
}

func TestSenMLCBORRefuses(t *testing.T) {
	a := testAnnouncement()
	b := testBatch(t, a)
	b.Groups = b.Groups[:1]
	good, err := AppendSenMLCBOR(nil, a, b)
	if err != nil {
		t.Fatal(err)
	}
	for n := range good {
		if _, err := ParseSenMLCBOR(a, good[:n]); fault(err) != ErrTruncated {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	for _, tc := range []struct {
		name     string
		old, new []byte
		want     Fault
	}{
		{"float", []byte{2, 0xc4, 0x82, 0x21, 0x19, 0x08, 0x39}, []byte{2, 0xf9, 0, 0}, ErrType},
		{"sum", []byte{2, 0xc4, 0x82, 0x21, 0x19, 0x08, 0x39}, []byte{5, 0xc4, 0x82, 0x21, 0x19, 0x08, 0x39}, ErrValue},
		{"big exponent", []byte{2, 0xc4, 0x82, 0x21, 0x19, 0x08, 0x39}, []byte{2, 0xc4, 0x82, 0x18, 99, 0x19, 0x08, 0x39}, ErrLimit},
		{"not shortest", []byte{2, 0xc4, 0x82, 0x21, 0x19, 0x08, 0x39}, []byte{2, 0xc4, 0x82, 0x38, 1, 0x19, 0x08, 0x39}, ErrForm},
	} {
		data := bytes.Replace(good, tc.old, tc.new, 1)
		if bytes.Equal(data, good) {
			t.Fatalf("%s: nothing was changed in %x", tc.name, good)
		}
		if _, err := ParseSenMLCBOR(a, data); fault(err) != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
	if _, err := ParseSenMLCBOR(a, append(good, 0)); fault(err) != ErrTrailing {
		t.Errorf("a byte more: %v", err)
	}
}

// TestSenMLNeedsATime: a time since a boot means something else in SenML.
func TestSenMLNeedsATime(t *testing.T) {
	a := testAnnouncement()
	b := &Batch{Seq: 1, Clock: Clock{Untrusted: true, Base: 10}, Groups: []Rows{
		{Group: 0, Time: []int64{5}, Columns: []Column{{Nums: []int64{5}}, {}, {}}}}}
	early := *b
	early.Clock = Clock{}
	for name, b := range map[string]*Batch{"no anchor": b, "1970": &early} {
		if out, err := AppendSenMLJSON([]byte("d"), a, b); !errors.Is(err, ErrNoTime) || string(out) != "d" {
			t.Errorf("%s, JSON: %v", name, err)
		}
		if out, err := AppendSenMLCBOR([]byte("d"), a, b); !errors.Is(err, ErrNoTime) || string(out) != "d" {
			t.Errorf("%s, CBOR: %v", name, err)
		}
	}
}

func TestDecimals(t *testing.T) {
	for _, tc := range []struct {
		n     int64
		scale int
		want  string
	}{
		{0, 0, "0"}, {0, 3, "0"}, {2105, 2, "21.05"}, {2110, 2, "21.1"}, {2100, 2, "21"}, {-5, 2, "-0.05"},
		{-100, 0, "-100"}, {7, 9, "0.000000007"}, {MaxValue, 9, "9007199.254740991"}, {-MaxValue, 0, "-9007199254740991"},
	} {
		got := string(appendDecimal(nil, tc.n, tc.scale))
		if got != tc.want {
			t.Errorf("%d/10^%d: %s, want %s", tc.n, tc.scale, got, tc.want)
		}
		d, ok := parseDecimal(got)
		back, exact := d.scaled(tc.scale)
		if !ok || !exact || back != tc.n {
			t.Errorf("%s came back as %d", got, back)
		}
	}
}
