package receive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/candor-edge/candor/uplink/wire"
)

// recover brings the directory to what the journal says: it finishes moves,
// cuts off what was never acknowledged, removes what was begun and never
// committed, and carries on with deletions.
func (s *DirSink) recover() error {
	j, torn, err := openJournal(s.at.journal(), s.st.record)
	if err != nil {
		return err
	}
	s.journal = j
	if torn > 0 {
		s.log.Warn("the journal ended in the middle of a record, which nobody was told of; it was cut off", "bytes", torn)
	}
	for _, d := range []string{s.at.indexDir(), s.at.dir} {
		if err := syncDir(d); err != nil {
			return err
		}
	}
	if err := s.finishMoves(); err != nil {
		return err
	}
	if err := s.settleRows(); err != nil {
		return err
	}
	if err := s.settleRaw(); err != nil {
		return err
	}
	var known []*wire.Announcement
	for _, m := range s.st.streams {
		known = append(known, m.announcement)
	}
	s.describe(known...)
	return s.purge()
}

// finishMoves moves rewritten files in that were committed and removes those
// that were not.
func (s *DirSink) finishMoves() error {
	var moves []move
	for purpose, f := range s.st.files {
		from := s.at.rewritten(purpose, f.gen)
		if _, err := os.Stat(from); f.gen > 0 && err == nil {
			moves = append(moves, move{from, s.at.rows(purpose)})
		}
	}
	for id, m := range s.st.streams {
		from := s.at.rewritten(id.String(), m.gen)
		if m.gen == 0 || m.withdrawn {
			continue // what is withdrawn is written anew, if it was not already
		}
		if _, err := os.Stat(from); err == nil {
			moves = append(moves, move{from, s.at.raw(id)})
		}
	}
	if err := s.moveIn(moves); err != nil {
		return err
	}
	return removeTemps(s.at.indexDir())
}

func (s *DirSink) settleRows() error {
	for purpose, f := range s.st.files {
		if err := settleFile(s.at.rows(purpose), f.size); err != nil {
			return err
		}
	}
	return nil
}

// settleRaw settles the signed messages of each stream and removes files of
// streams whose announcement was never committed.
func (s *DirSink) settleRaw() error {
	if err := removeTemps(s.at.rawDir()); err != nil {
		return err
	}
	names, err := readNames(s.at.rawDir())
	if err != nil {
		return err
	}
	for _, name := range names {
		id, err := wire.ParseStreamID(strings.TrimSuffix(name, rawSuffix))
		if err != nil || s.st.streams[id] != nil {
			continue
		}
		if err := os.Remove(filepath.Join(s.at.rawDir(), name)); err != nil {
			return fmt.Errorf("receive: %w", err)
		}
	}
	for id, m := range s.st.streams {
		if m.withdrawn {
			continue // shorter already, or about to be
		}
		if err := settleFile(s.at.raw(id), m.raw); err != nil {
			return err
		}
	}
	return nil
}

func removeTemps(dir string) error {
	names, err := readNames(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !strings.HasSuffix(name, tempSuffix) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("receive: %w", err)
		}
	}
	return nil
}

// readNames returns the names in a directory in no order.
func readNames(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("receive: %w", err)
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("receive: %w", err)
	}
	return names, nil
}
