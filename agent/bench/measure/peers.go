package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/candor-edge/candor/agent/control"
)

// The peers' workload: so many readings, so many a request, one connection, the next request after the answer.
const (
	theirs     = 200_000
	aRequest   = 100
	theirGrace = 3 * time.Second // CPU counts from here after the start
)

// recorded is what was measured of a peer with this workload, on another machine of two cores, synced, gzip: only what does not
// depend on how fast that was is set beside ours.
type recorded struct {
	name         string
	body, binary float64 // bytes a reading of the uploads; MB of the ARMv6 binary
}

func recordedPeers() []recorded {
	return []recorded{{"OpenTelemetry Collector 0.160", 20.88, 42.0}, {"Telegraf 1.37.2", 17.10, 29.0}}
}

// peerPolicy is what the workload asks for: the e-mail address goes nowhere, the device is a pseudonym, positions are coarse.
func peerPolicy(device string) string {
	head, _, _ := strings.Cut(policyText, "[[purpose]]")
	rules := ""
	for _, field := range []string{"temperature", "humidity", "light", "co2", "occupancy"} {
		rules += fmt.Sprintf("  { field = \"room.%s\", action = \"keep\" },\n", field)
	}
	return head + `[[purpose]]
id = "all"
title = { fr = "Les champs", en = "The fields" }
access = "consent"
basis = "consent"
recipient = "acme"
retention = "30d"
time = "1s"
rule = [
` + rules + `  { field = "room.latitude", action = "grid", level = 7 },
  { field = "room.longitude", action = "grid", level = 7 },
  { field = "room.` + device + `", action = "pseudonym" },
]
`
}

func (b *bench) peerParts() []part {
	return []part{{"the peers' workload by replay", b.peerReplay}, {"the peers' workload over HTTP", b.peerIngest}, {"in trouble", b.trouble}}
}

// peerSite is a site whose policy is the workload's. Its sensor text is empty when the program brings the sensor.
func (b *bench) peerSite(name, sensor, device string) (*site, error) {
	s, err := b.site(name, sensor)
	if err != nil {
		return nil, err
	}
	if sensor == "" {
		text, err := os.ReadFile(s.config)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(s.config, bytes.Replace(text, []byte("[[sensor]]\n"), nil, 1), 0o600); err != nil {
			return nil, err
		}
	}
	return s, os.WriteFile(filepath.Join(s.dir, "policy.toml"), []byte(peerPolicy(device)), 0o600)
}

// peerReplay is the workload from a file: sense, clear, store, send, acknowledged.
func (b *bench) peerReplay(ctx context.Context) error {
	recording := filepath.Join(b.dir, "workload.csv")
	if err := writeRecording(recording, theirs); err != nil {
		return err
	}
	b.recording = recording
	s, err := b.peerSite("peer-replay", b.replaying(), "badge")
	if err != nil {
		return err
	}
	if _, err := s.candor(ctx, "consent", "grant", "all", "--on-behalf", "bench"); err != nil {
		return err
	}
	receiver, err := s.receive(ctx)
	if err != nil {
		return err
	}
	defer receiver.end()
	used, err := s.candor(ctx, "run", "--once", "--deadline", "60s")
	if err != nil {
		return err
	}
	left, err := s.sent(ctx)
	if err != nil {
		return err
	}
	if left.rows["all"] != theirs {
		return fmt.Errorf("%d rows of %d readings arrived", left.rows["all"], theirs)
	}
	b.out.heading("the peers' workload, %d readings of 8 values that leave, by replay", theirs)
	b.out.only("CPU, start and stop included", used.cpu.Seconds()*1e6/theirs, "%.2f s a million")
	b.out.only("peak resident", mega(used.peak), "%.1f MB")
	b.bodies(left)
	return nil
}

// peerIngest is the workload over HTTP, as the peers take it.
func (b *bench) peerIngest(ctx context.Context) error {
	s, err := b.peerSite("peer-ingest", "", "device")
	if err != nil {
		return err
	}
	// The grant needs an object whose sensors are there: the program brings one, so the yes is given through its socket.
	receiver, err := s.receive(ctx)
	if err != nil {
		return err
	}
	defer receiver.end()
	address := freeAddress()
	agent, err := s.ingest(ctx, address)
	if err != nil {
		return err
	}
	defer agent.end()
	if err := agent.wait(ctx, theirGrace); err != nil {
		return err
	}
	if _, err := s.candor(ctx, "consent", "grant", "all", "--on-behalf", "bench"); err != nil {
		return err
	}
	bodies, err := requestsAs(func(batch []spoken) ([]byte, error) { return json.Marshal(batch) }, theirs, aRequest)
	if err != nil {
		return err
	}
	idle := mega(agent.status("VmRSS"))
	before, began := agent.ticks(), time.Now()
	if err := post(ctx, "http://"+address+"/", "application/json", bodies); err != nil {
		return err
	}
	took := time.Since(began)
	if err := s.drained(ctx, agent); err != nil {
		return err
	}
	spent, peak := float64(agent.ticks()-before)/100, agent.status("VmHWM")
	if _, err := agent.stop(); err != nil {
		return err
	}
	left, err := s.sent(ctx)
	if err != nil {
		return err
	}
	if left.rows["all"] != theirs {
		return fmt.Errorf("%d rows of %d readings arrived", left.rows["all"], theirs)
	}
	b.out.heading("the same over HTTP, JSON, %d a request, one connection (a sensor of the bench, not of the device)", aRequest)
	b.out.only("CPU, from the first request until all is acknowledged", spent*1e6/theirs, "%.2f s a million")
	b.out.only("taken in", theirs/took.Seconds(), "%.0f readings/s")
	b.out.only("peak resident", mega(peak), "%.1f MB")
	b.bodies(left)
	ours := figures{idle: idle, peak: mega(peak), body: float64(left.wire) / theirs, cpu: spent, took: took.Seconds()}
	return b.eachPeer("the peers' workload", func(p peer, binary string) error { return b.runPeer(ctx, p, binary, ours) })
}

// trouble puts ours into every trouble, and then each peer that is there.
func (b *bench) trouble(ctx context.Context) error {
	ours, err := b.endure(ctx, func(name string) (*subject, error) { return b.ourSubject(ctx, name) })
	if err != nil {
		return err
	}
	b.endured("ours, over HTTP", ours, nil)
	return b.eachPeer("in trouble", func(p peer, binary string) error {
		its, err := b.endure(ctx, func(name string) (*subject, error) { return b.peerSubject(p, binary, name) })
		if err == nil {
			b.endured(p.name, its, &ours)
		}
		return err
	})
}

// bodies tells the bytes of the uploads, beside those recorded of the peers.
func (b *bench) bodies(left sent) {
	body := float64(left.wire) / theirs
	b.out.only("uploads, signed", body, fmt.Sprintf("%%.2f B a reading, %.0f rows each", float64(theirs)/float64(left.batches)))
	for _, p := range recordedPeers() {
		b.out.only("  to "+p.name+", as recorded elsewhere", body/p.body, "%.2f times")
	}
}

// post sends the bodies one after the other over one connection.
func post(ctx context.Context, url, kind string, bodies [][]byte) error {
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	defer client.CloseIdleConnections()
	for _, body := range bodies {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", kind)
		answer, err := client.Do(r)
		if err != nil {
			return err
		}
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 400))
		_ = answer.Body.Close()
		if answer.StatusCode/100 != 2 {
			return fmt.Errorf("answered %s: %s", answer.Status, text)
		}
	}
	return nil
}

// drained waits until nothing is left in the agent: a whole second behind the last reading may be needed before its bucket is sent.
func (s *site) drained(ctx context.Context, agent *process) error {
	for {
		if err := agent.wait(ctx, 500*time.Millisecond); err != nil {
			return err
		}
		if waiting, err := s.left(ctx); err != nil || waiting == 0 {
			return err
		}
	}
}

// left is how much waits in the agent: rows, and batches that are on their way.
func (s *site) left(ctx context.Context) (waiting int, err error) {
	var status control.Status
	if err := s.ask(ctx, &status, "status"); err != nil {
		return 0, err
	}
	waiting = status.Buffer.Waiting
	for _, p := range status.Purposes {
		waiting += p.Buffered + p.Outgoing
	}
	return waiting, nil
}
