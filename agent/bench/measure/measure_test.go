package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParseBenchmark(t *testing.T) {
	const text = `goos: linux
BenchmarkAppendOther-2   	   10	     99 ns/op
BenchmarkAppend-2   	   68890	     15287 ns/op	       152.9 ns/row	    1848 B/op	       6 allocs/op
PASS
`
	got, err := parseBenchmark(text, "BenchmarkAppend")
	if err != nil || got["ns/op"] != 15287 || got["allocs/op"] != 6 || got["ns/row"] != 152.9 {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", "BenchmarkAppend-2 10 x ns/op", "BenchmarkAppend-2 FAIL"} {
		if _, err := parseBenchmark(bad, "BenchmarkAppend"); err == nil {
			t.Errorf("%q has a result", bad)
		}
	}
}

func TestNumber(t *testing.T) {
	const text = "VmPeak:\t 900 kB\nVmHWM:\t   21228 kB\nRssAnon:\t\n"
	for key, want := range map[string]int64{"VmHWM:": 21228, "VmPeak:": 900, "RssAnon:": 0, "VmRSS:": 0, "HWM:": 0} {
		if got := number([]byte(text), key); got != want {
			t.Errorf("%s is %d, want %d", key, got, want)
		}
	}
}

func TestModel(t *testing.T) {
	for text, want := range map[string]string{
		"processor : 0\nmodel name\t: Some CPU @ 1 GHz\n": "Some CPU @ 1 GHz",
		"Hardware : BCM2835\nModel : Raspberry Pi Zero\n": "Raspberry Pi Zero",
		"": "unknown processor",
	} {
		if got := model([]byte(text)); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestMedian(t *testing.T) {
	if got := median([]time.Duration{5, 1, 9, 2, 7}); got != 5 {
		t.Errorf("the median is %d, want 5", got)
	}
	if got := median([]time.Duration{4, 1}); got != 1 {
		t.Errorf("the lower of two is 1, not %d", got)
	}
}

// A budget that is met exactly holds; the table says which way it goes, and the saved file has the same text.
func TestReport(t *testing.T) {
	b := bench{options: options{save: filepath.Join(t.TempDir(), "results"), commit: "abc1234 with changes"}}
	b.out.heading("part")
	b.out.atMost("a", 2, 2, "%.1f s")
	b.out.atMost("b", 2.1, 2, "%.1f s")
	b.out.atLeast("c", 3, 3, "%.0f a second")
	b.out.atLeast("d", 2, 3, "%.0f a second")
	b.out.only("e", 7, "%.0f B")
	var text strings.Builder
	if err := b.tell(&text, time.Date(2026, 3, 4, 5, 6, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"a": "pass", "b": "short", "c": "pass", "d": "short"}
	for line := range strings.Lines(text.String()) {
		f := strings.Fields(line)
		if len(f) == 0 || want[f[0]] == "" {
			continue
		}
		if last := f[len(f)-1]; last != want[f[0]] {
			t.Errorf("%q ends with %s, want %s", strings.TrimSpace(line), last, want[f[0]])
		}
		delete(want, f[0])
	}
	if len(want) > 0 {
		t.Errorf("not in the table: %v", want)
	}
	if !strings.Contains(text.String(), "2 of 4 budgets hold") {
		t.Errorf("the sum is wrong:\n%s", text.String())
	}
	saved, err := os.ReadFile(filepath.Join(b.save, "2026-03-04-abc1234-with-changes.txt"))
	if err != nil || string(saved) != text.String() {
		t.Errorf("saved %q, %v", saved, err)
	}
}

// A process that fails says what it wrote, one that ends by itself is noticed, one that goes on is ended.
func TestProcess(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	p, err := begin(ctx, dir, "/bin/sh", "-c", "echo it broke >&2; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.ended(); err == nil || !strings.Contains(err.Error(), "it broke") {
		t.Errorf("the error is %v", err)
	}
	if err := p.wait(ctx, time.Minute); err == nil {
		t.Error("it was not noticed that it had ended")
	}
	if p, err = begin(ctx, dir, "/bin/sh", "-c", "while :; do :; done"); err != nil {
		t.Fatal(err)
	}
	if err := p.wait(ctx, 200*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	p.end()
	if used := p.used; used.cpu == 0 || used.peak < 100<<10 || used.elapsed < 200*time.Millisecond {
		t.Errorf("used %+v", used)
	}
}

func TestWireBytes(t *testing.T) {
	const text = "t_ms,temperature,humidity,light,co2,occupancy\n1000,21.01,27.00,430,700,0\n2000,21.02,27.10,430,701,1\n3000,21.00,27.10,431,702,1\n"
	rows, err := readRows(strings.NewReader(text), 2)
	if err != nil || len(rows.Time) != 2 || rows.Time[1] != 2 || rows.Columns[0].Nums[1] != 21020 || rows.Columns[1].Nums[0] != 2700 {
		t.Fatalf("read %+v, %v", rows, err)
	}
	each, err := wireBytes(rows, 2)
	if err != nil || each < 40 || each > 120 {
		t.Errorf("%f bytes a reading, %v", each, err)
	}
	if _, err := readRows(strings.NewReader(text+"4000,x,1,1,1,1\n"), 10); err == nil {
		t.Error("a cell that is no number was read")
	}
}

func TestSymbol(t *testing.T) {
	for line, want := range map[string]string{
		"  101074      15148 T unicode.map.init.2":                                               "unicode 15148",
		"  c9bc0 120 T github.com/candor-edge/candor/store.(*Store).Append":                      "github.com/candor-edge/candor/store 120",
		"  c9bc0 9 T slices.Sort[go.shape.struct { github.com/candor-edge/candor/store.a int }]": "slices 9",
		"  9bdbd0   33554432 D crypto/internal/fips140/drbg.memory":                              "",
		"  9bdbd0 12 B runtime.x":                                                                "",
		"  8ee580     282336 r go:func.*":                                                        "",
	} {
		pkg, size, ok := symbol(line)
		if got := fmt.Sprintf("%s %d", pkg, size); ok != (want != "") || ok && got != want {
			t.Errorf("%q is of %q", line, got)
		}
	}
}

func TestParseGrown(t *testing.T) {
	got, err := parseGrown("    growth_test.go:74:     10000 rows:  13.9 bytes written and    50 allocated a row,     -3 KB in memory, commit 2.29ms, " +
		"start 940µs (open 140µs), of an empty one 850µs (open 180µs), all looked through 540µs\n")
	if err != nil || len(got) != 1 || got[0] != (grown{10000, 13.9, 50, -3, 2290 * time.Microsecond, 940 * time.Microsecond, 850 * time.Microsecond, 540 * time.Microsecond}) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := parseGrown("PASS"); err == nil {
		t.Error("nothing is something")
	}
}

// A recording that is longer than another goes on where that ends, and may begin later in it.
func TestRepeated(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "a.csv"), filepath.Join(dir, "b.csv")
	if err := os.WriteFile(from, []byte("t_ms,x\n1000,1\n3000,2\n4000,3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		skip, rows, times int
		want              string
	}{
		{0, 3, 2, "t_ms,x\n1000,1\n3000,2\n4000,3\n5000,1\n7000,2\n8000,3\n"},
		{1, 1, 1, "t_ms,x\n3000,2\n"},
		{1, 9, 1, "t_ms,x\n3000,2\n4000,3\n"},
	} {
		if err := repeated(from, to, c.skip, c.rows, c.times); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(to); string(got) != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
	if err := repeated(from, to, 9, 1, 1); err == nil {
		t.Error("more was skipped than there is")
	}
}
