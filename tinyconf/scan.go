package tinyconf

import (
	"fmt"
	"strings"
)

// scanner walks a file once and notes where each key stands. The TOML parser
// we use gives places for syntax errors only, and has no limits; the scanner
// goes first, holds the limits, and stops where the text is not TOML. What a
// number or a date may look like, and which keys clash, it leaves to the parser.
type scanner struct {
	src   string
	off   int
	stmt  int // where the statement being read begins
	nodes int
	root  *node
	table *node // where the next key belongs
}

// scanError is a place where the text stops making sense.
type scanError struct {
	off  int
	text string
}

// Error gives the text; the caller knows the place.
func (e *scanError) Error() string { return e.text }

func (s *scanner) errorf(off int, format string, args ...any) error {
	return &scanError{off: off, text: fmt.Sprintf(format, args...)}
}

// scan fills d.root. On error the offset of the last statement's beginning is
// given: all before it was read.
func scan(d *document) (int, error) {
	s := &scanner{src: d.src, root: d.root, table: d.root}
	for {
		s.blank()
		s.stmt = s.off
		if s.off == len(s.src) {
			return s.off, nil
		}
		if err := s.statement(); err != nil {
			return s.stmt, err
		}
	}
}

func (s *scanner) statement() error {
	var err error
	if s.peek() == '[' {
		err = s.header()
	} else {
		err = s.pair(s.table)
	}
	if err != nil {
		return err
	}
	s.spaces()
	s.comment()
	switch s.peek() {
	case '\n', '\r', 0:
		return nil
	}
	return s.errorf(s.off, "something follows on the line, each key needs a line of its own")
}

// header reads [a.b] or [[a.b]] and makes it the current table.
func (s *scanner) header() error {
	open, array := s.off, false
	s.off++
	if s.peek() == '[' {
		array = true
		s.off++
	}
	parts, err := s.keys()
	if err != nil {
		return err
	}
	closing := "]"
	if array {
		closing = "]]"
	}
	if !strings.HasPrefix(s.src[s.off:], closing) {
		return s.errorf(open, "this table's header is not closed, it needs %s", closing)
	}
	s.off += len(closing)
	n := s.root
	for i, p := range parts {
		last := i == len(parts)-1
		if n, err = s.descend(n, p); err != nil {
			return err
		}
		switch {
		case last && array:
			if n, err = s.addItem(n, p.off); err != nil {
				return err
			}
		default:
			n = n.last()
		}
	}
	s.table = n
	return nil
}

// pair reads key = value into the table n.
func (s *scanner) pair(n *node) error {
	parts, err := s.keys()
	if err != nil {
		return err
	}
	if s.peek() != '=' {
		return s.errorf(s.off, "a key is followed by = and a value")
	}
	s.off++
	s.spaces()
	for _, p := range parts {
		if n, err = s.descend(n, p); err != nil {
			return err
		}
	}
	return s.value(n)
}

// value reads one value and notes its place in n.
func (s *scanner) value(n *node) error {
	n.start = s.off
	var err error
	switch s.peek() {
	case '"', '\'':
		err = s.text()
	case '[':
		err = s.array(n)
	case '{':
		err = s.inline(n)
	default:
		err = s.word()
	}
	n.end = s.off
	return err
}

func (s *scanner) array(n *node) error {
	open := s.off
	s.off++
	for {
		s.blank()
		if s.peek() == ']' {
			s.off++
			return nil
		}
		if s.off == len(s.src) {
			return s.errorf(open, "this list has no closing ]")
		}
		item, err := s.addItem(n, s.off)
		if err != nil {
			return err
		}
		if err := s.value(item); err != nil {
			return err
		}
		if err := s.comma(open, ']', "list"); err != nil {
			return err
		}
	}
}

func (s *scanner) inline(n *node) error {
	open := s.off
	s.off++
	for {
		s.blank()
		if s.peek() == '}' {
			s.off++
			return nil
		}
		if s.off == len(s.src) {
			return s.errorf(open, "this table has no closing }")
		}
		if err := s.pair(n); err != nil {
			return err
		}
		if err := s.comma(open, '}', "table"); err != nil {
			return err
		}
	}
}

// comma reads the comma between items, or stands before the closing bracket.
func (s *scanner) comma(open int, closing byte, what string) error {
	s.blank()
	switch {
	case s.off == len(s.src):
		return s.errorf(open, "this %s has no closing %c", what, closing)
	case s.peek() == ',':
		s.off++
	case s.peek() != closing:
		return s.errorf(s.off, "a comma or the %s's closing %c is missing here", what, closing)
	}
	return nil
}

// descend gives the child of n named by p and makes it when it is new.
func (s *scanner) descend(n *node, p part) (*node, error) {
	if kid := n.kids[p.key]; kid != nil {
		return kid, nil
	}
	kid, err := s.grow(n, p.off)
	if err != nil {
		return nil, err
	}
	if n.kids == nil {
		n.kids = make(map[string]*node)
	}
	n.kids[p.key] = kid
	return kid, nil
}

func (s *scanner) addItem(n *node, off int) (*node, error) {
	item, err := s.grow(n, off)
	if err == nil {
		n.items = append(n.items, item)
	}
	return item, err
}

func (s *scanner) grow(parent *node, off int) (*node, error) {
	s.nodes++
	switch {
	case parent.depth >= maxDepth:
		return nil, s.errorf(off, "more than %d levels deep", maxDepth)
	case s.nodes > maxNodes:
		return nil, s.errorf(off, "more than %d keys and list items", maxNodes)
	}
	return &node{at: off, depth: parent.depth + 1}, nil
}
