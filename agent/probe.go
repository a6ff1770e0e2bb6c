package agent

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
	"github.com/candor-edge/candor/tinyconf"
	"github.com/candor-edge/candor/uplink/timeline"
	"github.com/candor-edge/candor/uplink/transport"
	"github.com/candor-edge/candor/uplink/wire"
)

// testLine is the name of a test message in the ledger.
const testLine = "test"

// TestUplink implements control.Prober.
func (a *Agent) TestUplink(ctx context.Context, recipient string) ([]control.UplinkTest, error) {
	named := map[string]bool{}
	for _, p := range a.pipe.Plan().Purposes() {
		named[p.Recipient.ID] = true
	}
	if a.keys.Paused() != 0 {
		return nil, control.Errorf(control.ErrConflict, "candor consent resume", "the person has paused this object: nothing leaves it, tests neither")
	}
	var out []control.UplinkTest
	var known []string
	for _, r := range a.cfg.Routes {
		known = append(known, r.Recipient)
		if recipient != "" && r.Recipient != recipient {
			continue
		}
		if !named[r.Recipient] {
			if recipient != "" {
				return nil, control.Errorf(control.ErrConflict, "candor policy check", "the route to %s is not in use: no purpose of the policy names it, so nothing leaves to it, tests neither", r.Recipient)
			}
			continue
		}
		out = append(out, a.testRoute(ctx, &r))
	}
	if recipient != "" && len(out) == 0 {
		return nil, control.Errorf(control.ErrNotFound, "candor status", "there is no [[route]] to %q; %s", recipient, tinyconf.Hint(recipient, known))
	}
	return out, ctx.Err()
}

// testRoute sends one test message over a line of its own, so that nothing of the running one is disturbed or reused: it
// shows that a connection can be made now.
func (a *Agent) testRoute(ctx context.Context, r *transport.Route) control.UplinkTest {
	out := control.UplinkTest{Recipient: r.Recipient, URL: r.URL, Bytes: wire.TestSize}
	started := time.Now()
	left, err := a.probe(ctx, r)
	out.Took, out.OK, out.Steps = time.Since(started), err == nil, transport.Passed()
	if err != nil {
		out.Error, out.Hint = err.Error(), hintFor(err)
		out.Steps = transport.Failed(err, func() []transport.Step { return transport.Walk(ctx, *r, a.lineEnv()) })
	}
	if left {
		line := ledger.Sent{Recipient: r.Recipient, WireBytes: wire.TestSize, SentAt: a.now(), Control: testLine, Result: ledger.ResultAccepted}
		if err != nil {
			line.Result = ledger.ResultCancelled
		}
		var refusal *transport.Refusal
		if errors.As(err, &refusal) {
			line.Result = ledger.ResultRefused
		}
		if err := a.book.RecordSent([]ledger.Sent{line}); err != nil {
			a.opts.Log.Error("the ledger could not note a test message", "error", err)
		}
	}
	return out
}

// lineEnv is what a line of this agent may use of the world outside.
func (a *Agent) lineEnv() transport.Env {
	return transport.Env{Secrets: tinyconf.SystemEnv(), Now: a.clock().Now, Trusted: a.clockTrusted, Dial: a.opts.Dial, Resolve: a.opts.Resolve}
}

// WalkRoutes goes the ways of the configuration that a purpose of the policy uses, as far as that takes no message: for an object
// that was never started, or whose state can't be opened, so that no ledger could note a test.
func WalkRoutes(ctx context.Context, cfg *Config, o Options) []control.UplinkTest {
	_, plan, err := CheckPolicy(cfg.Policy.File, cfg.Policy.Charter, cfg)
	if err != nil {
		return nil
	}
	a := onBench(cfg, o)
	defer func() { _ = a.Close() }()
	if _, system := a.opts.Clock.(sensors.SystemClock); system && o.Kernel == nil {
		kernel := timeline.System()
		a.opts.Kernel = &kernel
	}
	env := a.lineEnv()
	env.Trusted = func() bool { return a.opts.Kernel == nil || a.opts.Kernel.Synced() }
	var out []control.UplinkTest
	for _, r := range cfg.Routes {
		if slices.ContainsFunc(plan.Purposes(), func(p *consent.Purpose) bool { return p.Recipient.ID == r.Recipient }) {
			steps := transport.Walk(ctx, r, env)
			last := steps[len(steps)-1]
			out = append(out, control.UplinkTest{Recipient: r.Recipient, URL: r.URL, OK: last.OK, Error: last.Text, Steps: steps})
		}
	}
	return out
}

func (a *Agent) probe(ctx context.Context, r *transport.Route) (left bool, err error) {
	line, err := transport.Open(*r, a.lineEnv())
	if err != nil {
		return false, err
	}
	defer line.Close()
	c, err := testMessage(a.opts.Rand)
	if err != nil {
		return false, err
	}
	err = line.Test(ctx, c)
	return err == nil || transport.Left(err), err
}

// testMessage makes a message that says nothing: its name and key are drawn for it and thrown away.
func testMessage(rand io.Reader) (transport.Control, error) {
	var seed [ed25519.SeedSize]byte
	var m wire.Test
	for _, b := range [][]byte{seed[:], m.Nonce[:]} {
		if _, err := io.ReadFull(rand, b); err != nil {
			return transport.Control{}, fmt.Errorf("no randomness for a test message: %w", err)
		}
	}
	key := ed25519.NewKeyFromSeed(seed[:])
	copy(m.Key[:], key.Public().(ed25519.PublicKey))
	return transport.NewControl(wire.KindTest, wire.AppendSigned(nil, wire.SignWith(key), wire.KindTest, wire.AppendTest(nil, &m)))
}

// hintFor says what would help.
func hintFor(err error) string {
	var refusal *transport.Refusal
	switch {
	case errors.As(err, &refusal) && (refusal.Status == 401 || refusal.Status == 403):
		return "check auth of the [[route]], and that the recipient knows it"
	case errors.As(err, &refusal) && refusal.Status == 415:
		return "the recipient has no key to open sealed messages with: give it one, or leave seal out"
	case errors.As(err, &refusal) && refusal.Code == "seal":
		return "seal of the [[route]] is not the recipient's key: ask for its public half again"
	case errors.As(err, &refusal):
		return "check url of the [[route]]"
	case errors.Is(err, transport.ErrNoProof):
		return "look for a captive portal or a proxy on this network"
	}
	return "check the network, the url, ca and pin of the [[route]], and the clock"
}

// RetryParked implements control.Prober.
func (a *Agent) RetryParked(context.Context) (control.Retried, error) {
	if err := a.store.Unpark(); err != nil {
		return control.Retried{}, control.Errorf(control.ErrUnavailable, "candor status", "the uploads that were refused stay aside: %w", err)
	}
	a.up.Wake()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.daemon {
		return control.Retried{Notice: "What was refused is offered again when the object next sends: no daemon runs now."}, nil
	}
	return control.Retried{Notice: "What was refused is offered again, with each stream's next upload at the latest."}, nil
}
