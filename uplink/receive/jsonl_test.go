package receive

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/candor-edge/candor/uplink/wire"
)

func render(a *wire.Announcement, b *wire.Batch) string {
	var out strings.Builder
	newRowWriter(a, b).each(nil, func(p []byte) ([]byte, error) {
		out.Write(p)
		return p[:0], nil
	})
	return out.String()
}

const (
	streamText = "01ab0000000000000000000000000000"
	planText   = "9100000000000000000000000000000000000000000000000000000000000000"
)

func TestRows(t *testing.T) {
	o := newObject(t, 1, nil)
	windowed := newObject(t, 1, func(a *wire.Announcement) {
		a.Tick = 500_000
		a.Groups[0].Window = 3600_000_000
		a.Groups[0].Fields = a.Groups[0].Fields[:1]
	})
	boot := wire.Clock{Untrusted: true, Boot: [8]byte{0xb0, 0x07}, Base: 10}
	anchored := boot
	anchored.Anchored, anchored.Wall, anchored.Error = true, 395345, 2
	tail := `,"delete_by":"2016-03-10","plan":"` + planText + `"`
	start := `{"stream":"` + streamText + `","epoch":3,"seq":7,"row":0`
	tests := []struct {
		name string
		o    *object
		rows wire.Rows
		time wire.Clock
		want string
	}{
		{"all types", o, wire.Rows{Time: []int64{395321}, Columns: []wire.Column{
			{Nums: []int64{23100}}, {Nums: []int64{1}}, {Tokens: []string{"\x00\x01\xfe\xffABCDEFGHIJKL"}}, {Tokens: []string{"night \"late\""}}}},
			wire.Clock{},
			start + `,"time":"2015-02-05T17:00:00Z","values":{"room.temperature":23.1,"room.open":1,"room.badge":"0001feff4142434445464748494a4b4c","room.mode":"night \"late\""}` + tail + "}\n"},
		{"absent values", o, wire.Rows{Time: []int64{395321, 395322}, Columns: []wire.Column{
			{Nums: []int64{0, -1}, Set: []bool{false, true}}, {Nums: []int64{0, 0}, Set: []bool{true, false}}, {}, {}}},
			wire.Clock{},
			start + `,"time":"2015-02-05T17:00:00Z","values":{"room.open":0}` + tail + "}\n" +
				strings.Replace(start, `"row":0`, `"row":1`, 1) + `,"time":"2015-02-05T18:00:00Z","values":{"room.temperature":-0.001}` + tail + "}\n"},
		{"windows with coverage and half seconds", windowed, wire.Rows{Time: []int64{2846275201}, Coverage: []int64{3}, Columns: []wire.Column{{Nums: []int64{5000}}}},
			wire.Clock{},
			start + `,"time":"2015-02-05T12:00:00.5Z","values":{"room.temperature":5}` + tail + `,"coverage":0.75` + "}\n"},
		{"no clock", o, wire.Rows{Time: []int64{4}, Columns: []wire.Column{{Nums: []int64{437333}}, {}, {}, {}}}, boot,
			start + `,"values":{"room.temperature":437.333}` + tail + `,"boot":"b007000000000000","since_boot":14400` + "}\n"},
		{"a guessed clock", o, wire.Rows{Time: []int64{4}, Columns: []wire.Column{{Nums: []int64{437333}}, {}, {}, {}}}, anchored,
			start + `,"time":"2015-02-06T11:00:00Z","values":{"room.temperature":437.333}` + tail + `,"off":7200` + "}\n"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			b := c.o.numbers(7)
			b.DeleteBy, b.Clock, b.Groups = 16870, c.time, []wire.Rows{c.rows}
			if got := render(c.o.a, b); got != c.want {
				t.Errorf("got  %swant %s", got, c.want)
			}
			for line := range strings.Lines(c.want) {
				if !json.Valid([]byte(line)) {
					t.Errorf("not JSON: %s", line)
				}
			}
		})
	}
}

func TestCoverageAndRowNumbersOverGroups(t *testing.T) {
	o := newObject(t, 1, func(a *wire.Announcement) {
		one := a.Groups[0].Fields[0]
		two := one
		two.Name = "hall.temperature"
		a.Groups = []wire.Group{{Source: "room", Window: 3600_000_000, Fields: []wire.FieldSpec{one}}, {Source: "hall", Fields: []wire.FieldSpec{two}}}
	})
	b := o.numbers(1)
	for i := range 5 {
		b.Groups = append(b.Groups[:0], wire.Rows{Time: []int64{9}, Coverage: []int64{int64(i)}, Columns: []wire.Column{{Nums: []int64{1}}}},
			wire.Rows{Group: 1, Time: []int64{9}, Columns: []wire.Column{{Nums: []int64{2}}}})
		lines := strings.Split(render(o.a, b), "\n")
		want := fmt.Sprintf(`"coverage":%s}`, []string{"0", "0.25", "0.5", "0.75", "1"}[i])
		if !strings.HasSuffix(lines[0], want) || !strings.Contains(lines[0], `"row":0,`) {
			t.Errorf("coverage %d: %s", i, lines[0])
		}
		if strings.Contains(lines[1], "coverage") || !strings.Contains(lines[1], `"row":1,`) || !strings.Contains(lines[1], "hall.temperature") {
			t.Errorf("second group: %s", lines[1])
		}
	}
}

// A number read back exactly is the number sent, in its shortest form.
func TestDecimalIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, scale := rapid.Int64Range(-wire.MaxValue, wire.MaxValue).Draw(t, "n"), rapid.IntRange(0, 9).Draw(t, "scale")
		text := string(appendDecimal(nil, n, scale))
		want := new(big.Rat).SetFrac(big.NewInt(n), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
		got, ok := new(big.Rat).SetString(text)
		if !ok || got.Cmp(want) != 0 || !json.Valid([]byte(text)) {
			t.Fatalf("%d / 10^%d became %s", n, scale, text)
		}
		if strings.ContainsAny(text, "eE+") || strings.Contains(text, ".") && strings.HasSuffix(text, "0") || strings.HasSuffix(text, ".") || text == "-0" {
			t.Fatalf("%s is not the shortest plain form", text)
		}
	})
}

func TestStringIsJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		var back string
		if err := json.Unmarshal(appendString(nil, s), &back); err != nil || back != strings.ToValidUTF8(s, "\ufffd") {
			t.Fatalf("%q became %q (%v)", s, back, err)
		}
	})
	if got := string(appendString(nil, "a\x00\n\u2028\xff\"\\")); got != `"a\u0000\u000a\u2028`+"\ufffd"+`\"\\"` {
		t.Errorf("got %s", got)
	}
}

// Every time the verifier lets pass reads back as the instant it was.
func TestTimeReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		us := rapid.Int64Range(0, maxMicros).Draw(t, "us")
		w := &rowWriter{a: &wire.Announcement{Tick: 1}, b: &wire.Batch{}}
		w.setTime(us)
		var row struct{ Time string }
		if err := json.Unmarshal([]byte("{"+string(w.stamp[1:])+"}"), &row); err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339Nano, row.Time)
		if err != nil || at.UnixMicro() != us || !strings.HasSuffix(row.Time, "Z") {
			t.Fatalf("%d became %s (%v)", us, row.Time, err)
		}
	})
}

func TestRenderingAllocatesNothingARow(t *testing.T) {
	o := newObject(t, 1, nil)
	b := o.numbers(1, make([]int64, 1000)...)
	w := newRowWriter(o.a, b)
	buf := make([]byte, 0, 1<<20)
	n := testing.AllocsPerRun(10, func() {
		buf = buf[:0]
		for r := range 1000 {
			buf = w.appendRow(buf, 0, r, r)
		}
	})
	if n > 0 {
		t.Errorf("%v allocations for 1000 rows", n)
	}
}

func BenchmarkRender(b *testing.B) {
	o := newObject(b, 1, nil)
	values := make([]int64, 1000)
	for i := range values {
		values[i] = int64(20000 + i)
	}
	batch := o.numbers(1, values...)
	buf := make([]byte, 0, 256<<10)
	for b.Loop() {
		w := newRowWriter(o.a, batch)
		buf, _ = w.each(buf, func(p []byte) ([]byte, error) { return p[:0], nil })
	}
}
