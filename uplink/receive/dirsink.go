package receive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"syscall"

	"github.com/candor-edge/candor/uplink/wire"
)

// DirSink keeps what objects send as files in one directory:
//
//	PURPOSE.jsonl        one JSON object a row, for those who use the data
//	purposes.json        what the rows of each purpose mean
//	raw/STREAM.cborseq   the signed messages as they came, a CBOR sequence
//	                     (RFC 8742): proof of what was agreed and sent
//	index/               the journal of what is committed, and a lock
//
// PROTOCOL.md describes the row. Other programs may read and copy the files;
// none may write, cut, move or rotate them, since a deletion must find every
// row. One goroutine writes: requests that wait meanwhile share the next
// commit, so that one round of syncs serves many batches.
//
// In memory it keeps each stream's announcement and 16 bytes a batch, until
// the stream is withdrawn.
type DirSink struct {
	at    layout
	log   *slog.Logger
	lock  *os.File
	queue chan *request
	quit  chan struct{} // closed to stop the writer
	done  chan struct{} // closed when it has stopped
	close sync.Once

	mu     sync.RWMutex // guards st and broken; the writer alone changes them
	st     *state
	broken error // set when nothing can be committed any more

	// Of the writer's goroutine alone.
	journal *journal
	rowBuf  []byte
	told    meanings
	// earliest is the first delete-by in a purpose's rows, once they were read.
	earliest map[string]uint32

	// step is called between the steps of a commit; tests make it fail or
	// copy the directory there. Nil in use.
	step func(point string) error
}

var (
	_ Sink      = (*DirSink)(nil)
	_ Forgetter = (*DirSink)(nil)
	_ Exporter  = (*DirSink)(nil)
	_ Seen      = (*DirSink)(nil)
)

// queueLength is how many requests may wait for the next round.
const queueLength = 256

// OpenDir opens or makes the directory, finishes what a crash interrupted, and
// cuts off what was never acknowledged. One process may have it open. A file
// that is shorter than it was left, or a journal broken in its middle, is a
// [*DamageError] and nothing is changed.
func OpenDir(dir string, log *slog.Logger) (*DirSink, error) { return openDir(dir, log, nil) }

func openDir(dir string, log *slog.Logger, step func(string) error) (*DirSink, error) {
	if log == nil {
		return nil, errors.New("receive: no logger")
	}
	s := &DirSink{
		at: layout{dir}, log: log, st: newState(), step: step,
		queue: make(chan *request, queueLength), quit: make(chan struct{}), done: make(chan struct{}),
		rowBuf: make([]byte, 0, 256<<10), told: make(meanings), earliest: make(map[string]uint32),
	}
	for _, d := range []string{dir, s.at.rawDir(), s.at.indexDir()} {
		if err := os.MkdirAll(d, 0o750); err != nil {
			return nil, fmt.Errorf("receive: %w", err)
		}
	}
	if err := s.takeLock(); err != nil {
		return nil, err
	}
	if err := s.recover(); err != nil {
		if s.journal != nil {
			s.journal.close()
		}
		s.lock.Close()
		return nil, err
	}
	go s.run()
	return s, nil
}

// takeLock keeps a second receiver out. The kernel lets go when the process ends.
func (s *DirSink) takeLock() error {
	f, err := os.OpenFile(s.at.lock(), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return fmt.Errorf("receive: %s is in use by another receiver: %w", s.at.dir, err)
	}
	s.lock = f
	return nil
}

// Close finishes what is queued and lets go of the directory. Later calls of
// the other methods fail.
func (s *DirSink) Close() error {
	s.close.Do(func() { close(s.quit) })
	<-s.done
	return nil
}

var errClosed = errors.New("receive: the sink is closed")

// ByAnnouncement finds a stream by the digest batches carry.
func (s *DirSink) ByAnnouncement(_ context.Context, digest [16]byte) (Stream, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if m := s.st.byDigest[digest]; m != nil {
		return m.known(), nil
	}
	return Stream{}, ErrUnknown
}

// ByID finds a stream by its name.
func (s *DirSink) ByID(_ context.Context, id wire.StreamID) (Stream, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if m := s.st.streams[id]; m != nil {
		return m.known(), nil
	}
	return Stream{}, ErrUnknown
}

// Announce keeps a new stream, see [Sink]. A purpose whose id can't be a file
// name is a CodePurpose.
func (s *DirSink) Announce(ctx context.Context, m *Announced) (known bool, err error) {
	if !validPurpose(m.Announcement.Purpose) {
		return false, ErrPurpose
	}
	r := &request{announced: m}
	err = s.submit(ctx, r)
	return r.known, err
}

// Store keeps a batch, see [Sink].
func (s *DirSink) Store(ctx context.Context, m *Delivery) error {
	return s.submit(ctx, &request{delivery: m})
}

// Withdraw removes a stream, see [Sink]. It rewrites the file of the stream's
// purpose, during which nothing is accepted; requests that wait at the same
// time share one rewrite.
func (s *DirSink) Withdraw(ctx context.Context, m *Withdrawal) ([]Erased, error) {
	if err := s.submit(ctx, &request{withdrawal: m}); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var rows, batches uint64
	if st := s.st.streams[m.Stream]; st != nil {
		rows, batches = st.erasedRows, st.erasedBatches
	}
	return []Erased{{"rows", rows}, {"signed messages", batches}}, nil
}

// Err says why nothing can be stored any more, nil while all is well.
func (s *DirSink) Err() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.broken
}

// request is one of three things to do; the writer answers on reply.
type request struct {
	announced  *Announced
	delivery   *Delivery
	withdrawal *Withdrawal
	forget     *forgetting
	known      bool
	reply      chan error // holds one
}

// size is about how much the request adds to a round.
func (r *request) size() int {
	switch {
	case r.announced != nil:
		return len(r.announced.Signed)
	case r.delivery != nil:
		return len(r.delivery.Signed)
	case r.withdrawal != nil:
		return len(r.withdrawal.Signed)
	}
	return 0
}

// submit queues a request and waits for its end. Once queued it waits whatever
// ctx says, because the writer reads what the caller lent it.
func (s *DirSink) submit(ctx context.Context, r *request) error {
	r.reply = make(chan error, 1)
	select {
	case <-s.quit:
		return errClosed
	default:
	}
	select {
	case s.queue <- r:
	case <-s.quit:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-r.reply:
		return err
	case <-s.done:
	}
	select {
	case err := <-r.reply:
		return err
	default:
		return errClosed
	}
}
