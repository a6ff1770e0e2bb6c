package receive

// seenSet remembers which numbers of a stream were accepted and with what
// digest, 16 bytes a batch: numbers come in order or nearly so, hence a plain
// list with the few that ran ahead beside it.
type seenSet struct {
	list  [][16]byte          // of 1, 2, 3...
	ahead map[uint64][16]byte // beyond a gap
	last  uint64              // the highest of all
}

// find returns the digest a number was accepted with.
func (s *seenSet) find(seq uint64) ([16]byte, bool) {
	if seq >= 1 && seq <= uint64(len(s.list)) {
		return s.list[seq-1], true
	}
	d, ok := s.ahead[seq]
	return d, ok
}

func (s *seenSet) add(seq uint64, digest [16]byte) {
	s.last = max(s.last, seq)
	if seq != uint64(len(s.list))+1 {
		if s.ahead == nil {
			s.ahead = make(map[uint64][16]byte)
		}
		s.ahead[seq] = digest
		return
	}
	s.list = append(s.list, digest)
	for len(s.ahead) > 0 {
		next := uint64(len(s.list)) + 1
		d, ok := s.ahead[next]
		if !ok {
			return
		}
		s.list = append(s.list, d)
		delete(s.ahead, next)
	}
}

// count says how many numbers were accepted.
func (s *seenSet) count() uint64 { return uint64(len(s.list) + len(s.ahead)) }

// drop forgets the digests of a withdrawn stream and keeps the last number.
func (s *seenSet) drop() { s.list, s.ahead = nil, nil }
