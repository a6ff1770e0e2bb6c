package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/candor-edge/candor/store/consent"
)

// Store is the buffer. It is safe for concurrent use. Rows that are handed over wait in memory until a commit; whatever
// touches files takes its turn, so a slow disk delays other disk work but never Append.
type Store struct {
	opt        Options
	disk       disk
	buffer     string // directory of the files
	quarantine string

	written atomic.Int64

	// disk work: held around every read or write of files. Taken before mu, never inside it.
	io      turns
	active  *writer // nil until the first commit, after a failed one, and on a read-only disk
	current *segment
	last    []byte  // the state record current holds
	unnamed bool    // a new file's name may not be durable yet
	doubt   *change // a commit that failed half-way: the file knows whether it counts
	spare   *batch  // memory of the last cut, for the next one of a backlog

	mu        sync.Mutex
	closed    bool
	state     *state // what the active file says, and what it is to say next
	changes   uint64 // counts changes of state made in memory
	saved     uint64 // changes that are in the file
	segments  map[uint64]*segment
	unread    []uint64   // files of which is not known yet what is in them, ascending; see look.go
	opened    uint64     // number of the first record since Open
	openedIn  uint64     // the file that was gone on in
	lookedAt  *sync.Cond // with mu: one of unread was read, or the store is closed
	looking   sync.WaitGroup
	firstRows chan struct{} // closed by settled
	settled   func()        // rows are stored, or none will be; may be called again
	index     map[uint32]*streamIndex
	days      map[dayKey]int // records alive under a key
	newest    map[consent.GrantID]int32
	discards  map[dayKey]bool // keys to give up

	held bool // see Hold

	waiting  []*lot
	inFlight []*lot            // being committed
	asides   []*aside          // of a history: what is stored beside rows and waits
	waitRows int               // in waiting and inFlight
	sinceTry int               // rows taken since the last attempt to commit
	open     map[lotKey]*lot   // waiting lots that still grow
	named    map[uint32]naming // streams the state does not know yet
	replays  map[replay]uint64 // not yet committed
	flying   map[replay]uint64 // being committed
	hashed   hashedName        // of the last recording
	losses   map[uint32]lossCount
	dropped  map[consent.GrantID]bool
	cache    map[cacheKey]uint32
	lately   lately

	condition State
	detail    string
	gaps      []Gap
	counts    map[string]uint64
	unclean   bool
}

// dayKey names a key of the keyring.
type dayKey struct {
	grant consent.GrantID
	day   int32
}

// hashedName is a recording and what a replay calls it.
type hashedName struct {
	recording string
	name      [16]byte
}

// cacheKey names a stream by what it was opened for.
type cacheKey struct {
	grant  consent.GrantID
	digest consent.Digest
	epoch  uint64
}

// Open opens the buffer in o.Dir, or makes it. Damage inside the files does not make it fail: what can be read is kept,
// the rest is told in [Status].Gaps, and a read-only disk is told in Status.State. It fails when an option is missing,
// when the directory cannot be used at all, and when another process has the buffer open.
//
// With a backlog it returns before all of it was looked through, so that a start takes as long as with an empty buffer. Rows
// can be handed over and committed and grants be dropped at once. Status counts what was looked through so far and says how
// many files are left; whatever else depends on what lies in the buffer waits until all of it was.
func Open(o Options) (*Store, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	s := &Store{
		opt: o, disk: o.disk, buffer: filepath.Join(o.Dir, "buffer"), quarantine: filepath.Join(o.Dir, "quarantine"),
		segments: map[uint64]*segment{}, index: map[uint32]*streamIndex{}, days: map[dayKey]int{},
		newest: map[consent.GrantID]int32{}, discards: map[dayKey]bool{}, replays: map[replay]uint64{},
		losses: map[uint32]lossCount{}, open: map[lotKey]*lot{}, named: map[uint32]naming{}, dropped: map[consent.GrantID]bool{}, cache: map[cacheKey]uint32{},
		condition: StateOK, counts: map[string]uint64{}, firstRows: make(chan struct{}),
	}
	s.settled = sync.OnceFunc(func() { close(s.firstRows) })
	for _, dir := range []string{s.buffer, s.quarantine} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			if _, statErr := os.Stat(s.buffer); statErr != nil {
				return nil, fmt.Errorf("store: %w", err)
			}
		}
	}
	_ = s.disk.sync(o.Dir) // the new directories; a read-only disk has none
	s.lookedAt = sync.NewCond(&s.mu)
	s.io.Lock()
	defer s.io.Unlock()
	if err := s.load(); err != nil {
		return nil, err
	}
	s.startLooking()
	_ = s.tidy()
	return s, nil
}

// Begin says that rows will come: from here on the buffer counts as open, so that a power cut before the first of them is
// on the disk is told at the next Open. Whoever only looks has no need of it. On a disk that takes no writing it is an error, and
// a cut then loses nothing that was promised to be kept.
func (s *Store) Begin() error {
	s.io.Lock()
	defer s.io.Unlock()
	if s.isClosed() {
		return ErrClosed
	}
	if err := s.ready(); err != nil {
		return err
	}
	return s.commit(s.begin())
}

// Close commits what waits, marks the buffer as closed in good order and gives the files back. The store cannot be used
// afterwards. An error says that rows which waited are lost; the files are given back all the same.
func (s *Store) Close() error {
	defer s.looking.Wait()
	s.settled()
	s.io.Lock()
	defer s.io.Unlock()
	if s.isClosed() {
		return nil
	}
	err := s.flush()
	if err == nil {
		if err = s.ready(); err == nil {
			c := s.begin()
			c.next.clean = true
			err = s.commit(c)
		}
	}
	s.mu.Lock()
	s.closed = true
	s.lookedAt.Broadcast()
	s.mu.Unlock()
	if s.active != nil {
		err = errors.Join(err, s.active.close())
		s.active = nil
	}
	if err != nil {
		return fmt.Errorf("store: close: %w", err)
	}
	return nil
}

func (s *Store) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}
