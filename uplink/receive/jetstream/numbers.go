package jetstream

import (
	"fmt"
	"strconv"
	"strings"
)

// maxRanges bounds the holes in a stream's numbers. An object numbers without
// holes and has a few batches on the way at once; beyond this its stream is
// refused for good, which makes it open a new one.
const maxRanges = 64

// numbers are the numbers of a stream that were accepted, as ranges without
// overlap in ascending order. It is never changed: with returns another.
type numbers []span

type span struct{ first, last uint64 }

func (n numbers) has(seq uint64) bool {
	for _, s := range n {
		if seq >= s.first && seq <= s.last {
			return true
		}
	}
	return false
}

func (n numbers) last() uint64 {
	if len(n) == 0 {
		return 0
	}
	return n[len(n)-1].last
}

// with returns the numbers and seq, which is not among them.
func (n numbers) with(seq uint64) numbers {
	out := make(numbers, 0, len(n)+1)
	one := span{seq, seq}
	for _, s := range n {
		switch {
		case s.last+1 == one.first:
			one.first = s.first
		case one.last+1 == s.first:
			one.last = s.last
		case s.first > one.last && one.last != 0:
			out = append(out, one, s)
			one = span{}
		default:
			out = append(out, s)
		}
	}
	if one.last != 0 {
		out = append(out, one)
	}
	return out
}

// String writes "1-4,6".
func (n numbers) String() string {
	var b strings.Builder
	for i, s := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatUint(s.first, 10))
		if s.last > s.first {
			b.WriteByte('-')
			b.WriteString(strconv.FormatUint(s.last, 10))
		}
	}
	return b.String()
}

// parseNumbers reads what String wrote.
func parseNumbers(text string) (numbers, error) {
	var out numbers
	for part := range strings.SplitSeq(text, ",") {
		if text == "" {
			break
		}
		first, last, isSpan := strings.Cut(part, "-")
		if !isSpan {
			last = first
		}
		a, err := strconv.ParseUint(first, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("jetstream: accepted numbers %q: %w", text, err)
		}
		b, err := strconv.ParseUint(last, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("jetstream: accepted numbers %q: %w", text, err)
		}
		if a == 0 || a > b || len(out) > 0 && a <= out[len(out)-1].last+1 || len(out) >= maxRanges {
			return nil, fmt.Errorf("jetstream: accepted numbers %q are not in order", text)
		}
		out = append(out, span{a, b})
	}
	return out, nil
}
