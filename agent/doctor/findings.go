package doctor

import (
	_ "embed"
	"strconv"
	"strings"
)

// findings is all that a check may come out as: a closed list, so that a code can be passed on where no text may be. It is text and
// no table of Go, which would be eight KB more of the device binary.
//
//go:embed findings.txt
var findings string

// Codes are the codes of all findings, in the order of the walk. DOCTOR.md explains them.
func Codes() (out []string) {
	for _, line := range strings.Split(findings, "\n") {
		if code, _, ok := strings.Cut(line, " "); ok && line[0] != '\t' && line[0] != '#' {
			out = append(out, code)
		}
	}
	return out
}

// say makes the check of a finding, with what it is about.
func (w *walk) say(code string, with ...string) *Check {
	_, text, there := strings.Cut(findings, "\n"+code+" ")
	head, text, _ := strings.Cut(text, "\n")
	state, root, _ := strings.Cut(head, " ")
	c := &Check{State: State(state), Code: code}
	if !there {
		c.State = Broken // a mistake of this package, which a test finds
	}
	for strings.HasPrefix(text, "\t") {
		var line string
		line, text, _ = strings.Cut(text[1:], "\n")
		switch filled := w.fill(line, with); line[0] {
		case '=':
			c.fix = &Fix{Do: filled[2:], Root: root == "root" || root == "file" && w.edit()}
		case '$':
			c.fix.Command = filled[2:]
		default:
			c.Evidence = filled
		}
	}
	return c
}

// fill puts in what a finding is about.
func (w *walk) fill(text string, with []string) string {
	for i, s := range with {
		text = strings.ReplaceAll(text, "{"+strconv.Itoa(i+1)+"}", s)
	}
	return strings.ReplaceAll(text, "{file}", w.File)
}
