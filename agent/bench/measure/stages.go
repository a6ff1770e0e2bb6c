package main

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/candor-edge/candor/uplink/wire"
)

// stage is one benchmark of a package.
type stage struct {
	what, dir, name string
	number          float64 // how many readings one round of it has, or the budget
}

func stages() []stage {
	return []stage{
		{"parse a line of the recording", "./sensors/simulated", "BenchmarkReplay", 1e6},
		{"clear", "./store/consent", "BenchmarkClear", 1},
		{"append", "./store", "BenchmarkAppend", 100},
		{"encode a batch of 100", "./uplink/wire", "BenchmarkEncode", 100},
		{"decode a batch of 100", "./uplink/wire", "BenchmarkDecode", 100},
	}
}

// commits are the benchmarks of the store's commits, which tell what they write, and the budget of that.
func commits() []stage {
	return []stage{
		{"100 readings a commit", "./store", "BenchmarkCommit100", 600},
		{"1,000 readings a commit", "./store", "BenchmarkCommit1000", 200},
	}
}

// stages runs the benchmarks of single stages.
func (b *bench) stages(ctx context.Context) error {
	b.out.heading("written to flash, synced, by the store's own count")
	for _, s := range commits() {
		found, err := s.run(ctx)
		if err != nil {
			return err
		}
		b.out.atMost(s.what, found["written-B/row"], s.number, "%.0f B a reading")
	}
	b.out.heading("single stages, for each reading")
	for _, s := range stages() {
		found, err := s.run(ctx)
		if err != nil {
			return err
		}
		b.out.only(s.what, found["ns/op"]/s.number, fmt.Sprintf("%%.0f ns, %.3f allocations", found["allocs/op"]/s.number))
	}
	return nil
}

// run runs one benchmark and gives its figures by unit.
func (s *stage) run(ctx context.Context) (map[string]float64, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^"+s.name+"$", "-benchtime", "300ms", "-benchmem", s.dir)
	text, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s in %s: %w: %s", s.name, s.dir, err, text[max(0, len(text)-400):])
	}
	return parseBenchmark(string(text), s.name)
}

// parseBenchmark finds the figures of one benchmark, by unit, in what `go test -bench` prints.
func parseBenchmark(text, name string) (map[string]float64, error) {
	for l := range strings.Lines(text) {
		f := strings.Fields(l)
		if len(f) < 4 || f[0] != name && !strings.HasPrefix(f[0], name+"-") {
			continue
		}
		found := map[string]float64{}
		for i := 2; i+1 < len(f); i += 2 {
			v, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %q is no number", name, f[i])
			}
			found[f[i+1]] = v
		}
		if found["ns/op"] > 0 {
			return found, nil
		}
	}
	return nil, fmt.Errorf("%s printed no result", name)
}

// wire tells what a reading costs in signed batches of 60 and of 1,000, without padding.
func (b *bench) wire(context.Context) error {
	f, err := os.Open(b.recording)
	if err != nil {
		return err
	}
	defer f.Close()
	rows, err := readRows(f, 60_000)
	if err != nil {
		return err
	}
	b.out.heading("wire, signed, not padded, five fields at sensor resolution")
	for _, c := range []struct {
		rows   int
		budget float64
	}{{60, 5.8}, {1000, 2.3}} {
		if len(rows.Time) < c.rows {
			continue
		}
		each, err := wireBytes(rows, c.rows)
		if err != nil {
			return err
		}
		b.out.atMost(fmt.Sprintf("%d readings a batch", c.rows), each, c.budget, "%.2f B a reading")
	}
	return nil
}

// readRows reads the first rows of the recording as the kinds of its columns make them, stamped to the second.
func readRows(from io.Reader, most int) (wire.Rows, error) {
	scales := [fields]float64{1000, 100, 1, 1, 1}
	rows := wire.Rows{Columns: make([]wire.Column, fields)}
	in := bufio.NewScanner(from)
	for in.Scan() && len(rows.Time) < most {
		cells := strings.Split(in.Text(), ",")
		at, err := strconv.ParseInt(cells[0], 10, 64)
		if err != nil || len(cells) != fields+1 {
			if len(rows.Time) == 0 {
				continue // the heading
			}
			return rows, fmt.Errorf("row %d of the recording is none", len(rows.Time)+1)
		}
		rows.Time = append(rows.Time, at/1000)
		for i := range scales {
			v, err := strconv.ParseFloat(cells[i+1], 64)
			if err != nil {
				return rows, fmt.Errorf("row %d of the recording: %w", len(rows.Time), err)
			}
			rows.Columns[i].Nums = append(rows.Columns[i].Nums, int64(v*scales[i]+0.5))
		}
	}
	return rows, in.Err()
}

// wireBytes is the mean size of a reading in signed batches of n rows.
func wireBytes(rows wire.Rows, n int) (float64, error) {
	signer := wire.SignWith(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	var e wire.Encoder
	total, count := 0, 0
	for from := 0; from+n <= len(rows.Time); from += n {
		part := wire.Rows{Time: rows.Time[from : from+n], Columns: make([]wire.Column, fields)}
		for i := range part.Columns {
			part.Columns[i].Nums = rows.Columns[i].Nums[from : from+n]
		}
		payload, err := e.AppendBatch(nil, &wire.Batch{Seq: uint64(from/n) + 1, DeleteBy: 20_000, Groups: []wire.Rows{part}}, 0)
		if err != nil {
			return 0, err
		}
		total += len(wire.AppendSigned(nil, signer, wire.KindBatch, payload))
		count += n
	}
	return float64(total) / float64(count), nil
}
