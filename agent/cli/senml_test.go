package cli

import (
	"slices"
	"strings"
	"testing"
)

func TestSenMLRows(t *testing.T) {
	t.Setenv("TZ", "UTC")
	for _, c := range []struct {
		name, pack string
		want       []string // a row: values, joined
	}{
		{"nothing", ``, nil},
		{"null", `null`, nil},
		{"no rows", `[{"bn":"x/","candor":"oA"}]`, nil},
		{"one row", `[{"bn":"x/","n":"hall.t","u":"Cel","v":20.5,"t":1700000000},{"n":"hall.on","vb":true,"t":1700000000}]`,
			[]string{"hall.t 20.5 Cel, hall.on yes"}},
		{"by time", `[{"n":"hall.t","v":1,"t":1700000000},{"n":"hall.h","v":2,"t":1700000001}]`, []string{"hall.t 1", "hall.h 2"}},
		{"by source", `[{"n":"hall.t","v":1,"t":1700000000},{"n":"door.open","vb":false,"t":1700000000}]`, []string{"hall.t 1", "door.open no"}},
		{"by field", `[{"n":"hall.t","v":1,"t":1700000000},{"n":"hall.t","v":2,"t":1700000000}]`, []string{"hall.t 1", "hall.t 2"}},
		{"by label", `[{"n":"hall.t","v":1,"t":1700000000},{"n":"hall.h","v":2,"t":1700000000,"row":true}]`, []string{"hall.t 1", "hall.h 2"}},
		{"coverage", `[{"n":"hall.t","v":1,"t":1700000000,"coverage":0.75},{"n":"hall.h","v":1,"t":1700000000,"coverage":1}]`,
			[]string{"hall.t 1 (seen for 0.75 of the time), hall.h 1"}},
		{"text", `[{"n":"badge.id","vs":"ab\u001bcd","t":1700000000}]`, []string{`badge.id "ab\x1bcd"`}},
		{"exact", `[{"n":"hall.t","v":123456789012.345,"t":1700000000}]`, []string{"hall.t 123456789012.345"}},
	} {
		rows, err := senmlRows([]byte(c.pack))
		var got []string
		for _, r := range rows {
			got = append(got, strings.Join(r.values, ", "))
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v, want %q", c.name, got, err, c.want)
		}
	}
	for _, bad := range []string{`{`, `{}`, `[1]`, `[{"n":"x","t":"soon"}]`, `[{"n":"x","v":1,"t":1e9}]`, `[{"n":"x","v":1,"t":1.0000001}]`, `[{"n":"x","v":1,"t":1000000000000000}]`} {
		if rows, err := senmlRows([]byte(bad)); err == nil {
			t.Errorf("%s was read: %v", bad, rows)
		}
	}
}

func TestMicros(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "0": 0, "1700000000": 1_700_000_000_000_000, "1.5": 1_500_000, "-1.5": -1_500_000, "-0.000001": -1, "0.000001": 1} {
		if got, ok := micros(text); !ok || got != want {
			t.Errorf("%q is %d %t, want %d", text, got, ok, want)
		}
	}
}

func TestWords(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1 KiB", 1536: "1.5 KiB", 1<<20 - 1: "1023.9 KiB", 256 << 20: "256 MiB", 1 << 62: "4194304 TiB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
	if got := clean("a\x1b[31mb\nc\xff\u202ed é…"); got != "a?[31mb c??d é…" {
		t.Errorf("clean gives %q", got)
	}
	var b strings.Builder
	paragraph(&b, "- ", strings.Repeat("word ", 20))
	if want := "- " + strings.TrimSpace(strings.Repeat("word ", 15)) + "\n  " + strings.TrimSpace(strings.Repeat("word ", 5)) + "\n"; b.String() != want {
		t.Errorf("paragraph gives\n%s", b.String())
	}
}
