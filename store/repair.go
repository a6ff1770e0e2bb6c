package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/candor-edge/candor/store/pages"
)

// repairBatch is how many bytes of records one transaction of a repair takes.
const repairBatch = 1 << 20

// found is a record that a salvage came across.
type found struct {
	h     header
	e     pages.Element
	rows  uint64
	whole bool // it authenticates
}

// repair makes a new file of what authenticates in a damaged one, puts the damaged one into quarantine and remembers a
// gap. Records from limit on are left out: they belong to a commit that does not count. g is nil when nothing of the
// file is in the buffer any more: all is lost, or there is no room to write it. io is held, mu is not.
func (s *Store) repair(id, limit uint64, cause error) (g *segment, kept, lost []found) {
	gap := Gap{Segment: fmt.Sprintf("%08d%s", id, segmentExt), What: cause.Error()}
	defer func() {
		for _, f := range lost {
			gap.Records++
			gap.Rows += f.rows
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.gap(gap)
	}()
	r, err := s.openReader(s.path(id))
	if r == nil {
		gap.What += "; " + err.Error()
		return nil, nil, nil
	}
	defer r.close()
	kept, lost = s.sift(r, limit)
	if err = s.setAside(id); err == nil && len(kept) > 0 {
		g, err = s.rewrite(r, id, kept)
	}
	switch {
	case err != nil:
		gap.What += "; it could not be repaired: " + err.Error()
		return nil, nil, append(lost, kept...)
	case len(kept) == 0:
		_ = os.Remove(s.path(id))
		return nil, nil, lost
	}
	return g, kept, lost
}

// sift finds the records of a file that count: those that authenticate, in order, and those that do not.
func (s *Store) sift(r *reader, limit uint64) (whole, lost []found) {
	all := map[string]found{}
	s.mu.Lock()
	st := s.state.clone()
	s.mu.Unlock()
	r.Salvage(r.size, false, func(p *pages.File, e pages.Element) {
		head, err := p.Prefix(e, headSize)
		if err != nil {
			return
		}
		h, err := parseHeader(e.Key, head, e.Size)
		if err != nil || h.seq >= limit || all[string(e.Key)].whole || st.dead(&h) {
			return
		}
		f := found{h: h, e: e, rows: uint64(h.rows)}
		f.e.Key = bytes.Clone(e.Key)
		aead, has := s.opt.Keys.Opener(h.grant, int64(h.day))
		if !has {
			return
		}
		v, err := p.Value(e)
		if err == nil {
			_, err = openRecord(aead, &h, v)
		}
		f.whole = err == nil
		all[string(f.e.Key)] = f
	})
	for _, k := range slices.Sorted(maps.Keys(all)) {
		if f := all[k]; f.whole {
			whole = append(whole, f)
		} else {
			lost = append(lost, f)
		}
	}
	return whole, lost
}

// rewrite makes a file with the number of the damaged one, and replaces it.
func (s *Store) rewrite(r *reader, id uint64, whole []found) (*segment, error) {
	s.mu.Lock()
	st := s.state.clone()
	s.mu.Unlock()
	st.segment = id
	rest := whole
	return s.newFile(st, func() (puts []put, err error) {
		for size := 0; len(rest) > 0 && size < repairBatch; rest = rest[1:] {
			v, err := r.Value(rest[0].e)
			if err != nil {
				return nil, err
			}
			puts = append(puts, put{rest[0].e.Key, v})
			size += len(v)
			st.nextSeq = max(st.nextSeq, rest[0].h.seq+1)
		}
		return puts, nil
	})
}

// setAside keeps a damaged file in quarantine, beside its place in the buffer, and deletes the oldest there.
func (s *Store) setAside(id uint64) error {
	for files := s.quarantined(); len(files) >= maxQuarantine; files = files[1:] {
		_ = os.Remove(filepath.Join(s.quarantine, files[0].Name()))
	}
	name := filepath.Join(s.quarantine, filepath.Base(s.path(id)))
	for i := 1; ; i++ {
		to := name
		if i > 1 {
			to = fmt.Sprintf("%s.%d", name, i)
		}
		err := os.Link(s.path(id), to)
		if errors.Is(err, os.ErrExist) && i < 1000 {
			continue
		}
		if err != nil { // a file system without links
			err = copyFile(s.path(id), to)
		}
		return err
	}
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Close()); err != nil {
		_ = os.Remove(to)
	}
	return err
}

// loseAll counts what a damaged file cost each stream; mu is held.
func (s *Store) loseAll(lost []found) {
	for _, f := range lost {
		if st := s.state.streams[f.h.stream]; st != nil && st.grant == f.h.grant {
			s.lose(s.state.resolve(f.h.stream), Damaged, f.rows)
		}
	}
}

// repairLive repairs a file and brings the index to what is there then: what is lost is taken out, and what was not in it yet,
// since the file was not looked through, is put in. io is held, mu is not.
func (s *Store) repairLive(id, limit uint64, cause error) {
	g, kept, lost := s.repair(id, limit, cause)
	heads := make([]header, len(kept))
	have := make(map[uint64]bool, len(kept))
	for i := range kept {
		heads[i], have[kept[i].h.seq] = kept[i].h, true
	}
	has := s.keysOf(heads)
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.indexed(id)
	for stream := range s.index {
		rows := s.removeChunks(stream, func(c chunkRef) bool { return uint64(c.segment) == id && !have[c.seq] })
		rows += s.removeOuts(stream, func(o outRef) bool { return uint64(o.segment) == id && !have[o.seq] })
		s.lose(stream, Damaged, rows)
	}
	s.loseAll(slices.DeleteFunc(lost, func(f found) bool { return known[f.h.seq] }))
	old := s.segments[id]
	if g == nil || old == nil {
		delete(s.segments, id)
		return
	}
	g.alive = old.alive
	s.segments[id] = g
	s.place(slices.DeleteFunc(heads, func(h header) bool { return known[h.seq] }), g, has)
}
