package cli

import (
	"bufio"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// output is where text for people goes, buffered, that remembers its first failure. Text for people is put into ASCII where the locale
// asks for it; data, see [data], never is.
type output struct {
	w      *bufio.Writer
	err    error
	ascii  bool // the terminal shows nothing else
	people bool // it is a terminal: lines are folded, which programs would have to put together again
	screen bool // that can be redrawn
	colour bool
}

func newOutput(w io.Writer, getenv func(string) string) *output {
	f, is := w.(*os.File)
	is = is && term.IsTerminal(int(f.Fd()))
	kind := getenv("TERM")
	screen := is && kind != "" && kind != "dumb"
	return &output{w: bufio.NewWriter(w), ascii: asciiOnly(getenv, is), people: is, screen: screen, colour: screen && getenv("NO_COLOR") == ""}
}

// asciiOnly tells whether the locale has no UTF-8 (locale(7)). Where no locale is set, a terminal gets ASCII, as a serial line
// without a login shell is one of those; a file or a program gets UTF-8.
func asciiOnly(getenv func(string) string, terminal bool) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(getenv(name)); v != "" {
			return !strings.Contains(v, "utf-8") && !strings.Contains(v, "utf8")
		}
	}
	return terminal
}

// Write implements io.Writer. It never fails, so that verbs need not look; Main reports the first failure.
func (o *output) Write(b []byte) (int, error) {
	if o.ascii {
		o.put([]byte(toASCII(string(b))))
	} else {
		o.put(b)
	}
	return len(b), nil
}

func (o *output) put(b []byte) {
	if o.err == nil {
		_, o.err = o.w.Write(b)
	}
}

func (o *output) flush() error {
	if o.err == nil {
		o.err = o.w.Flush()
	}
	return o.err
}

// data is w for bytes that have to come out as they are: JSON, an export, a file.
func data(w io.Writer) io.Writer {
	if o, ok := w.(*output); ok {
		return verbatim{o}
	}
	return w
}

type verbatim struct{ o *output }

// Write implements io.Writer.
func (e verbatim) Write(b []byte) (int, error) {
	e.o.put(b)
	return len(b), nil
}

// The letters of French and its neighbours, and what stands for each; signs that take more than one.
const (
	accented = "àâäáãåçéèêëíîïìñóôöòõúùûüýÿÀÂÄÁÃÅÇÉÈÊËÍÎÏÌÑÓÔÖÒÕÚÙÛÜÝ’‘“”«»–—‑·•\u00a0\u202f\u2009"
	plainer  = "aaaaaaceeeeiiiinooooouuuuyyAAAAAACEEEEIIIINOOOOOUUUUY''\"\"\"\"---..   "
)

// toASCII puts text into ASCII, letter for letter where that can be.
func toASCII(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch i := strings.IndexRune(accented, r); {
		case r < utf8.RuneSelf:
			b.WriteRune(r)
		case i >= 0:
			b.WriteByte(plainer[utf8.RuneCountInString(accented[:i])])
		case r == '…':
			b.WriteString("...")
		case r == 'œ' || r == 'Œ':
			b.WriteString("oe")
		case r == '€':
			b.WriteString("EUR")
		case r == '→':
			b.WriteString("->")
		case r == '≤':
			b.WriteString("<=")
		case r == '≥':
			b.WriteString(">=")
		default:
			b.WriteByte('?')
		}
	}
	return b.String()
}

// readable is text as w shows it, for whoever counts columns before it is written.
func readable(w io.Writer, s string) string {
	if o, ok := w.(*output); ok && o.ascii {
		return toASCII(s)
	}
	return s
}

// The colours: of what is wrong, and of heads. They say nothing that the words don't.
const (
	red   = "31"
	heavy = "1"
)

// paint colours a line where w shows colours.
func paint(w io.Writer, code, line string) string {
	if o, ok := w.(*output); ok && o.colour && line != "" {
		return "\x1b[" + code + "m" + line + "\x1b[0m"
	}
	return line
}
