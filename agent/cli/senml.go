package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// senmlRow is one row of a SenML pack as a person reads it.
type senmlRow struct {
	time   string
	values []string // "hall.temperature 21.5 Cel"
}

// senmlRecord is one record of RFC 8428 section 4, as far as packs made here have it, with our own labels coverage and row.
type senmlRecord struct {
	BaseName string      `json:"bn"`
	BaseTime json.Number `json:"bt"`
	Name     string      `json:"n"`
	Unit     string      `json:"u"`
	Value    json.Number `json:"v"`
	Bool     *bool       `json:"vb"`
	Text     *string     `json:"vs"`
	Time     json.Number `json:"t"`
	Coverage json.Number `json:"coverage"`
	Row      bool        `json:"row"`
}

// senmlRows puts the records of a pack back into rows: one begins with another time, another source, a field that the row
// has already, or where the pack says so. An empty text has no rows.
func senmlRows(pack []byte) ([]senmlRow, error) {
	if text := strings.TrimSpace(string(pack)); text == "" || text == "null" {
		return nil, nil
	}
	var records []senmlRecord
	if err := json.Unmarshal(pack, &records); err != nil {
		return nil, err
	}
	var rows []senmlRow
	var base senmlRecord
	var source, at string
	seen := map[string]bool{}
	for i := range records {
		r := &records[i]
		if r.BaseName != "" {
			base.BaseName = r.BaseName
		}
		if r.BaseTime != "" {
			base.BaseTime = r.BaseTime
		}
		if r.Name == "" {
			continue // a pack without rows has one record without a value
		}
		t, err := senmlTime(base.BaseTime, r.Time)
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", i, err)
		}
		from, _, _ := strings.Cut(r.Name, ".")
		if len(rows) == 0 || r.Row || t != at || from != source || seen[r.Name] {
			rows = append(rows, senmlRow{time: t})
			clear(seen)
		}
		at, source, seen[r.Name] = t, from, true
		last := &rows[len(rows)-1]
		last.values = append(last.values, r.words())
	}
	return rows, nil
}

// words is one value: its field, the value with its unit, and what part of a window was watched unless all of it was.
func (r *senmlRecord) words() string {
	text := string(r.Value)
	switch {
	case r.Text != nil:
		text = strconv.Quote(*r.Text)
	case r.Bool != nil:
		text = "no"
		if *r.Bool {
			text = "yes"
		}
	}
	words := r.Name + " " + text
	if r.Unit != "" && r.Unit != "/" && r.Unit != "1" {
		words += " " + r.Unit
	}
	if r.Coverage != "" && r.Coverage != "1" {
		words += " (seen for " + string(r.Coverage) + " of the time)"
	}
	return words
}

// senmlTime adds base time and time, in seconds, exactly, and shows the sum in the local zone. The times of a pack made here are
// absolute and have at most six decimals.
func senmlTime(base, own json.Number) (string, error) {
	first, ok1 := micros(string(base))
	second, ok2 := micros(string(own))
	if !ok1 || !ok2 {
		return "", errors.New("the time is no decimal in range")
	}
	t := time.UnixMicro(first + second).Local()
	if (first+second)%1_000_000 != 0 {
		return t.Format("2006-01-02 15:04:05.000000 MST"), nil
	}
	return moment(t), nil
}

// micros reads decimal seconds as microseconds; "" is 0. The limits keep any sum of two from overflowing.
func micros(s string) (int64, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, part, _ := strings.Cut(digits, ".")
	if len(whole) > 12 || len(part) > 6 || strings.ContainsAny(digits, "+-") {
		return 0, false
	}
	n, err := strconv.ParseInt("0"+whole+part+"000000"[len(part):], 10, 64)
	if negative {
		n = -n
	}
	return n, err == nil
}
