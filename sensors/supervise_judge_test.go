package sensors

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// fieldsOf makes fields of these kinds.
func fieldsOf(t testing.TB, kinds ...string) []Field {
	t.Helper()
	var fields []Field
	for _, name := range kinds {
		k, ok := KindNamed(name)
		if !ok {
			t.Fatalf("there is no kind %s", name)
		}
		fields = append(fields, NewField("x", name, k))
	}
	return fields
}

// verdicts gives what a judge makes of a row of readings, as "quality:number" with a letter for the quality, and what
// it counted.
func verdicts(t testing.TB, c Supervised, readings [][]Value) (got []string, counts map[string]int) {
	t.Helper()
	j := newJudge(c)
	counts = map[string]int{}
	for _, values := range readings {
		values = append([]Value(nil), values...)
		j.check(values, func(what string, field int) { counts[what+" "+c.Fields[field].Name]++ })
		var words []string
		for _, v := range values {
			words = append(words, fmt.Sprintf("%s:%d", v.Quality, v.Num))
		}
		got = append(got, strings.Join(words, " "))
	}
	return got, counts
}

func numbers(n ...int64) [][]Value {
	var all [][]Value
	for _, n := range n {
		all = append(all, []Value{Number(n)})
	}
	return all
}

func TestJudge(t *testing.T) {
	temperature, climate := fieldsOf(t, "temperature"), fieldsOf(t, "temperature", "humidity")
	jumps := map[string]int64{"temperature": 1000}
	for _, c := range []struct {
		name   string
		part   Supervised
		in     [][]Value
		want   string
		counts string
	}{
		{"plain", Supervised{Fields: temperature}, numbers(20000, 20000, 20000, 0), "ok:20000, ok:20000, ok:20000, ok:0", ""},
		{"out of range", Supervised{Fields: temperature}, numbers(-144000, 20000), "out-of-range:-144000, ok:20000",
			"value out of range x.temperature 1"},
		{"stuck", Supervised{Fields: temperature, StuckAfter: 2}, numbers(1, 1, 1, 1, 2, 1, 1, 1), "ok:1, ok:1, stale:1, stale:1, ok:2, ok:1, ok:1, stale:1",
			"stuck value x.temperature 3"},
		{"never stuck", Supervised{Fields: fieldsOf(t, "pressure"), StuckAfter: -1}, repeat(100_000, 1002), repeated("ok:100000", 1002), ""},
		{"stuck by kind", Supervised{Fields: fieldsOf(t, "pressure")}, repeat(100_000, 1002), repeated("ok:100000", 1000) + ", stale:100000, stale:100000",
			"stuck value x.pressure 2"},
		{"one spike", Supervised{Fields: temperature, Jumps: jumps}, numbers(20000, 21000, 60000, 21500), "ok:20000, ok:21000, fault:0, ok:21500",
			"jump x.temperature 1"},
		{"a real step", Supervised{Fields: temperature, Jumps: jumps}, numbers(20000, 40000, 40500, 40600), "ok:20000, fault:0, ok:40500, ok:40600",
			"jump x.temperature 1"},
		{"wild", Supervised{Fields: temperature, Jumps: jumps}, numbers(20000, 40000, 60000, 80000, 20000), "ok:20000, fault:0, fault:0, fault:0, ok:20000",
			"jump x.temperature 3"},
		{"dead zero", Supervised{Fields: climate}, [][]Value{{Number(0), Number(0)}, {Number(0), Number(1)}, {Number(1), Number(0)}},
			"fault:0 fault:0, ok:0 ok:1, ok:1 ok:0", "dead zero x.humidity 1, dead zero x.temperature 1"},
		{"dead zero with a gap", Supervised{Fields: climate}, [][]Value{{Number(0), {}}, {{}, {}}}, "fault:0 absent:0, absent:0 absent:0",
			"dead zero x.temperature 1"},
		{"zero is fine", Supervised{Fields: climate, Zero: ZeroFine}, [][]Value{{Number(0), Number(0)}}, "ok:0 ok:0", ""},
		{"zero is dead", Supervised{Fields: temperature, Zero: ZeroDead}, numbers(0, 1), "fault:0, ok:1", "dead zero x.temperature 1"},
		{"the part's own verdict", Supervised{Fields: climate}, [][]Value{{{Num: 7, Quality: Stale}, {Num: 5, Quality: Fault}}},
			"stale:7 fault:0", "value that is none x.humidity 1"},
		{"a token that is none", Supervised{Fields: fieldsOf(t, "badge")}, [][]Value{{Token("")}}, "fault:0", "value that is none x.badge 1"},
	} {
		got, counts := verdicts(t, c.part, c.in)
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, text, c.want)
		}
		for what, n := range counts {
			if !strings.Contains(c.counts, fmt.Sprintf("%s %d", what, n)) {
				t.Errorf("%s: %s is counted %d times, want %s", c.name, what, n, c.counts)
			}
		}
		if c.counts != "" && len(counts) != len(strings.Split(c.counts, ",")) {
			t.Errorf("%s: counted are %v, want %s", c.name, counts, c.counts)
		}
	}
}

func repeat(n int64, times int) [][]Value {
	all := make([]int64, times)
	for i := range all {
		all[i] = n
	}
	return numbers(all...)
}

func repeated(word string, times int) string {
	return strings.TrimSuffix(strings.Repeat(word+", ", times), ", ")
}

// TestJudgeLowers: whatever comes, quality is only ever lowered, a fault holds no value, and nothing outside its kind is OK.
func TestJudgeLowers(t *testing.T) {
	fields := fieldsOf(t, "temperature", "humidity", "badge", "motion")
	part := Supervised{Fields: fields, StuckAfter: 3, Jumps: map[string]int64{"temperature": 10, "humidity": math.MaxInt64}}
	rapid.Check(t, func(r *rapid.T) {
		j := newJudge(part)
		for range rapid.IntRange(1, 20).Draw(r, "readings") {
			values := make([]Value, len(fields))
			for i, f := range fields {
				values[i].Quality = Quality(rapid.IntRange(0, 4).Draw(r, "quality"))
				switch {
				case values[i].Quality == Absent || values[i].Quality == Fault:
				case f.Kind.Type == Text:
					values[i].Token = rapid.StringN(0, 5, 80).Draw(r, "token")
				default:
					values[i].Num = rapid.OneOf(rapid.Int64Range(-3, 3), rapid.Int64()).Draw(r, "number")
				}
			}
			before := append([]Value(nil), values...)
			j.check(values, func(string, int) {})
			for i, v := range values {
				if before[i].Quality != OK && v.Quality != before[i].Quality && v.Quality != Fault {
					r.Fatalf("%v became %v", before[i].Quality, v.Quality)
				}
				if v.Quality == Fault && (v.Num != 0 || v.Token != "") {
					r.Fatal("a fault holds a value")
				}
				if v.Quality == OK && fields[i].Kind.Check(v) != v {
					r.Fatal("what is none of its kind is ok")
				}
				if v.Quality == OK && v != before[i] {
					r.Fatal("another value came out")
				}
			}
		}
	})
}

func TestFar(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		a, b := rapid.Int64().Draw(r, "a"), rapid.Int64().Draw(r, "b")
		step := rapid.Int64Range(0, math.MaxInt64).Draw(r, "step")
		want := math.Abs(float64(a)-float64(b)) > float64(step)
		if got := far(a, b, step); got != want && math.Abs(math.Abs(float64(a)-float64(b))-float64(step)) > 1e5 {
			r.Fatalf("far(%d, %d, %d) = %v", a, b, step, got)
		}
		if far(a, b, step) != far(b, a, step) || far(a, a, 0) {
			r.Fatal("it depends on the order, or a number is far from itself")
		}
	})
	if !far(math.MaxInt64, math.MinInt64, math.MaxInt64) || far(math.MaxInt64, 0, math.MaxInt64) {
		t.Error("the ends of the numbers are wrong")
	}
}

func TestGate(t *testing.T) {
	type step struct {
		after  time.Duration
		values []Value
		worth  bool
	}
	one := func(after time.Duration, n int64, worth bool) step {
		return step{after, []Value{Number(n), Number(5)}, worth}
	}
	fields := fieldsOf(t, "temperature", "humidity")
	change := map[string]int64{"temperature": 100}
	for name, c := range map[string]struct {
		part  Supervised
		steps []step
	}{
		"no threshold": {Supervised{}, []step{one(0, 1, true), one(time.Second, 1, true)}},
		"a threshold": {Supervised{Change: change}, []step{one(0, 1000, true), one(1, 1099, false), one(2, 1100, true), one(3, 1001, false),
			one(4, 1000, true)}},
		"the other quantity": {Supervised{Change: change}, []step{one(0, 1000, true), {1, []Value{Number(1000), Number(6)}, true}}},
		"a quality": {Supervised{Change: change}, []step{one(0, 1000, true), {1, []Value{Number(1000), {Quality: Fault}}, true},
			{2, []Value{Number(1000), {Quality: Fault}}, false}, {3, []Value{Number(1000), Number(5)}, true}}},
		"at least": {Supervised{Change: change, AtLeast: time.Minute}, []step{one(0, 1000, true), one(59*time.Second, 1000, false),
			one(time.Minute, 1000, true), one(61*time.Second, 1000, false)}},
		"an interval": {Supervised{MinInterval: time.Minute}, []step{one(0, 1, true), one(59*time.Second, 9, false), one(time.Minute, 9, true),
			one(time.Minute+1, 9, false)}},
		"a clock set back": {Supervised{MinInterval: time.Minute}, []step{one(time.Hour, 1, true), one(0, 1, true)}},
	} {
		c.part.Fields = fields
		var g gate
		for i, s := range c.steps {
			got := g.worth(&c.part, s.values, int64(s.after))
			if got != s.worth {
				t.Errorf("%s, step %d: %v", name, i, got)
			}
			if got {
				g.passed(s.values, int64(s.after))
			}
		}
	}
}
