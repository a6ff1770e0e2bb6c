package wire

import (
	"encoding/hex"
	"math/bits"
	"strings"
)

// SenML (RFC 8428) both ways. A batch becomes a pack with one record a value:
// the base name is the stream, names, units and values are those of the
// announcement, numbers are exact decimals, booleans vb, pseudonyms (in
// hexadecimal) and labels vs. Three labels of our own, which other readers
// ignore, make the way back lossless:
//
//	candor    on the first record: the batch without rows, as its payload
//	coverage  on records of windows: 0 to 1
//	row       true where a row begins that would read on from the one before
//
// Not everything in SenML has a place in a batch: sums, update times, data
// values, base values and labels that must be understood are refused.
const (
	labelHeader   = "candor"
	labelCoverage = "coverage"
	labelRow      = "row"
)

// MaxSenML is the most bytes a SenML pack may have to be read.
const MaxSenML = 64 << 20

// absoluteTime is where SenML times stop meaning "relative to now", seconds
// (RFC 8428 section 4.5.3).
const absoluteTime = 1 << 28

// microsecond is the scale of times.
const microsecond = 6

// cell is one value on its way into a record.
type cell struct {
	spec     *FieldSpec
	num      int64
	token    string
	micros   int64 // since 1970-01-01
	coverage int64 // quarters, -1 when there is none
	newRow   bool
	first    bool
}

// cells walks the values of a batch row by row.
func (a *Announcement) cells(b *Batch, emit func(*cell)) error {
	if err := a.Check(b); err != nil {
		return err
	}
	first := true
	for i := range b.Groups {
		g := &b.Groups[i]
		lastTime, lastField := int64(-1), -1
		for row, t := range g.Time {
			micros, err := a.micros(&b.Clock, t)
			if err != nil {
				return inN(inN(err, "row", row), "group", g.Group)
			}
			c := cell{micros: micros, coverage: -1, newRow: t == lastTime}
			if g.Coverage != nil {
				c.coverage = g.Coverage[row]
			}
			previous := lastField
			for f := range g.Columns {
				col := &g.Columns[f]
				if !col.Has(row) {
					continue
				}
				c.spec, c.num, c.token = &a.Groups[g.Group].Fields[f], 0, ""
				if col.Tokens != nil {
					c.token = col.Tokens[row]
				} else {
					c.num = col.Nums[row]
				}
				c.newRow = c.newRow && f > previous
				c.first = first
				emit(&c)
				c.newRow, first, lastField = false, false, f
			}
			lastTime = t
		}
	}
	return nil
}

// micros is the wall time of a row, microseconds since 1970-01-01.
func (a *Announcement) micros(c *Clock, t int64) (int64, error) {
	tick, _, ok := c.WallTick(t)
	if !ok {
		return 0, faultf(ErrNoTime, "the clock of this batch was never set; SenML has no time since a boot")
	}
	hi, lo := bits.Mul64(uint64(tick), uint64(a.Tick))
	if hi > 0 || lo > MaxValue {
		return 0, faultf(ErrOverflow, "a time beyond the year 2255")
	}
	if lo < absoluteTime*1e6 {
		return 0, faultf(ErrNoTime, "SenML reads times before July 1978 as relative to now")
	}
	return int64(lo), nil
}

// bare is the payload of the batch without its rows.
func bare(b *Batch) ([]byte, error) {
	header := *b
	header.Groups = nil
	return new(Encoder).AppendBatch(nil, &header, 0)
}

// text is the vs of a token.
func (c *cell) text() string {
	if c.spec.Type == Pseudonym {
		return hex.EncodeToString([]byte(c.token))
	}
	return c.token
}

// valueKind says which value field a record has.
type valueKind uint8

const (
	noValue valueKind = iota
	numberValue
	boolValue
	textValue
)

// record is one record as read, base fields applied.
type record struct {
	name, unit string
	kind       valueKind
	number     decimal
	text       string
	truth      bool
	time       decimal
	baseTime   decimal
	coverage   *decimal
	row        bool
}

// unpacker puts records back into rows.
type unpacker struct {
	a      *Announcement
	fields map[string][2]int // name to group and field
	b      *Batch
	groups []*Rows // by announced index, nil until a record comes

	group, field int // of the record before
}

func newUnpacker(a *Announcement) (*unpacker, error) {
	if err := a.check(); err != nil {
		return nil, in(err, "announcement")
	}
	u := &unpacker{a: a, fields: make(map[string][2]int), groups: make([]*Rows, len(a.Groups)), group: -1}
	for i := range a.Groups {
		for j := range a.Groups[i].Fields {
			u.fields[a.Groups[i].Fields[j].Name] = [2]int{i, j}
		}
	}
	return u, nil
}

// header takes the batch without rows from the first record.
func (u *unpacker) header(payload []byte) (err error) {
	if u.b != nil {
		return faultf(ErrValue, "a second header")
	}
	if u.b, err = DecodeBatch(payload); err != nil {
		return err
	}
	if len(u.b.Groups) > 0 {
		return faultf(ErrValue, "a header has no rows")
	}
	return nil
}

// add puts one record's value where it belongs.
func (u *unpacker) add(r *record) error {
	if u.b == nil {
		return faultf(ErrMissingKey, "the first record has no %q, so this pack was not made from a batch", labelHeader)
	}
	name, ok := strings.CutPrefix(r.name, u.a.Stream.String()+"/")
	if !ok {
		return faultf(ErrValue, "a name of another stream")
	}
	at, ok := u.fields[name]
	if !ok {
		return faultf(ErrValue, "no field of this name is announced")
	}
	tick, err := u.tick(r)
	if err != nil {
		return err
	}
	group, field := at[0], at[1]
	g := u.groups[group]
	if g == nil {
		g = &Rows{Group: group, Columns: make([]Column, len(u.a.Groups[group].Fields))}
		u.groups[group] = g
	}
	n := len(g.Time)
	if n == 0 || r.row || group != u.group || field <= u.field || g.Time[n-1] != tick {
		if u.b.Rows()+n >= MaxRows {
			return faultf(ErrLimit, "more than %d rows", MaxRows)
		}
		g.Time = append(g.Time, tick)
		if err := u.coverage(g, r); err != nil {
			return err
		}
		n++
	}
	u.group, u.field = group, field
	return g.Columns[field].set(&u.a.Groups[group].Fields[field], n, r)
}

// tick is a record's time in the ticks of the batch.
func (u *unpacker) tick(r *record) (int64, error) {
	base, ok := r.baseTime.scaled(microsecond)
	own, ok2 := r.time.scaled(microsecond)
	micros := base + own
	if !ok || !ok2 || micros < absoluteTime*1e6 || micros > MaxValue || micros%u.a.Tick != 0 {
		return 0, faultf(ErrValue, "the time is relative, or finer than announced")
	}
	tick := micros / u.a.Tick
	if c := &u.b.Clock; c.Untrusted {
		if !c.Anchored {
			return 0, faultf(ErrNoTime, "the header's clock has no anchor")
		}
		tick = tick - c.Wall + c.Base
	}
	if tick < 0 || tick > MaxValue {
		return 0, faultf(ErrValue, "the time lies before the boot")
	}
	return tick, nil
}

func (u *unpacker) coverage(g *Rows, r *record) error {
	if r.coverage == nil {
		return nil
	}
	hundredths, ok := r.coverage.scaled(2)
	if !ok || hundredths%25 != 0 {
		return faultf(ErrValue, "coverage goes in quarters")
	}
	g.Coverage = append(g.Coverage, hundredths/25)
	return nil
}

// set stores a record's value in row n-1, counting rows it had none in.
func (c *Column) set(f *FieldSpec, n int, r *record) error {
	for len(c.Set) < n {
		c.Set = append(c.Set, false)
		if f.Type.tokens() {
			c.Tokens = append(c.Tokens, "")
		} else {
			c.Nums = append(c.Nums, 0)
		}
	}
	c.Set[n-1] = true
	want := map[Type]valueKind{Number: numberValue, Boolean: boolValue, Pseudonym: textValue, Label: textValue}[f.Type]
	if r.kind != want || r.unit != f.Unit && f.Type == Number {
		return faultf(ErrValue, "%s: announced as %s with unit %q", f.Name, f.Type, f.Unit)
	}
	switch f.Type {
	case Number:
		v, ok := r.number.scaled(f.Scale)
		if !ok {
			return faultf(ErrValue, "%s: finer or larger than announced", f.Name)
		}
		c.Nums[n-1] = v
	case Boolean:
		if r.truth {
			c.Nums[n-1] = 1
		}
	case Label:
		c.Tokens[n-1] = r.text
	case Pseudonym:
		raw, err := hex.DecodeString(r.text)
		if err != nil || strings.ToLower(r.text) != r.text {
			return faultf(ErrValue, "%s: a pseudonym is lower-case hexadecimal", f.Name)
		}
		c.Tokens[n-1] = string(raw)
	}
	return nil
}

// finish returns the batch once all records are in.
func (u *unpacker) finish() (*Batch, error) {
	if u.b == nil {
		return nil, faultf(ErrMissingKey, "no record has a %q", labelHeader)
	}
	for _, g := range u.groups {
		if g == nil {
			continue
		}
		for i := range g.Columns {
			g.Columns[i].close(len(g.Time))
		}
		u.b.Groups = append(u.b.Groups, *g)
	}
	if err := u.a.Check(u.b); err != nil {
		return nil, err
	}
	return u.b, nil
}

// close brings a column to n rows and drops Set where every row has a value.
func (c *Column) close(n int) {
	if c.Set == nil {
		return
	}
	all := len(c.Set) == n
	for len(c.Set) < n {
		c.Set = append(c.Set, false)
		if c.Tokens != nil {
			c.Tokens = append(c.Tokens, "")
		} else {
			c.Nums = append(c.Nums, 0)
		}
	}
	for _, ok := range c.Set {
		all = all && ok
	}
	if all {
		c.Set = nil
	}
}
