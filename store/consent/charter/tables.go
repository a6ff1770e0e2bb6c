package charter

import (
	"compress/flate"
	_ "embed"
	"io"
	"strings"
)

// packed is tables.txt, compressed: the texts are long and the device's binary is small.
//
//go:embed tables.z
var packed string

// tables are all texts, by the names in tables.txt. Where they can't be unpacked there are none, and then nothing is said.
type tables map[string]string

func unpack() tables {
	text, err := io.ReadAll(flate.NewReader(strings.NewReader(packed)))
	if err != nil {
		return nil
	}
	t := tables{}
	for _, part := range strings.Split(string(text), "\n# ") {
		name, lines, _ := strings.Cut(part, "\n")
		t[name] = strings.TrimSuffix(lines, "\n")
	}
	return t
}

// look finds a word in a table of lines "word|français|English"; one that is not there is said as it is.
func (t tables) look(table, word string) Text {
	if fr, en, ok := strings.Cut(after(t[table], word), "|"); ok {
		return both(fr, en)
	}
	return same(word)
}

// looked looks each word up and lists them.
func (t tables) looked(table string, words []string) Text {
	list := make([]Text, len(words))
	for i, w := range words {
		list[i] = t.look(table, w)
	}
	return joined(list)
}

// after is what stands behind a word and | in a table of lines; "" for a word that is not there.
func after(table, word string) string {
	for table != "" {
		var line string
		line, table, _ = strings.Cut(table, "\n")
		if rest, ok := strings.CutPrefix(line, word+"|"); ok {
			return rest
		}
	}
	return ""
}

// whyNot is the reason for a predicate that does not hold: its own line, or that of its first word.
func (t tables) whyNot(ask string) string {
	verb, _, _ := strings.Cut(ask, " ")
	for _, key := range []string{ask, verb} {
		if why := after(t["reason"], key); why != "" {
			return why
		}
	}
	return "the policy does not say"
}
