package uplink

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/candor-edge/candor/tinyconf"
	"github.com/candor-edge/candor/uplink/receive"
	"github.com/candor-edge/candor/uplink/transport"
	"github.com/candor-edge/candor/uplink/wire"
)

// embedded is a broker in this process.
type embedded struct {
	t      *testing.T
	addr   string
	server *mqtt.Server
	seen   *watcher
}

// watcher remembers what passed the broker, and can keep messages from their receivers.
type watcher struct {
	mqtt.HookBase
	mu       sync.Mutex
	clients  []string
	messages []packets.Packet
	users    []string
}

func (w *watcher) ID() string { return "watcher" }

func (w *watcher) Provides(b byte) bool {
	return bytes.Contains([]byte{mqtt.OnConnect, mqtt.OnPublished}, []byte{b})
}

func (w *watcher) OnConnect(_ *mqtt.Client, p packets.Packet) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clients = append(w.clients, p.Connect.ClientIdentifier)
	w.users = append(w.users, string(p.Connect.Username)+":"+string(p.Connect.Password))
	return nil
}

func (w *watcher) OnPublished(_ *mqtt.Client, p packets.Packet) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.messages = append(w.messages, p.Copy(false))
}

// topics lists what was published below a prefix.
func (w *watcher) published(suffix string) (out []packets.Packet) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.messages {
		if strings.HasSuffix(m.TopicName, suffix) {
			out = append(out, m)
		}
	}
	return out
}

func newBroker(t *testing.T) *embedded {
	t.Helper()
	b := &embedded{t: t, addr: "127.0.0.1:0", seen: &watcher{}}
	b.start()
	t.Cleanup(b.stop)
	return b
}

func (b *embedded) start() {
	b.t.Helper()
	b.server = mqtt.New(&mqtt.Options{Logger: slog.New(slog.DiscardHandler)})
	must(b.t, b.server.AddHook(new(auth.AllowHook), nil))
	must(b.t, b.server.AddHook(b.seen, nil))
	l := listeners.NewTCP(listeners.Config{ID: "tcp", Address: b.addr})
	must(b.t, b.server.AddListener(l))
	must(b.t, b.server.Serve())
	b.addr = l.Address()
}

func (b *embedded) stop() { _ = b.server.Close() }

func (b *embedded) url() string { return "mqtt://" + b.addr + "/acme" }

// consume has receivers on one directory listen at the broker, so many of them.
func consume(t *testing.T, broker string, key *wire.OpenKey, n int) backend {
	t.Helper()
	b := backend{t.TempDir()}
	sink, err := receive.OpenDir(b.dir, slog.New(slog.DiscardHandler))
	must(t, err)
	handler, err := receive.NewHandler(receive.Config{Streams: sink, Sink: sink, Log: slog.New(slog.DiscardHandler), Now: time.Now, Open: key})
	must(t, err)
	u, err := url.Parse(broker)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var all []*receive.Consumer
	for range n {
		c, err := receive.NewConsumer(ctx, receive.ConsumerConfig{URL: u, Handler: handler, Log: slog.New(slog.DiscardHandler)})
		must(t, err)
		all = append(all, c)
		select {
		case <-c.Up():
		case <-time.After(time.Minute):
			t.Fatal("the receiver does not listen")
		}
	}
	t.Cleanup(func() {
		cancel()
		for _, c := range all {
			c.Wait()
		}
		_ = sink.Close()
	})
	return b
}

// overMQTT has a recipient of the rig be reached by a broker.
func overMQTT(t *testing.T, g *rig, broker string, key *wire.OpenKey) *transport.Line {
	t.Helper()
	r := transport.Route{Recipient: "acme", URL: broker, Timeout: tinyconf.Duration(time.Second), Auth: tinyconf.Literal("object:secret")}
	if key != nil {
		r.Seal = tinyconf.Literal(key.Public().String())
	}
	line, err := transport.Open(r, transport.Env{})
	must(t, err)
	t.Cleanup(line.Close)
	g.up.routes["acme"].line = line
	return line
}

// Everything goes over a broker and arrives once at one of two receivers; the broker sees no content on a sealed route, and
// no name that lasts.
func TestOverABroker(t *testing.T) {
	key, err := wire.GenerateOpenKey(wire.SuiteX25519)
	must(t, err)
	b := newBroker(t)
	there := consume(t, b.url(), key, 2)
	g := newRig(t, offer("trends", "acme", "1s", "1s", ""))
	overMQTT(t, g, b.url(), key)
	g.sense(2500, 0)
	must(t, g.drain(20*time.Second))
	if n := there.rows(t, "trends"); n != 2500 {
		t.Fatalf("%d rows arrived, want 2500", n)
	}
	g.reopen()
	overMQTT(t, g, b.url(), key)
	g.sense(10, 0)
	must(t, g.drain(20*time.Second))
	if n := there.rows(t, "trends"); n != 2510 || len(b.seen.published("/v1/freshness")) == 0 {
		t.Fatalf("%d rows after a restart, %d questions", n, len(b.seen.published("/v1/freshness")))
	}
	stream := g.number("trends")
	g.withdraw("trends")
	must(t, g.drain(20*time.Second))
	if n := there.rows(t, "trends"); n != 0 {
		t.Errorf("%d rows after the withdrawal", n)
	}
	for _, m := range b.seen.published("") {
		if strings.Contains(m.TopicName, "/answers/") {
			continue // answers name the stream, as PROTOCOL.md says
		}
		if bytes.Contains(m.Payload, stream.Name[:]) || strings.Contains(m.TopicName, "trends") || m.FixedHeader.Qos != 1 || m.FixedHeader.Retain || m.Properties.MessageExpiryInterval == 0 {
			t.Errorf("%s: %d bytes, %+v", m.TopicName, len(m.Payload), m.FixedHeader)
		}
	}
	names := map[string]bool{}
	for _, n := range b.seen.clients {
		if names[n] || n == "" {
			t.Errorf("the name %q is used twice", n)
		}
		names[n] = true
	}
	if !strings.Contains(strings.Join(b.seen.users, " "), "object:secret") {
		t.Error("the credential was not shown to the broker")
	}
}

// What the receiver answers decides, not what the broker acknowledges.
func TestABrokerIsNoReceiver(t *testing.T) {
	b := newBroker(t)
	g := newRig(t, offer("trends", "acme", "1s", "1s", ""))
	overMQTT(t, g, b.url(), nil)
	g.sense(5, 0)
	if err := g.drain(100 * time.Millisecond); err == nil {
		t.Fatal("nobody received it, and it counts as sent")
	}
	if g.store.Status().BufferedRows+g.store.Status().OutgoingBatches == 0 {
		t.Fatal("it is not kept")
	}
	there := consume(t, b.url(), nil, 1)
	must(t, g.drain(20*time.Second))
	if n := there.rows(t, "trends"); n != 5 {
		t.Errorf("%d rows arrived, want 5", n)
	}
	r := transport.Route{Recipient: "acme", URL: b.url(), Timeout: tinyconf.Duration(3 * time.Second)}
	line, err := transport.Open(r, transport.Env{})
	must(t, err)
	defer line.Close()
	payload, err := wire.AppendFreshness(nil, &wire.Freshness{Stream: wire.StreamID{9}, Epoch: 1})
	must(t, err)
	key, err := g.keys.StreamKey(1, [16]byte{9})
	must(t, err)
	c, err := transport.NewControl(wire.KindFreshness, wire.AppendSigned(nil, wire.SignWith(key), wire.KindFreshness, payload))
	must(t, err)
	var refused *transport.Refusal
	if _, err := line.Ask(t.Context(), c); !errors.As(err, &refused) || refused.Status != 428 || refused.Code != "unknown-announcement" {
		t.Errorf("%v", err)
	}
}

// A broker that goes away and comes back loses nothing and doubles nothing.
func TestABrokerThatDies(t *testing.T) {
	b := newBroker(t)
	there := consume(t, b.url(), nil, 1)
	g := newRig(t, offer("trends", "acme", "1s", "1s", ""))
	overMQTT(t, g, b.url(), nil)
	want := 0
	for range 2 {
		g.sense(1200, 0)
		want += 1200
		var dying sync.WaitGroup
		dying.Go(func() { // in the middle of it
			for i := 0; len(b.seen.published("/v1/batches")) == 0 && i < 100; i++ {
				time.Sleep(time.Millisecond)
			}
			b.stop()
		})
		_ = g.drain(100 * time.Millisecond)
		dying.Wait()
		g.sense(50, 0)
		want += 50
		if err := g.drain(10 * time.Millisecond); err == nil {
			t.Error("something was sent without a broker")
		}
		b.start()
		must(t, g.drain(30*time.Second))
	}
	if n := there.rows(t, "trends"); n != want {
		t.Errorf("%d rows arrived, want %d: %+v", n, want, g.up.Routes())
	}
}

// A broker that is not there, or answers nothing, is a way that is closed; a request ends with its context.
func TestNoBroker(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer func() { _ = silent.Close() }()
	for what, addr := range map[string]string{"nobody": "127.0.0.1:1", "silence": silent.Addr().String()} {
		line, err := transport.Open(transport.Route{Recipient: "acme", URL: "mqtt://" + addr + "/acme", Timeout: tinyconf.Duration(500 * time.Millisecond)}, transport.Env{})
		must(t, err)
		started := time.Now()
		_, err = line.Control(t.Context(), aControl(t))
		if err == nil || transport.Judge(err) != transport.Retry || transport.Left(err) || time.Since(started) > 20*time.Second || !strings.Contains(err.Error(), "recipient acme") {
			t.Errorf("%s: %v after %v, left %t", what, err, time.Since(started), transport.Left(err))
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		line.Close()
		if line, err = transport.Open(transport.Route{Recipient: "acme", URL: "mqtt://" + addr + "/acme", Timeout: tinyconf.Duration(time.Minute)}, transport.Env{}); err != nil { // it is the context that ends it
			t.Fatal(err)
		}
		line.Close() // one that was closed connects anew
		if _, err := line.Control(ctx, aControl(t)); err == nil || what == "silence" && !errors.Is(err, context.Canceled) {
			t.Errorf("%s, cancelled: %v", what, err)
		}
		line.Close()
	}
}
