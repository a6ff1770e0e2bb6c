package wire

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// series draws columns of the shapes sensors make, and of none.
func series(t *rapid.T) []int64 {
	n := rapid.IntRange(1, 80).Draw(t, "rows")
	shape := rapid.SampledFrom([]string{"walk", "any", "switch", "steps", "edges"}).Draw(t, "shape")
	v := rapid.Int64Range(-1000, 1000).Draw(t, "start")
	step := rapid.Int64Range(1, 1000).Draw(t, "step")
	out := make([]int64, n)
	for i := range out {
		switch shape {
		case "walk":
			v += step * rapid.Int64Range(-3, 3).Draw(t, "move")
		case "any":
			v = rapid.Int64Range(-MaxValue, MaxValue).Draw(t, "value")
		case "switch":
			v = rapid.Int64Range(0, 1).Draw(t, "bit")
		case "steps":
			v += step
		case "edges":
			v = rapid.SampledFrom([]int64{-MaxValue, 0, MaxValue, MaxValue - 1}).Draw(t, "edge")
		}
		out[i] = v
	}
	return out
}

func TestColumnRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nums := series(t)
		set := rapid.SliceOfN(rapid.Bool(), len(nums), len(nums)).Draw(t, "set")
		var present, absent []int64
		for i, ok := range set {
			if ok {
				present = append(present, nums[i])
			} else {
				absent, nums[i] = append(absent, int64(i)), 0
			}
		}
		if len(present) == 0 {
			return
		}
		if len(absent) == 0 {
			set = nil
		}
		var c columns
		data := c.append(nil, present, absent)
		r := &reader{data: data}
		got, gotSet, err := r.column(len(nums), true)
		if err != nil {
			t.Fatalf("%x: %v", data, err)
		}
		if r.left() > 0 || !slices.Equal(got, nums) || !reflect.DeepEqual(gotSet, set) {
			t.Fatalf("%x: got %v %v, want %v %v", data, got, gotSet, nums, set)
		}
	})
}

// TestEveryChoiceDecodes forces each predictor, packing and start parameter,
// since a decoder accepts what the encoder here never chooses.
func TestEveryChoiceDecodes(t *testing.T) {
	columnsOf := [][]int64{
		{0, 1, 3, 6, 6, 6, 6, -5, 1000000, 0, 0, 0},
		{-MaxValue, MaxValue, -MaxValue, MaxValue, 0},
		{5, 5, 5, 5, 6},
		{1, 2},
	}
	for _, nums := range columnsOf {
		for how := range uint64(maxStart*32 + 32) {
			pack := how & 7
			if pack != packVarint && pack != packRice && pack != packRuns && pack != packPlain ||
				how > 31 && pack != packRice && pack != packRuns {
				continue
			}
			data := forced(nums, how)
			got, _, err := (&reader{data: data}).column(len(nums), false)
			if err != nil || !slices.Equal(got, nums) {
				t.Fatalf("how %d, %v: got %v, %v", how, nums, got, err)
			}
		}
	}
}

// forced encodes a column with a given choice.
func forced(nums []int64, how uint64) []byte {
	var c columns
	for _, x := range nums {
		c.steps = append(c.steps, x-nums[0])
	}
	c.residuals(int(how >> 3 & 3))
	choices := map[uint64]choice{
		packVarint: c.varints(), packPlain: c.plain(),
		packRice: c.rice(int(how>>5), 1<<20), packRuns: c.runs(int(how>>5), 1<<20),
	}
	ch := choices[how&7]
	ch.how = how
	return c.appendData(appendUint(appendInt(appendArray(nil, 3), nums[0]), how), ch)
}

// TestChoiceIsTheSmallest counts the bytes the encoder predicted against those
// it wrote, and looks whether another choice would have been smaller.
func TestChoiceIsTheSmallest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nums := series(t)
		var c columns
		data := c.append(nil, nums, nil)
		if data[0] == 0x81 {
			return // one value throughout, nothing to choose
		}
		for _, x := range c.steps { // the steps are those of the last column
			if x > 1<<20 || x < -1<<20 {
				return
			}
		}
		best := c.choose()
		for p := range uint64(predictors) {
			for _, pack := range []uint64{packVarint, packRice, packRuns, packPlain} {
				other := forced(c.steps, p*8+pack)
				mine := forced(c.steps, best.how)
				if len(other) < len(mine) {
					t.Fatalf("chose %d with %d bytes, %d has %d", best.how, len(mine), p*8+pack, len(other))
				}
			}
		}
		head := len(appendInt(appendArray(nil, 3), c.steps[0]))
		if got := len(forced(c.steps, best.how)) - head; got != best.size {
			t.Fatalf("choice %d: counted %d bytes, wrote %d", best.how, best.size, got)
		}
	})
}

func TestColumnFaults(t *testing.T) {
	long := appendBytes(nil, make([]byte, 40))
	for _, tc := range []struct {
		name string
		rows int
		data []byte
		want Fault
	}{
		{"empty array", 1, []byte{0x80}, ErrValue},
		{"six parts", 1, []byte{0x86, 0, 0, 0x40, 2, 0, 0}, ErrLimit},
		{"x0 beyond the range", 1, append([]byte{0x81}, appendUint(nil, MaxValue+1)...), ErrLimit},
		{"no such packing", 2, []byte{0x83, 0, 1, 0x41, 0}, ErrValue},
		{"start parameter with varints", 2, []byte{0x83, 0, 0x18, 32, 0x41, 0}, ErrValue},
		{"start parameter too large", 2, append([]byte{0x83, 0, 0x19, 0x07, 0x22}, 0x41, 0), ErrLimit},
		{"too few varints", 3, []byte{0x83, 0, 0, 0x41, 2}, ErrTruncated},
		{"too many varints", 2, []byte{0x83, 0, 0, 0x42, 2, 2}, ErrTrailing},
		{"varint not minimal", 2, []byte{0x83, 0, 0, 0x42, 0x82, 0}, ErrForm},
		{"varint of 64 bits", 2, append([]byte{0x83, 0, 0, 0x4a}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1), ErrOverflow},
		{"too few plain", 3, []byte{0x83, 0, 6, 0x81, 1}, ErrTruncated},
		{"too many plain", 2, []byte{0x83, 0, 6, 0x82, 1, 1}, ErrTrailing},
		{"plain text", 2, []byte{0x83, 0, 6, 0x81, 0x61, 'a'}, ErrType},
		{"rice without bits", 2, []byte{0x83, 0, 2, 0x40}, ErrTruncated},
		{"rice with a byte too many", 2, []byte{0x83, 0, 2, 0x42, 0, 0}, ErrTrailing},
		{"rice with a bit left over", 2, []byte{0x83, 0, 2, 0x41, 0x41}, ErrTrailing},
		{"rice past its end", 2, []byte{0x83, 0, 2, 0x41, 0xff}, ErrTruncated},
		{"run longer than the column", 3, []byte{0x83, 0, 3, 0x41, 0xf0}, ErrOverflow},
		{"run without end", 2, []byte{0x83, 0, 3, 0x43, 0xff, 0xff, 0xff}, ErrTruncated},
		{"step zero", 2, []byte{0x84, 0, 0, 0x41, 2, 0}, ErrValue},
		{"step one said", 2, []byte{0x84, 0, 0, 0x41, 2, 1}, ErrValue},
		{"step times number", 2, append([]byte{0x84, 0, 0, 0x41, 4}, appendUint(nil, maxSpread)...), ErrOverflow},
		{"sum beyond the range", 2, append(append([]byte{0x83}, appendUint(nil, MaxValue)...), 0, 0x41, 2), ErrOverflow},
		{"all rows absent", 2, []byte{0x82, 5, 0x82, 2, 0x83, 0, 0, 0x41, 2}, ErrValue},
		{"no row absent", 2, []byte{0x82, 5, 0x82, 0, 0x81, 0}, ErrValue},
		{"absent row beyond the end", 2, []byte{0x82, 5, 0x82, 1, 0x81, 2}, ErrValue},
		{"absent rows descend", 4, []byte{0x82, 5, 0x82, 2, 0x83, 2, 0, 0x41, 1}, ErrValue},
		{"absent rows with absent rows", 4, []byte{0x82, 5, 0x82, 2, 0x82, 2, 0x82, 1, 0x81, 0}, ErrValue},
		{"data for one row", 1, append([]byte{0x83, 0, 0}, long...), ErrTrailing},
	} {
		_, _, err := (&reader{data: tc.data}).column(tc.rows, true)
		if fault(err) != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
	if _, _, err := (&reader{data: []byte{0x82, 5, 0x82, 1, 0x81, 0}}).column(2, false); fault(err) != ErrValue {
		t.Errorf("absent rows where none may be: %v", err)
	}
}

// fault is the kind of a wire error, zero for any other.
func fault(err error) Fault {
	for f := ErrTruncated; f <= ErrNoTime; f++ {
		if errors.Is(err, f) {
			return f
		}
	}
	return 0
}

// TestRiceWide codes the widest numbers there are.
func TestRiceWide(t *testing.T) {
	for _, u := range []uint64{0, 1, 19, 20, 1<<32 - 1, 1 << 32, maxResidual, 1<<64 - 1} {
		for k := range 64 {
			w := bitWriter{}
			w.put(1, 3)
			w.rice(u, k)
			data := w.close()
			if want := (3 + riceLen(u, k) + 7) / 8; len(data) != want {
				t.Fatalf("%d with %d: %d bytes, counted %d", u, k, len(data), want)
			}
			r := bitReader{data: data}
			r.get(3)
			got, ok := r.rice(k)
			if !ok || got != u || !r.done() {
				t.Fatalf("%d with %d came back as %d, %t", u, k, got, ok)
			}
		}
	}
}
