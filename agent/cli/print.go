package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

func jsonFlag(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVar(to, "json", false, "print JSON, for programs")
}

// printJSON writes one JSON document, indented.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(data(w))
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("can't write the answer as JSON: %w", err)
	}
	return nil
}

// clean makes text from files and from the other end of the socket safe for a terminal: what can't be printed becomes "?".
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			if unicode.IsSpace(r) {
				return ' '
			}
			return '?'
		}
		return r
	}, s)
}

// paragraph writes text in lines of at most [width] columns, the first after lead and the others under it. On a terminal a
// word that has no room there, as a long key, stands alone at the margin.
func paragraph(w io.Writer, lead, text string) { columnsOf(w, width, lead, text) }

// within is paragraph for what a frame is drawn around.
func within(w io.Writer, lead, text string) { columnsOf(w, width-4, lead, text) }

func columnsOf(w io.Writer, width int, lead, text string) {
	lead = readable(w, lead)
	indent := strings.Repeat(" ", utf8.RuneCountInString(lead))
	line, used := lead, utf8.RuneCountInString(lead)
	empty := true
	put := func(s string) {
		s = strings.TrimRight(s, " ")
		if strings.HasPrefix(strings.TrimLeft(lead, " "), "!") {
			s = paint(w, red, s)
		}
		_, _ = fmt.Fprintln(w, s)
	}
	o, _ := w.(*output)
	for _, word := range strings.FieldsFunc(text, breaks) {
		word = readable(w, clean(word))
		n := utf8.RuneCountInString(word)
		if o != nil && o.people && n <= width && len(indent)+n > width {
			put(line)
			line, used, empty = "", 0, true
		}
		if !empty && used+1+n > width {
			put(line)
			line, used, empty = indent, len(indent), true
		}
		if !empty {
			line, used = line+" ", used+1
		}
		line, used, empty = line+word, used+n, false
	}
	put(line)
}

// breaks tells where a line may end: at white space, but not at the no-break space that French has before some signs. It is
// written as a plain one.
func breaks(r rune) bool { return unicode.IsSpace(r) && r != '\u00a0' }

// head writes the head of a part.
func head(w io.Writer, text string) { _, _ = fmt.Fprintln(w, paint(w, heavy, text)) }

// moment shows a time in the local zone; "" for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05 MST")
}

// size shows a number of bytes with one decimal at most, without floats.
func size(n int64) string {
	const unit = 1 << 10
	if n < unit {
		return strconv.FormatInt(n, 10) + " B"
	}
	names := []string{"KiB", "MiB", "GiB", "TiB"}
	i, div := 0, int64(unit)
	for i < len(names)-1 && n >= div*unit {
		i, div = i+1, div*unit
	}
	whole, tenth := n/div, (n%div)*10/div
	if tenth == 0 {
		return fmt.Sprintf("%d %s", whole, names[i])
	}
	return fmt.Sprintf("%d.%d %s", whole, tenth, names[i])
}

// count shows a number of things: "no rows", "1 row", "12 rows".
func count[N ~int | ~int64 | ~uint64](n N, one, many string) string {
	switch n {
	case 0:
		return "no " + many
	case 1:
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// joined puts the non-empty parts together with commas.
func joined(parts ...string) string {
	var keep []string
	for _, p := range parts {
		if p != "" {
			keep = append(keep, p)
		}
	}
	return strings.Join(keep, ", ")
}
