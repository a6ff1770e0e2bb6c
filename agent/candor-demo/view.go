package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/candor-edge/candor/store/consent"
)

// view is all that is on the screen at one moment.
type view struct {
	house           time.Time // what the house's clock shows
	clock           string    // what that clock is
	elapsed, length time.Duration
	truth           string
	quiet           bool // nothing is granted
	sending         bool
	trouble         string // why nothing gets through, "" when it does
	sensed          []sensed
	readings        uint64
	purposes        []offer
	notes           []string // what happened lately
	keys            string   // what can be pressed, "" off a terminal
	page            string   // where the page is, "" off a terminal
}

// offer is one purpose and what the receiver has of it.
type offer struct {
	id, title string
	state     consent.State
	reason    string // why it can't be granted
	rows      int
	bytes     int64
	deleted   int
	asked     bool   // deletion was asked for and is not confirmed yet
	newest    string // newest row, in words
}

// style is how a line looks on a terminal that has styles.
type style int

const (
	plainText style = iota
	bold
	good  // nothing leaves
	alert // something leaves
	faint
)

// line is one line of text without its end.
type line struct {
	text  string
	style style
}

// glyphs are the signs beyond ASCII, or what stands for them.
type glyphs struct{ bar, rule, cross, cut, degree string }

func glyphsFor(ascii bool) glyphs {
	if ascii {
		return glyphs{"|", "-", "+", "..", ""}
	}
	return glyphs{"│", "─", "┼", "…", "°"}
}

// render lays the view out, width columns wide (at least minWidth), without its notes.
func (v *view) render(width int, g glyphs) []line {
	out := []line{
		{ends("Candor demo: a simulated house, its agent and a receiver", v.house.UTC().Format("Mon 15:04:05"), width, g), bold},
		{ends(v.clock, v.light()+"   "+v.progress(), width, g), plainText},
	}
	truth := wrap(v.truth, width)
	for i := range max(len(truth), 2) { // two at least, so that the picture does not jump
		out = append(out, line{fit(at(truth, i), width, g), v.mood()})
	}
	left := width * 29 / 80
	right := width - left - 3
	out = append(out, line{strings.Repeat(g.rule, left+1) + g.cross + strings.Repeat(g.rule, right+1), faint})
	house, got := v.houseColumn(left, g), v.receiverColumn(g)
	for i := range max(len(house), len(got)) {
		s := plainText
		if i == 0 {
			s = bold
		}
		out = append(out, line{fit(at(house, i), left, g) + " " + g.bar + " " + strings.TrimRight(fit(at(got, i), right, g), " "), s})
	}
	if v.trouble != "" {
		out = append(out, line{strings.TrimRight(fit("Nothing gets through: "+v.trouble, width, g), " "), alert})
	}
	return out
}

// minWidth is the narrowest screen that is drawn for; a narrower one cuts lines.
const minWidth = 60

func (v *view) progress() string {
	if v.length == 0 {
		return fmt.Sprintf("%d s", int(v.elapsed.Seconds()))
	}
	return fmt.Sprintf("%d of %d s", int(min(v.elapsed, v.length).Seconds()), int(v.length.Seconds()))
}

// light is the one on the object: it is on while something is on its way.
func (v *view) light() string {
	if v.sending {
		return "light: on"
	}
	return "light: off"
}

func (v *view) mood() style {
	if v.quiet {
		return good
	}
	return alert
}

func (v *view) houseColumn(width int, g glyphs) []string {
	out := []string{"THE HOUSE SENSES (simulated)", ""}
	for _, s := range v.sensed {
		value := s.value
		if value == "" {
			value = "not yet"
		}
		out = append(out, ends(s.field, value, width, g))
	}
	return append(out, "", count(v.readings)+" readings so far")
}

func (v *view) receiverColumn(g glyphs) []string {
	out := []string{"THE RECEIVER GOT"}
	for i, p := range v.purposes {
		out = append(out, fmt.Sprintf("%d %s: %s", i+1, p.id, p.title), "  "+p.standing(), "  "+p.news())
	}
	return out
}

// standing is where a purpose stands, in words.
func (p *offer) standing() string {
	switch p.state {
	case consent.Given:
		if p.rows == 0 {
			return "granted: nothing has come yet"
		}
		return fmt.Sprintf("granted: %s, %s bytes", rows(p.rows), count(uint64(p.bytes)))
	case consent.Withdrawn:
		if p.asked {
			return fmt.Sprintf("withdrawn: deletion asked, %s there", rows(p.rows))
		}
		return fmt.Sprintf("withdrawn: %s deleted, %s left", rows(p.deleted), count(uint64(p.rows)))
	case consent.Refused:
		return "refused: " + p.reason
	}
	return "not granted: nothing leaves"
}

func (p *offer) news() string {
	if p.state == consent.Withdrawn {
		return "nothing more arrives"
	}
	return p.newest
}

// wrap breaks a text between words into lines of at most width characters, where its words are not longer.
func wrap(text string, width int) []string {
	var out []string
	current := ""
	for _, word := range strings.Fields(text) {
		switch {
		case current == "":
			current = word
		case utf8.RuneCountInString(current)+1+utf8.RuneCountInString(word) <= width:
			current += " " + word
		default:
			out = append(out, current)
			current = word
		}
	}
	return append(out, current)
}

// ends puts one text at the left and one at the right end of a line.
func ends(left, right string, width int, g glyphs) string {
	room := width - utf8.RuneCountInString(right) - 1
	if room < 1 {
		return fit(left+" "+right, width, g)
	}
	return fit(left, room, g) + " " + right
}

// fit makes a text exactly width characters wide.
func fit(text string, width int, g glyphs) string {
	n := utf8.RuneCountInString(text)
	if n <= width {
		return text + strings.Repeat(" ", width-n)
	}
	keep := max(width-utf8.RuneCountInString(g.cut), 0)
	return string([]rune(text)[:keep]) + string([]rune(g.cut)[:min(width, utf8.RuneCountInString(g.cut))])
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// count writes a number with commas between thousands.
func count(n uint64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// rows is a number of rows in words.
func rows(n int) string { return counted(n, "row", "rows") }

// counted is a number of things, "1 batch" or "2 batches".
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(uint64(n)) + " " + many
}
