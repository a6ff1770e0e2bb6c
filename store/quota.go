package store

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
)

// makeRoom makes sure that need bytes may be written, giving up the oldest rows if it must: first what lies in
// quarantine, then the oldest file. The active file is never given up. Where a file that was given up can't be deleted, as on a
// disk that takes no writing, no other is given up. io is held.
func (s *Store) makeRoom(need int64) error {
	for {
		what, err := s.shortage(need)
		if err != nil || what == "" {
			return err
		}
		if s.lookThroughAll() { // what is the oldest, and how much there is, is known only now
			continue
		}
		if s.dropQuarantined() {
			continue
		}
		before := s.totalSize()
		if !s.evictOldest() {
			return fmt.Errorf("%w: %s", ErrFull, what)
		}
		if err := s.tidy(); err != nil && s.totalSize() >= before {
			return fmt.Errorf("store: %s, and what was given up for room can't be deleted: %w", what, err)
		}
	}
}

// shortage says what is short; "" when there is room.
func (s *Store) shortage(need int64) (string, error) {
	if total := s.totalSize() + s.quarantineSize(); total+need > s.opt.MaxSize {
		return fmt.Sprintf("the buffer holds %d of at most %d bytes", total, s.opt.MaxSize), nil
	}
	free, err := s.opt.Free(s.buffer)
	if err != nil {
		return "", err
	}
	if free-need < s.opt.Reserve {
		return fmt.Sprintf("the disk has %d bytes left, %d are kept free", free, s.opt.Reserve), nil
	}
	return "", nil
}

func (s *Store) totalSize() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.segments {
		n += g.size
	}
	return n
}

// Hold says that nothing may be given up for want of room: a full buffer then takes no rows, and those that wait in
// memory stay there up to the bound of Append. It is for sources that can wait, as recordings can. Off at first.
func (s *Store) Hold(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = on
}

// evictOldest gives up the oldest file that is not the active one, and says whether there was one. Its rows are gone
// from memory at once; the losses and the end of the file become durable with the next commit, and the file is deleted
// by tidy. io is held.
func (s *Store) evictOldest() bool {
	s.lookThroughAll()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held {
		return false
	}
	oldest := ^uint64(0)
	for id, g := range s.segments {
		if g != s.current {
			oldest = min(oldest, id)
		}
	}
	if oldest == ^uint64(0) {
		return false
	}
	gap := Gap{Segment: fmt.Sprintf("%08d%s", oldest, segmentExt), What: "no room"}
	gap.Records = uint64(s.segments[oldest].alive)
	for stream := range s.index {
		rows := s.removeChunks(stream, func(c chunkRef) bool { return uint64(c.segment) == oldest })
		rows += s.removeOuts(stream, func(o outRef) bool { return uint64(o.segment) == oldest })
		s.lose(stream, BufferFull, rows)
		gap.Rows += rows
	}
	s.state.floor = max(s.state.floor, oldest+1)
	s.changes++
	if gap.Records > 0 {
		s.gap(gap)
	}
	return true
}

// maxQuarantine is how many damaged files are kept for a look.
const maxQuarantine = 4

// quarantined lists the damaged files that are kept, oldest first.
func (s *Store) quarantined() []os.FileInfo {
	entries, err := os.ReadDir(s.quarantine)
	if err != nil {
		return nil
	}
	var out []os.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			out = append(out, info)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name() < out[j].Name() })
	return out
}

func (s *Store) quarantineSize() (n int64) {
	for _, f := range s.quarantined() {
		n += f.Size()
	}
	return n
}

// dropQuarantined deletes the oldest damaged file and says whether it did.
func (s *Store) dropQuarantined() bool {
	files := s.quarantined()
	return len(files) > 0 && os.Remove(filepath.Join(s.quarantine, files[0].Name())) == nil
}
