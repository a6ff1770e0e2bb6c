package uplink

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/keyring"
	"github.com/candor-edge/candor/store/ledger"
	"github.com/candor-edge/candor/uplink/timeline"
	"github.com/candor-edge/candor/uplink/transport"
	"github.com/candor-edge/candor/uplink/wire"
)

// Line is the way to one recipient; *transport.Line is one.
type Line interface {
	Carrier
	// Seal seals signed bytes to the recipient, where the route says so. After an error nothing is cut for it.
	Seal(kind wire.Kind, signed []byte) (out []byte, sealed bool, err error)
	URL() string
}

// Carrier takes messages to a recipient. Errors are for transport.Judge.
type Carrier interface {
	Send(ctx context.Context, stream wire.StreamID, o store.Outgoing) error
	Control(ctx context.Context, c transport.Control) (proof []byte, err error)
	Ask(ctx context.Context, c transport.Control) (*wire.FreshnessAnswer, error)
}

// Gate is what the uplink asks of the consent stage.
type Gate interface {
	// Plan is the plan in force now.
	Plan() *consent.Plan
	// CompleteBefore says which rows of a grant's group will get no more company, see consent.Plan.
	CompleteBefore(grant consent.GrantID, group int) int64
}

// Options are what an uplink is made of. Nothing may be nil but Log, Sending, Withdrawn, Time, Rand and Copies.
type Options struct {
	Store   *store.Store
	Ledger  *ledger.Ledger
	Keys    *keyring.Ring
	Streams *Streams
	Gate    Gate
	Clock   sensors.Clock
	Lines   map[string]Line             // by recipient
	Limits  map[string]transport.Limits // of metered links, by recipient; nil: none
	Log     *slog.Logger
	// Sending is called with true before something leaves and with false when nothing does any more: the light. It is called
	// with a lock held: it must return at once and not call the uplink.
	Sending func(bool)
	// Withdrawn is called when a recipient says that a grant was withdrawn. It may take long and is called with no lock held.
	Withdrawn func(consent.GrantID)
	Rand      io.Reader        // nonces of questions; nil: crypto/rand
	Time      *timeline.Keeper // what is known of untrusted clocks; nil: Clock is always right
	// Copies is given what was signed of uploads that were just cut, in the order of their numbers from first on, before any
	// sealing to a recipient and before any of it is sent: the copy that the person can read. It may take long and is called
	// with no lock held. nil: no copies.
	Copies func(s *ledger.Stream, first uint64, signed [][]byte)
	// Jitter returns a number in [0, n) for the backoff; math/rand/v2.Int64N outside tests.
	Jitter func(n int64) int64
}

// Uplink sends. One goroutine a recipient runs in Run; the other methods may be called from any goroutine.
type Uplink struct {
	Options
	mu      sync.Mutex
	routes  map[string]*route
	flights map[consent.GrantID]map[int]context.CancelFunc // requests on their way, by grant
	flight  int
	busy    int
	closed  map[consent.GrantID]bool // grants cut off since the start
	halted  bool                     // nothing may leave, see Halt
	rounds  map[int]context.CancelFunc
	entered int    // rounds begun, which names them
	before  uint32 // the newest stream that was there before the start
}

// route is the state of the way to one recipient. Guarded by Uplink.mu, but for line and wake.
type route struct {
	recipient string
	line      Line
	wake      chan struct{}
	state     string
	reason    string
	failures  int
	failing   time.Time // since when; of use while failures is not 0
	nextTry   time.Time
	lastAck   time.Time
	slots     map[uint32]sensors.Micros // next slot of each stream
	unknown   map[uint32]bool           // streams whose announcement the recipient has lost
	holds     map[uint32]hold           // streams that are left alone for a while
	fresh     map[uint32]bool           // streams from before the start of which the recipient told how far they are
	renamed   map[consent.GrantID]sensors.Micros
	again     bool // a stream got a fresh name in this round
	busy      int  // requests on their way
	usage     usage
}

// New makes an uplink and starts nothing.
func New(o Options) *Uplink {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Sending == nil {
		o.Sending = func(bool) {}
	}
	if o.Withdrawn == nil {
		o.Withdrawn = func(consent.GrantID) {}
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	u := &Uplink{Options: o, routes: map[string]*route{}, flights: map[consent.GrantID]map[int]context.CancelFunc{}, closed: map[consent.GrantID]bool{},
		rounds: map[int]context.CancelFunc{}}
	o.Streams.tell(o.Clock)
	for _, s := range o.Ledger.Streams() {
		u.before = max(u.before, s.Number)
	}
	for name, line := range o.Lines {
		u.routes[name] = &route{recipient: name, line: line, wake: make(chan struct{}, 1), state: "idle",
			slots: map[uint32]sensors.Micros{}, unknown: map[uint32]bool{}, holds: map[uint32]hold{}, renamed: map[consent.GrantID]sensors.Micros{}, fresh: map[uint32]bool{}}
	}
	if err := u.recall(); err != nil {
		u.Log.Warn("what was sent today can't be told from the ledger; the byte budget begins anew", "error", err)
	}
	return u
}

// Run sends by the schedule until ctx is done, and returns when every request has ended.
func (u *Uplink) Run(ctx context.Context) error {
	u.Store.AwaitRows(ctx) // a start stores what is sensed before it looks through what waits
	var all sync.WaitGroup
	for _, r := range u.routes {
		all.Go(func() { u.serve(ctx, r) })
	}
	all.Wait()
	return nil
}

// serve is one recipient's loop.
func (u *Uplink) serve(ctx context.Context, r *route) {
	for ctx.Err() == nil {
		err := u.round(ctx, r, cutDue)
		wait := u.pause(r, err)
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-u.Clock.After(wait):
		}
	}
}

// Wake lets every recipient's loop look again now: a grant, a withdrawal, a link that came up.
func (u *Uplink) Wake() {
	for _, r := range u.routes {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

// Drain sends all that is granted, now, whatever the schedule says, and returns nil when nothing is left. It tries
// until ctx is done or nothing was acknowledged for patience. It must not run beside Run.
func (u *Uplink) Drain(ctx context.Context, patience time.Duration) error {
	errs := make(chan error, len(u.routes))
	var all sync.WaitGroup
	for _, r := range u.routes {
		all.Go(func() { errs <- u.drain(ctx, r, patience) })
	}
	all.Wait()
	close(errs)
	var failed []error
	for err := range errs {
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// Relieve sends all whole time buckets now, whatever the schedule, to make room in the buffer, and returns when nothing
// of them is left or the way is closed. It must not run beside Run or Drain.
func (u *Uplink) Relieve(ctx context.Context) error {
	var failed error
	for _, r := range u.routes {
		failed = errors.Join(failed, u.round(ctx, r, cutWhole))
	}
	return failed
}

func (u *Uplink) drain(ctx context.Context, r *route, patience time.Duration) error {
	u.mu.Lock()
	since := u.Clock.Now()
	r.lastAck, r.failures = time.Time{}, 0
	u.mu.Unlock()
	for {
		err := u.round(ctx, r, cutAll)
		if err == nil || ctx.Err() != nil {
			return err
		}
		wait := u.pause(r, err)
		u.mu.Lock()
		if r.lastAck.After(since) {
			since = r.lastAck
		}
		u.mu.Unlock()
		left := patience - u.Clock.Now().Sub(since)
		if left <= 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-r.wake:
		case <-u.Clock.After(min(wait, left)):
		}
	}
}

// Cancel cuts off whatever is on its way for a grant and lets nothing of it start again.
func (u *Uplink) Cancel(grant consent.GrantID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed[grant] = true
	for _, cancel := range u.flights[grant] {
		cancel()
	}
}

// may tells whether a grant was not cut off.
func (u *Uplink) may(grant consent.GrantID) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return !u.closed[grant]
}

// take registers a request of a grant; ok is false when the grant may not send any more.
func (u *Uplink) take(ctx context.Context, r *route, grant consent.GrantID) (flight context.Context, done func(), ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed[grant] || u.Gate.Plan().Granted(grant) == nil {
		return nil, nil, false
	}
	flight, cancel := context.WithCancel(ctx)
	u.flight++
	id := u.flight
	if u.flights[grant] == nil {
		u.flights[grant] = map[int]context.CancelFunc{}
	}
	u.flights[grant][id] = cancel
	u.lit(r, 1)
	return flight, func() {
		cancel()
		u.mu.Lock()
		defer u.mu.Unlock()
		if delete(u.flights[grant], id); len(u.flights[grant]) == 0 {
			delete(u.flights, grant)
		}
		u.lit(r, -1)
	}, true
}

// lit counts what is on its way and drives the light. u.mu is held.
func (u *Uplink) lit(r *route, by int) {
	was := u.busy > 0
	u.busy += by
	r.busy += by
	if is := u.busy > 0; is != was {
		u.Sending(is)
	}
}

// light is lit without the lock.
func (u *Uplink) light(r *route, by int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.lit(r, by)
}

// ok notes that the recipient answered.
func (u *Uplink) ok(r *route) {
	u.mu.Lock()
	defer u.mu.Unlock()
	r.state, r.reason, r.failures, r.nextTry, r.lastAck = "idle", "", 0, time.Time{}, u.Clock.Now()
}

// now is the clock's time in microseconds.
func (u *Uplink) now() sensors.Micros { return sensors.Micros(u.Clock.Now().UnixMicro()) }
