package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

func get(t *testing.T, url, token string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	must(t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	must(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(t, err)
	return resp.StatusCode, string(text)
}

// Those who run it learn whether it lives, takes messages and how many, and
// counts are for whoever may send.
func TestProbes(t *testing.T) {
	const token = "0123456789abcdef0123"
	tokens := filepath.Join(t.TempDir(), "tokens")
	must(t, os.WriteFile(tokens, []byte(token+"\n"), 0o600))
	p := start(t, "-listen", "127.0.0.1:0", "-dir", t.TempDir(), "-token", tokens)
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/health": 200, "/metrics": 401} {
		if code, text := get(t, p.url+path, ""); code != want {
			t.Errorf("%s: %d %s", path, code, text)
		}
	}
	o := newObject(t, 1)
	auth := http.Header{"Authorization": {"Bearer " + token}}
	for _, base := range []string{"", "/v1"} {
		if code, ok := deliver(http.DefaultClient, p.url+base+"/announcements", auth, o.signed); !ok {
			t.Fatal(code)
		}
	}
	code, text := get(t, p.url+"/metrics", token)
	if code != 200 || !strings.Contains(text, `candor_receiver_answers_total{path="/announcements",status="202"} 1`) ||
		!strings.Contains(text, `candor_receiver_answers_total{path="/announcements",status="200"} 1`) || !strings.Contains(text, "candor_receiver_store_up 1") {
		t.Errorf("%d\n%s", code, text)
	}
}

// The file says what the flags would, the command line goes before it, and
// -check tells what is wrong without starting anything.
func TestConfigurationFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "receiver.toml")
	write := func(text string) { must(t, os.WriteFile(path, []byte(text), 0o600)) }
	check := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := run(context.Background(), append([]string{"-config", path, "-check"}, args...), &out, io.Discard)
		return out.String(), err
	}
	data := filepath.Join(dir, "data")
	write(fmt.Sprintf("[receiver]\nlisten = \"127.0.0.1:0\"\ndir = %q\nuploads = 3\nplain = true\nforget-every = \"5m\"\n", data))
	if out, err := check(); err != nil || out != "the configuration is in order\n" {
		t.Fatal(out, err)
	}
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Error("-check made the directory")
	}
	o, err := parseOptions([]string{"-config", path, "-uploads", "7"}, io.Discard)
	if err != nil || o.uploadsAtAll != 7 || !o.plain || o.forgetEvery != 5*time.Minute || o.dir != data {
		t.Errorf("%+v %v", o, err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"misspelt":     {"[receiver]\nlisen = \"x\"\n", `did you mean "listen"`},
		"not a number": {"[receiver]\ndir = \"x\"\nuploads = \"many\"\n", "uploads"},
		"a list":       {"[receiver]\ndir = [\"x\"]\n", "dir"},
		"empty":        {"", "receiver"},
		"no such file": {"[receiver]\ndir = \"x\"\ntoken = \"/nowhere/tokens\"\n", "-token"},
		"contradicts":  {"[receiver]\ndir = \"x\"\nnats = \"nats://127.0.0.1:1\"\n", "contradict"},
		"itself":       {"[receiver]\ndir = \"x\"\nconfig = \"y\"\n", "config"},
	} {
		write(c.text)
		if _, err := check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The file that is shipped has nothing in it but flags, the commented ones too.
func TestShippedFiles(t *testing.T) {
	text, err := os.ReadFile("receiver.toml")
	must(t, err)
	var all strings.Builder
	for line := range strings.Lines(string(text)) {
		if bare, ok := strings.CutPrefix(line, "# "); ok && strings.Contains(bare, " = ") && !strings.HasPrefix(bare, "nats") {
			line = bare
		}
		all.WriteString(line)
	}
	path := filepath.Join(t.TempDir(), "receiver.toml")
	must(t, os.WriteFile(path, []byte(all.String()), 0o600))
	if _, err := parseOptions([]string{"-config", path}, io.Discard); err != nil {
		t.Error(err)
	}
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd-analyze is not installed: the unit is not verified")
	}
	unit, err := os.ReadFile("candor-receiver.service")
	must(t, err)
	at := filepath.Join(t.TempDir(), "candor-receiver.service")
	must(t, os.WriteFile(at, bytes.ReplaceAll(unit, []byte("/usr/bin/candor-receiver"), []byte("/bin/true")), 0o600))
	if out, err := exec.Command("systemd-analyze", "verify", at).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// The same receiver before a JetStream: killed, another one knows everything.
func TestBeforeJetStream(t *testing.T) {
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	must(t, err)
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(time.Minute) {
		t.Fatal("the NATS server did not start")
	}
	args := []string{"-listen", "127.0.0.1:0", "-nats", srv.ClientURL(), "-nats-replicas", "1"}
	first := start(t, args...)
	o := newObject(t, 1)
	send := func(p *program, path string, body []byte, want int) {
		t.Helper()
		if code, ok := deliver(http.DefaultClient, p.url+path, nil, body); code != want || ok != (want < 300) {
			t.Fatalf("%s: %d", path, code)
		}
	}
	send(first, "/announcements", o.signed, 202)
	send(first, "/batches", o.batch(t, 1, 10), 202)
	first.cmd.Process.Kill()
	second := start(t, args...)
	send(second, "/announcements", o.signed, 200)
	send(second, "/batches", o.batch(t, 1, 10), 202)
	send(second, "/batches", o.batch(t, 1, 11), 409)
	send(second, "/batches", o.batch(t, 2, 10), 202)
	if code, text := get(t, second.url+"/readyz", ""); code != 200 {
		t.Error(code, text)
	}
	srv.Shutdown()
	srv.WaitForShutdown()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		code, text := get(t, second.url+"/readyz", "")
		if code == 503 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("ready without a store:", code, text)
		}
	}
	send(second, "/batches", o.batch(t, 3, 10), 503)
	if code, _ := get(t, second.url+"/healthz", ""); code != 200 {
		t.Error("it lives and says otherwise")
	}
}

// Rows whose day has come go by themselves.
func TestForgetsByItself(t *testing.T) {
	dir := t.TempDir()
	p := start(t, "-listen", "127.0.0.1:0", "-dir", dir, "-forget-every", "1s")
	o := newObject(t, 1) // its rows are of 2015
	if code, ok := deliver(http.DefaultClient, p.url+"/announcements", nil, o.signed); !ok {
		t.Fatal(code)
	}
	if code, ok := deliver(http.DefaultClient, p.url+"/batches", nil, o.batch(t, 1, 10)); !ok {
		t.Fatal(code)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		rows, err := os.ReadFile(filepath.Join(dir, "service.jsonl"))
		must(t, err)
		if len(rows) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("they are still there")
		}
	}
}
