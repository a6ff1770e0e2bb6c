//go:build !nomqtt

package transport

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"

	"github.com/candor-edge/candor/tinyconf"
	"github.com/candor-edge/candor/uplink/wire"
)

// aBroker is an embedded one with TLS that takes the password "right" only.
func aBroker(t *testing.T, cert tls.Certificate) (port string) {
	t.Helper()
	server := mqtt.New(&mqtt.Options{Logger: slog.New(slog.DiscardHandler)})
	must(t, server.AddHook(new(auth.Hook), &auth.Options{Ledger: &auth.Ledger{Auth: auth.AuthRules{{Username: "object", Password: "right", Allow: true}},
		ACL: auth.ACLRules{{Username: "object", Filters: auth.Filters{"acme/#": auth.ReadWrite}}}}}))
	l := listeners.NewTCP(listeners.Config{ID: "tls", Address: "127.0.0.1:0", TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}}})
	must(t, server.AddListener(l))
	must(t, server.Serve())
	t.Cleanup(func() { _ = server.Close() })
	return l.Address()[strings.LastIndex(l.Address(), ":"):]
}

func TestABrokerOverTLS(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	good, _ := a.issue("broker", nil)
	foreign, _ := stranger.issue("broker", nil)
	deletion, err := wire.AppendDeletion(nil, &wire.Deletion{Stream: name, Epoch: 1})
	c, err := NewControl(wire.KindDeletion, signed(t, wire.KindDeletion, deletion, err))
	must(t, err)
	for _, tt := range []struct {
		name   string
		cert   tls.Certificate
		auth   string
		pin    string
		status int    // of a refusal
		want   string // in the error
		left   bool
	}{
		{"nobody listens", good, "object:right", "", 0, "", true},
		{"pinned", good, "object:right", pinOf(good.Leaf), 0, "", true},
		{"another key", good, "object:right", pinOf(foreign.Leaf), 0, "not the pinned one", false},
		{"nobody vouches", foreign, "object:right", "", 0, "unknown authority", false},
		{"wrong password", good, "object:geheim", "", 401, "check auth", false},
		{"no user", good, "geheim", "", 401, "check auth", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := open(t, "mqtts://localhost"+aBroker(t, tt.cert)+"/acme", func(r *Route, _ *Env) {
				r.CA, r.Pin, r.Auth, r.Timeout = filepath.Join(a.dir, "authority.pem"), tt.pin, tinyconf.Literal(tt.auth), tinyconf.Duration(500*time.Millisecond)
			})
			_, err := l.Control(t.Context(), c)
			silent(t, err)
			var refused *Refusal
			if err == nil || !strings.Contains(err.Error(), tt.want) || errors.As(err, &refused) != (tt.status != 0) || refused != nil && refused.Status != tt.status || Judge(err) != Retry {
				t.Errorf("%v, want %d and a word about %q", err, tt.status, tt.want)
			}
			if tt.status == 0 && Left(err) != tt.left {
				t.Errorf("left %t: %v", Left(err), err)
			}
		})
	}
}

// A connection that nothing goes over is closed, and one that is in use is not.
func TestIdleConnections(t *testing.T) {
	l := &mqttLink{waiting: map[string]chan answer{}, used: time.Now()}
	if l.retire() {
		t.Error("a fresh one is closed")
	}
	name, got := l.expect()
	l.used = time.Now().Add(-2 * idle)
	if l.retire() || got == nil {
		t.Error("one is closed while somebody waits")
	}
	l.done(name)
	if l.used = time.Now().Add(-2 * idle); !l.retire() {
		t.Error("an idle one is kept")
	}
	if _, got := l.expect(); got != nil {
		t.Error("one that is being closed is used")
	}
}
