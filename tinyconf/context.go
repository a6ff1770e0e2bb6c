package tinyconf

import (
	"fmt"
	"reflect"
)

// Defaulter is a struct that knows its defaults. Defaults is called on a
// pointer to it before its keys are filled, also when the file has none of them.
type Defaulter interface {
	Defaults()
}

// Checker is a struct, or a map type, that looks for faults of its own. Check is called
// on a pointer to it after its keys are filled, and after the structs inside it,
// whether or not faults were found: a key that could not be read then has its
// default. Check may also work out fields that the file does not fill. The
// context is valid during the call only.
type Checker interface {
	Check(ctx *Context)
}

// Context is what a [Checker] reports to. Keys are relative to the struct being
// checked, as in "action" or "rule[0].action"; the empty key is the struct itself.
type Context struct {
	b *binder
	s spot
}

// Fault reports that the value of key won't do. The text says what was found and what
// would do, without the key and a full stop, and carries no secret and no
// personal value. A key the file does not have is reported at the nearest table
// that it has. A key that could not be read has its fault already, and this
// one is dropped.
func (c *Context) Fault(key, format string, args ...any) {
	at := c.spot(key)
	if c.b.isBroken(at.path) {
		return
	}
	c.b.add(c.b.doc.fault(at.at, at.path, fmt.Sprintf(format, args...), nil))
}

// Unknown reports that the word found at key is none of known, with the
// likeliest one or all of them: unknown action "keap", did you mean "keep"?
func (c *Context) Unknown(key, what, word string, known []string) {
	c.Fault(key, "unknown %s %s, %s", what, short(word), Hint(word, known))
}

// Has tells whether the file has key, to tell absent from zero.
func (c *Context) Has(key string) bool {
	_, ok := find(c.s.n, key)
	return ok && c.s.n != nil
}

// OK tells whether key could be read, absent or not. A check that compares two keys
// asks for both first.
func (c *Context) OK(key string) bool {
	return !c.b.isBroken(c.spot(key).path)
}

// Key gives the whole path of key, for a message that names another place.
func (c *Context) Key(key string) string { return c.spot(key).path }

// Merge adds the faults that [Rest.Load] returned, at their own places. Another
// error becomes a fault of the struct itself; nil is ignored.
func (c *Context) Merge(err error) {
	if err == nil {
		return
	}
	fs, ok := faultsOf(err)
	if !ok {
		c.b.add(c.b.doc.fault(c.s.at, c.s.path, err.Error(), err))
		return
	}
	for _, f := range fs {
		c.b.add(f)
	}
}

func (c *Context) spot(key string) spot {
	path := key
	if c.s.path != "" {
		path = c.s.path
		if key != "" && key[0] != '[' {
			path += "."
		}
		path += key
	}
	if c.s.n == nil {
		return spot{at: c.s.at, path: path}
	}
	n, _ := find(c.s.n, key)
	return spot{n: n, at: n.at, path: path}
}

// Rest holds the keys of a table that its struct does not know, for another
// struct to claim: the options of a driver that another key names. An exported
// field of type Rest takes them. Whoever declares one promises to call Load on each, if
// only with a struct without fields, since unknown keys are found there.
// A Rest that no file filled has no keys and loads nothing but defaults.
// Printing one tells how many keys it holds, never their values.
type Rest struct {
	body **rest // see hide
}

type rest struct {
	doc    *document
	values map[string]any
	spot   spot
	known  []string
}

// Load fills the struct that into points to, as the package's [Load] does, with
// faults at their places in the file. It may be called after the file was
// loaded, more than once, and at the same time as others.
func (r Rest) Load(into any) error {
	target := reflect.ValueOf(into)
	doc := newDocument("no file", "")
	body := rest{doc: doc, spot: spot{n: doc.root}}
	if r.body != nil {
		body = **r.body
	}
	if err := checkTarget(target); err != nil {
		return fmt.Errorf("%s: cannot load into %T: %w", body.doc.file, into, err)
	}
	return fill(body.doc, body.values, body.spot, body.known, target.Elem())
}

// Keys gives the names of the keys in alphabetic order.
func (r Rest) Keys() []string {
	if r.body == nil {
		return nil
	}
	return sorted((*r.body).values)
}

// String tells how many keys there are.
func (r Rest) String() string { return fmt.Sprintf("%d keys", len(r.Keys())) }

// GoString is String.
func (r Rest) GoString() string { return r.String() }
