package wire

import "math/bits"

// Adaptive Rice codes. The parameter follows a running mean of the numbers
// coded so far, so a column needs no table and a change of pace costs a few
// bits. A number u is written with parameter k as u>>k ones, a zero and the
// low k bits of u; from escape ones on, as escape ones, six bits for the
// length of u less one, and u.
const (
	escape    = 20
	meanShift = 3
)

// pace is the running mean, scaled by 1<<meanShift.
type pace uint64

// newPace returns the state for a start parameter of 0 to maxStart.
func newPace(start int) pace {
	if start == 0 {
		return 0
	}
	return 1 << (start + meanShift)
}

// k is the parameter for the next number: the mean's bit length less one.
func (p pace) k() int {
	return max(bits.Len64(uint64(p)>>meanShift)-1, 0)
}

// next returns the state after u. With u below maxResidual it cannot overflow.
func (p pace) next(u uint64) pace { return p - p>>meanShift + pace(u) }

// riceLen is the number of bits of u.
func riceLen(u uint64, k int) int {
	if q := u >> k; q < escape {
		return int(q) + 1 + k
	}
	return escape + 6 + max(bits.Len64(u), 1)
}

// bitWriter appends bits, first bit highest, and pads the last byte with zeros.
type bitWriter struct {
	dst []byte
	acc uint64 // the low n bits are not yet written
	n   int    // below 8 between calls
}

// put writes the low n bits of v, n at most 56.
func (w *bitWriter) put(v uint64, n int) {
	w.acc = w.acc<<n | v&(1<<n-1)
	w.n += n
	for w.n >= 8 {
		w.n -= 8
		w.dst = append(w.dst, byte(w.acc>>w.n))
	}
}

// wide writes the low n bits of v, n at most 64.
func (w *bitWriter) wide(v uint64, n int) {
	if n > 32 {
		w.put(v>>32, n-32)
		n = 32
	}
	w.put(v, n)
}

func (w *bitWriter) rice(u uint64, k int) {
	if q := u >> k; q < escape {
		if k <= 56-escape {
			w.put((1<<(q+1)-2)<<k|u&(1<<k-1), int(q)+1+k)
			return
		}
		w.put(1<<(q+1)-2, int(q)+1)
		w.wide(u, k)
		return
	}
	n := max(bits.Len64(u), 1)
	w.put(1<<escape-1, escape)
	w.put(uint64(n-1), 6)
	w.wide(u, n)
}

func (w *bitWriter) close() []byte {
	if w.n > 0 {
		w.dst = append(w.dst, byte(w.acc<<(8-w.n)))
	}
	return w.dst
}

// bitReader reads what a bitWriter wrote. Past the end it reports failure and
// never reads on.
type bitReader struct {
	data []byte // not yet in acc
	acc  uint64 // the next n bits, highest first, and zeros
	n    int
}

// fill takes as many bytes into acc as fit.
func (r *bitReader) fill() {
	for r.n <= 56 && len(r.data) > 0 {
		r.acc |= uint64(r.data[0]) << (56 - r.n)
		r.data, r.n = r.data[1:], r.n+8
	}
}

func (r *bitReader) drop(n int) { r.acc, r.n = r.acc<<n, r.n-n }

// get reads n bits, at most 64.
func (r *bitReader) get(n int) (v uint64, ok bool) {
	if n > 32 {
		if v, ok = r.get(n - 32); !ok {
			return 0, false
		}
		n = 32
	}
	if r.n < n {
		if r.fill(); r.n < n {
			return 0, false
		}
	}
	v = v<<n | r.acc>>(64-n)
	r.drop(n)
	return v, true
}

func (r *bitReader) rice(k int) (uint64, bool) {
	if r.n < escape+6 {
		r.fill()
	}
	q := bits.LeadingZeros64(^r.acc)
	if q < escape {
		if q >= r.n {
			return 0, false
		}
		r.drop(q + 1)
		low, ok := r.get(k)
		return uint64(q)<<k | low, ok
	}
	r.drop(escape)
	n, ok := r.get(6)
	if !ok {
		return 0, false
	}
	return r.get(int(n) + 1)
}

// done reports whether only zero bits of the last byte are left.
func (r *bitReader) done() bool { return len(r.data) == 0 && r.n < 8 && r.acc == 0 }
