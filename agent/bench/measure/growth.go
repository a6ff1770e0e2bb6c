package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// grown is one line of the store's test of growth: what a commit and a start cost with so many rows in the buffer.
type grown struct {
	rows, written, allocated, heapKB float64
	commit, start, empty, look       time.Duration
}

var grownLine = regexp.MustCompile(`(\d+) rows: +([\d.]+) bytes written and +(\d+) allocated a row, +(-?\d+) KB in memory, ` +
	`commit (\S+), start (\S+) \(.*?\), of an empty one (\S+) \(.*?\), all looked through (\S+)`)

// parseGrown reads what the test prints.
func parseGrown(text string) ([]grown, error) {
	var all []grown
	for _, m := range grownLine.FindAllStringSubmatch(text, -1) {
		var g grown
		for i, to := range []*float64{&g.rows, &g.written, &g.allocated, &g.heapKB} {
			v, err := strconv.ParseFloat(m[i+1], 64)
			if err != nil {
				return nil, fmt.Errorf("growth: %w", err)
			}
			*to = v
		}
		for i, to := range []*time.Duration{&g.commit, &g.start, &g.empty, &g.look} {
			d, err := time.ParseDuration(m[i+5])
			if err != nil {
				return nil, fmt.Errorf("growth: %w", err)
			}
			*to = d
		}
		all = append(all, g)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("growth: nothing in %q", text[max(0, len(text)-400):])
	}
	return all, nil
}

// growth tells what a reading costs when much is in the buffer: the store's own test, whose figures are in one process. A budget
// of flat is a fifth more than with next to nothing.
func (b *bench) growth(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-timeout", "15m", "-v", "-run", "^TestGrowth$", "./store")
	cmd.Env = append(os.Environ(), fmt.Sprintf("CANDOR_BACKLOG=%d", b.most))
	text, err := cmd.CombinedOutput()
	all, parseErr := parseGrown(string(text))
	if parseErr != nil {
		return parseErr
	}
	b.out.heading("growth: one more commit, and a start, with so many rows in the buffer")
	first := all[0]
	for _, g := range all {
		b.out.only(fmt.Sprintf("%.0f rows: written", g.rows), g.written, "%.1f B a row")
		b.out.only("  allocated", g.allocated, "%.0f B a row")
		b.out.only("  a commit of 5,000 rows", float64(g.commit.Microseconds())/1000, "%.2f ms")
		b.out.only("  start to first row stored", float64(g.start.Microseconds())/1000, fmt.Sprintf("%%.2f ms (empty: %.2f)", float64(g.empty.Microseconds())/1000))
		b.out.only("  all looked through", float64(g.look.Microseconds())/1000, "%.2f ms")
	}
	last := all[len(all)-1]
	b.out.atMost("  written, last to first", last.written/first.written, 1.2, "%.2f times")
	b.out.atMost("  allocated, last to first", last.allocated/first.allocated, 1.2, "%.2f times")
	b.out.only("  memory held", max(0, last.heapKB-first.heapKB)*1024/last.rows, "%.2f B a row more")
	b.out.only("  start, last to an empty one", float64(last.start)/float64(last.empty), "%.2f times, without the process")
	holds := 1.0
	if err != nil {
		holds = 0
	}
	b.out.atLeast("  the test's own bounds (1 is held)", holds, 1, "%.0f")
	return nil
}
