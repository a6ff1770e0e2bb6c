package main

import (
	"context"
	"crypto/ed25519"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"

	"github.com/candor-edge/candor/tinyconf"
	"github.com/candor-edge/candor/uplink/receive"
	"github.com/candor-edge/candor/uplink/transport"
	"github.com/candor-edge/candor/uplink/wire"
)

func TestBrokerFlags(t *testing.T) {
	for flags, want := range map[string]string{
		"-mqtt mqtt://localhost/acme":                  "",
		"-mqtt mqtts://broker.example/acme":            "",
		"-mqtt mqtt://broker.example/acme":             "this machine only",
		"-mqtt mqtts://broker.example":                 "mqtts://HOST/PREFIX",
		"-mqtt https://broker.example/acme":            "mqtts://HOST/PREFIX",
		"-mqtt mqtts://u:geheim@broker.example/acme":   "-mqtt-auth",
		"-mqtt-auth file":                              "go with -mqtt",
		"-mqtt mqtts://broker.example/acme -mqtt-ca x": "",
	} {
		_, err := parseOptions(append([]string{"-dir", "x"}, strings.Fields(flags)...), io.Discard)
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim")) {
			t.Errorf("%s: %v, want a word about %q", flags, err, want)
		}
	}
}

// The receiver takes messages from a broker beside HTTP, with the credentials of its file.
func TestReceiverAtABroker(t *testing.T) {
	broker := mqtt.New(&mqtt.Options{Logger: slog.New(slog.DiscardHandler)})
	rules := auth.AuthRules{{Username: "backend", Password: "pass", Allow: true}, {Username: "object", Password: "token", Allow: true}}
	acl := auth.ACLRules{
		{Username: "backend", Filters: auth.Filters{"acme/v1/+": auth.ReadOnly, "acme/v1/answers/+": auth.WriteOnly, "$share/candor-receiver/acme/v1/+": auth.ReadOnly}},
		{Username: "object", Filters: auth.Filters{"acme/v1/+": auth.WriteOnly, "acme/v1/answers/+": auth.ReadOnly}},
	}
	if err := broker.AddHook(new(auth.Hook), &auth.Options{Ledger: &auth.Ledger{Auth: rules, ACL: acl}}); err != nil {
		t.Fatal(err)
	}
	l := listeners.NewTCP(listeners.Config{ID: "tcp", Address: "127.0.0.1:0"})
	if err := broker.AddListener(l); err != nil {
		t.Fatal(err)
	}
	if err := broker.Serve(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = broker.Close() }()
	dir := t.TempDir()
	credential := filepath.Join(dir, "broker.auth")
	if err := os.WriteFile(credential, []byte("backend:pass\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	url := "mqtt://" + l.Address() + "/acme"
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-listen", "127.0.0.1:0", "-dir", filepath.Join(dir, "out"), "-mqtt", url, "-mqtt-auth", credential}, io.Discard, io.Discard)
	}()
	line, err := transport.Open(transport.Route{Recipient: "acme", URL: url, Auth: tinyconf.Literal("object:token"), Timeout: tinyconf.Duration(time.Second)}, transport.Env{})
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	c, err := transport.NewControl(wire.KindTest, wire.AppendSigned(nil, wire.SignWith(key), wire.KindTest, wire.AppendTest(nil, &wire.Test{})))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		if err = line.Test(t.Context(), c); err == nil || i > 20 {
			break
		}
	}
	if err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A broker reads every answer, so that rows are not given back through one.
func TestNothingIsGivenBackThroughABroker(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	sink, err := receive.OpenDir(t.TempDir(), log)
	must(t, err)
	defer sink.Close()
	config := receive.Config{Streams: sink, Sink: sink, Export: sink, Log: log, Now: time.Now}
	by, err := overBroker(config, receive.NewMetrics(nil, time.Now))
	must(t, err)
	direct, err := receive.NewHandler(config)
	must(t, err)
	for name, c := range map[string]struct {
		h    http.Handler
		want string
	}{"broker": {by, "there are announcements"}, "http": {direct, "Content-Type"}} {
		w := httptest.NewRecorder()
		c.h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/access", strings.NewReader("{}")))
		if !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}
