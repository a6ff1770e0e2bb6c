package store

import (
	"errors"
	"sort"

	"github.com/candor-edge/candor/store/consent"
)

// Erased says what [Store.EraseDays] let go of.
type Erased struct {
	Rows uint64
	// Days are the (grant, day) pairs whose keys have to be destroyed, so that nothing of it can be read.
	Days []GrantDay
}

// GrantDay names a day key: the grant, and the UTC day since 1970 on which values were taken.
type GrantDay struct {
	Grant consent.GrantID
	Day   int64
}

// EraseDays forgets everything that was taken on the UTC days from first to last, both included: rows that wait, chunks
// and uploads. An upload can hold rows of several days under the key of the oldest; one that may reach into the period is
// erased whole, and the day it is sealed under is among the Days. destroy is called once with what has to be destroyed,
// while nothing is sealed or read. An error says that not all of it is durable yet; in memory it is gone.
func (s *Store) EraseDays(first, last int64, destroy func(Erased) error) (Erased, error) {
	s.Await()
	s.io.Lock()
	defer s.io.Unlock()
	if s.isClosed() {
		return Erased{}, ErrClosed
	}
	ready := s.ready()
	s.mu.Lock()
	got := s.forgetDays(first, last)
	s.changes++
	if s.doubt != nil {
		s.doubt.after = append(s.doubt.after, func() { s.forgetDays(first, last) })
	}
	s.mu.Unlock()
	err := destroy(got)
	if ready != nil {
		return got, errors.Join(err, ready)
	}
	err = errors.Join(err, s.commit(s.begin()))
	_ = s.tidy()
	return got, err
}

// forgetDays takes the days out of memory; mu is held.
func (s *Store) forgetDays(first, last int64) (got Erased) {
	days := map[GrantDay]bool{}
	in := func(day int32) bool { return int64(day) >= first && int64(day) <= last }
	before := s.waitRows
	s.dropLots(func(l *lot) bool {
		if in(l.day) {
			days[GrantDay{l.grant, int64(l.day)}] = true
		}
		return in(l.day)
	})
	got.Rows = uint64(before - s.waitRows)
	for id, x := range s.index {
		grant := s.grantOf(id)
		reach := func(o outRef) bool { return int64(o.day) <= last }
		for _, c := range x.chunks {
			if in(c.day) {
				days[GrantDay{grant, int64(c.day)}] = true
			}
		}
		for _, o := range x.outs {
			if reach(o) {
				days[GrantDay{grant, int64(o.day)}] = true
				s.state.finish(id, o.batch)
			}
		}
		// A chunk of a day whose key goes for the sake of an upload can't be read any more either.
		got.Rows += s.removeChunks(id, func(c chunkRef) bool { return days[GrantDay{grant, int64(c.day)}] })
		if s.index[id] != nil {
			got.Rows += s.removeOuts(id, reach)
		}
	}
	for d := range days {
		got.Days = append(got.Days, d)
	}
	sort.Slice(got.Days, func(i, j int) bool {
		a, b := got.Days[i], got.Days[j]
		return a.Grant < b.Grant || a.Grant == b.Grant && a.Day < b.Day
	})
	return got
}
