package wire

// DecodeBatch reads the payload of a batch. It accepts the deterministic form
// only and never reserves more than the limits of this package allow, however
// small the input: at most MaxCells values of 8 to 25 bytes. Verify the
// signature first, with the key that PeekBatch leads to. The batch shares no memory with
// payload. It proves form, not origin and not meaning.
func DecodeBatch(payload []byte) (*Batch, error) {
	b := new(Batch)
	err := readMessage(payload,
		keySet(0, keyAnnouncement, keyDeleteBy, keySeq), keySet(keyClock, keyGroups, keyLosses, keyPadding), b.read)
	if err != nil {
		return nil, in(err, "batch")
	}
	return b, nil
}

// PeekBatch returns the announcement and the sequence number a payload claims,
// to find out whose key to verify it with. It decodes no rows and reserves no
// memory; nothing in the payload may be believed yet.
func PeekBatch(payload []byte) (announcement [16]byte, seq uint64, err error) {
	b := new(Batch)
	err = readMessage(payload,
		keySet(0, keyAnnouncement, keyDeleteBy, keySeq), keySet(keyClock, keyGroups, keyLosses, keyPadding),
		func(r *reader, key uint) error {
			if key == keyAnnouncement || key == keySeq {
				return b.read(r, key)
			}
			return r.skip(0)
		})
	if err != nil {
		return [16]byte{}, 0, in(err, "batch")
	}
	return b.Announcement, b.Seq, nil
}

func (b *Batch) read(r *reader, key uint) (err error) {
	switch key {
	case keyAnnouncement:
		return r.fixed(b.Announcement[:])
	case keyDeleteBy:
		b.DeleteBy, err = r.uint32()
		return err
	case keySeq:
		at := r.pos
		if b.Seq, err = r.uint(MaxValue); err == nil && b.Seq == 0 {
			r.pos = at
			return r.fail(ErrValue, "sequence numbers begin at 1")
		}
		return err
	case keyClock:
		return b.Clock.read(r)
	case keyGroups:
		return b.readGroups(r)
	case keyLosses:
		return b.readLosses(r)
	}
	return r.padding()
}

func (r *reader) uint32() (uint32, error) {
	v, err := r.uint(1<<32 - 1)
	return uint32(v), err
}

// tick reads a number of ticks.
func (r *reader) tick() (int64, error) {
	v, err := r.uint(MaxValue)
	return int64(v), err
}

func (c *Clock) read(r *reader) error {
	parts, err := r.array(2, 3)
	if err != nil {
		return err
	}
	c.Untrusted, c.Anchored = true, parts == 3
	if err = r.fixed(c.Boot[:]); err != nil {
		return err
	}
	if c.Base, err = r.tick(); err != nil || !c.Anchored {
		return err
	}
	if _, err = r.array(2, 2); err != nil {
		return err
	}
	if c.Wall, err = r.tick(); err != nil {
		return err
	}
	c.Error, err = r.tick()
	return err
}

func (b *Batch) readLosses(r *reader) error {
	n, err := r.array(1, lossReasons)
	if err != nil {
		return err
	}
	last := -1
	for range n {
		at := r.pos
		if _, err := r.array(2, 2); err != nil {
			return err
		}
		reason, err := r.uint(lossReasons - 1)
		if err != nil {
			return err
		}
		count, err := r.uint(MaxValue)
		if err != nil {
			return err
		}
		if int(reason) <= last || count == 0 {
			r.pos = at
			return r.fail(ErrValue, "reasons ascend and counts are not zero")
		}
		last = int(reason)
		b.Losses = append(b.Losses, Loss{Reason: LossReason(reason), Count: count})
	}
	return nil
}

func (b *Batch) readGroups(r *reader) error {
	n, err := r.array(1, MaxColumns)
	if err != nil {
		return err
	}
	var sum totals
	last := -1
	b.Groups = make([]Rows, 0, n)
	for i := range n {
		var g Rows
		at := r.pos
		if err := g.read(r, &sum); err != nil {
			return inN(err, "group", i)
		}
		if g.Group <= last {
			r.pos = at
			return inN(r.fail(ErrValue, "group indexes ascend"), "group", i)
		}
		last = g.Group
		b.Groups = append(b.Groups, g)
	}
	return nil
}

func (g *Rows) read(r *reader, sum *totals) error {
	at := r.pos
	if _, err := r.array(5, 5); err != nil {
		return err
	}
	index, err := r.uint(MaxColumns - 1)
	if err != nil {
		return err
	}
	g.Group = int(index)
	rows, err := r.uint(MaxRows)
	if err != nil {
		return err
	}
	if err := sum.addRows(int(rows)); err != nil {
		return atByte(err, at)
	}
	if g.Time, _, err = r.column(int(rows), false); err != nil {
		return in(err, "time")
	}
	if !r.null() {
		if g.Coverage, _, err = r.column(int(rows), false); err != nil {
			return in(err, "coverage")
		}
	}
	if err := g.readColumns(r, int(rows), sum); err != nil {
		return err
	}
	return atByte(g.check(), at)
}

func (g *Rows) readColumns(r *reader, rows int, sum *totals) error {
	at := r.pos
	n, err := r.array(1, MaxColumns)
	if err != nil {
		return err
	}
	if err := sum.addColumns(rows, n); err != nil {
		return atByte(err, at)
	}
	g.Columns = make([]Column, n)
	for i := range g.Columns {
		if err := g.Columns[i].read(r, rows); err != nil {
			return inN(err, "column", i)
		}
	}
	return nil
}

// read reads null, a column of numbers, or tokens and their indexes. The
// second is told from the third by its first element, a number.
func (c *Column) read(r *reader, rows int) (err error) {
	if r.null() {
		return nil
	}
	ahead := *r
	if n, err := ahead.array(1, 5); err == nil && n == 2 && ahead.left() > 0 && ahead.data[ahead.pos]>>5 == majorArray {
		*r = ahead
		return c.readTokens(r, rows)
	}
	c.Nums, c.Set, err = r.column(rows, true)
	return err
}

func (c *Column) readTokens(r *reader, rows int) error {
	n, err := r.array(1, rows)
	if err != nil {
		return err
	}
	// A text shares its backing among rows, so this is bounded by the input.
	tokens := make([]string, n)
	for i := range tokens {
		at := r.pos
		b, err := r.bytes(MaxToken)
		if err != nil {
			return inN(err, "token", i)
		}
		tokens[i] = string(b)
		if len(b) == 0 || i > 0 && tokens[i] <= tokens[i-1] {
			r.pos = at
			return inN(r.fail(ErrValue, "tokens are distinct, sorted and not empty"), "token", i)
		}
	}
	at := r.pos
	index, set, err := r.column(rows, true)
	if err != nil {
		return err
	}
	used := make([]bool, n)
	c.Tokens, c.Set = make([]string, rows), set
	for row, i := range index {
		if !c.Has(row) {
			continue
		}
		if i < 0 || i >= int64(n) {
			r.pos = at
			return inN(r.fail(ErrValue, "no such token"), "row", row)
		}
		c.Tokens[row], used[i] = tokens[i], true
	}
	for i, ok := range used {
		if !ok {
			r.pos = at
			return inN(r.fail(ErrValue, "in no row"), "token", i)
		}
	}
	return nil
}
