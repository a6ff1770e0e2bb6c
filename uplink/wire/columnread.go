package wire

// column reads a column of n rows. It returns a number for each row and, when
// rows are absent, which ones have one. Without gaps set is nil.
func (r *reader) column(n int, gaps bool) (nums []int64, set []bool, err error) {
	parts, err := r.array(1, 5)
	if err != nil {
		return nil, nil, err
	}
	if !gaps && (parts == 2 || parts == 5) {
		return nil, nil, r.fail(ErrValue, "this column cannot have absent rows")
	}
	x0, err := r.int(MaxValue)
	if err != nil {
		return nil, nil, err
	}
	if parts <= 2 {
		if parts == 2 {
			if set, err = r.absent(n); err != nil {
				return nil, nil, err
			}
		}
		return constant(x0, n, set), set, nil
	}
	body := packed{x0: x0, step: 1}
	if err = r.packed(&body, n); err != nil {
		return nil, nil, err
	}
	if parts > 3 {
		if body.step, err = r.step(parts); err != nil {
			return nil, nil, err
		}
	}
	present := n
	if parts > 4 {
		if set, err = r.absent(n); err != nil {
			return nil, nil, err
		}
		for _, ok := range set {
			if !ok {
				present--
			}
		}
	}
	nums, err = body.unpack(r, n, present)
	if err != nil {
		return nil, nil, err
	}
	spread(nums, set, present)
	return nums, set, nil
}

// constant is a column with one value in every row that has one.
func constant(x0 int64, n int, set []bool) []int64 {
	nums := make([]int64, n)
	for i := range nums {
		if set == nil || set[i] {
			nums[i] = x0
		}
	}
	return nums
}

// spread moves the first present numbers to the rows that have a value, from
// the back so that nothing is overwritten, and clears the others.
func spread(nums []int64, set []bool, present int) {
	if set == nil {
		return
	}
	for i := len(nums) - 1; i >= 0; i-- {
		if !set[i] {
			nums[i] = 0
			continue
		}
		present--
		nums[i] = nums[present]
	}
}

// step reads the common step. With five parts it may be one, because it must
// be there; with four it says something, so it may not.
func (r *reader) step(parts int) (int64, error) {
	at := r.pos
	s, err := r.uint(maxSpread)
	if err != nil {
		return 0, err
	}
	if s == 0 || s == 1 && parts == 4 {
		r.pos = at
		return 0, r.fail(ErrValue, "a step of %d", s)
	}
	return int64(s), nil
}

// absent reads the rows without a value: a count and a column of row numbers,
// ascending, at least one row keeping its value.
func (r *reader) absent(n int) ([]bool, error) {
	if _, err := r.array(2, 2); err != nil {
		return nil, in(err, "absent rows")
	}
	at := r.pos
	count, err := r.uint(MaxRows)
	if err != nil {
		return nil, in(err, "absent rows")
	}
	if count == 0 || count >= uint64(n) {
		r.pos = at
		return nil, in(r.fail(ErrValue, "%d of %d rows absent", count, n), "absent rows")
	}
	rows, _, err := r.column(int(count), false)
	if err != nil {
		return nil, in(err, "absent rows")
	}
	set := make([]bool, n)
	for i := range set {
		set[i] = true
	}
	last := int64(-1)
	for _, row := range rows {
		if row <= last || row >= int64(n) {
			return nil, in(r.fail(ErrValue, "row numbers must ascend below %d", n), "absent rows")
		}
		set[row], last = false, row
	}
	return set, nil
}

// packed is the coded part of a column.
type packed struct {
	x0, step int64
	how      uint64
	data     []byte // bit or varint data
	plain    reader // first of the plain integers
	count    int    // of the plain integers
	at       int    // where the data is, for errors
}

// packed reads how and data; n bounds the plain form.
func (r *reader) packed(p *packed, n int) (err error) {
	at := r.pos
	if p.how, err = r.uint(maxStart*32 + 31); err != nil {
		return err
	}
	pack := p.how & 7
	if pack != packVarint && pack != packRice && pack != packRuns && pack != packPlain ||
		p.how > 31 && pack != packRice && pack != packRuns {
		r.pos = at
		return r.fail(ErrValue, "packing %d does not exist", p.how)
	}
	p.at = r.pos
	if pack != packPlain {
		p.data, err = r.bytes(MaxMessage)
		return err
	}
	if p.count, err = r.array(0, n); err != nil {
		return err
	}
	p.plain = *r
	for range p.count {
		if _, err = r.int(maxSpread * 4); err != nil {
			return err
		}
	}
	return nil
}

// unpack returns a slice of n numbers of which the first present are filled.
func (p *packed) unpack(r *reader, n, present int) ([]int64, error) {
	nums := make([]int64, n)
	if f := p.residuals(nums[1:present]); f != 0 {
		detail := "in the column's data"
		if f == ErrTrailing {
			detail = "after the column's data"
		}
		return nil, p.fail(f, detail)
	}
	predictor := int(p.how >> 3 & 3)
	limit := int64(maxSpread) / p.step
	var a, b int64
	for i := 1; i < present; i++ {
		// A guess is at most three spreads away from zero and a residual at
		// most 2^56, so this sum cannot overflow.
		k := unzigzag(uint64(nums[i])) + predict(predictor, a, b, i)
		if k > limit || k < -limit {
			return nil, p.fail(ErrOverflow, "in the column's data")
		}
		x := p.x0 + k*p.step
		if x > MaxValue || x < -MaxValue {
			return nil, p.fail(ErrOverflow, "in the column's data")
		}
		nums[i] = x
		a, b = k, a
	}
	nums[0] = p.x0
	return nums, nil
}

func (p *packed) fail(f Fault, detail string) error {
	return &Error{Fault: f, Byte: p.at, Detail: detail}
}

// residuals fills dst with the residuals in their unsigned form, none above maxResidual. It is zero, or ErrTrailing when there are more.
func (p *packed) residuals(dst []int64) Fault {
	switch p.how & 7 {
	case packVarint:
		return p.varints(dst)
	case packPlain:
		return p.plains(dst)
	case packRice:
		return p.rices(dst)
	}
	return p.runs(dst)
}

// end is what is left to say after the last residual.
func end(clean bool) Fault {
	if clean {
		return 0
	}
	return ErrTrailing
}

func (p *packed) varints(dst []int64) Fault {
	data := p.data
	for i := range dst {
		u := uint64(0)
		for shift := 0; ; shift += 7 {
			if len(data) == 0 {
				return ErrTruncated
			}
			c := data[0]
			data = data[1:]
			if shift > 56 {
				return ErrOverflow
			}
			u |= uint64(c&0x7f) << shift
			if c < 0x80 {
				if c == 0 && shift > 0 {
					return ErrForm
				}
				break
			}
		}
		if u > maxResidual {
			return ErrOverflow
		}
		dst[i] = int64(u)
	}
	return end(len(data) == 0)
}

func (p *packed) plains(dst []int64) Fault {
	rest := p.plain
	for i := range dst {
		if i == p.count {
			return ErrTruncated
		}
		v, err := rest.int(maxSpread * 4)
		if err != nil {
			return ErrForm // packed has read it once already
		}
		u := zigzag(v)
		if u > maxResidual {
			return ErrOverflow
		}
		dst[i] = int64(u)
	}
	return end(p.count == len(dst))
}

func (p *packed) rices(dst []int64) Fault {
	bits := bitReader{data: p.data}
	pace := newPace(int(p.how >> 5))
	for i := range dst {
		u, ok := bits.rice(pace.k())
		switch {
		case !ok:
			return ErrTruncated
		case u > maxResidual:
			return ErrOverflow
		}
		pace = pace.next(u)
		dst[i] = int64(u)
	}
	return end(bits.done())
}

func (p *packed) runs(dst []int64) Fault {
	bits := bitReader{data: p.data}
	value, zeros := newPace(int(p.how>>5)), newPace(0)
	for i := 0; i < len(dst); {
		run, ok := bits.rice(zeros.k())
		switch {
		case !ok:
			return ErrTruncated
		case run > uint64(len(dst)-i):
			return ErrOverflow
		}
		zeros = zeros.next(run)
		if i += int(run); i == len(dst) { // dst is zeros
			break
		}
		u, ok := bits.rice(value.k())
		switch {
		case !ok:
			return ErrTruncated
		case u >= maxResidual:
			return ErrOverflow
		}
		value = value.next(u)
		dst[i] = int64(u + 1)
		i++
	}
	return end(bits.done())
}
