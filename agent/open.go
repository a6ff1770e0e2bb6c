package agent

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/agent/web"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/bus"
	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/keyring"
	"github.com/candor-edge/candor/store/ledger"
	"github.com/candor-edge/candor/tinyconf"
	"github.com/candor-edge/candor/uplink"
	"github.com/candor-edge/candor/uplink/timeline"
	"github.com/candor-edge/candor/uplink/transport"
	"github.com/candor-edge/candor/uplink/wire"
)

// ErrLocked is that another agent has the state directory.
var ErrLocked = errors.New("another candor is using the state directory")

// Options are what an agent takes from outside. The zero value is the machine's own.
type Options struct {
	Clock     sensors.Clock               // nil: the system's, as far as it can be trusted; one that is given always is
	Kernel    *timeline.Kernel            // what is asked of the machine about its clock; nil: the machine's own with the system's clock
	ClockName string                      // shown in status; "" with the system's clock
	Log       *slog.Logger                // nil: silent
	Rand      io.Reader                   // nil: crypto/rand
	Dial      transport.Dialer            // nil: the machine's network
	Resolve   transport.Resolver          // of the names of recipients, where a test message got no answer; nil: the machine's
	Adapter   func() (bus.Adapter, error) // opens any I2C bus; nil: the one of the machine that has the name
	Sending   func(bool)                  // the light: called when sending starts and when it stops
	Drivers   []sensors.Driver            // beside the agent's own: for measurements and simulations
	Version   string
	// Role is who works on the bench, without the API that knows its peers: what root sees there is told. "" is the person.
	Role control.Role
	// Detached leaves out the control socket, the page and the signals: for a simulation in which time must not wait for the outside.
	Detached bool
	// Sources are read beside those of the configuration: the sensors of a simulation.
	Sources []sensors.Source
}

// Agent is an object's agent with everything opened. Its methods are safe for concurrent use; Run and Once are called
// at most once, and not both.
type Agent struct {
	cfg   *Config
	opts  Options
	lock  *os.File
	keys  *keyring.Ring
	book  *ledger.Ledger
	store *store.Store
	pipe  *pipeline
	names *uplink.Streams
	up    *uplink.Uplink
	lines []*transport.Line
	time  *timeline.Keeper // nil with a clock that was given
	since time.Time

	mine     mine
	hardware *hardware
	light    *light      // nil: there is none
	button   *button     // nil: there is none
	page     *web.Server // nil: there is none
	// pageTrouble is why the page is not served.
	pageTrouble working
	// sendingUntil is until when something counts as being sent, nanoseconds since 1970; 0: nothing was sent yet.
	sendingUntil atomic.Int64
	sources      []*running
	flow         flow

	mu    sync.Mutex // guards what follows, and serialises decisions
	rules rules
	told  map[consent.GrantID]uint64 // the epoch in which a grant was last told the attributes
	acts  acts
	// receiptsDay is the day on which old receipts were last looked for.
	receiptsDay int64
	prunedDay   int64 // on which old lines about what was sent were last let go of
	daemon      bool
	mute        bool   // the disk took no writing at the start: nothing leaves
	once        bool   // a run that ends by itself is under way
	stop        func() // ends Run; nil when it does not run
	recent      recent
	gone        bool // the object changes hands: Close clears away what is left
	// step is told how far a withdrawal has come; nil outside tests.
	step func(string)
}

// Open takes the lock on the state directory and opens keys, ledger, buffer, sensors and routes. It starts nothing.
// ErrLocked is returned when a daemon has the directory.
func Open(cfg *Config, o Options) (*Agent, error) {
	a := &Agent{cfg: cfg, opts: defaults(o), told: map[consent.GrantID]uint64{}}
	a.since = a.opts.Clock.Now()
	a.flow.clock = a.opts.Clock
	a.flow.log = func(stuck string) {
		a.opts.Log.Error("data does not flow; what watches over the agent is told nothing until it does", "what", stuck)
	}
	if _, system := a.opts.Clock.(sensors.SystemClock); system && o.Kernel == nil {
		kernel := timeline.System()
		a.opts.Kernel = &kernel
	}
	if err := a.open(); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func defaults(o Options) Options {
	if o.Clock == nil {
		o.Clock = sensors.SystemClock{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	return o
}

func (a *Agent) open() error {
	if err := a.takeLock(); err != nil {
		return err
	}
	var err error
	if a.keys, err = keyring.Open(a.cfg.Keys.Dir, a.opts.Rand); err != nil {
		if errors.Is(err, keyring.ErrDamaged) {
			return fmt.Errorf("keys: %w\nnothing leaves, and what they opened can't be read by anyone any more; move the file away and every yes is asked anew", err)
		}
		return fmt.Errorf("keys: %w", err)
	}
	if a.book, err = ledger.Open(ledger.Options{Dir: a.cfg.Device.State, Keys: a.keys, Rand: a.opts.Rand, When: a.now()}); err != nil {
		if errors.Is(err, ledger.ErrDamaged) {
			return fmt.Errorf("%w\nnothing leaves without it; keep a copy, move ledger.db away and every yes is asked anew; ask the recipients yourself to delete what they have", err)
		}
		return err
	}
	a.openTime()
	if _, err := a.book.Reconcile(a.hasKey, a.now()); err != nil {
		a.opts.Log.Warn("the ledger could not note that keys are gone; nothing of them leaves all the same", "error", err)
	}
	a.finishWithdrawals()
	a.openMine()
	a.dropStrayKeys()
	a.names = uplink.NewStreams(a.book, a.keys, a.opts.Rand)
	a.store, err = store.Open(store.Options{
		Dir: a.cfg.Device.State, Keys: a.keys, Streams: a.names, Rand: a.opts.Rand,
		MaxSize: int64(a.cfg.Buffer.MaxSize) - a.cfg.historyShare(), Reserve: int64(a.cfg.Buffer.Reserve),
	})
	if err != nil {
		return fmt.Errorf("buffer: %w", err)
	}
	for _, g := range a.lostGrants() {
		if err := a.store.DropGrant(g); err != nil {
			a.opts.Log.Warn("what a withdrawn grant had buffered is unreadable but still takes room", "error", err)
		}
	}
	a.pipe = newPipeline(a.clock(), a.time, a.store, a.keys, a.keys.LedgerKey().Seed())
	a.pipe.mine = a.takeMine
	if err := a.openSources(false); err != nil {
		return err
	}
	a.openSignals()
	if err := a.openPage(); err != nil {
		return err
	}
	a.openUplink()
	a.startPaused()
	a.loadRules()
	a.recompile()
	a.expireMine(a.now().DayNumber())
	return nil
}

// dropStrayKeys destroys keys of grants that the ledger does not have in force: a yes that a crash kept from being
// written down, or one that was ended and whose keys could not be overwritten then.
func (a *Agent) dropStrayKeys() {
	for _, id := range a.keys.Grants() {
		answer, ok := a.book.Answer(id)
		if ok && answer.Withdrawn == 0 || ok && a.keptAfter(&answer) {
			continue
		}
		if err := a.keys.Destroy(id); err != nil {
			a.opts.Log.Error("the keys of a grant that is over could not be overwritten", "grant", id, "error", err)
		}
	}
}

// takeLock makes the state directory if there is none and locks it for this process.
func (a *Agent) takeLock() error {
	if err := os.MkdirAll(a.cfg.Device.State, 0o700); err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	name := filepath.Join(a.cfg.Device.State, "lock")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if errors.Is(err, syscall.EROFS) {
		f, err = os.OpenFile(name, os.O_RDONLY|syscall.O_CLOEXEC, 0)
	}
	if err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return fmt.Errorf("%s: %w", a.cfg.Device.State, ErrLocked)
	}
	a.lock = f
	return nil
}

// hasKey tells whether the key of a yes is there, and not that of another one with its number: where older copies of the ledger and of the keys meet,
// a number can stand for two. Receipts from before marks were written are held against the purpose alone.
func (a *Agent) hasKey(answer *ledger.Answer) bool {
	if a.keys.Purpose(answer.ID) != answer.Purpose {
		return false
	}
	mark, err := a.keys.Mark(answer.ID)
	return err == nil && (len(answer.KeyMark) == 0 || bytes.Equal(mark, answer.KeyMark))
}

// lostGrants are those the ledger knows and no key opens any more.
func (a *Agent) lostGrants() []consent.GrantID {
	var out []consent.GrantID
	for _, answer := range a.book.Answers() {
		if !a.hasKey(&answer) {
			out = append(out, answer.ID)
		}
	}
	return out
}

func (a *Agent) openUplink() {
	lines, limits := map[string]uplink.Line{}, map[string]transport.Limits{}
	for _, r := range a.cfg.Routes {
		limits[r.Recipient], _ = r.Limits() // its faults were found when the file was read
		line, err := transport.Open(r, transport.Env{Secrets: tinyconf.SystemEnv(), Now: a.clock().Now, Trusted: a.clockTrusted, Dial: a.opts.Dial})
		if err != nil {
			a.opts.Log.Error("a route can't be used; what goes there is kept", "error", err)
			lines[r.Recipient] = brokenLine{r.URL, err}
			continue
		}
		a.lines = append(a.lines, line)
		lines[r.Recipient] = line
	}
	a.up = uplink.New(uplink.Options{
		Store: a.store, Ledger: a.book, Keys: a.keys, Streams: a.names, Gate: a.pipe, Clock: a.clock(), Time: a.time, Lines: lines, Limits: limits,
		Log: a.opts.Log, Sending: a.sending, Withdrawn: a.withdrawnThere, Jitter: jitter(a.opts.Rand), Rand: a.opts.Rand,
		Copies: a.keepCopies,
	})
}

// brokenLine stands for a route whose files or secrets could not be read: nothing gets through, and the status says why.
type brokenLine struct {
	url string
	err error
}

// Send implements uplink.Line.
func (l brokenLine) Send(context.Context, wire.StreamID, store.Outgoing) error { return l.err }

// Control implements uplink.Line.
func (l brokenLine) Control(context.Context, transport.Control) ([]byte, error) { return nil, l.err }

// Ask implements uplink.Line.
func (l brokenLine) Ask(context.Context, transport.Control) (*wire.FreshnessAnswer, error) {
	return nil, l.err
}

// Seal implements uplink.Line: what is meant to be sealed must not be cut in clear.
func (l brokenLine) Seal(wire.Kind, []byte) ([]byte, bool, error) { return nil, false, l.err }

// URL implements uplink.Line.
func (l brokenLine) URL() string { return l.url }

// jitter draws from the agent's own source of randomness.
func jitter(source io.Reader) func(n int64) int64 {
	return func(n int64) int64 {
		var b [8]byte
		if n <= 0 {
			return 0
		}
		if _, err := io.ReadFull(source, b[:]); err != nil {
			return n / 2
		}
		v := int64(0)
		for _, c := range b[:7] {
			v = v<<8 | int64(c)
		}
		return v % n
	}
}

// Close flushes and lets go of everything. It may be called more than once.
func (a *Agent) Close() error {
	var errs []error
	for _, l := range a.lines {
		l.Close()
	}
	a.lines = nil
	if a.store != nil {
		errs = append(errs, a.store.Close())
		a.store = nil
		if a.gone {
			errs = append(errs, a.clearAway())
		}
	}
	if a.time != nil && a.book != nil {
		if err := a.time.Save(true); err != nil {
			a.opts.Log.Debug("what is known of the clock is as old as the last hour", "error", err)
		}
	}
	errs = append(errs, a.closeMine())
	if a.book != nil {
		errs = append(errs, a.book.Close())
		a.book = nil
	}
	if a.hardware != nil {
		errs = append(errs, a.hardware.close())
		a.hardware = nil
	}
	if a.keys != nil {
		errs = append(errs, a.keys.Close())
		a.keys = nil
	}
	if a.lock != nil {
		if os.Geteuid() == 0 {
			errs = append(errs, giveBack(a.cfg.Device.State), giveBack(a.cfg.Keys.Dir))
		}
		errs = append(errs, a.lock.Close())
		a.lock = nil
	}
	return errors.Join(errs...)
}

func (a *Agent) now() sensors.Micros { return sensors.Micros(a.clock().Now().UnixMicro()) }

// at tells a test how far a decision has come.
func (a *Agent) at(step string) {
	if a.step != nil {
		a.step(step)
	}
}
