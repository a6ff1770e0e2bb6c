package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// History is what the object keeps for the person: raw readings, and the readable copy of each batch that was made for a
// recipient. It lies in files of its own beside the buffer, with room of its own, so that it never costs a recipient a row;
// sealed under day keys of the grant of `mine`, as everything else is.
//
// It takes [consent.Kept], which the buffer does not, and has no Cut and no [Outgoing]: what is in it can be read, and
// there is no call by which it could be sent. It is safe for concurrent use.
type History struct {
	s *Store

	mu      sync.Mutex
	names   map[dayOf]uint32          // streams by what they hold
	over    map[consent.GrantID]int64 // days before it have expired; guarded by the store's mu
	went    int64                     // the day for which streams of an agent before this one were looked for
	last    uint32                    // the stream begun last
	heads   map[dayHead]uint32        // streams of the newest day that an agent before this one began
	told    map[announced]bool
	open    map[consent.Digest]*consent.Mine // as last appended, for Stream
	purpose *consent.Purpose                 // what the store below sees of the grant
}

// dayOf names a stream of the history: the rows of one grant, day and set of fields.
type dayOf struct {
	grant  consent.GrantID
	day    int64
	digest consent.Digest
}

// dayHead names a stream by what lies at its head.
type dayHead struct {
	grant  consent.GrantID
	day    int64
	fields string
}

// announced is a batch's stream whose announcement is kept with a day's copies already.
type announced struct {
	stream uint32
	name   string
}

// What an aside is, by its first field.
const (
	asideFields       = "fields"
	asideAnnouncement = "announcement"
	asideCopy         = "copy"
)

// historyDir is the folder of the history in the state directory.
const historyDir = "history"

// keptMark is the recording under which it is noted that the person keeps her history after a withdrawal.
const keptMark = "kept by the person"

// LeastHistory is the least room a history can work with, in bytes.
const LeastHistory = 8 * 16 * pageSize

// OpenHistory opens the history in o.Dir, or makes it. Of the options Streams is not looked at. On the disk it leaves twice
// the reserve of the buffer free, so that it gives way before the buffer has to. Errors are those of [Open].
func OpenHistory(o Options) (*History, error) {
	h := &History{names: map[dayOf]uint32{}, heads: map[dayHead]uint32{}, told: map[announced]bool{}, open: map[consent.Digest]*consent.Mine{}, over: map[consent.GrantID]int64{}, went: -1}
	o.Dir, o.Streams = filepath.Join(o.Dir, historyDir), h
	o.Reserve = 2 * orDefault(o.Reserve, min(16<<20, diskSize(filepath.Dir(o.Dir))/8))
	s, err := Open(o)
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	h.s = s
	return h, nil
}

// Await waits until it is known what lies in the files, see [Open].
func (h *History) Await() { h.s.Await() }

// goOn finds the streams that an agent before this one began for a day, so that one which is started often goes on in them. It
// waits until their heads are known; they are in the newest files, which are looked through first. h.mu is held.
func (h *History) goOn(day int64) {
	h.s.mu.Lock()
	begun := map[uint32]consent.GrantID{}
	for id, st := range h.s.state.streams {
		if int64(st.epoch) == day && !st.retired && !st.uncertain {
			begun[id] = st.grant
		}
	}
	h.s.awaitLocked(func() bool {
		for id := range begun {
			if x := h.s.index[id]; x == nil || len(x.outs) == 0 || x.outs[0].batch != 1 {
				return false
			}
		}
		return true
	})
	h.s.mu.Unlock()
	for id, grant := range begun {
		if fields, err := h.head(id); err == nil {
			h.heads[dayHead{grant, day, string(fields)}] = id
		}
	}
}

// fresh is a number that no stream has.
func (h *History) fresh() uint32 {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	next := h.last + 1
	for id := range h.s.state.streams {
		next = max(next, id+1)
	}
	return next
}

// Stream implements [Streams] for the store below: a stream holds what was taken under one grant, on one UTC day, from
// one set of fields. What the fields were is stored at its head.
func (h *History) Stream(p *consent.Purpose, day uint64) (uint32, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stream(p.Grant.ID, int64(day), p.Digest)
}

func (h *History) stream(grant consent.GrantID, day int64, digest consent.Digest) (uint32, error) {
	key := dayOf{grant, day, digest}
	if id, ok := h.names[key]; ok {
		return id, nil
	}
	m := h.open[digest]
	if m == nil {
		return 0, errors.New("store: a history of unknown fields")
	}
	fields, err := json.Marshal(historyFields(m))
	if err != nil {
		return 0, fmt.Errorf("store: history: %w", err)
	}
	if h.went != day {
		h.went = day
		h.goOn(day)
	}
	if id, ok := h.heads[dayHead{grant, day, string(fields)}]; ok {
		h.names[key] = id
		return id, nil
	}
	id := h.fresh()
	head := &aside{stream: id, grant: grant, day: int32(day), upload: Upload{Bytes: fields, Fields: []string{asideFields}}}
	if err := h.s.putBeside(head); err != nil {
		return 0, err
	}
	h.last = id
	if len(h.names) > 16 { // days that are over, and fields that are no more
		clear(h.names)
		clear(h.told)
	}
	h.names[key] = id
	return id, nil
}

// HistorySource is a source as the history keeps it.
type HistorySource struct {
	Name   string         `json:"name"`
	Every  sensors.Micros `json:"every,omitempty"` // between two readings; 0 when nothing fixes it
	Fields []HistoryField `json:"fields"`
}

// HistoryField is what the numbers of a field mean.
type HistoryField struct {
	Name  string        `json:"name"`
	Unit  string        `json:"unit,omitempty"` // SenML
	Scale int           `json:"scale,omitempty"`
	Type  sensors.Type  `json:"type"`
	Class sensors.Class `json:"class"`
}

func historyFields(m *consent.Mine) []HistorySource {
	out := make([]HistorySource, 0, len(m.Sources))
	for _, s := range m.Sources {
		src := HistorySource{Name: s.Name, Every: s.Every}
		for _, f := range s.Fields {
			src.Fields = append(src.Fields, HistoryField{f.Name, f.Kind.Unit, f.Kind.Scale, f.Kind.Type, f.Class})
		}
		out = append(out, src)
	}
	return out
}

// Append takes a reading over; it copies it. It waits in memory until Flush, under the same rules as in [Store.Append].
func (h *History) Append(k consent.Kept) error {
	m := k.Mine()
	if m == nil || m.State != consent.Given || m.Grant.ID == 0 {
		return errors.New("store: a reading that nobody agreed to keep")
	}
	p := h.purposeOf(m)
	day := k.Taken().DayNumber()
	return h.s.take([]incoming{{p, uint64(max(day, 0)), day, Row{Group: k.Source(), Time: int64(k.Time()), Coverage: -1, Cells: k.Cells()}}}, nil)
}

// purposeOf is what the store below has to know of a grant.
func (h *History) purposeOf(m *consent.Mine) *consent.Purpose {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.purpose; p != nil && p.Grant.ID == m.Grant.ID && p.Digest == m.Digest {
		return p
	}
	h.purpose = &consent.Purpose{ID: consent.MineID, Grant: m.Grant, Digest: m.Digest}
	clear(h.open)
	h.open[m.Digest] = m
	return h.purpose
}

// Flush commits what waits, in one transaction.
func (h *History) Flush() error { return h.s.Flush() }

// Status tells how the files stand, as [Store.Status] does.
func (h *History) Status() Status { return h.s.Status() }

// Close commits what waits and gives the files back.
func (h *History) Close() error { return h.s.Close() }

// Drop forgets everything of a grant, as [Store.DropGrant] does.
func (h *History) Drop(grant consent.GrantID) error { return h.s.DropGrant(grant) }

// Retain notes that the person keeps what is here of a grant that she has taken back: it stays until its days are over. An
// error says that this is not durable.
func (h *History) Retain(grant consent.GrantID) error {
	h.s.Advance(grant, keptMark, 1)
	return h.s.Flush()
}

// Retained tells whether Retain was said of a grant.
func (h *History) Retained(grant consent.GrantID) bool { return h.s.Position(grant, keptMark) > 0 }

// Empty tells whether nothing of a grant is kept.
func (h *History) Empty(grant consent.GrantID) bool {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	h.s.awaitLocked(never)
	for k := range h.s.days {
		if k.grant == grant {
			return false
		}
	}
	return !slices.ContainsFunc(h.s.waiting, func(l *lot) bool { return l.grant == grant })
}

// Expire forgets the days of a grant before `before` (days since 1970), and the streams that held them. Their keys are
// given up with them. Nothing of them is handed out from then on; while files are not looked through yet, see [Open], they are
// let go of by the next call after that. An error says that this is not durable yet.
func (h *History) Expire(grant consent.GrantID, before int64) error {
	h.s.mu.Lock()
	h.over[grant] = max(before, h.over[grant])
	unread := len(h.s.unread) > 0
	h.s.mu.Unlock()
	if unread {
		return nil
	}
	if err := h.s.Expire(grant, before); err != nil {
		return err
	}
	var over []uint32
	h.s.mu.Lock()
	for id, st := range h.s.state.streams {
		if st.grant == grant && !st.retired && int64(st.epoch) < before && h.s.index[id] == nil {
			over = append(over, id)
		}
	}
	h.s.mu.Unlock()
	if len(over) == 0 {
		return nil
	}
	return h.s.alter(func() { h.retire(over) })
}

// EraseDays forgets the days from first to last (since 1970, both included) of every grant, also what waits in memory. The
// caller destroys their keys. An error says that this is not durable yet.
func (h *History) EraseDays(first, last int64) error {
	within := func(day int64) bool { return day >= first && day <= last }
	h.mu.Lock()
	clear(h.names) // what still comes of these days begins anew, with its head
	clear(h.heads)
	clear(h.told)
	h.mu.Unlock()
	h.s.Await()
	return h.s.alter(func() {
		var over []uint32
		for id, st := range h.s.state.streams {
			if within(int64(st.epoch)) && !st.retired {
				over = append(over, id)
			}
		}
		h.s.dropLots(func(l *lot) bool { return within(int64(l.day)) })
		h.s.asides = slices.DeleteFunc(h.s.asides, func(a *aside) bool { return within(int64(a.day)) })
		for _, id := range over {
			h.s.removeChunks(id, func(chunkRef) bool { return true })
			h.s.removeOuts(id, func(outRef) bool { return true })
		}
		h.retire(over)
		clear(h.s.cache)
		h.s.lately = lately{}
	})
}

// retire says that nothing more comes in these streams; the store's mu is held.
func (h *History) retire(over []uint32) {
	for _, id := range over {
		if st := h.s.state.streams[id]; st != nil {
			st.retired, st.losses = true, lossCount{}
			st.mark = position{^uint64(0), ^uint64(0)}
			st.gone = numbers{{0, ^uint64(0)}}
		}
		delete(h.s.losses, id)
		delete(h.s.named, id)
	}
}
