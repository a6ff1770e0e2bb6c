package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/candor-edge/candor/agent/control"
)

// files writes a receiver's directory: rows by purpose, and lengths of raw files by stream.
func files(t *testing.T, rows map[string]string, raw map[string]int) *tail {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "raw"), 0o700); err != nil {
		t.Fatal(err)
	}
	for purpose, text := range rows {
		write(t, filepath.Join(dir, purpose+".jsonl"), text)
	}
	for stream, n := range raw {
		write(t, filepath.Join(dir, "raw", stream+".cborseq"), strings.Repeat("x", n))
	}
	got := newTail(dir)
	if err := got.refresh(); err != nil {
		t.Fatal(err)
	}
	return got
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func jsonRow(stream string, seq, row int, values string) string {
	return fmt.Sprintf(`{"stream":%q,"epoch":1,"seq":%d,"row":%d,"time":"2026-03-04T09:00:00Z","values":{%s},"delete_by":"2027-01-01","plan":"00"}`+"\n", stream, seq, row, values)
}

const warm = `"living.temperature":20.5`

func sentLines() []control.Sent {
	return []control.Sent{
		{Purpose: "trends", Stream: "aa", WireBytes: 300, Control: "announcement"},
		{Purpose: "trends", Stream: "aa", Seq: 1, Rows: 2, WireBytes: 100, Fields: []string{"living.temperature"}},
		{Purpose: "trends", Stream: "aa", Seq: 2, Rows: 1, WireBytes: 90, Fields: []string{"meter.power"}},
	}
}

func TestDifferences(t *testing.T) {
	rows := jsonRow("aa", 1, 0, warm) + jsonRow("aa", 1, 1, warm) + jsonRow("aa", 2, 0, warm)
	deletion := control.Sent{Purpose: "trends", Stream: "aa", WireBytes: 80, Control: "deletion"}
	for name, c := range map[string]struct {
		sent      []control.Sent
		rows      string
		raw       int
		withdrawn bool
		want      string
	}{
		"equal":             {sentLines(), rows, 490, false, ""},
		"a row less":        {sentLines(), rows[:strings.LastIndex(rows[:len(rows)-1], "\n")+1], 490, false, "3 rows in 2 batches (490 bytes) were sent, the receiver has 2 in 1 (490 bytes)"},
		"a row twice":       {sentLines(), rows + jsonRow("aa", 2, 0, warm), 490, false, "the receiver has 4 in 2"},
		"a byte more":       {sentLines(), rows, 491, false, "(491 bytes)"},
		"not in the ledger": {nil, rows, 490, false, "3 rows in 2 batches of which the ledger knows nothing"},
		"not deleted yet":   {sentLines(), rows, 490, true, "has not confirmed the deletion of 3 rows"},
		"deleted":           {append(sentLines(), deletion), "", 380, true, ""},
		"deleted, not rows": {append(sentLines(), deletion), rows, 380, true, "still has 3 rows"},
		"deleted, not raw":  {append(sentLines(), deletion), "", 570, true, "570 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			got := differences(tally(c.sent), files(t, map[string]string{"trends": c.rows}, map[string]int{"aa": c.raw}), map[string]bool{"trends": c.withdrawn})
			switch {
			case c.want == "" && len(got) == 0:
			case c.want == "" || len(got) != 1 || !strings.HasPrefix(got[0], "trends: ") || !strings.Contains(got[0], c.want):
				t.Errorf("got %q", got)
			case !strings.Contains(unequal(got).Error(), "don't agree:\n  trends: "):
				t.Errorf("said as %q", unequal(got))
			}
		})
	}
}

func TestCheckedCounts(t *testing.T) {
	sent := append(sentLines(),
		control.Sent{Purpose: "improve", Stream: "bb", Seq: 1, Rows: 7, WireBytes: 50},
		control.Sent{Purpose: "improve", Stream: "bb", WireBytes: 80, Control: "deletion"})
	want := "exactly the 3 rows in 2 batches (490 bytes) that the agent's ledger says were sent and not taken back, and none of the 7 rows that were taken back."
	if got := checked(tally(sent)); !strings.HasSuffix(got, want) || !strings.HasPrefix(got, "checked: ") {
		t.Errorf("%q", got)
	}
}

func TestTailGoesOn(t *testing.T) {
	name := filepath.Join(t.TempDir(), "trends.jsonl")
	last := jsonRow("aa", 2, 0, warm)
	write(t, name, jsonRow("aa", 1, 0, warm)+last[:20])
	f := &rowFile{streams: map[string]*streamCount{}}
	read := func(rows, deleted int) {
		t.Helper()
		if err := f.read(name); err != nil || f.rows != rows || f.deleted != deleted {
			t.Fatalf("%d rows, %d deleted, %v", f.rows, f.deleted, err)
		}
	}
	read(1, 0)
	read(1, 0)
	write(t, name, jsonRow("aa", 1, 0, warm)+last+jsonRow("bb", 1, 0, warm)) // the same file, longer
	read(3, 0)
	if f.streams["aa"].rows != 2 || len(f.streams["aa"].seqs) != 2 || f.streams["bb"].rows != 1 {
		t.Errorf("streams: %+v", f.streams)
	}
	write(t, name+".new", jsonRow("bb", 1, 0, warm)) // as the receiver deletes
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
	read(1, 2)
	if f.streams["aa"] != nil {
		t.Error("a deleted stream is still counted")
	}
	write(t, name, "")
	read(0, 3)
	write(t, name, "{nonsense}\n")
	if err := f.read(name); err == nil {
		t.Error("nonsense is taken for a row")
	}
}

func TestNewestRow(t *testing.T) {
	f := &rowFile{streams: map[string]*streamCount{}}
	for _, r := range []string{
		jsonRow("aa", 1, 0, `"living.co2":800,"living.humidity":45`),
		jsonRow("aa", 1, 1, `"meter.power":150`),
		jsonRow("aa", 1, 2, `"badge.id":"0123456789abcdef"`),
	} {
		if err := f.add([]byte(r)); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := f.newest.words(glyphsFor(false)), "09:00 badge.id 0123456789…, living.co2 800, humidity 45, meter.power 150"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if err := f.add([]byte(jsonRow("aa", 2, 0, `"meter.power":200`))); err != nil {
		t.Fatal(err)
	}
	if got, want := f.newest.words(glyphsFor(false)), "09:00 meter.power 200"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}
