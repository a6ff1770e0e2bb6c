package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// largest is how many packages of the program are told by name.
const largest = 25

// packages tells what of the smallest board's program is whose: code and data by package, of the same program with its symbols,
// which `go tool nm -size` has listed.
func (b *bench) packages() error {
	f, err := os.Open(filepath.Join(b.sizes, "symbols.txt"))
	if err != nil {
		return fmt.Errorf("sizes by package: %w", err)
	}
	defer f.Close()
	sizes := map[string]int64{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if pkg, size, ok := symbol(lines.Text()); ok {
			sizes[pkg] += size
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	names, sum, ours := make([]string, 0, len(sizes)), int64(0), int64(0)
	for name, size := range sizes {
		names, sum = append(names, name), sum+size
		if strings.HasPrefix(name, "github.com/candor-edge/candor") {
			ours += size
		}
	}
	slices.SortFunc(names, func(x, y string) int { return int(sizes[y] - sizes[x]) })
	b.out.heading("code and data of linux-armv6/candor by package, without tables of the runtime, which take half as much again")
	for _, name := range names[:min(largest, len(names))] {
		b.out.only(name, float64(sizes[name])/1000, "%.0f KB")
	}
	b.out.only("all", float64(sum)/1000, "%.0f KB")
	b.out.only("of it this module", float64(ours)/1000, "%.0f KB")
	return nil
}

// symbol reads a line of nm: address, size, kind, name. What takes no room in the file is left out.
func symbol(line string) (pkg string, size int64, ok bool) {
	f := strings.Fields(line)
	if len(f) < 4 || f[2] == "b" || f[2] == "B" || f[2] == "U" || f[3] == "go:func.*" {
		return "", 0, false
	}
	size, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil || size > 1<<20 { // a zeroed array that nm takes for data
		return "", 0, false
	}
	name, _, _ := strings.Cut(f[3], "[")
	name = strings.TrimPrefix(strings.TrimPrefix(name, "type:.eq."), "go:itab.*")
	at := strings.LastIndexByte(name, '/') + 1
	base, _, _ := strings.Cut(name[at:], ".")
	base, _, _ = strings.Cut(base, "(")
	return name[:at] + base, size, base != ""
}
