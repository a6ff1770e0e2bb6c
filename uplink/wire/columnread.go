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
	next := p.source(present - 1)
	predictor := int(p.how >> 3 & 3)
	nums[0] = p.x0
	limit := int64(maxSpread) / p.step
	var a, b int64
	for i := 1; i < present; i++ {
		u, f := next()
		if f != 0 {
			return nil, p.fail(f, "in the column's data")
		}
		// A guess is at most three spreads away from zero and a residual at
		// most 2^56, so this sum cannot overflow.
		k := unzigzag(u) + predict(predictor, a, b, i)
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
	if _, f := next(); f != ErrTruncated {
		return nil, p.fail(ErrTrailing, "after the column's data")
	}
	return nums, nil
}

func (p *packed) fail(f Fault, detail string) error {
	return &Error{Fault: f, Byte: p.at, Detail: detail}
}

// source returns a function that yields the residuals in their unsigned form
// one by one, and ErrTruncated exactly once all have been read and nothing is
// left over.
func (p *packed) source(count int) func() (uint64, Fault) {
	switch p.how & 7 {
	case packVarint:
		return p.varints(count)
	case packPlain:
		return p.plains(count)
	case packRice:
		return p.rices(count)
	}
	return p.runs(count)
}

// end is what a source yields after its last residual.
func end(clean bool) (uint64, Fault) {
	if clean {
		return 0, ErrTruncated
	}
	return 0, ErrTrailing
}

func (p *packed) varints(count int) func() (uint64, Fault) {
	data := p.data
	return func() (u uint64, _ Fault) {
		if count == 0 {
			return end(len(data) == 0)
		}
		for shift := 0; ; shift += 7 {
			if len(data) == 0 {
				return 0, ErrTruncated
			}
			c := data[0]
			data = data[1:]
			if shift > 56 {
				return 0, ErrOverflow
			}
			u |= uint64(c&0x7f) << shift
			if c < 0x80 {
				if c == 0 && shift > 0 {
					return 0, ErrForm
				}
				break
			}
		}
		count--
		return bounded(u)
	}
}

func (p *packed) plains(count int) func() (uint64, Fault) {
	rest := p.plain
	clean := p.count == count
	left := p.count
	return func() (uint64, Fault) {
		if count == 0 {
			return end(clean)
		}
		if left == 0 {
			return 0, ErrTruncated
		}
		count, left = count-1, left-1
		v, err := rest.int(maxSpread * 4)
		if err != nil {
			return 0, ErrForm // packed has read it once already
		}
		return bounded(zigzag(v))
	}
}

func (p *packed) rices(count int) func() (uint64, Fault) {
	bits := bitReader{data: p.data}
	pace := newPace(int(p.how >> 5))
	return func() (uint64, Fault) {
		if count == 0 {
			return end(bits.done())
		}
		u, ok := bits.rice(pace.k())
		if !ok {
			return 0, ErrTruncated
		}
		count--
		pace = pace.next(min(u, maxResidual))
		return bounded(u)
	}
}

func (p *packed) runs(count int) func() (uint64, Fault) {
	bits := bitReader{data: p.data}
	value, zeros := newPace(int(p.how>>5)), newPace(0)
	run, open := uint64(0), false // open: a value follows the run
	return func() (uint64, Fault) {
		if count == 0 {
			return end(bits.done())
		}
		if run == 0 && !open {
			var ok bool
			if run, ok = bits.rice(zeros.k()); !ok {
				return 0, ErrTruncated
			}
			if run > uint64(count) {
				return 0, ErrOverflow
			}
			zeros, open = zeros.next(run), true
		}
		count--
		if run > 0 {
			run--
			return 0, 0
		}
		open = false
		u, ok := bits.rice(value.k())
		if !ok {
			return 0, ErrTruncated
		}
		if u >= maxResidual {
			return 0, ErrOverflow
		}
		value = value.next(u)
		return u + 1, 0
	}
}

// bounded refuses a residual no column of allowed values can have.
func bounded(u uint64) (uint64, Fault) {
	if u > maxResidual {
		return 0, ErrOverflow
	}
	return u, 0
}
