package uplink

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
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

const policyHead = `
version = 3
[controller]
name = "Acme"
country = "FR"
[[recipient]]
id = "acme"
name = "Acme"
country = "FR"
role = "controller"
[[recipient]]
id = "other"
name = "Other"
country = "FR"
role = "controller"
`

// offer is a purpose of the test policy: temperature as it is, one row a reading.
func offer(id, recipient, tick, upload, rest string) string {
	return fmt.Sprintf(`
[[purpose]]
id = %q
title = { fr = "x", en = "x" }
access = "consent"
basis = "consent"
recipient = %q
retention = "30d"
time = %q
upload = %q
%s
[[purpose.rule]]
field = "room.temperature"
action = "keep"
`, id, recipient, tick, upload, rest)
}

// wallClock is the clock of the test with a shift, as somebody who sets a clock leaves it.
type wallClock struct{ shift atomic.Int64 }

func (c *wallClock) Now() time.Time { return time.Now().Add(time.Duration(c.shift.Load())) }

func (c *wallClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// message is something a line was given, and when.
type message struct {
	kind   string // batch, or a kind of control message
	stream wire.StreamID
	seq    uint64
	rows   int
	body   string
	sum    [16]byte // what the store says is inside a sealed body
	at     time.Time
}

// fakeLine is a recipient: answer decides, nil accepts. It is called with no lock held.
type fakeLine struct {
	mu      sync.Mutex
	got     []message
	flying  int
	most    int
	answer  func(ctx context.Context, m message) error
	seal    *wire.SealKey
	sealErr error
	last    *wire.FreshnessAnswer // what questions are answered with
}

func (l *fakeLine) URL() string { return "https://recipient.example" }

func (l *fakeLine) Send(ctx context.Context, stream wire.StreamID, o store.Outgoing) error {
	inner, _ := o.Sealed()
	return l.take(ctx, message{"batch", stream, o.Seq(), o.Rows(), string(o.Body()), inner, time.Now()})
}

func (l *fakeLine) Control(ctx context.Context, c transport.Control) ([]byte, error) {
	return nil, l.take(ctx, message{kind: c.Kind().String(), body: fmt.Sprint(c), at: time.Now()})
}

// Seal seals to the key of the line, if it has one.
func (l *fakeLine) Seal(kind wire.Kind, signed []byte) ([]byte, bool, error) {
	if l.sealErr != nil {
		return nil, false, l.sealErr
	}
	if l.seal == nil {
		return signed, false, nil
	}
	out, err := wire.Seal(l.seal, wire.SealInfo(kind), nil, signed)
	return out, true, err
}

// Ask answers as the recipient that knows; without one as a recipient to whom every stream is unknown.
func (l *fakeLine) Ask(ctx context.Context, c transport.Control) (*wire.FreshnessAnswer, error) {
	if err := l.take(ctx, message{kind: c.Kind().String(), at: time.Now()}); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil {
		return &wire.FreshnessAnswer{}, nil
	}
	return l.last, nil
}

func (l *fakeLine) take(ctx context.Context, m message) error {
	l.mu.Lock()
	l.got = append(l.got, m)
	l.flying++
	l.most = max(l.most, l.flying)
	answer := l.answer
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.flying--
		l.mu.Unlock()
	}()
	if answer == nil {
		return nil
	}
	return answer(ctx, m)
}

// says has the recipient answer so from now on.
func (l *fakeLine) says(answer func(ctx context.Context, m message) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answer = answer
}

// all lists what the line was given so far, only of that kind unless "".
func (l *fakeLine) all(kind string) (out []message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.got {
		if kind == "" || m.kind == kind {
			out = append(out, m)
		}
	}
	return out
}

func (l *fakeLine) rows() (n int) {
	for _, m := range l.all("batch") {
		n += m.rows
	}
	return n
}

func refusal(status int) error {
	code := ""
	if status == 410 {
		code = "withdrawn"
	}
	return fmt.Errorf("recipient acme: %w", &transport.Refusal{Status: status, Code: code})
}

// refuse answers batches with a status and takes all else.
func refuse(status int) func(context.Context, message) error {
	return func(_ context.Context, m message) error {
		if m.kind == "batch" {
			return refusal(status)
		}
		return nil
	}
}

// rig is an object: policy, answers, keys, ledger and buffer, with recipients that the test plays.
type rig struct {
	t      testing.TB
	dir    string
	clock  *wallClock
	policy *consent.Policy
	rand   *turns

	keys    *keyring.Ring
	book    *ledger.Ledger
	store   *store.Store
	streams *Streams
	lines   map[string]*fakeLine
	limits  map[string]transport.Limits
	up      *Uplink

	mu        sync.Mutex
	plan      *consent.Plan
	windows   *consent.Windows
	count     *timeline.Keeper // counts instead of clock, where a test says so
	asked     atomic.Int64     // how often the plan was
	withdrawn []consent.GrantID
}

// Plan implements Gate.
func (g *rig) Plan() *consent.Plan {
	g.asked.Add(1)
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.plan
}

// CompleteBefore implements Gate.
func (g *rig) CompleteBefore(grant consent.GrantID, group int) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.plan.CompleteBefore(g.windows, grant, group, g.now())
}

func (g *rig) now() sensors.Micros {
	if g.count != nil {
		return sensors.Micros(g.count.Now().UnixMicro())
	}
	return sensors.Micros(g.clock.Now().UnixMicro())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newRig makes an object with these purposes, all granted, and opens it.
func newRig(t testing.TB, offers ...string) *rig {
	t.Helper()
	text := policyHead
	for _, o := range offers {
		text += o
	}
	policy, err := consent.ParsePolicy("policy.toml", []byte(text))
	must(t, err)
	g := &rig{t: t, dir: t.TempDir(), clock: &wallClock{}, policy: policy, rand: &turns{from: rand.NewChaCha8(sha256.Sum256([]byte(t.Name())))},
		lines: map[string]*fakeLine{"acme": {}, "other": {}}}
	g.open()
	t.Cleanup(g.close)
	g.compile()
	for _, p := range g.plan.Purposes() {
		g.grant(p)
	}
	return g
}

// open opens what is in the directory, as a start of the agent does.
func (g *rig) open() {
	g.t.Helper()
	var err error
	g.keys, err = keyring.Open(g.dir+"/keys", g.rand)
	must(g.t, err)
	g.book, err = ledger.Open(ledger.Options{Dir: g.dir, Keys: g.keys, Rand: g.rand, When: g.now()})
	must(g.t, err)
	g.streams = NewStreams(g.book, g.keys, g.rand)
	g.store, err = store.Open(store.Options{Dir: g.dir, Keys: g.keys, Streams: g.streams, Rand: g.rand,
		Free: func(string) (int64, error) { return math.MaxInt64, nil }})
	must(g.t, err)
	g.windows = consent.NewWindows(g.keys)
	lines := map[string]Line{}
	for name, l := range g.lines {
		lines[name] = l
	}
	g.up = New(Options{Store: g.store, Ledger: g.book, Keys: g.keys, Streams: g.streams, Gate: g, Clock: g.clock, Lines: lines, Limits: g.limits,
		Log: slog.New(slog.DiscardHandler), Withdrawn: g.withdrawnThere, Jitter: func(n int64) int64 { return n - 1 }})
	g.compile()
}

func (g *rig) close() {
	_ = g.store.Close()
	_ = g.book.Close()
	_ = g.keys.Close()
}

func (g *rig) reopen() {
	g.t.Helper()
	g.close()
	g.open()
}

func (g *rig) grant(p *consent.Purpose) {
	g.t.Helper()
	a, err := g.book.Give(ledger.Answer{Purpose: p.ID, Recipient: p.Recipient.ID, Given: g.now(), Extent: p.Extent, Digest: p.Digest,
		PolicyVersion: 3, Language: "en", Notice: [32]byte{1}, Channel: "cli", Role: "person"}, g.keys.Highest()+1)
	must(g.t, err)
	must(g.t, g.keys.NewGrant(a.ID, p.ID))
	g.compile()
}

// compile makes the plan from the policy and what is granted.
func (g *rig) compile() {
	var answers []consent.Answer
	for _, a := range g.book.Answers() {
		if a.Withdrawn == 0 {
			answers = append(answers, consent.Answer{State: consent.Given, Grant: consent.Grant{ID: a.ID, Purpose: a.Purpose, From: a.Given, Until: a.Until, Extent: a.Extent}})
		}
	}
	plan, _ := consent.Compile(consent.Inputs{Policy: g.policy, Sources: sources(), Answers: answers, Now: g.now()})
	g.mu.Lock()
	defer g.mu.Unlock()
	g.plan = plan
}

func sources() []consent.SourceFields {
	kind := func(name string) sensors.Kind { k, _ := sensors.KindNamed(name); return k }
	return []consent.SourceFields{{Name: "room", Fields: []sensors.Field{
		sensors.NewField("room", "temperature", kind("temperature")),
		sensors.NewField("room", "motion", kind("motion")),
		sensors.NewField("room", "badge", kind("badge")),
		sensors.NewField("room", "mode", kind("label")),
	}}}
}

// feed takes one reading of now.
func (g *rig) feed(values ...sensors.Value) {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	r := sensors.Reading{Source: "room", Time: g.now(), Taken: g.now(), Values: values}
	must(g.t, g.store.Append(g.plan.Clear(g.windows, &r, nil)))
}

// sense feeds n readings, every so often.
func (g *rig) sense(n int, every time.Duration) {
	g.t.Helper()
	for i := range n {
		g.feed(sensors.Number(20_000+int64(i)), sensors.Number(1), sensors.Token("badge 1"), sensors.Token("eco"))
		time.Sleep(every)
	}
	must(g.t, g.store.Flush())
}

// withdraw does what the agent does when a yes is taken back.
func (g *rig) withdraw(purpose string) {
	g.t.Helper()
	current, _ := g.book.Current(purpose)
	g.up.Cancel(current.ID)
	must(g.t, g.keys.Destroy(current.ID))
	must(g.t, g.book.Withdraw(current.ID, g.now(), "person", ""))
	g.compile()
	must(g.t, g.store.DropGrant(current.ID))
	g.up.Wake()
}

func (g *rig) withdrawnThere(id consent.GrantID) {
	a, _ := g.book.Answer(id)
	g.withdraw(a.Purpose)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.withdrawn = append(g.withdrawn, id)
}

// run runs the uplink until stop is called.
func (g *rig) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = g.up.Run(ctx)
	}()
	return func() { cancel(); <-done }
}

// threeHours runs the uplink while a row comes every minute.
func (g *rig) threeHours() {
	g.t.Helper()
	stop := g.run()
	g.sense(3*60, time.Minute)
	stop()
}

// sent lists the ledger's lines about a purpose, as control, number and result.
func (g *rig) sent(purpose string) (lines []ledger.Sent) {
	g.t.Helper()
	must(g.t, g.book.Sent(func(s ledger.Sent) error {
		if s.Purpose == purpose {
			lines = append(lines, s)
		}
		return nil
	}))
	return lines
}

// decoded opens what was sent with the announcements in the ledger, as a recipient would.
func (g *rig) decoded(m message) *wire.Batch {
	g.t.Helper()
	for _, s := range g.book.Streams() {
		if wire.StreamID(s.Name) != m.stream {
			continue
		}
		a, digest, err := wire.OpenAnnouncement(s.Announcement)
		must(g.t, err)
		payload, err := wire.OpenSigned(wire.KindBatch, a.Key, []byte(m.body))
		must(g.t, err)
		b, err := wire.DecodeBatch(payload)
		must(g.t, err)
		must(g.t, a.Check(b))
		if b.Announcement != digest || b.Seq != m.seq {
			g.t.Fatalf("batch %d says it is %d, or of another announcement", m.seq, b.Seq)
		}
		return b
	}
	g.t.Fatal("a batch of a stream that is not in the ledger")
	return nil
}

// number is the stream of a purpose.
func (g *rig) number(purpose string) ledger.Stream {
	g.t.Helper()
	for _, s := range g.book.Streams() {
		if s.Purpose == purpose && !s.Closed {
			return s
		}
	}
	g.t.Fatalf("no open stream of %s", purpose)
	return ledger.Stream{}
}

var errDown = errors.New("no route to host")

// compileNothing is the plan of the rig's policy without any answer.
func compileNothing(g *rig) (*consent.Plan, []consent.Finding) {
	return consent.Compile(consent.Inputs{Policy: g.policy, Sources: sources(), Now: g.now()})
}

// aControl is a deletion request that nobody waits for.
func aControl(t testing.TB) transport.Control {
	t.Helper()
	payload, err := wire.AppendDeletion(nil, &wire.Deletion{Stream: wire.StreamID{1}, Epoch: 1, Capability: [32]byte{1}})
	must(t, err)
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	c, err := transport.NewControl(wire.KindDeletion, wire.AppendSigned(nil, wire.SignWith(key), wire.KindDeletion, payload))
	must(t, err)
	return c
}

// turns is a source of randomness for several goroutines, as the system's is; the seeded ones are not.
type turns struct {
	mu   sync.Mutex
	from *rand.ChaCha8
}

// Read implements io.Reader.
func (r *turns) Read(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.from.Read(b)
}
