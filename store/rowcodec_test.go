package store

import (
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/candor-edge/candor/store/consent"
)

func anyCell(t *rapid.T) consent.Cell {
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		return consent.Cell{}
	case 1:
		return consent.Cell{Num: rapid.Int64().Draw(t, "num"), Set: true}
	case 2:
		return consent.Cell{Token: rapid.StringN(1, 20, maxToken).Draw(t, "token"), Set: true}
	}
	return consent.Cell{Num: rapid.Int64Range(1, 9).Draw(t, "num"), Token: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "token"), Set: true}
}

func anyRow(t *rapid.T) Row {
	return Row{Group: rapid.IntRange(0, 3).Draw(t, "group"), Time: rapid.Int64().Draw(t, "time"),
		Coverage: int8(rapid.IntRange(-1, 4).Draw(t, "coverage")), Cells: rapid.SliceOfN(rapid.Custom(anyCell), 0, 6).Draw(t, "cells")}
}

func packed(rows []Row) []byte {
	var w rowWriter
	for i := range rows {
		w.add(&rows[i])
	}
	return w.buf
}

func TestRowsSurvivePacking(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(anyRow), 0, 40).Draw(t, "rows")
		buf := packed(rows)
		got, err := readRows(nil, buf, len(rows), &arena{})
		if err != nil || len(got) != len(rows) {
			t.Fatalf("%d rows of %d, %v", len(got), len(rows), err)
		}
		for i := range rows {
			if len(rows[i].Cells) == 0 {
				rows[i].Cells, got[i].Cells = nil, nil
			}
			if !reflect.DeepEqual(rows[i], got[i]) {
				t.Fatalf("row %d differs", i)
			}
		}
		for n := range buf {
			if _, err := readRows(nil, buf[:n], len(rows), &arena{}); err == nil {
				t.Fatalf("cut at %d of %d was taken", n, len(buf))
			}
		}
		if _, err := readRows(nil, append(buf, 0), len(rows), &arena{}); err == nil {
			t.Fatal("a byte too many was taken")
		}
	})
}

func TestAnUnsetCellCarriesNothing(t *testing.T) {
	rows := []Row{{Cells: []consent.Cell{{Num: 5, Token: "x"}}}}
	got, err := readRows(nil, packed(rows), 1, &arena{})
	if err != nil || got[0].Cells[0] != (consent.Cell{}) {
		t.Errorf("%v", err)
	}
}

func TestRegularRowsAreSmall(t *testing.T) {
	var rows []Row
	for _, in := range numbered(1, 100, 0, 1000) {
		rows = append(rows, in.row)
	}
	if n := len(packed(rows)); n > 8*1000 {
		t.Errorf("1,000 rows of 5 cells take %d bytes", n)
	}
}

func TestRowLimits(t *testing.T) {
	for name, r := range map[string]Row{
		"group": {Group: maxGroup}, "below": {Group: -1}, "cells": {Cells: make([]consent.Cell, maxCells+1)},
	} {
		if checkRow(&r) == nil {
			t.Errorf("%s: taken", name)
		}
	}
	most := Row{Group: maxGroup - 1, Time: math.MinInt64, Cells: make([]consent.Cell, maxCells)}
	if err := checkRow(&most); err != nil {
		t.Error(err)
	}
	if _, err := readRows(nil, packed([]Row{most}), 1, &arena{}); err != nil {
		t.Error(err)
	}
	if _, err := readRows(nil, nil, maxChunkRows+1, &arena{}); err == nil {
		t.Error("too many rows were read")
	}
}

// FuzzReadRows: whatever is read writes itself again to the same rows, and never to more bytes.
func FuzzReadRows(f *testing.F) {
	rows := []Row{
		{Group: 1, Time: 5, Coverage: -1, Cells: []consent.Cell{{Num: 7, Set: true}, {Token: "abc", Set: true}}},
		{Group: 1, Time: 9, Coverage: 3, Cells: []consent.Cell{{Num: -7, Set: true}, {Token: "abc", Set: true}}},
		{Group: 0, Time: 9, Coverage: -1, Cells: []consent.Cell{{}}},
	}
	f.Add(packed(rows), 3)
	f.Add([]byte{}, 0)
	f.Add([]byte{3, 0, 255, 1, 1, 2}, 1)
	f.Fuzz(func(t *testing.T, in []byte, n int) {
		got, err := readRows(nil, in, n, &arena{})
		if err != nil {
			return
		}
		buf := packed(got)
		again, err := readRows(nil, buf, n, &arena{})
		if err != nil || !reflect.DeepEqual(got, again) || len(buf) > len(in) {
			t.Fatalf("%d bytes became %d, %v", len(in), len(buf), err)
		}
	})
}
