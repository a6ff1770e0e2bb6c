package cli

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/uplink/receive"
	"github.com/candor-edge/candor/uplink/timeline"
)

var rewalk = flag.Bool("rewalk", false, "write WALK.md anew from what is printed")

// The object of WALK.md: what lies in /etc/candor there, and a machine that is well.
const (
	walkConfig = `[device]
state = "state"
[[sensor]]
name = "hall"
driver = "simulated"
room = "hall"
every = "1s"
[policy]
file = "policy.toml"
key = "file:DIR/policy.pub"
[[route]]
recipient = "acme"
url = "https://ingest.acme.example/v1"
ca = "acme-ca.pem"
auth = "file:DIR/acme-token"
`
	walkPolicy = `version = 1
[controller]
name = "Acme Objets SAS"
country = "FR"
contact = "dpo@acme.example"
address = "12 rue des Lilas, 69001 Lyon"
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
title = { fr = "Suivre les tendances", en = "Follow trends" }
why = { fr = "Pour voir.", en = "To see." }
benefit = { fr = "Un bilan.", en = "A report." }
dpv = "ServiceUsageAnalytics"
access = "consent"
basis = "consent"
recipient = "acme"
retention = "30d"
time = "1s"
  [[purpose.rule]]
  field = "hall.temperature"
  action = "mean"
  window = "1s"
  round = 0.5
`
)

func walkMachine() map[string]string {
	return map[string]string{
		"proc/device-tree/model": "Raspberry Pi Zero W Rev 1.1\x00", "proc/sys/kernel/osrelease": "6.6.51+rpt-rpi-v6\n",
		"proc/self/mounts": "/dev/mmcblk0p2 / ext4 rw,noatime 0 0\n", "sys/devices/platform/soc/soc:firmware/get_throttled": "0\n",
		"sys/class/thermal/thermal_zone0/temp": "41000\n", "sys/class/net/wlan0/operstate": "up\n", "sys/block/mmcblk0/device/type": "SD\n",
		"run/systemd/timesync/synchronized": "", "etc/resolv.conf": "nameserver 192.0.2.1\n",
	}
}

// TestWalk replays WALK.md on a real agent, whose recipient wants another token than it has: each command prints, word for word,
// what the document shows, but for moments, spans and the places of this test.
func TestWalk(t *testing.T) {
	dir := t.TempDir()
	serveWalk(t, dir)
	text, err := os.ReadFile("WALK.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatchIndex(string(text), -1)
	if len(blocks) < 5 {
		t.Fatalf("only %d steps", len(blocks))
	}
	out := ""
	last := 0
	for _, b := range blocks {
		shown := string(text[b[2]:b[3]])
		line, want, _ := strings.Cut(strings.TrimPrefix(shown, "$ "), "\n")
		got := walkStep(t, dir, line)
		if asWords(want) != asWords(got) {
			t.Errorf("$ %s\nprints\n%s\nand WALK.md shows\n%s", line, got, want)
		}
		out += string(text[last:b[2]]) + "$ " + line + "\n" + got
		last = b[3]
	}
	if out += string(text[last:]); *rewalk {
		if err := os.WriteFile("WALK.md", []byte(out), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// asWords is a text as words, since how lines break depends on how long the places of this test are.
func asWords(s string) string { return strings.Join(strings.Fields(s), " ") }

// walkStep types one line into a shell in which candor finds its configuration where an object has it.
func walkStep(t *testing.T, dir, line string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", `candor() { command candor "$@" --config `+dir+`/candor.toml; }; sudo() { "$@"; }`+"\n"+strings.ReplaceAll(line, "/etc/candor", dir))
	cmd.Env = append(os.Environ(), "CANDOR_TEST_ROOT="+filepath.Join(dir, "root"), "TZ=UTC", "LC_ALL=C", "GORACE=atexit_sleep_ms=0")
	b, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(strings.ReplaceAll(string(b), dir+"/state", "/var/lib/candor"), dir, "/etc/candor")
	for _, like := range []struct{ this, that string }{
		{`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`, "2026-03-01 09:30:00 UTC"}, {`answered in\s+[0-9.]+[µm]?s`, "answered in 84ms"},
		{`[0-9]+ failures? in a row`, "12 failures in a row"}, {`(amd64|arm64|arm|386), pages of\s+[0-9]+ KiB`, "arm, pages of 4 KiB"},
		{`circuit (open|half-open)`, "circuit open"}, {`is on (\S+) \(\w+\)`, "is on / (ext4)"},
	} {
		got = regexp.MustCompile(like.this).ReplaceAllString(got, like.that)
	}
	return got
}

// serveWalk runs the agent and its recipient, whose token is another one than the object's, and serves the agent to a technician.
func serveWalk(t *testing.T, dir string) {
	t.Helper()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range walkMachine() {
		write("root/"+name, text)
	}
	dial := walkRecipient(t, write, "this-years-token")
	write("acme-token", "last-years-token\n")
	write("candor.toml", strings.ReplaceAll(walkConfig, "DIR", dir))
	write("policy.toml", walkPolicy)
	key := filepath.Join(dir, "policy")
	if err := errors.Join(agent.KeyGen(key, nil), agent.SignDocument("policy", filepath.Join(dir, "policy.toml"), key)); err != nil {
		t.Fatal(err)
	}
	cfg, err := agent.LoadConfig(filepath.Join(dir, "candor.toml"))
	if err != nil {
		t.Fatal(err)
	}
	kernel := timeline.System()
	kernel.Synced = func() bool { return true }
	a, err := agent.Open(cfg, agent.Options{Detached: true, Dial: dial, Kernel: &kernel, Version: "v0.1.0"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Grant(t.Context(), "trends", control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 2)
	s := &control.Server{Path: cfg.Socket(), Handler: control.NewHandler(a), Ready: func() { close(ready) },
		Roles: func(uint32, uint32, []uint32) (control.Role, bool) { return control.Technician, true }}
	go func() { ended <- s.Run(ctx) }()
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, <-ended, a.Close()); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	<-ready
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		status, err := a.Status(ctx)
		if err == nil && status.Daemon && status.Routes[0].Failures > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the object is not silent: %+v, %v", status.Routes, err)
		}
	}
}

// walkRecipient is the reference backend over TLS, under the name that the document has; dial finds it.
func walkRecipient(t *testing.T, write func(name, text string), token string) (dial func(context.Context, string, string) (net.Conn, error)) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"ingest.acme.example"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	write("acme-ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	sink, err := receive.OpenDir(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	backend, err := receive.NewHandler(receive.Config{Streams: sink, Sink: sink, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.StripPrefix("/v1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	})))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", srv.Listener.Addr().String())
	}
}
