package wire

import "slices"

// Check says whether a batch keeps to the announced alphabet: groups and
// columns as announced, every value a multiple of its step within its range,
// every label declared, every pseudonym 16 bytes, coverage where and only
// where rows are windows, times of windows on their edges, and no more rows
// than announced. The error is a [*ValueError]: place and reason, no value.
//
// That b.Announcement is the digest of a is for the caller to see to, who
// found a by it.
func (a *Announcement) Check(b *Batch) error {
	if err := b.check(); err != nil {
		return in(err, "batch")
	}
	if n := b.Rows(); a.Rows > 0 && n > int(a.Rows) {
		return &ValueError{Group: -1, Row: -1, Why: "more rows than an upload of this stream has room for"}
	}
	for i := range b.Groups {
		g := &b.Groups[i]
		if g.Group < 0 || g.Group >= len(a.Groups) {
			return &ValueError{Group: g.Group, Row: -1, Why: "this group is not announced"}
		}
		if err := a.Groups[g.Group].checkRows(g, a.Tick); err != nil {
			return err
		}
	}
	return nil
}

func (g *Group) checkRows(rows *Rows, tick int64) error {
	fault := func(field string, row int, why string) error {
		return &ValueError{Group: rows.Group, Field: field, Row: row, Why: why}
	}
	if len(rows.Columns) != len(g.Fields) {
		return fault("", -1, "not as many columns as fields are announced")
	}
	switch {
	case g.Window > 0 && rows.Coverage == nil:
		return fault("coverage", -1, "rows of windows have a coverage")
	case g.Window == 0 && rows.Coverage != nil:
		return fault("coverage", -1, "rows that are no windows have no coverage")
	}
	// Window and tick divide one another, so this is exact and can't overflow.
	if g.Window > tick {
		for row, t := range rows.Time {
			if t%(g.Window/tick) != 0 {
				return fault("time", row, "a window does not begin here")
			}
		}
	}
	for i := range g.Fields {
		f := &g.Fields[i]
		if row, why := f.checkColumn(&rows.Columns[i]); why != "" {
			return fault(f.Name, row, why)
		}
	}
	return nil
}

// checkColumn returns the first row that does not fit and why.
func (f *FieldSpec) checkColumn(c *Column) (row int, why string) {
	if f.Type.tokens() && c.Nums != nil || !f.Type.tokens() && c.Tokens != nil {
		return -1, "announced as " + f.Type.String() + ", which these are not"
	}
	for row, v := range c.Nums {
		if c.Has(row) {
			if why := f.checkNumber(v); why != "" {
				return row, why
			}
		}
	}
	for row, t := range c.Tokens {
		if !c.Has(row) {
			continue
		}
		if f.Type == Pseudonym && len(t) != tokenSize {
			return row, "a pseudonym has 16 bytes"
		}
		if f.Type == Label && !slices.Contains(f.Labels, t) {
			return row, "this label is not declared"
		}
	}
	return 0, ""
}

func (f *FieldSpec) checkNumber(v int64) string {
	if f.Type == Boolean {
		if v != 0 && v != 1 {
			return "a boolean is 0 or 1"
		}
		return ""
	}
	if v < f.Min || v > f.Max {
		return "outside the announced range"
	}
	if v%f.Step != 0 {
		return "finer than announced"
	}
	return ""
}
