//go:build linux && (amd64 || arm64)

package simulation

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/candor-edge/candor/uplink/receive"
	"github.com/candor-edge/candor/uplink/wire"
)

// peerStream is what the recipient knows of a stream.
type peerStream struct {
	announcement *wire.Announcement
	digest       [16]byte
	last         uint64
	seqs         map[uint64][16]byte
	withdrawn    bool
}

// memory is what a recipient could have forgotten and the test has not.
type memoryOf struct {
	yes    *yes
	seqs   map[uint64][16]byte
	erased bool          // a deletion of it was confirmed
	alone  bool          // and the yes held then, or ended without a no, so that it says nothing about it
	at     time.Duration // when it was announced first
}

// recipient is the far end behind the real handler: it implements receive.Sink and receive.Seen in memory, remembers what it
// may forget, and holds every row against the model.
type recipient struct {
	l       *life
	mu      sync.Mutex
	streams map[wire.StreamID]*peerStream
	byName  map[[16]byte]*peerStream
	ever    map[wire.StreamID]*memoryOf
	rows    int
}

func newRecipient(l *life) *recipient {
	r := &recipient{l: l, ever: map[wire.StreamID]*memoryOf{}}
	r.forget()
	return r
}

// forget loses all that the recipient knows.
func (r *recipient) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.streams, r.byName = map[wire.StreamID]*peerStream{}, map[[16]byte]*peerStream{}
}

// forgetSome loses what came last of each stream, as a recipient that was restored from its backup.
func (r *recipient) forgetSome() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.streams {
		for seq := range s.seqs {
			if seq+3 > s.last {
				delete(s.seqs, seq)
			}
		}
		s.last = 0
		for seq := range s.seqs {
			s.last = max(s.last, seq)
		}
	}
}

func (s *peerStream) known() receive.Stream {
	return receive.Stream{Announcement: s.announcement, Last: s.last, Withdrawn: s.withdrawn}
}

// ByAnnouncement implements receive.Seen.
func (r *recipient) ByAnnouncement(_ context.Context, digest [16]byte) (receive.Stream, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.byName[digest]; s != nil {
		return s.known(), nil
	}
	return receive.Stream{}, receive.ErrUnknown
}

// ByID implements receive.Seen.
func (r *recipient) ByID(_ context.Context, id wire.StreamID) (receive.Stream, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.streams[id]; s != nil && s.announcement != nil {
		return s.known(), nil
	}
	return receive.Stream{}, receive.ErrUnknown
}

// Announce implements receive.Sink.
func (r *recipient) Announce(_ context.Context, m *receive.Announced) (known bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.l.disk.dead.Load() {
		return false, errDark
	}
	r.l.announced(r, m.Announcement)
	id := m.Announcement.Stream
	s := r.streams[id]
	switch {
	case s != nil && s.withdrawn:
		return false, receive.ErrWithdrawn
	case s != nil:
		return true, nil
	}
	s = &peerStream{announcement: m.Announcement, digest: m.Digest, seqs: map[uint64][16]byte{}}
	r.streams[id], r.byName[m.Digest] = s, s
	return false, nil
}

// Store implements receive.Sink.
func (r *recipient) Store(_ context.Context, m *receive.Delivery) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.streams[m.Announcement.Stream]
	switch {
	case r.l.disk.dead.Load():
		return errDark
	case s == nil:
		return receive.ErrUnknown
	case s.withdrawn:
		return receive.ErrWithdrawn
	}
	if had, ok := s.seqs[m.Batch.Seq]; ok {
		if had != m.Digest {
			return &receive.Refusal{Code: receive.CodeConflict}
		}
		return nil
	}
	r.l.delivered(r, m)
	s.seqs[m.Batch.Seq], s.last = m.Digest, max(s.last, m.Batch.Seq)
	return nil
}

// Withdraw implements receive.Sink.
func (r *recipient) Withdraw(_ context.Context, m *receive.Withdrawal) ([]receive.Erased, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.l.disk.dead.Load() {
		return nil, errDark
	}
	r.l.deleted(r, m.Stream)
	s := r.streams[m.Stream]
	if s == nil {
		s = &peerStream{}
		r.streams[m.Stream] = s
	}
	s.withdrawn, s.seqs = true, nil
	return []receive.Erased{{Store: "memory", Count: 0}}, nil
}

// announced holds an announcement against the model. r.mu is held.
func (l *life) announced(r *recipient, a *wire.Announcement) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.model.lapse(now)
	known := r.ever[a.Stream]
	again := known != nil
	if known == nil {
		known = &memoryOf{seqs: map[uint64][16]byte{}, at: now}
		for _, y := range l.model.yeses { // the newest that could be meant
			if y.purpose == a.Purpose && (y.to == 0 || now <= y.to+grace || y.loose) && y.from <= now {
				known.yes = y
			}
		}
		r.ever[a.Stream] = known
		if known.yes != nil {
			known.yes.streams++
		}
	}
	if why := l.model.may(known.yes, now); why != "" {
		if again && l.ghost[a.Purpose] != nil {
			return // an old card tells again what it told before, and hears that the yes is over
		}
		l.violate("granted", "a stream of %s was announced: %s", a.Purpose, why)
		return
	}
	if l.quiet {
		l.violate("page", "a stream of %s was announced while the page said %q", a.Purpose, l.truthLine)
	}
	for _, g := range a.Groups {
		for i, f := range g.Fields {
			if !slices.Contains(fieldsOf(a.Purpose), f.Name) {
				l.violate("granted", "%s announces %s", a.Purpose, f.Name)
			}
			step := g.Fields[i].Step
			for range scaleOf(f.Name) - f.Scale {
				step *= 10
			}
			if f.Name == "hall.co2" && !again && !slices.Contains(l.model.stepsNow(known.yes, now), step) {
				l.violate("granted", "%s announces %s in steps of %d, it may be %d", a.Purpose, f.Name, step, l.model.stepsNow(known.yes, now))
			}
		}
	}
}

func fieldsOf(purpose string) []string {
	return map[string][]string{"air": {"hall.co2", "hall.light"}, "trends": {"hall.temperature", "hall.first", "hall.last"}, "card": {"hall.badge", "hall.light"}}[purpose]
}

// delivered holds a batch that the recipient had not stored against the model. r.mu is held.
func (l *life) delivered(r *recipient, m *receive.Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, a, b := l.now(), m.Announcement, m.Batch
	l.model.lapse(now)
	known := r.ever[a.Stream]
	if known == nil {
		l.violate("granted", "a batch of a stream that was never announced")
		return
	}
	if why := l.model.may(known.yes, now); why != "" {
		l.violate("granted", "a batch of %s with %d rows arrived: %s", a.Purpose, b.Rows(), why)
		return
	}
	if l.quiet {
		l.violate("page", "a batch of %s arrived while the page said %q", a.Purpose, l.truthLine)
	}
	if l.stuck {
		l.violate("granted", "a batch of %s arrived from an object whose disk takes no writing: it could be neither noted nor taken back", a.Purpose)
	}
	if had, ok := known.seqs[b.Seq]; ok {
		if had != m.Digest && !l.model.lax {
			l.violate("twice", "number %d of a stream of %s stands for two uploads", b.Seq, a.Purpose)
		}
		if had == m.Digest {
			return // the recipient had forgotten it
		}
	}
	known.seqs[b.Seq] = m.Digest
	for _, loss := range b.Losses {
		l.told += int(loss.Count)
	}
	for _, row := range rowsOf(a, b) {
		r.rows++
		y, why := l.model.takes(a.Purpose, &row, now)
		switch {
		case why != "" && strings.Contains(why, "twice"):
			l.violate("twice", "%s, in number %d", why, b.Seq)
		case why != "":
			l.violate("granted", "%s: %s", a.Purpose, why)
		case y != known.yes && !l.model.lax:
			l.violate("granted", "%s: a row under the yes of %v came in the stream of the yes of %v", a.Purpose, y.from, known.yes.from)
		}
	}
}

// deleted holds a deletion request against the model. r.mu is held.
func (l *life) deleted(r *recipient, id wire.StreamID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := r.ever[id]
	if known == nil {
		return // never announced: nothing was kept
	}
	known.erased = true
	known.alone = known.yes != nil && !l.model.deletes(known.yes) && !l.unsure[known.yes.purpose]
	if y := known.yes; y != nil && y.to == 0 && !l.model.lax && !l.model.erasedThere && !l.free(y.purpose) {
		l.violate("granted", "the deletion of a stream of %s was asked for although the yes of %v holds", y.purpose, y.from)
	}
}

var errDark = errors.New("the object that sends this has lost its power")

// scaleOf is in how many decimals a field is measured.
func scaleOf(field string) int {
	return map[string]int{"hall.co2": 2}[field] + 3*map[bool]int{true: 1}[field != "hall.co2"]
}

// rowsOf takes a batch apart.
func rowsOf(a *wire.Announcement, b *wire.Batch) (out []row) {
	for i := range b.Groups {
		g := &b.Groups[i]
		for n, t := range g.Time {
			r := row{values: map[string]int64{}, tokens: map[string]string{}}
			if !b.Clock.Untrusted {
				r.at = time.UnixMicro(t * a.Tick).UTC()
			}
			for c := range g.Columns {
				col, f := &g.Columns[c], a.Groups[g.Group].Fields[c]
				switch {
				case !col.Has(n):
				case col.Tokens != nil:
					r.tokens[f.Name] = col.Tokens[n]
				default:
					v := col.Nums[n]
					for range scaleOf(f.Name) - f.Scale {
						v *= 10
					}
					r.values[f.Name] = v
				}
			}
			out = append(out, r)
		}
	}
	return out
}
