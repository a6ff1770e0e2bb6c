package pages

// set is a set of pages of a file, a bit each.
type set []uint64

func newSet(pages uint64) set { return make(set, pages/64+1) }

func (s set) has(id uint64) bool { return s[id/64]&(1<<(id%64)) != 0 }

// add takes a page and those that follow it, all of which are in the file; false when one of them is in the set already.
func (s set) add(id, overflow uint64) bool {
	for i := id; i <= id+overflow; i++ {
		if s.has(i) {
			return false
		}
		s[i/64] |= 1 << (i % 64)
	}
	return true
}
