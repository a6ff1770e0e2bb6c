package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"strconv"
	"testing"
)

// The recording is part of what results are compared by: another one is another benchmark.
func TestSameOnEveryMachine(t *testing.T) {
	var b bytes.Buffer
	if err := write(&b, 10_000, 7); err != nil {
		t.Fatal(err)
	}
	const want = "1a7a0b8b03b3f47076ebe8ea940d542ebc78b2fd7912dbb03a1175e062826110"
	if got := fmt.Sprintf("%x", sha256.Sum256(b.Bytes())); got != want {
		t.Errorf("the recording has the digest %s, want %s: results from before do not compare", got, want)
	}
	var other bytes.Buffer
	if err := write(&other, 10_000, 8); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(b.Bytes(), other.Bytes()) {
		t.Error("the seed has no effect")
	}
}

// Every reading has its five values within what the room's kinds take, and time goes on.
func TestReadings(t *testing.T) {
	var b bytes.Buffer
	if err := write(&b, 20_000, 7); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 20_001 {
		t.Fatalf("%d lines, want 20001", len(rows))
	}
	bounds := [][2]float64{{18, 26}, {16, 65}, {0, 1600}, {400, 2100}, {0, 1}}
	last, moved := int64(0), make([]int, len(bounds))
	for i, row := range rows[1:] {
		at, err := strconv.ParseInt(row[0], 10, 64)
		if err != nil || at <= last {
			t.Fatalf("reading %d: time %s after %d, %v", i, row[0], last, err)
		}
		last = at
		for c, limit := range bounds {
			v, err := strconv.ParseFloat(row[c+1], 64)
			if err != nil || v < limit[0] || v > limit[1] {
				t.Fatalf("reading %d: %s is %s, allowed %v", i, rows[0][c+1], row[c+1], limit)
			}
			if i > 0 && row[c+1] != rows[i][c+1] {
				moved[c]++
			}
		}
	}
	for c, n := range moved {
		if n < 20 {
			t.Errorf("%s moved %d times in 20000 readings", rows[0][c+1], n)
		}
	}
}

func TestNoReadings(t *testing.T) {
	if err := write(&bytes.Buffer{}, 0, 7); err == nil {
		t.Error("a recording without readings was written")
	}
}
