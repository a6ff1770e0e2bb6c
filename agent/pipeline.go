package agent

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/uplink/timeline"
)

// pipeline is the corridor a reading walks: stamped, cleared, stored. It owns the plan in force. Safe for concurrent
// use; readings of several sources take turns.
type pipeline struct {
	clock sensors.Clock
	time  *timeline.Keeper // nil: the sources' clock is the object's
	store *store.Store

	mu       sync.Mutex
	plan     *consent.Plan
	inForce  atomic.Pointer[consent.Plan] // the same, for those who must not wait for a disk
	granted  []consent.GrantID
	windows  *consent.Windows
	facts    *consent.Windows // of attributes, which are told grant by grant
	taken    sensors.Reading  // the one that is under way: here it costs no memory of its own
	rows     []consent.Cleared
	marks    []store.Mark           // how far recordings are used up, stored with the rows
	mine     func(*sensors.Reading) // keeps a reading for the person; nil: nobody does
	hold     func() error           // called before a reading is taken; nil: readings never wait
	secret   []byte                 // keys the names of marks: they would else be digests of raw readings
	replayed map[string]*replay     // by source name, of sources that resume
	lastErr  error                  // the newest refusal of the store
}

// replay is how far a recording has been read.
type replay struct {
	name     string // under which the store keeps the position
	position uint64 // of the newest reading
}

func newPipeline(clock sensors.Clock, keeper *timeline.Keeper, st *store.Store, keys consent.KeyMaker, secret []byte) *pipeline {
	empty, _ := consent.Compile(consent.Inputs{})
	p := &pipeline{clock: clock, time: keeper, store: st, plan: empty, windows: consent.NewWindows(keys), facts: consent.NewWindows(keys), secret: secret, replayed: map[string]*replay{}}
	p.inForce.Store(empty)
	return p
}

// Plan is the plan in force. It implements uplink.Gate.
func (p *pipeline) Plan() *consent.Plan {
	return p.inForce.Load()
}

// CompleteBefore implements uplink.Gate.
func (p *pipeline) CompleteBefore(grant consent.GrantID, group int) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.plan.CompleteBefore(p.windows, grant, group, p.now())
}

// use puts a plan in force: from here on nothing is cleared by the one before.
func (p *pipeline) use(plan *consent.Plan) {
	p.inForce.Store(plan) // nothing more is sent by the one before, even while a commit holds the lock
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plan = plan
	p.granted = p.granted[:0]
	for _, q := range plan.Purposes() {
		if q.State == consent.Given {
			p.granted = append(p.granted, q.Grant.ID)
		}
	}
}

// pause stops and starts clearing: what is taken meanwhile never leaves.
func (p *pipeline) pause(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.windows.Pause(on)
	p.facts.Pause(on)
}

// erase forgets what open windows hold of some days.
func (p *pipeline) erase(first, last int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.windows.EraseDays(first, last)
}

// markName is the name under which the store remembers something about a source.
func (p *pipeline) markName(parts ...string) string {
	h := hmac.New(sha256.New, p.secret)
	for _, part := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// closedName is the mark for the windows of a source that were told.
func (p *pipeline) closedName(source string, window sensors.Micros) string {
	return p.markName("closed", source, strconv.FormatInt(int64(window), 10))
}

// recall tells the memory which windows of a source each grant was told before a restart.
func (p *pipeline) recall(source string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range p.plan.Purposes() {
		if q.State != consent.Given {
			continue
		}
		for _, g := range q.Groups {
			if g.Source != source || g.Window == 0 {
				continue
			}
			if at := p.store.Position(q.Grant.ID, p.closedName(source, g.Window)); at > 0 {
				p.windows.ClosedBefore(q.Grant.ID, source, g.Window, sensors.Micros(at))
			}
		}
	}
}

// resume tells the memory how far each grant has used a recording, and returns the least of it: where the source
// begins again.
func (p *pipeline) resume(source, recording string) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := &replay{name: p.markName("replay", source, recording)}
	p.replayed[source] = r
	var least uint64
	for i, g := range p.granted {
		at := p.store.Position(g, r.name)
		p.windows.SkipTo(g, source, at)
		if i == 0 || at < least {
			least = at
		}
	}
	return least
}

// begin notes for a new grant how far recordings were read before it: what was taken by then never leaves under it.
func (p *pipeline) begin(grant consent.GrantID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.replayed {
		if r.position > 0 {
			p.store.Advance(grant, r.name, r.position)
		}
	}
}

// take is what sources emit to.
func (p *pipeline) take(reading sensors.Reading) error {
	if p.hold != nil {
		if err := p.hold(); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken = reading
	r := &p.taken
	r.Taken = p.now()
	if p.time != nil && r.Position == 0 {
		r.Time = p.time.Reading(r.Time)
	}
	if p.mine != nil {
		p.mine(r)
	}
	p.rows = p.plan.Clear(p.windows, r, p.rows[:0])
	if r.Position > 0 {
		p.advance(r)
	}
	return p.keep()
}

// advance marks, with the rows that came of it, how far a recording was used by each grant that got some. A grant that
// gets windows only has used it up to the reading before: the one that closed a window is the first of the next, and
// after a power cut it is read again.
func (p *pipeline) advance(r *sensors.Reading) {
	at := p.replayed[r.Source]
	if at == nil {
		return
	}
	for i := range p.rows {
		q := p.rows[i].Purpose()
		mark := store.Mark{Grant: q.Grant.ID, Recording: at.name, Position: r.Position}
		if q.WindowsOnly() {
			mark.Position = at.position
		}
		p.marks = append(p.marks, mark)
	}
	at.position = r.Position
}

// tell clears a reading of facts for one grant.
func (p *pipeline) tell(grant consent.GrantID, r sensors.Reading) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.Taken = p.now()
	if p.time != nil {
		r.Time = p.time.Reading(r.Time)
	}
	p.rows = p.plan.Only(grant).Clear(p.facts, &r, p.rows[:0])
	_ = p.keep()
}

// ended closes what a source that has ended left open.
func (p *pipeline) ended(source string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rows = p.plan.CloseSource(p.windows, source, p.rows[:0])
	for i := range p.rows {
		if c := p.rows[i]; c.Coverage() >= 0 {
			q := c.Purpose()
			window := q.Groups[c.Group()].Window
			end := sensors.Micros(c.Time())*q.Tick + max(window, q.Tick)
			p.marks = append(p.marks, store.Mark{Grant: q.Grant.ID, Recording: p.closedName(source, window), Position: uint64(end)})
		}
	}
	if at := p.replayed[source]; at != nil && at.position > 0 {
		for _, g := range p.granted {
			p.marks = append(p.marks, store.Mark{Grant: g, Recording: at.name, Position: at.position})
		}
	}
	return p.keep()
}

// keep hands cleared rows to the store. The store's trouble is its own state and does not stop sensing.
func (p *pipeline) keep() error {
	if len(p.rows) == 0 && len(p.marks) == 0 {
		return nil
	}
	if err := p.store.Append(p.rows, p.marks...); err != nil {
		p.lastErr = err
	}
	p.marks = p.marks[:0]
	return nil
}

// withheld lists what did not leave and why.
func (p *pipeline) withheld() []consent.Withheld {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.windows.Withheld()
}

// trouble is the newest refusal of rows since the start; nil when all were taken.
func (p *pipeline) trouble() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lastErr
}

func (p *pipeline) now() sensors.Micros { return sensors.Micros(p.clock.Now().UnixMicro()) }
