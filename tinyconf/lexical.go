package tinyconf

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// part is one part of a dotted key.
type part struct {
	key string
	off int
}

// peek gives the next byte, 0 at the end. NUL is refused before scanning.
func (s *scanner) peek() byte {
	if s.off < len(s.src) {
		return s.src[s.off]
	}
	return 0
}

func (s *scanner) spaces() {
	for s.peek() == ' ' || s.peek() == '\t' {
		s.off++
	}
}

func (s *scanner) comment() {
	if s.peek() != '#' {
		return
	}
	if end := strings.IndexByte(s.src[s.off:], '\n'); end >= 0 {
		s.off += end
	} else {
		s.off = len(s.src)
	}
}

// blank skips spaces, ends of lines and comments.
func (s *scanner) blank() {
	for {
		switch s.peek() {
		case ' ', '\t', '\n', '\r':
			s.off++
		case '#':
			s.comment()
		default:
			return
		}
	}
}

// keys reads a key, dotted or not, and the spaces after it.
func (s *scanner) keys() ([]part, error) {
	var parts []part
	for {
		s.spaces()
		p := part{off: s.off}
		var err error
		switch c := s.peek(); {
		case c == '"' || c == '\'':
			p.key, err = s.quotedKey()
		case isBare(c):
			for isBare(s.peek()) {
				s.off++
			}
			p.key = s.src[p.off:s.off]
		case c == 0:
			err = s.errorf(s.off, "the file ends where a key is needed")
		default:
			err = s.errorf(s.off, "a key is needed here: letters, digits, - and _, or anything in quotes")
		}
		if err != nil {
			return nil, err
		}
		if len(p.key) > maxKey {
			return nil, s.errorf(p.off, "a key is at most %d bytes long", maxKey)
		}
		if parts = append(parts, p); len(parts) > maxDepth {
			return nil, s.errorf(p.off, "more than %d levels deep", maxDepth)
		}
		s.spaces()
		if s.peek() != '.' {
			return parts, nil
		}
		s.off++
	}
}

// quotedKey reads a key in quotes and gives it without escapes.
func (s *scanner) quotedKey() (string, error) {
	start := s.off
	if err := s.line(s.peek()); err != nil {
		return "", err
	}
	inner := s.src[start+1 : s.off-1]
	if s.src[start] == '\'' {
		return inner, nil
	}
	return unescape(inner), nil
}

// text skips a string of any of the four forms.
func (s *scanner) text() error {
	quote := s.peek()
	fence := strings.Repeat(string(quote), 3)
	if !strings.HasPrefix(s.src[s.off:], fence) {
		return s.line(quote)
	}
	open := s.off
	for s.off += 3; s.off < len(s.src); s.off++ {
		switch {
		case s.src[s.off] == '\\' && quote == '"':
			s.off++
		case strings.HasPrefix(s.src[s.off:], fence):
			s.off += 3
			// One or two quotes may stand right before the closing three.
			for i := 0; i < 2 && s.peek() == quote; i++ {
				s.off++
			}
			return nil
		}
	}
	s.off = len(s.src)
	return s.errorf(open, "this text has no closing %s", fence)
}

// line skips a string that ends on its line.
func (s *scanner) line(quote byte) error {
	open := s.off
	for s.off++; s.off < len(s.src); s.off++ {
		switch c := s.src[s.off]; {
		case c == '\n':
			return s.errorf(open, "this text has no closing %c on its line", quote)
		case c == '\\' && quote == '"':
			s.off++
		case c == quote:
			s.off++
			return nil
		}
	}
	s.off = len(s.src)
	return s.errorf(open, "this text has no closing %c on its line", quote)
}

// word skips a number, a date or a truth value. Dates may hold one space.
func (s *scanner) word() error {
	start := s.off
	s.bareword()
	if isDate(s.src[start:s.off]) && s.off+1 < len(s.src) && s.src[s.off] == ' ' && isDigit(s.src[s.off+1]) {
		s.off++
		s.bareword()
	}
	word := s.src[start:s.off]
	// The word itself is not repeated: it may be a secret without its quotes.
	switch c := s.src[start:]; {
	case word == "":
		return s.errorf(start, "a value is missing here")
	case word == "true", word == "false", word == "inf", word == "nan":
		return nil
	case len(word) == 2 && word[0] == '0' && strings.ContainsRune("xob", rune(word[1])):
		return s.errorf(start, "this number has no digits")
	case c[0] >= utf8.RuneSelf, !isDigit(c[0]) && c[0] != '+' && c[0] != '-':
		return s.errorf(start, "this is no value, text needs quotes")
	}
	return nil
}

func (s *scanner) bareword() {
	for s.off < len(s.src) && !strings.ContainsRune(" \t\r\n,]}#", rune(s.src[s.off])) {
		s.off++
	}
}

func isBare(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || isDigit(c) || c == '_' || c == '-'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isDate tells a day alone, as in 2026-01-31.
func isDate(w string) bool {
	return len(w) == 10 && isDigit(w[0]) && w[4] == '-' && w[7] == '-'
}

// unescape resolves the escapes of a basic string (TOML 1.1), and \a and \v,
// which stand in our own key paths. Of one it does not know only the letter
// stays; the parser will refuse the file.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	simple := map[byte]byte{'a': '\a', 'v': '\v', 'b': '\b', 't': '\t', 'n': '\n', 'f': '\f', 'r': '\r', 'e': 0x1b, '"': '"', '\\': '\\'}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if c, ok := simple[s[i]]; ok {
			b.WriteByte(c)
			continue
		}
		n := digits[s[i]]
		if n == 0 || i+n >= len(s) {
			b.WriteByte(s[i])
			continue
		}
		code, err := strconv.ParseUint(s[i+1:i+1+n], 16, 32)
		if err == nil {
			b.WriteRune(rune(code))
		}
		i += n
	}
	return b.String()
}
