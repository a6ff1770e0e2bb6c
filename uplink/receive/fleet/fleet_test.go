package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/candor-edge/candor/uplink/receive"
	"github.com/candor-edge/candor/uplink/receive/jetstream"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// playOn plays a small fleet against a receiver in this process, with change
// between.
func playOn(t *testing.T, devices, days, parallel int, change func(http.Handler) http.Handler) (*counts, *post, string, error) {
	t.Helper()
	dir := t.TempDir()
	s, err := receive.OpenDir(dir, slog.New(slog.DiscardHandler))
	must(t, err)
	t.Cleanup(func() { s.Close() })
	urls := []string{serve(t, receive.Config{Streams: s, Sink: s, Export: s}, change)}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: parallel}}
	t.Cleanup(client.CloseIdleConnections)
	o := &options{devices: devices, days: days, seed: 8, parallel: parallel, from: time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -days)}
	via := func(c *counts) sender { return &post{client: client, urls: urls, c: c} }
	c, err := play(context.Background(), o, purposes()[1:], via) // without the one that sends the most
	return c, &post{client: client, urls: urls, c: new(counts)}, dir, err
}

func same(h http.Handler) http.Handler { return h }

// The same seed sends the same bytes, whoever plays which object; everything
// happens that a table speaks of; all is there in the end, and no name.
func TestPlays(t *testing.T) {
	a, p, dir, err := playOn(t, 6, 12, 4, same)
	must(t, err)
	if a.batches < 200 || a.again == 0 || a.twins == 0 || a.deletions == 0 || a.questions == 0 || a.leaks == 0 || a.failed > 0 {
		t.Errorf("played %d batches, %d again, %d twins, %d deletions, %d questions, %d leaks, %d failed", a.batches, a.again, a.twins, a.deletions, a.questions, a.leaks, a.failed)
	}
	v, err := checkStreams(context.Background(), p, a.streams)
	if err != nil || v.asked != len(a.streams) || v.read != len(a.streams) {
		t.Error(v, err)
	}
	names, read, err := scan(dir)
	if err != nil || names != 0 || read < 1<<15 {
		t.Errorf("%d names in %d bytes: %v", names, read, err)
	}
	var out bytes.Buffer
	(&report{counts: a, o: &options{}, checked: v, wall: time.Second}).print(&out)
	if strings.Contains(out.String(), "%!") {
		t.Error(out.String())
	}
	b, _, _, err := playOn(t, 6, 12, 1, same)
	must(t, err)
	if a.played != b.played || a.rows != b.rows || len(a.streams) != len(b.streams) {
		t.Errorf("the same seed played %x and %x", a.played, b.played)
	}
}

// A receiver that says yes and loses a batch is found, and so is a portal.
func TestFindsReceiversThatLie(t *testing.T) {
	n := 0
	forgets := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/batches" {
				if n++; n == 40 { // one batch is answered as it should be, and lost
					body, err := io.ReadAll(r.Body)
					if err != nil {
						t.Error(err)
					}
					sayYes(w, body)
					return
				}
			}
			h.ServeHTTP(w, r)
		})
	}
	c, p, _, err := playOn(t, 4, 4, 1, forgets)
	if err == nil {
		_, err = checkStreams(context.Background(), p, c.streams)
	}
	if err == nil {
		t.Error("a lost batch was not found")
	}
	portal := func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			io.WriteString(w, "welcome")
		})
	}
	if _, _, _, err := playOn(t, 4, 4, 1, portal); err == nil || !strings.Contains(err.Error(), "proves nothing") {
		t.Error(err)
	}
}

// sayYes answers as a receiver that has the message.
func sayYes(w http.ResponseWriter, body []byte) {
	sum := sha256.Sum256(body)
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintf(w, `{"accepted":{"digest":"%x"}}`, sum[:16])
}

// A name is found wherever it lies, also across two reads, and counted once.
func TestScan(t *testing.T) {
	dir := t.TempDir()
	who := personOf(12)
	var text bytes.Buffer
	for i := range 40 {
		text.Write(bytes.Repeat([]byte("."), 1<<16-i))
		text.WriteString(who.mail + who.phone + " " + who.serial)
	}
	must(t, os.WriteFile(filepath.Join(dir, "x"), text.Bytes(), 0o600))
	if n, read, err := scan(dir); n != 120 || read != int64(text.Len()) || err != nil {
		t.Errorf("%d names in %d bytes: %v", n, read, err)
	}
}

func TestOptions(t *testing.T) {
	today := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	for flags, want := range map[string]string{
		"":                            "",
		"-from 2026-03-01 -days 9":    "",
		"-from 2026-03-01 -days 10":   "to come",
		"-from 2025-03-01":            "last 80",
		"-receivers 2":                "need -nats",
		"-receivers 2 -nats 3":        "",
		"-nats 2":                     "1, 3 or 5",
		"-url http://192.0.2.1:80":    "this machine only",
		"-url http://127.0.0.1:80":    "",
		"-url https://example.org":    "this machine only",
		"-devices 0":                  "-devices",
		"stray":                       "unexpected",
		"-url http://[::1]:1 -sealed": "keys of their own",
	} {
		if _, err := parseOptions(strings.Fields(flags), io.Discard, today); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want a word about %q", flags, err, want)
		}
	}
}

// beforeJetStream starts a NATS server and receivers before it, all in this
// process.
func beforeJetStream(t testing.TB, dir string, receivers int) (urls []string, nats *server.Server) {
	t.Helper()
	nats, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	must(t, err)
	nats.Start()
	t.Cleanup(func() { nats.Shutdown(); nats.WaitForShutdown() })
	if !nats.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server did not start")
	}
	for range receivers {
		s, err := jetstream.Open(context.Background(), jetstream.Options{URL: nats.ClientURL(), Log: slog.New(slog.DiscardHandler)})
		must(t, err)
		t.Cleanup(func() { s.Close() })
		urls = append(urls, serve(t, receive.Config{Streams: s, Sink: s, Export: s}, same))
	}
	return urls, nats
}

// serve answers on a port of its own.
func serve(t testing.TB, c receive.Config, change func(http.Handler) http.Handler) string {
	t.Helper()
	c.Log, c.Now, c.Bodies, c.Workers = slog.New(slog.DiscardHandler), time.Now, 256, 128
	h, err := receive.NewHandler(c)
	must(t, err)
	srv := httptest.NewServer(change(h))
	t.Cleanup(srv.Close)
	return srv.URL
}

// The same before a JetStream and two receivers: all is there, and the
// server's files name nobody.
func TestPlaysOnJetStream(t *testing.T) {
	dir := t.TempDir()
	urls, nats := beforeJetStream(t, dir, 2)
	o := &options{devices: 6, days: 12, seed: 8, parallel: 6, from: time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -12)}
	p := &post{client: http.DefaultClient, urls: urls, c: new(counts)}
	c, err := play(context.Background(), o, purposes()[1:], func(c *counts) sender { return &post{client: http.DefaultClient, urls: urls, c: c} })
	must(t, err)
	defer http.DefaultClient.CloseIdleConnections()
	if c.twins == 0 || c.deletions == 0 || c.leaks == 0 {
		t.Errorf("%d twins, %d deletions, %d leaks", c.twins, c.deletions, c.leaks)
	}
	if v, err := checkStreams(context.Background(), p, c.streams); err != nil || v.read != len(c.streams) {
		t.Error(v, err)
	}
	nats.Shutdown()
	nats.WaitForShutdown()
	if names, read, err := scan(dir); err != nil || names != 0 || read < 1<<15 {
		t.Errorf("%d names in %d bytes: %v", names, read, err)
	}
}

// BenchmarkPlay plays a day of forty objects against each sink, everything in
// one process: for profiles, the table is `make fleet`.
func BenchmarkPlay(b *testing.B) {
	bench := func(b *testing.B, urls []string) {
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
		defer client.CloseIdleConnections()
		batches := uint64(0)
		for seed := uint64(1); b.Loop(); seed++ {
			o := &options{devices: 40, days: 1, seed: seed, parallel: 64, from: time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -1)}
			c, err := play(context.Background(), o, purposes(), func(c *counts) sender { return &post{client: client, urls: urls, c: c} })
			must(b, err)
			batches += c.batches
		}
		b.ReportMetric(float64(batches)/b.Elapsed().Seconds(), "batches/s")
	}
	b.Run("files", func(b *testing.B) {
		s, err := receive.OpenDir(b.TempDir(), slog.New(slog.DiscardHandler))
		must(b, err)
		defer s.Close()
		bench(b, []string{serve(b, receive.Config{Streams: s, Sink: s, Export: s}, same)})
	})
	b.Run("jetstream", func(b *testing.B) {
		urls, _ := beforeJetStream(b, b.TempDir(), 1)
		bench(b, urls)
	})
}
