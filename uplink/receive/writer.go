package receive

import (
	"errors"
	"slices"

	"github.com/candor-edge/candor/uplink/wire"
)

// Bounds of one round: what is waiting goes together, up to here.
const (
	roundRequests = 128
	roundBytes    = 8 << 20
)

// run is the writer: it commits what is queued, round after round.
func (s *DirSink) run() {
	defer close(s.done)
	defer s.lock.Close()
	defer s.journal.close()
	for {
		select {
		case r := <-s.queue:
			s.round(s.gather(r))
		case <-s.quit:
			for {
				select {
				case r := <-s.queue:
					s.round(s.gather(r))
				default:
					return
				}
			}
		}
	}
}

// gather takes what is waiting beside the first request.
func (s *DirSink) gather(first *request) []*request {
	list, size := []*request{first}, first.size()
	for len(list) < roundRequests && size < roundBytes {
		select {
		case r := <-s.queue:
			list = append(list, r)
			size += r.size()
		default:
			return list
		}
	}
	return list
}

// round commits requests. Withdrawals come after, so that what was accepted
// beside them is removed as well, and last what has had its time.
func (s *DirSink) round(list []*request) {
	if err := s.Err(); err != nil {
		for _, r := range list {
			r.reply <- err
		}
		return
	}
	c := &commit{s: s, files: make(map[string]*appendFile), batches: make(map[batchName][16]byte), streams: make(map[wire.StreamID]*Announced)}
	var gone, forget []*request
	for _, r := range list {
		switch {
		case r.withdrawal != nil:
			gone = append(gone, r)
		case r.forget != nil:
			forget = append(forget, r)
		case c.failed != nil:
			c.waiting = append(c.waiting, outcome{r, nil})
		case r.announced != nil:
			c.announce(r)
		default:
			c.store(r)
		}
	}
	c.finish()
	if len(gone) > 0 || c.late {
		s.withdraw(gone)
	}
	for _, r := range forget {
		r.reply <- s.forget(r.forget)
	}
}

// reach calls the test hook.
func (s *DirSink) reach(point string) error {
	if s.step == nil {
		return nil
	}
	return s.step(point)
}

// record commits a journal record and applies it. A journal that can't be
// trusted any more breaks the sink until it is opened again.
func (s *DirSink) record(body []byte) error {
	if err := s.Err(); err != nil {
		return err
	}
	if err := s.journal.commit(body); err != nil {
		if errors.Is(err, errJournal) {
			s.breakDown(err)
		}
		return err
	}
	s.mu.Lock()
	err := s.st.record(body)
	s.mu.Unlock()
	if err != nil {
		s.breakDown(err)
	}
	return err
}

func (s *DirSink) breakDown(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.broken = err
		s.log.Error("nothing can be stored until the receiver is started again", "error", err)
	}
}

type batchName struct {
	stream wire.StreamID
	seq    uint64
}

// outcome is a request and what it is told once the round is committed.
type outcome struct {
	r   *request
	err error
}

// commit is one round of announcements and batches: rows and raw messages are
// written, synced, then the journal says so, then the requests are answered.
type commit struct {
	s       *DirSink
	body    []byte                 // the journal record
	files   map[string]*appendFile // by path
	rows    []string               // purposes whose file of rows grew
	batches map[batchName][16]byte
	streams map[wire.StreamID]*Announced
	waiting []outcome
	late    bool  // a stream was announced that was withdrawn before
	failed  error // then nothing of the round is kept
}

// wait answers a request when the round is committed.
func (c *commit) wait(r *request, err error) { c.waiting = append(c.waiting, outcome{r, err}) }

// announce decides about an announcement and writes it.
func (c *commit) announce(r *request) {
	m, id := r.announced, r.announced.Announcement.Stream
	if old := c.s.st.streams[id]; old != nil {
		r.known = old.digest == m.Digest
		r.reply <- announceAgain(old.withdrawn, r.known)
		return
	}
	if other := c.streams[id]; other != nil {
		r.known = other.Digest == m.Digest
		c.wait(r, announceAgain(false, r.known))
		return
	}
	var withdrawn error
	var late *entry
	for _, signed := range c.s.st.pending[id] {
		if VerifyDeletion(m.Announcement, signed) == nil {
			late, withdrawn = &entry{kind: entryWithdraw, stream: id, signed: signed}, ErrWithdrawn
		}
	}
	raw, err := c.open(c.s.at.raw(id), 0)
	if err != nil {
		r.reply <- err
		return
	}
	if err := raw.write(m.Signed); err != nil {
		c.failed = err
	}
	c.add(&entry{kind: entryAnnounce, signed: m.Signed, end: raw.end})
	if late != nil {
		c.add(late)
		c.late = true
	}
	c.streams[id] = m
	c.wait(r, withdrawn)
}

func announceAgain(withdrawn, same bool) error {
	switch {
	case withdrawn:
		return ErrWithdrawn
	case !same:
		return ErrStream
	}
	return nil
}

// store decides about a batch and writes it.
func (c *commit) store(r *request) {
	m := r.delivery
	name := batchName{m.Announcement.Stream, m.Batch.Seq}
	st := c.s.st.streams[name.stream]
	switch {
	case st == nil:
		r.reply <- ErrUnknown
		return
	case st.withdrawn:
		r.reply <- ErrWithdrawn
		return
	}
	if old, ok := st.seen.find(name.seq); ok {
		r.reply <- storeAgain(old, m.Digest)
		return
	}
	if old, ok := c.batches[name]; ok {
		c.wait(r, storeAgain(old, m.Digest))
		return
	}
	// Both are opened before anything is written, so that a file somebody
	// moved stops its own batches only.
	raw, err := c.open(c.s.at.raw(name.stream), st.raw)
	if err != nil {
		r.reply <- err
		return
	}
	rows, err := c.openRows(m.Announcement.Purpose)
	if err != nil {
		r.reply <- err
		return
	}
	c.s.rowBuf, err = newRowWriter(m.Announcement, m.Batch).each(c.s.rowBuf[:0], func(b []byte) ([]byte, error) {
		return b[:0], rows.write(b)
	})
	if err == nil {
		err = raw.write(m.Signed)
	}
	if err != nil {
		c.failed = err
	}
	c.batches[name] = m.Digest
	c.s.expects(m.Announcement.Purpose, m.Batch.DeleteBy)
	c.add(&entry{kind: entryBatch, stream: name.stream, seq: name.seq, digest: m.Digest, end: raw.end})
	c.wait(r, nil)
}

func storeAgain(old, digest [16]byte) error {
	if old != digest {
		return ErrSeq
	}
	return nil
}

func (c *commit) add(e *entry) { c.body = e.append(c.body) }

// open returns the file that grows under a path in this round.
func (c *commit) open(path string, committed int64) (*appendFile, error) {
	if f := c.files[path]; f != nil {
		return f, nil
	}
	f, err := openAppend(path, committed)
	if err == nil {
		c.files[path] = f
	}
	return f, err
}

// openRows returns the file of a purpose's rows.
func (c *commit) openRows(purpose string) (*appendFile, error) {
	st := c.s.st.files[purpose]
	if st == nil {
		// So that a crash leaves no row in a file the journal doesn't know.
		if err := c.s.record((&entry{kind: entryFile, purpose: purpose}).append(nil)); err != nil {
			return nil, err
		}
		st = c.s.st.files[purpose]
	}
	f, err := c.open(c.s.at.rows(purpose), st.size)
	if err == nil && !slices.Contains(c.rows, purpose) {
		c.rows = append(c.rows, purpose)
	}
	return f, err
}

// finish commits the round, or takes it back, and answers.
func (c *commit) finish() {
	if len(c.waiting) == 0 {
		c.release()
		return
	}
	err := c.failed
	if err == nil {
		err = c.commit()
	}
	if err != nil {
		// Once the journal may have it, it stays for the next start to decide.
		if c.s.Err() == nil {
			c.takeBack()
		}
		c.s.log.Error("a round was not stored", "requests", len(c.waiting), "error", err)
	}
	c.release()
	if err == nil {
		for _, m := range c.streams {
			c.s.describe(m.Announcement)
		}
	}
	for _, o := range c.waiting {
		if err != nil {
			o.r.reply <- err
			continue
		}
		o.r.reply <- o.err
	}
}

func (c *commit) commit() error {
	if err := c.s.reach("written"); err != nil {
		return err
	}
	if err := syncAll(c.files); err != nil {
		return err
	}
	if err := c.syncNames(); err != nil {
		return err
	}
	if err := c.s.reach("synced"); err != nil {
		return err
	}
	for _, p := range c.rows {
		c.add(&entry{kind: entryFile, purpose: p, end: c.files[c.s.at.rows(p)].end})
	}
	if len(c.body) == 0 {
		return nil
	}
	if err := c.s.record(c.body); err != nil {
		return err
	}
	c.s.reach("committed") // too late to fail
	return nil
}

// syncNames makes the names of new files durable.
func (c *commit) syncNames() error {
	for _, a := range c.files {
		if a.start > 0 {
			continue
		}
		if err := syncDir(c.s.at.dir); err != nil {
			return err
		}
		return syncDir(c.s.at.rawDir())
	}
	return nil
}

// takeBack cuts what the round wrote. What can't be cut now is cut when the
// file is opened next.
func (c *commit) takeBack() {
	for path, a := range c.files {
		if err := a.f.Truncate(a.start); err != nil {
			c.s.log.Warn("could not cut a file back, will do so when it is used next", "file", path, "error", err)
		}
	}
}

func (c *commit) release() {
	for _, a := range c.files {
		a.f.Close() // synced or taken back; nothing is left to lose
	}
}
