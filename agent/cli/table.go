package cli

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"
)

// widestLead is how far to the right the last column of a table may begin; beyond it there is no room to wrap it.
const widestLead = 48

// table puts rows under each other in columns, on a terminal within [width]. It takes lines of cells with tabs between them, as [row] writes
// them, and prints at Flush.
type table struct {
	w     io.Writer
	lines bytes.Buffer
}

func newTable(w io.Writer) *table { return &table{w: w} }

// Write implements io.Writer.
func (t *table) Write(b []byte) (int, error) { return t.lines.Write(b) }

// Flush prints the rows and forgets them. On a terminal a row whose last cell does not fit wraps it under itself; where even
// its column lies too far to the right, all cells follow each other under the first. Programs get a row a line.
func (t *table) Flush() error {
	var rows [][]string
	var wide []int // of each column, but for the last cell of a row
	for line := range strings.Lines(readable(t.w, t.lines.String())) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		rows = append(rows, cells)
		for i, c := range cells[:len(cells)-1] {
			if i == len(wide) {
				wide = append(wide, 0)
			}
			wide[i] = max(wide[i], utf8.RuneCountInString(c))
		}
	}
	t.lines.Reset()
	for _, cells := range rows {
		t.print(cells, wide)
	}
	return nil
}

func (t *table) print(cells []string, wide []int) {
	last := len(cells) - 1
	var lead strings.Builder
	for i, c := range cells[:last] {
		lead.WriteString(c + strings.Repeat(" ", wide[i]-utf8.RuneCountInString(c)+2))
	}
	used := utf8.RuneCountInString(lead.String())
	o, ok := t.w.(*output)
	switch {
	case !ok || !o.people || used+utf8.RuneCountInString(cells[last]) <= width:
		_, _ = io.WriteString(t.w, strings.TrimRight(lead.String()+cells[last], " ")+"\n")
	case last > 0 && used <= widestLead:
		paragraph(t.w, lead.String(), cells[last])
	default:
		first := cells[0]
		if last > 0 {
			first += "  "
		}
		paragraph(t.w, first, strings.Join(cells[min(1, last):], "  "))
	}
}
