package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// peer is somebody else's agent that is given as a binary, and how it is made to do the workload.
type peer struct {
	name, variable string
	path           string // of what is posted
	kind           string // its content type
	// files are what it is configured with, by name; args are what it is started with.
	files func(h house) map[string]string
	args  func(h house) []string
	// body makes one request of readings.
	body func(batch []spoken) ([]byte, error)
	// read gives each reading of an upload to take.
	read func(upload []byte, take func(arrived)) error
}

// house is where a peer lives for a run.
type house struct{ dir, in, sink string } // in and sink are host:port

func allPeers() []peer { return []peer{collector(), telegraf()} }

// quiet is how long nothing new has to arrive for a peer to be taken as done, when not all has.
const quiet = 12 * time.Second

// figures are what is set beside each other.
type figures struct {
	idle, peak, body float64 // MB, MB, bytes a reading
	cpu, took        float64 // seconds
}

// eachPeer does something with each peer that is there.
func (b *bench) eachPeer(what string, do func(p peer, binary string) error) error {
	var failed error
	for _, p := range allPeers() {
		binary := os.Getenv(p.variable)
		if binary == "" {
			_, _ = fmt.Fprintf(b.log, "bench: no %s is given, so ours is not measured beside it\n", p.variable)
			continue
		}
		binary, err := filepath.Abs(binary)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(b.log, "bench: %s by %s\n", what, p.name)
		if err := do(p, binary); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s (%s): %w", p.name, binary, err))
		}
	}
	return failed
}

// runPeer runs the workload by a peer, and prints how ours relates to it.
func (b *bench) runPeer(ctx context.Context, p peer, binary string, ours figures) error {
	h := house{dir: filepath.Join(b.dir, "peer-"+p.variable), in: freeAddress(), sink: freeAddress()}
	if err := os.MkdirAll(filepath.Join(h.dir, "queue"), 0o700); err != nil {
		return err
	}
	s := newSink(p.read, theirs, h.sink)
	if err := s.open(); err != nil {
		return err
	}
	defer s.close()
	for name, text := range p.files(h) {
		if err := os.WriteFile(filepath.Join(h.dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	bodies, err := requestsAs(p.body, theirs, aRequest)
	if err != nil {
		return err
	}
	process, err := begin(ctx, h.dir, binary, p.args(h)...)
	if err != nil {
		return err
	}
	defer process.end()
	if err := process.wait(ctx, theirGrace); err != nil {
		return err
	}
	var f figures
	f.idle = mega(process.status("VmRSS"))
	before, began := process.ticks(), time.Now()
	if err := post(ctx, "http://"+h.in+p.path, p.kind, bodies); err != nil {
		return fmt.Errorf("%w; it says: %s", err, lastLines(process.said()))
	}
	f.took = time.Since(began).Seconds()
	spent, err := s.done(ctx, process)
	if err != nil {
		return err
	}
	f.cpu, f.peak, f.body = float64(spent-before)/100, mega(process.status("VmHWM")), float64(s.bytes.Load())/float64(max(1, s.first.Load()))
	b.besides(p, binary, f, ours, s)
	return nil
}

// besides prints a peer's figures and ours as a part of them.
func (b *bench) besides(p peer, binary string, f, ours figures, s *sink) {
	b.out.heading("the same by %s, one run after the other; times are ours to its own", p.name)
	add := func(what string, its, our float64, format string) {
		b.out.only(what, its, fmt.Sprintf("%s, ours %.2f times", format, our/its))
	}
	if info, err := os.Stat(binary); err == nil {
		b.out.only("binary, for this machine", mega(info.Size()), "%.1f MB")
	}
	add("resident after three seconds", f.idle, ours.idle, "%.1f MB")
	add("CPU, from the first request until all has arrived", f.cpu*1e6/theirs, ours.cpu*1e6/theirs, "%.2f s a million")
	add("taken in", theirs/f.took, theirs/ours.took, "%.0f readings/s")
	add("peak resident", f.peak, ours.peak, "%.1f MB")
	add("uploads", f.body, ours.body, "%.2f B a reading")
	b.out.only("arrived", float64(s.first.Load()), fmt.Sprintf("%%.0f of %d", theirs))
	b.out.only("arrived again", float64(s.again.Load()), "%.0f")
	b.out.only("with a wrong value, an e-mail address, a device's number, or a position that is too fine", float64(s.wrong.Load()), "%.0f")
}

// freeAddress is an address of this machine that nobody listens on at the moment.
func freeAddress() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "127.0.0.1:0"
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// lastLines is the end of what a program said.
func lastLines(text string) string { return text[max(0, len(text)-600):] }

// requestsAs makes the bodies that are posted: each readings a request.
func requestsAs(form func([]spoken) ([]byte, error), n, each int) (bodies [][]byte, err error) {
	w := newWorkload()
	for w.made < n {
		batch := make([]spoken, 0, each)
		for len(batch) < each && w.made < n {
			batch = append(batch, w.next())
		}
		body, err := form(batch)
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, bytes.Clone(body))
	}
	return bodies, nil
}

// counters of a sink.
type counters struct{ first, again, wrong, bytes atomic.Int64 }
