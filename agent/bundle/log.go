package bundle

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
)

// known are the messages that this program logs, one a line; a test holds the list to the code.
//
//go:embed messages.txt
var known string

// log counts the messages of a log in slog's text or JSON form. What is in no line of ours is counted and not kept.
func (b *Bundle) log(text string) {
	all := strings.Split(strings.TrimSpace(known), "\n")
	for _, line := range strings.Split(text, "\n") {
		if line == "" {
			continue
		}
		level, message := value(line, "level"), value(line, "msg")
		if !slices.Contains(all, message) {
			b.Others++
			continue
		}
		l, m := pick(level, "DEBUG", "INFO", "WARN", "ERROR"), pick(message, all...)
		at := slices.IndexFunc(b.Messages, func(x Message) bool { return x.Level == l && x.Text == m })
		if at < 0 {
			at = len(b.Messages)
			b.Messages = append(b.Messages, Message{Level: l, Text: m})
		}
		b.Messages[at].Count++
	}
}

// value is the first value of a key in a line of a log: key=word, key="words" or "key":"words".
func value(line, key string) string {
	_, rest, ok := strings.Cut(line, `"`+key+`":`)
	if !ok {
		if _, rest, ok = strings.Cut(" "+line, " "+key+"="); !ok {
			return ""
		}
	}
	if quoted, err := strconv.QuotedPrefix(rest); err == nil {
		text, _ := strconv.Unquote(quoted)
		return text
	}
	word, _, _ := strings.Cut(rest, " ")
	return word
}

// Section is one part of a bundle, for the list that is shown before it is written.
type Section struct {
	Name    string `json:"name"`
	Entries int    `json:"entries"`
	Holds   string `json:"holds"`
}

// Sections lists what the bundle holds.
func (b *Bundle) Sections() []Section {
	one := func(there bool) int {
		if there {
			return 1
		}
		return 0
	}
	return []Section{
		{"program", 1, "version, revision, Go"},
		{"machine", 1, "names of board, kernel and system"},
		{"doctor", len(b.Doctor), "checks: state and code, no evidence"},
		{"config", one(b.Config != nil), "times, sizes, counts, and what is set; no name, file or secret"},
		{"sensors", len(b.Sensors), "driver, bus, address, interval and state; no name, no value"},
		{"routes", len(b.Routes), "scheme, what is set, and state; no host, no recipient"},
		{"object", one(b.Object != nil), "state of policy and buffer; nothing of who agreed to what"},
		{"messages", len(b.Messages), "messages of the log, each with how often; not what about, not when"},
	}
}
