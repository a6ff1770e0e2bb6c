package agent

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
)

// The history is written when this much waits or this long has passed: a commit of its own every [buffer] flush would
// wear the card for readings that nobody waits for.
const (
	mineRows  = 4096
	mineFlush = 10 * time.Minute
)

// mine is the history kept for the person. Its files are opened with the first yes.
type mine struct {
	history atomic.Pointer[store.History]
	plan    atomic.Pointer[consent.Mine]
	live    atomic.Pointer[sensors.Live]
	trouble atomic.Pointer[string] // why it is not written; nil: it is
	cells   []consent.Cell         // of the reading that is taken; the pipeline's lock guards it
	flushed time.Time              // of the flush task
}

// historyShare is how many bytes of max_size are the history's: a quarter, or what it needs at least.
func (c *Config) historyShare() int64 { return max(int64(c.Buffer.MaxSize)/4, store.LeastHistory) }

func (c *Config) mineDays() int { return int(c.Mine.Keep.Std() / (24 * time.Hour)) }

// openMine opens the files of the history when there is a key for them. Nothing runs yet, or a.mu is held.
func (a *Agent) openMine() {
	if a.mine.history.Load() != nil || len(a.mineGrants()) == 0 {
		return
	}
	h, err := store.OpenHistory(store.Options{Dir: a.cfg.Device.State, Keys: a.keys, Rand: a.opts.Rand,
		MaxSize: a.cfg.historyShare(), Reserve: int64(a.cfg.Buffer.Reserve)})
	if err != nil {
		a.mineTrouble(err)
		return
	}
	a.mine.history.Store(h)
}

// mineGrants are the yeses to the history that a key is there for: the one in force, and those of which she keeps what is
// there.
func (a *Agent) mineGrants() (out []ledger.Answer) {
	for _, answer := range a.book.Answers() {
		if answer.Purpose == consent.MineID && a.hasKey(&answer) {
			out = append(out, answer)
		}
	}
	return out
}

func (a *Agent) mineTrouble(err error) {
	if err == nil {
		a.mine.trouble.Store(nil)
		return
	}
	text := err.Error()
	if before := a.mine.trouble.Swap(&text); before == nil || *before != text {
		a.opts.Log.Error("the history for the person could not be written; readings wait in memory", "error", err)
	}
}

// keptAfter tells whether the person keeps what is there under a yes that has ended. When the files can't be asked the keys
// stay: an unreadable disk must not destroy what she chose to keep.
func (a *Agent) keptAfter(answer *ledger.Answer) bool {
	if answer.Purpose != consent.MineID {
		return false
	}
	h := a.mine.history.Load()
	return h == nil || h.Retained(answer.ID)
}

// recompileMine decides anew where the history stands. a.mu is held, or nothing runs yet.
func (a *Agent) recompileMine() {
	in := consent.MineInputs{Keep: a.cfg.mineDays()}
	for i, s := range a.sourceFields() {
		if _, fixed := a.sources[i].source.(*attributes); !fixed { // facts are in candor.toml and are not measured
			in.Sources = append(in.Sources, s)
		}
	}
	if answer, ok := a.newestAnswer(consent.MineID); ok {
		state := consent.Given
		if answer.Withdrawn != 0 || !a.hasKey(&answer) {
			state = consent.Withdrawn
		}
		in.Agreed = answer.RetentionDays
		in.Answer = &consent.Answer{State: state, Grant: consent.Grant{ID: answer.ID, Purpose: consent.MineID, From: answer.Given, Extent: answer.Extent}}
	}
	a.mine.plan.Store(consent.CompileMine(in))
	if a.mine.live.Load() == nil {
		var sources []sensors.LiveSource
		for _, s := range in.Sources {
			sources = append(sources, sensors.LiveSource{Name: s.Name, Fields: s.Fields})
		}
		a.mine.live.Store(sensors.NewLive(sources, sensors.LiveSize))
	}
}

// takeMine keeps a reading for the person: in memory for the page, and in her history where she said yes. Her history's
// trouble is its own and never holds up what was promised to others. The pipeline's lock is held.
func (a *Agent) takeMine(r *sensors.Reading) {
	if live := a.mine.live.Load(); live != nil {
		live.Add(r)
	}
	h, m := a.mine.history.Load(), a.mine.plan.Load()
	if h == nil || m == nil {
		return
	}
	k, refused, ok := m.Keep(r, a.mine.cells)
	for _, field := range refused {
		a.pipe.windows.Refused(field, consent.MineID, consent.Contactish)
	}
	if !ok {
		return
	}
	a.mine.cells = k.Cells()
	if err := h.Append(k); err != nil {
		a.mineTrouble(err)
	}
}

// keepCopies keeps the readable copy of batches that were just cut, before they are sent.
func (a *Agent) keepCopies(s *ledger.Stream, first uint64, signed [][]byte) {
	a.recent.add(s, first, signed)
	h, m := a.mine.history.Load(), a.mine.plan.Load()
	if h == nil || m == nil || m.State != consent.Given {
		return
	}
	copies := make([]store.Copy, len(signed))
	for i := range signed {
		copies[i] = store.Copy{Stream: fmt.Sprintf("%x", s.Name[:]), Seq: first + uint64(i), Recipient: s.Recipient, Purpose: s.Purpose, Signed: signed[i], Announcement: s.Announcement}
	}
	a.mineTrouble(h.KeepCopies(m, a.now().DayNumber(), copies))
}

// flushMine writes the history when it is time. It is called by the flush task only.
func (a *Agent) flushMine() {
	h := a.mine.history.Load()
	now := a.opts.Clock.Now()
	if h == nil || h.Status().WaitingRows < mineRows && now.Sub(a.mine.flushed) < mineFlush && !now.Before(a.mine.flushed) {
		return
	}
	a.mine.flushed = now
	a.mineTrouble(h.Flush())
}

// expireMine forgets the days that are over, and the keys of a kept history of which nothing is left. a.mu is held.
func (a *Agent) expireMine(today int64) {
	h := a.mine.history.Load()
	if h == nil || !a.clockTrusted() { // a clock that nobody vouches for ends nothing
		return
	}
	current := a.mine.plan.Load()
	for _, answer := range a.mineGrants() {
		days := min(answer.RetentionDays, a.cfg.mineDays())
		if err := h.Expire(answer.ID, today-int64(days)); err != nil {
			a.mineTrouble(err)
		}
		if current.Grant.ID != answer.ID && answer.Withdrawn != 0 && h.Empty(answer.ID) {
			if err := a.keys.Destroy(answer.ID); err != nil {
				a.opts.Log.Error("the keys of a history that is over could not be overwritten", "error", err)
			}
		}
	}
}

// dropHistory lets go of what was kept under a yes that is no longer there, if it was one to the history.
func (a *Agent) dropHistory(id consent.GrantID) error {
	if h := a.mine.history.Load(); h != nil {
		return h.Drop(id)
	}
	return nil
}

func (a *Agent) closeMine() error {
	h := a.mine.history.Swap(nil)
	if h == nil {
		return nil
	}
	return h.Close()
}

// grantMine is Grant for the history: it counts from now on.
func (a *Agent) grantMine(role control.Role, d control.Decision) (control.Decided, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.recompile()
	m := a.mine.plan.Load()
	if m.State == consent.Given && m.Asked <= m.Days {
		return mineDecided(m, say(d, "granted-already")), nil
	}
	if m.State == consent.Given { // for longer: what is there stays, under the days it was kept for
		h := a.mine.history.Load()
		if h == nil {
			return control.Decided{}, control.Errorf(control.ErrUnavailable, "candor status", "what is kept already can't be opened, so it could not be set aside; nothing has changed")
		}
		if err := h.Retain(m.Grant.ID); err != nil {
			return control.Decided{}, control.Errorf(control.ErrUnavailable, "candor status", "what is kept already could not be set aside, so nothing has changed: %w", err)
		}
	}
	id := max(a.keys.Highest(), a.book.Highest()) + 1
	if err := a.keys.NewGrant(id, consent.MineID); err != nil {
		return control.Decided{}, control.Errorf(control.ErrUnavailable, "candor status", "no key could be made for the yes, so it does not count: %w", err)
	}
	receipt := a.mineReceipt(m, role, d)
	mark, err := a.keys.Mark(id)
	if receipt.KeyMark = mark; err == nil {
		_, err = a.book.Give(receipt, id)
	}
	if err != nil {
		return control.Decided{}, control.Errorf(control.ErrUnavailable, "candor status", "the yes could not be written down, so it does not count: %w", errors.Join(err, a.keys.Destroy(id)))
	}
	if err := a.keys.Sync(); err != nil {
		a.opts.Log.Warn("the ledger's head is not beside the keys yet", "error", err)
	}
	a.openMine()
	a.recompile()
	a.opts.Log.Info("the history for the person was granted", "grant", id, "role", role)
	m = a.mine.plan.Load()
	return mineDecided(m, sayThen(d, say(d, "mine-granted", m.Days), "back", consent.MineID)), nil
}

func mineDecided(m *consent.Mine, notice string) control.Decided {
	return control.Decided{Purpose: consent.MineID, State: m.State, Grant: uint32(m.Grant.ID), Notice: notice}
}

// mineReceipt fills what the receipt of a yes to the history keeps. a.mu is held.
func (a *Agent) mineReceipt(m *consent.Mine, role control.Role, d control.Decision) ledger.Answer {
	language := d.Language
	if language == "" {
		language = a.cfg.Device.Language
	}
	shown := a.consentMine(language)
	_, notice := a.mineNotice(language)
	return ledger.Answer{
		Purpose: consent.MineID, Recipient: consent.MineID, Given: a.now(), Extent: m.Extent, Digest: m.Digest, Language: language,
		Notice: notice, Channel: channel(d), Role: string(role), OnBehalf: d.OnBehalf, Title: shown.Title,
		Access: shown.Access, Basis: shown.Basis, Receiver: ledger.Party{ID: consent.MineID, Name: shown.Recipient}, RetentionDays: m.Asked,
		Fields: shown.Fields, Withdrawal: "candor consent withdraw " + consent.MineID, Assurance: "software",
	}
}

// withdrawMine is Withdraw for the history: nothing more is kept, and what is there is destroyed unless she keeps it.
func (a *Agent) withdrawMine(role control.Role, d control.Decision) (control.Decided, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	answer, had := a.newestAnswer(consent.MineID)
	open := a.mineGrants()
	out := control.Decided{Purpose: consent.MineID, State: consent.Withdrawn, Grant: uint32(answer.ID)}
	switch {
	case !had:
		out.State, out.Notice = consent.Asked, say(d, "mine-never")
		return out, nil
	case len(open) == 0 && answer.Withdrawn != 0:
		out.Notice = say(d, "mine-ended")
		return out, nil
	}
	h := a.mine.history.Load()
	if d.KeepHistory {
		return a.keepHistory(h, &answer, out, role, d)
	}
	a.recent.drop(0) // the notice says that readable copies are destroyed
	var errs, dropped error
	for _, g := range open {
		errs = errors.Join(errs, a.keys.Destroy(g.ID))
	}
	noted := a.book.Withdraw(answer.ID, a.now(), string(role), d.OnBehalf)
	noted = errors.Join(noted, a.keys.Sync())
	a.recompile()
	for _, g := range open {
		if h != nil {
			dropped = errors.Join(dropped, h.Drop(g.ID))
		}
	}
	if dropped != nil {
		a.opts.Log.Warn("the history is unreadable but still takes room", "error", dropped)
	}
	if errs != nil {
		return control.Decided{}, control.Errorf(control.ErrUnavailable, "candor consent withdraw mine", "nothing more is kept, but the keys of the history could not be overwritten and it would come back with a restart: %w", errs)
	}
	if noted != nil {
		a.opts.Log.Error("the withdrawal holds, its keys are gone; the ledger will be told at the next start", "error", noted)
	}
	out.Notice = say(d, "mine-destroyed")
	return out, nil
}

// keepHistory ends a yes and leaves what is there until its days are over. a.mu is held.
func (a *Agent) keepHistory(h *store.History, answer *ledger.Answer, out control.Decided, role control.Role, d control.Decision) (control.Decided, error) {
	if h == nil {
		return control.Decided{}, control.Errorf(control.ErrUnavailable, "candor status", "the history can't be opened, so it can't be said to be kept; nothing has changed")
	}
	if err := h.Retain(answer.ID); err != nil {
		return control.Decided{}, control.Errorf(control.ErrUnavailable, "candor status", "that the history is to be kept could not be written down; nothing has changed: %w", err)
	}
	if err := errors.Join(a.book.Withdraw(answer.ID, a.now(), string(role), d.OnBehalf), a.keys.Sync()); err != nil {
		a.opts.Log.Error("the withdrawal holds; the ledger will be told later", "error", err)
	}
	a.recompile()
	out.Notice = sayThen(d, say(d, "mine-kept", answer.RetentionDays), "destroy")
	return out, nil
}
