package wire

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// How a column is coded: start*32 + predictor*8 + packing.
const (
	packVarint = 0
	packRice   = 2
	packRuns   = 3
	packPlain  = 6

	predictNone   = 0
	predictDelta  = 1
	predictDelta2 = 2
	predictLag2   = 3
	predictors    = 4
)

// predict returns the guess for a number from the two before it. Before the
// first there is zero, and the first itself is zero, so the second number of a
// column is guessed as zero by all four.
func predict(predictor int, a, b int64, i int) int64 {
	switch predictor {
	case predictDelta:
		return a
	case predictDelta2:
		if i == 1 {
			return a
		}
		return 2*a - b
	case predictLag2:
		return b
	}
	return 0
}

func zigzag(v int64) uint64   { return uint64(v<<1) ^ uint64(v>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// columns is the scratch of the column encoder.
type columns struct {
	steps []int64  // numbers as multiples of the step, first one zero
	res   []uint64 // residuals of the predictor being tried
}

// choice is one way to code a column.
type choice struct {
	how  uint64
	size int // bytes of how and data together
	body int // bytes of a byte string's content
}

// better says whether c is smaller, or as small with the lower number.
func (c choice) better(than choice) bool {
	return c.size < than.size || c.size == than.size && c.how < than.how
}

// append writes one column of numbers: n at least 1, each at most MaxValue in
// size. absent, when not empty, are the rows that have no number.
func (s *columns) append(dst []byte, nums []int64, absent []int64) []byte {
	x0 := nums[0]
	step := uint64(0)
	for _, x := range nums {
		if step = gcd(abs(x-x0), step); step == 1 {
			break // nothing divides it further
		}
	}
	if step == 0 {
		if len(absent) == 0 {
			return appendInt(appendArray(dst, 1), x0)
		}
		dst = appendInt(appendArray(dst, 2), x0)
		return s.appendAbsent(dst, absent)
	}
	s.steps = s.steps[:0]
	for _, x := range nums {
		if x -= x0; step > 1 {
			x /= int64(step)
		}
		s.steps = append(s.steps, x)
	}
	best := s.choose()
	parts := 3
	if step > 1 {
		parts = 4
	}
	if len(absent) > 0 {
		parts = 5
	}
	dst = appendInt(appendArray(dst, parts), x0)
	dst = appendUint(dst, best.how)
	dst = s.appendData(dst, best)
	if parts > 3 {
		dst = appendUint(dst, step)
	}
	if parts > 4 {
		dst = s.appendAbsent(dst, absent)
	}
	return dst
}

// appendAbsent writes the rows without a value as a count and a column.
func (s *columns) appendAbsent(dst []byte, absent []int64) []byte {
	dst = appendUint(appendArray(dst, 2), uint64(len(absent)))
	return s.append(dst, absent, nil)
}

// residuals fills s.res for one predictor.
func (s *columns) residuals(predictor int) {
	s.res = slices.Grow(s.res[:0], len(s.steps))[:len(s.steps)-1]
	var a, b int64
	switch steps := s.steps[1:]; predictor {
	case predictNone:
		for i, x := range steps {
			s.res[i] = zigzag(x)
		}
	case predictDelta:
		for i, x := range steps {
			s.res[i], a = zigzag(x-a), x
		}
	case predictLag2:
		for i, x := range steps {
			s.res[i] = zigzag(x - b)
			a, b = x, a
		}
	default:
		for i, x := range steps {
			s.res[i] = zigzag(x - predict(predictDelta2, a, b, i+1))
			a, b = x, a
		}
	}
}

// sums are what one look at the residuals tells.
type sums struct {
	hi, lo uint64 // all of them added up, 128 bits
	zeros  int
	rice   int // bits that no Rice code is below
}

func (s *columns) sum() (t sums) {
	var high, low uint64 // halves: neither sum of 65,536 can overflow
	for _, u := range s.res {
		high, low = high+u>>32, low+u&math.MaxUint32
		t.zeros += int((u - 1) >> 63)
		t.rice += bits.Len64(u) + 1 // whatever the parameter, see riceLen
	}
	var carry uint64
	t.lo, carry = bits.Add64(low, high<<32, 0)
	t.hi = high>>32 + carry
	return t
}

// runs are bits that no code of runs is below: of a zero it may say nothing, of any other what Rice codes say of one less.
func (t *sums) runs() int { return t.rice - t.zeros }

// choose tries every predictor with every packing and keeps the smallest.
// Only integers take part, so that every machine chooses alike. The order of the
// trials has no say in it: it begins with what mostly wins, so that the others
// are given up as soon as they are larger, or not tried where they must be.
func (s *columns) choose() choice {
	best := choice{size: math.MaxInt / 8}
	n := len(s.steps) - 1
	for _, p := range [predictors]int{predictDelta, predictDelta2, predictNone, predictLag2} {
		s.residuals(p)
		t := s.sum()
		mean, rest := t.means(n)
		if t.rice <= best.size*8 {
			best = best.or(s.rice(mean, best.size), p)
			if mean != 0 {
				best = best.or(s.rice(0, best.size), p)
			}
		}
		if t.runs() <= best.size*8 {
			best = best.or(s.runs(rest, best.size), p)
			if rest != 0 {
				best = best.or(s.runs(0, best.size), p)
			}
		}
		if n <= best.size { // a number takes a byte at least
			best = best.or(s.varints(), p)
			best = best.or(s.plain(), p)
		}
	}
	return best
}

func (s *columns) varints() choice {
	n := 0
	for _, u := range s.res {
		n += (bits.Len64(u|1) + 6) / 7
	}
	return choice{how: packVarint, size: headLen(uint64(n)) + n, body: n}
}

func (s *columns) plain() choice {
	n := headLen(uint64(len(s.res)))
	for _, u := range s.res {
		n += headLen(u >> 1) // the argument of a CBOR integer is the zigzag number halved
	}
	return choice{how: packPlain, size: n}
}

// or is the better of two; other was made for this predictor.
func (c choice) or(other choice, predictor int) choice {
	other.how += uint64(predictor) * 8
	other.size += headLen(other.how)
	if other.better(c) {
		return other
	}
	return c
}

// rice is given up, as larger than it would be, beyond most bytes.
func (s *columns) rice(start, most int) choice {
	n, p := 0, newPace(start)
	for _, u := range s.res {
		if n > most*8 {
			break
		}
		n += riceLen(u, p.k())
		p = p.next(u)
	}
	return bitChoice(packRice, start, n)
}

// runs is given up, as larger than it would be, beyond most bytes.
func (s *columns) runs(start, most int) choice {
	n, run := 0, uint64(0)
	value, zeros := newPace(start), newPace(0)
	for _, u := range s.res {
		if n > most*8 {
			break
		}
		if u == 0 {
			run++
			continue
		}
		n += riceLen(run, zeros.k()) + riceLen(u-1, value.k())
		zeros, value, run = zeros.next(run), value.next(u-1), 0
	}
	if run > 0 {
		n += riceLen(run, zeros.k())
	}
	return bitChoice(packRuns, start, n)
}

func bitChoice(pack, start, n int) choice {
	n = (n + 7) / 8
	return choice{how: uint64(pack) + uint64(start)*32, size: headLen(uint64(n)) + n, body: n}
}

// means are the start parameters that fit all n residuals, and, one less each, those that are not zero.
func (t *sums) means(n int) (all, rest int) {
	all = startFor(t.hi, t.lo, n)
	some := n - t.zeros
	lo, borrow := bits.Sub64(t.lo, uint64(some), 0)
	return all, startFor(t.hi-borrow, lo, some)
}

func startFor(hi, lo uint64, n int) int {
	if n == 0 {
		return 0
	}
	mean := lo / uint64(n)
	if hi > 0 {
		mean, _ = bits.Div64(hi, lo, uint64(n)) // hi is below n: every addend fits 64 bits
	}
	return min(max(bits.Len64(mean)-1, 0), maxStart)
}

// appendData writes the residuals in the chosen way.
func (s *columns) appendData(dst []byte, c choice) []byte {
	s.residuals(int(c.how >> 3 & 3))
	pack, start := c.how&7, int(c.how>>5)
	if pack == packPlain {
		dst = appendArray(dst, len(s.res))
		for _, u := range s.res {
			dst = appendInt(dst, unzigzag(u))
		}
		return dst
	}
	dst = appendHead(dst, majorBytes, uint64(c.body))
	switch pack {
	case packVarint:
		for _, u := range s.res {
			dst = binary.AppendUvarint(dst, u)
		}
		return dst
	case packRice:
		w := bitWriter{dst: dst}
		p := newPace(start)
		for _, u := range s.res {
			w.rice(u, p.k())
			p = p.next(u)
		}
		return w.close()
	}
	return s.appendRuns(dst, start)
}

func (s *columns) appendRuns(dst []byte, start int) []byte {
	w := bitWriter{dst: dst}
	value, zeros, run := newPace(start), newPace(0), uint64(0)
	for _, u := range s.res {
		if u == 0 {
			run++
			continue
		}
		w.rice(run, zeros.k())
		w.rice(u-1, value.k())
		zeros, value, run = zeros.next(run), value.next(u-1), 0
	}
	if run > 0 {
		w.rice(run, zeros.k())
	}
	return w.close()
}

func abs(v int64) uint64 {
	if v < 0 {
		return uint64(-v)
	}
	return uint64(v)
}

// gcd divides in 32 bits where it can: a small board divides 64 by a long way round.
func gcd(a, b uint64) uint64 {
	for b != 0 {
		if a <= math.MaxUint32 && b <= math.MaxUint32 {
			a, b = b, uint64(uint32(a)%uint32(b))
		} else {
			a, b = b, a%b
		}
	}
	return a
}
