package store

import (
	"slices"
)

// span is the numbers from lo to hi, both included.
type span struct{ lo, hi uint64 }

// numbers is a set of uint64, kept as sorted spans that neither overlap nor touch. Batches are acknowledged nearly in
// order, so the set of those that are done is one span and a few more, however many there were.
type numbers []span

// has tells whether n is in the set.
func (s numbers) has(n uint64) bool {
	_, found := s.find(n)
	return found
}

// find gives the span that holds n, or where one would be inserted.
func (s numbers) find(n uint64) (int, bool) {
	return slices.BinarySearchFunc(s, n, func(r span, n uint64) int {
		switch {
		case r.hi < n:
			return -1
		case r.lo > n:
			return 1
		}
		return 0
	})
}

// with returns the set with lo to hi added. It changes the memory of s.
func (s numbers) with(lo, hi uint64) numbers {
	if lo > hi {
		return s
	}
	i := 0
	for i < len(s) && lo > 0 && s[i].hi < lo-1 {
		i++
	}
	j := i
	for j < len(s) && (hi == ^uint64(0) || s[j].lo <= hi+1) {
		lo, hi = min(lo, s[j].lo), max(hi, s[j].hi)
		j++
	}
	if i == j {
		return s.put(i, span{lo, hi})
	}
	s[i] = span{lo, hi}
	return append(s[:i+1], s[j:]...)
}

// put makes room for x at i. Where slices.Insert would do the same, each type it is used with costs the device binary 2 KB.
func (s numbers) put(i int, x span) numbers {
	s = append(s, span{})
	copy(s[i+1:], s[i:])
	s[i] = x
	return s
}

// without returns the set with n taken out. It changes the memory of s.
func (s numbers) without(n uint64) numbers {
	i, found := s.find(n)
	if !found {
		return s
	}
	r := s[i]
	s = slices.Delete(s, i, i+1)
	if r.hi > n {
		s = s.put(i, span{n + 1, r.hi})
	}
	if r.lo < n {
		s = s.put(i, span{r.lo, n - 1})
	}
	return s
}
