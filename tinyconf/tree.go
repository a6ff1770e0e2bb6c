package tinyconf

import (
	"sort"
	"strings"
	"unicode/utf8"
)

// Limits of a file. They are far above any honest one and keep the parser's
// memory in hand: it keeps the full path of each key and recurses by depth.
const (
	maxFile  = 1 << 20
	maxDepth = 16
	maxNodes = 50_000
	maxKey   = 128
)

// node says where one key of the file, or one item of a list, stands.
type node struct {
	at         int // byte offset of the key; of the item itself in an array
	start, end int // the value's text, for values written in one place
	depth      int
	kids       map[string]*node
	items      []*node
}

// child gives the node of a key, or nil. A nil node has no children.
func (n *node) child(key string) *node {
	if n == nil {
		return nil
	}
	return n.kids[key]
}

// item gives the node of a list's item, or nil.
func (n *node) item(i int) *node {
	if n == nil || i < 0 || i >= len(n.items) {
		return nil
	}
	return n.items[i]
}

// last gives the table that a header's next part continues: [[a]] then [a.b]
// means the newest a.
func (n *node) last() *node {
	if len(n.items) > 0 {
		return n.items[len(n.items)-1]
	}
	return n
}

// document is one file with the places of its keys.
type document struct {
	file  string
	src   string // without byte order mark
	lines []int  // offset of the first byte of each line
	root  *node
}

func newDocument(file, src string) *document {
	d := &document{file: file, src: src, lines: []int{0}, root: &node{}}
	for i := range len(src) {
		if src[i] == '\n' {
			d.lines = append(d.lines, i+1)
		}
	}
	return d
}

// position turns a byte offset into a line and a column of characters.
func (d *document) position(off int) (line, col int) {
	off = min(max(off, 0), len(d.src))
	line = sort.SearchInts(d.lines, off+1)
	return line, utf8.RuneCountInString(d.src[d.lines[line-1]:off]) + 1
}

// fault makes a fault at a byte offset.
func (d *document) fault(off int, key, text string, cause error) Fault {
	line, col := d.position(off)
	return Fault{File: d.file, Line: line, Col: col, Key: key, Text: text, Cause: cause}
}

// find follows a path like purpose[2].rule[0].action from n and gives the
// deepest node on it that the file has, and whether that is all of the path.
func find(n *node, path string) (*node, bool) {
	for _, step := range splitPath(path) {
		next := n.child(step.key)
		if step.index >= 0 {
			next = n.item(step.index)
		}
		if next == nil {
			return n, false
		}
		n = next
	}
	return n, true
}

// step is a key, or an index when that is not negative.
type step struct {
	key   string
	index int
}

// splitPath takes a path apart. What it can't read is taken as a key, which
// the file will not have.
func splitPath(path string) []step {
	var steps []step
	for path != "" {
		switch path[0] {
		case '.':
			path = path[1:]
		case '[':
			end := strings.IndexByte(path, ']')
			if end < 0 {
				return append(steps, step{key: path, index: -1})
			}
			steps = append(steps, step{index: atoi(path[1:end])})
			path = path[end+1:]
		case '"':
			s := scanner{src: path}
			key, err := s.quotedKey()
			if err != nil {
				return append(steps, step{key: path, index: -1})
			}
			steps = append(steps, step{key: key, index: -1})
			path = path[s.off:]
		default:
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			steps = append(steps, step{key: path[:end], index: -1})
			path = path[end:]
		}
	}
	return steps
}

// atoi reads an index; anything else becomes one that no list has.
func atoi(s string) int {
	if s == "" || len(s) > 6 {
		return maxNodes
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return maxNodes
		}
		n = n*10 + int(s[i]-'0')
	}
	return n
}
