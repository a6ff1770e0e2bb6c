package wire

import (
	"bytes"
	"encoding/hex"
	"os"
	"regexp"
	"strings"
	"testing"
)

// example is the batch that FORMAT.md takes apart byte by byte.
func example() *Batch {
	return &Batch{
		Announcement: fill16(0x07), Seq: 12, DeleteBy: 21135,
		Losses: []Loss{{LossBufferFull, 2}},
		Groups: []Rows{{Group: 2, Time: []int64{1789200000, 1789200060, 1789200120, 1789200185}, Columns: []Column{
			{Nums: []int64{2105, 2110, 2110, 2105}},
			{Nums: []int64{1, 0, 0, 1}, Set: []bool{true, false, false, true}},
			{Tokens: []string{"shut", "ajar", "shut", "shut"}},
		}}},
	}
}

// TestFormatExample joins the bytes of the table in FORMAT.md and compares
// them with what the encoder makes.
func TestFormatExample(t *testing.T) {
	doc, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(doc), "<!-- example -->")
	table, _, ok2 := strings.Cut(table, "<!-- end of example -->")
	if !ok || !ok2 {
		t.Fatal("FORMAT.md has no example between its marks")
	}
	var written strings.Builder
	for _, row := range regexp.MustCompile("(?m)^\\| `([0-9a-f ]+)` \\|").FindAllStringSubmatch(table, -1) {
		written.WriteString(strings.ReplaceAll(row[1], " ", ""))
	}
	message := AppendSigned(nil, SignWith(testKey(1)), KindBatch, mustEncode(t, example(), 0))
	if want := hex.EncodeToString(message); written.String() != want {
		t.Errorf("FORMAT.md shows\n%s\nthe encoder makes\n%s", written.String(), want)
	}
}

// TestFormatLimits: FORMAT.md names the limits this package has.
func TestFormatLimits(t *testing.T) {
	doc, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| bytes of a signed message | 1,048,576 |", "| rows of a batch | 65,536 |", "| columns of a batch, fields of an announcement | 256 |",
		"| rows x columns of a batch | 1,048,576 |", "| size of any number | 9,007,199,254,740,991 |", "| bytes of a token or label | 64 |",
	} {
		if !bytes.Contains(doc, []byte(want)) {
			t.Errorf("FORMAT.md does not say %q", want)
		}
	}
	if MaxMessage != 1048576 || MaxRows != 65536 || MaxColumns != 256 || MaxCells != 1048576 || MaxValue != 9007199254740991 || MaxToken != 64 {
		t.Error("a limit differs from FORMAT.md")
	}
}

// TestFormatColumns makes the columns that FORMAT.md takes apart bit by bit.
func TestFormatColumns(t *testing.T) {
	doc, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, how := range []uint64{8 + packRice, 2*32 + 8 + packRice, 8 + packRuns} {
		data := forced([]int64{0, 3, 3, 3, 5}, how)
		text := regexp.MustCompile("..").ReplaceAllString(hex.EncodeToString(data), "$0 ")
		if row := "| `" + strings.TrimSpace(text) + "` |"; !bytes.Contains(doc, []byte(row)) {
			t.Errorf("FORMAT.md has no row %s", row)
		}
	}
}
