//go:build soak

package web_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/uplink/receive"
)

// object is a simulated house whose agent serves its page, and the receiver its data go to.
type object struct {
	*agent.Agent
	url      string
	receiver string // directory
}

const houseConf = `[device]
state = "state"
language = "fr"
[[sensor]]
name = "living"
driver = "simulated"
room = "livingroom"
every = "500ms"
seed = 1
[[sensor]]
name = "door"
driver = "simulated"
room = "door"
every = "500ms"
seed = 1
[buffer]
flush = "100ms"
[policy]
file = "policy.toml"
[page]
listen = "127.0.0.1:0"
[[route]]
recipient = "acme"
url = "@URL@"
timeout = "5s"
`

const housePolicy = `version = 3
[controller]
name = "Acme Objets SAS"
country = "FR"
contact = "dpo@acme.example"
authority = "CNIL"
[[recipient]]
id = "acme"
name = "Acme Objets SAS"
country = "FR"
role = "controller"
stored_in = ["FR"]
onward = []
[[purpose]]
id = "trends"
title = { en = "Follow the air", fr = "Suivre l'air" }
why = { en = "To see how homes warm up.<script>alert(1)</script>", fr = "Pour voir comment les logements se chauffent." }
benefit = { en = "Comparisons.", fr = "Des comparaisons." }
dpv = "ServiceUsageAnalytics"
access = "consent"
basis = "consent"
recipient = "acme"
retention = "395d"
time = "1s"
upload = "1s"
  [[purpose.rule]]
  field = "living.temperature"
  action = "mean"
  window = "1s"
  round = 0.5
[[purpose]]
id = "improve"
title = { en = "Improve our products", fr = "Améliorer nos produits" }
why = { en = "Learn of light.", fr = "Connaître la lumière." }
benefit = { en = "Better products.", fr = "De meilleurs produits." }
dpv = "ImproveExistingProductsAndServices"
access = "consent"
basis = "consent"
recipient = "acme"
retention = "180d"
time = "1h"
upload = "1h"
  [[purpose.rule]]
  field = "living.light"
  action = "mean"
  window = "1h"
`

func startObject(t *testing.T) *object {
	t.Helper()
	dir := t.TempDir()
	o := &object{receiver: filepath.Join(dir, "receiver")}
	sink, err := receive.OpenDir(o.receiver, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	h, err := receive.NewHandler(receive.Config{Streams: sink, Sink: sink, Log: slog.New(slog.DiscardHandler), Now: time.Now, Err: sink.Err})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	backend := &http.Server{Handler: h}
	go func() { _ = backend.Serve(l) }()
	for name, text := range map[string]string{"candor.toml": strings.ReplaceAll(houseConf, "@URL@", "http://"+l.Addr().String()), "policy.toml": housePolicy} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := agent.LoadConfig(filepath.Join(dir, "candor.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if o.Agent, err = agent.Open(cfg, agent.Options{Version: "test"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- o.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		_ = o.Close()
		_ = backend.Close()
		_ = sink.Close()
	})
	return o
}

// code has the object show a code, as `candor pair` does.
func (o *object) code(t *testing.T) string {
	t.Helper()
	for began := time.Now(); time.Since(began) < 10*time.Second; time.Sleep(20 * time.Millisecond) {
		p, err := o.Pair(t.Context(), control.Person, control.Decision{})
		if err == nil {
			o.url = p.URL
			return p.Code
		}
	}
	t.Fatal("the page is never served")
	return ""
}

// enter opens the page with a code.
func (o *object) enter(t *testing.T, b *browser) *tab {
	t.Helper()
	code := o.code(t)
	p := b.open(o.url)
	p.until("!document.getElementById('door').hidden")
	p.eval("document.getElementById('code').focus()", nil)
	p.write(code)
	p.enter()
	p.until("!document.getElementById('home').hidden && document.querySelector('#purposes article')")
	return p
}
