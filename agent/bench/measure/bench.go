package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// fields is how many values a reading of the recording has.
const fields = 5

type options struct {
	bin       string // directory of candor and candor-receiver
	sizes     string // directory of the programs whose size is told, one folder a platform
	recording string
	data      string // directory of the recordings that sizes are measured on
	readings  int
	most      int // rows of the largest backlog
	peers     bool
	only      string // of the parts, by what their names begin with; all when empty
	save      string
	commit    string
	limit     time.Duration
}

// bench is one run of everything.
type bench struct {
	options
	dir string // for sites; removed at the end
	log io.Writer
	out report
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	b := bench{log: stderr}
	f := flag.NewFlagSet("measure", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&b.bin, "bin", "", "`directory` of candor and candor-receiver")
	f.StringVar(&b.sizes, "sizes", "", "`directory` with a folder a platform, of programs as they are shipped")
	f.StringVar(&b.recording, "recording", "", "the recording, a CSV `file`")
	f.StringVar(&b.data, "data", "agent/bench/data", "`directory` of the recordings that sizes are measured on")
	f.IntVar(&b.readings, "readings", 1_000_000, "how many readings it has")
	f.IntVar(&b.most, "backlog", 10_000_000, "how many rows the largest backlog of the growth has")
	f.BoolVar(&b.peers, "peers", false, "run the workload of the peers instead, against the binaries that OTELCOL and TELEGRAF name")
	f.StringVar(&b.only, "only", "", "run only the parts whose names begin with `WORDS`")
	f.StringVar(&b.save, "save", "", "also write the results into this `directory`")
	f.StringVar(&b.commit, "commit", "unknown", "what is measured")
	f.DurationVar(&b.limit, "limit", 20*time.Minute, "give up after this time")
	if err := f.Parse(args); err != nil {
		return err
	}
	if b.bin == "" || b.recording == "" || b.readings < 1 || f.NArg() > 0 {
		return errors.New("-bin, -recording and -readings are needed; start agent/bench/run.sh")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, b.limit, fmt.Errorf("not done after %s", b.limit))
	defer cancel()
	err := b.measure(ctx)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil && !b.peers { // what a peer could not do takes nothing from what was measured before it
		return err
	}
	return errors.Join(err, b.tell(stdout, time.Now()))
}

// part is one part of the table.
type part struct {
	name string
	run  func(context.Context) error
}

// measure runs every part in turn.
func (b *bench) measure(ctx context.Context) (err error) {
	if b.dir, err = os.MkdirTemp("", "candor-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	parts := []part{
		{"run --once to a receiver", b.once},
		{"a backlog, and its way out", b.backlog},
		{"idle", b.idle},
		{"start", b.start},
		{"start with a backlog", b.startBacklogged},
		{"growth", b.growth},
		{"the wire at 60 and at 1,000 a batch", b.wire},
		{"bytes a day of the reference policy", b.daily},
		{"the wire beside others", b.encodings},
		{"single stages", b.stages},
		{"sizes", b.programs},
	}
	if b.peers {
		parts = b.peerParts()
	}
	parts = slices.DeleteFunc(parts, func(p part) bool { return !strings.HasPrefix(p.name, b.only) })
	if len(parts) == 0 {
		return fmt.Errorf("no part begins with %q", b.only)
	}
	for _, p := range parts {
		began := time.Now()
		_, _ = fmt.Fprintf(b.log, "bench: %s ... ", p.name)
		if failed := p.run(ctx); failed != nil {
			_, _ = fmt.Fprintln(b.log, "failed")
			err = errors.Join(err, fmt.Errorf("%s: %w", p.name, failed))
			if !b.peers || ctx.Err() != nil {
				return err
			}
			continue
		}
		_, _ = fmt.Fprintf(b.log, "%.1fs\n", time.Since(began).Seconds())
	}
	return err
}

// once measures the whole way: sense, clear, store, send, acknowledged. Other work on the machine makes CPU time longer and
// never shorter, so the least of three runs is told; of memory the most.
func (b *bench) once(ctx context.Context) error {
	const times = 3
	var used usage
	var left sent
	for i := range times {
		u, l, err := b.onceMore(ctx, fmt.Sprintf("once%d", i))
		if err != nil {
			return err
		}
		if i == 0 || u.cpu < used.cpu {
			used.cpu, used.elapsed, used.written = u.cpu, u.elapsed, u.written
		}
		used.peak, left = max(used.peak, u.peak), l
	}
	million, each := float64(b.readings)/1e6, float64(b.readings)
	b.out.heading("run --once, %d readings of %d values, two purposes, local receiver, %d runs", b.readings, fields, times)
	b.out.atMost("CPU, the least", used.cpu.Seconds()/million, 2, "%.2f s a million")
	b.out.atMost("peak resident, the most", mega(used.peak), 24, "%.1f MB")
	b.out.only("elapsed, with the receiver on the same cores", used.elapsed.Seconds(), "%.1f s")
	b.out.only("wire, signed, both purposes", float64(left.wire)/each, "%.2f B a reading")
	b.out.only("wire, columns alone", float64(left.columns)/each, "%.2f B a reading")
	b.out.only("batches", float64(left.batches), "%.0f")
	b.out.only("written by /proc/PID/io (misleads)", float64(used.written)/each, "%.0f B a reading")
	return nil
}

// onceMore is one run, and what the ledger says was sent in it.
func (b *bench) onceMore(ctx context.Context, name string) (used usage, left sent, err error) {
	s, err := b.site(name, b.replaying())
	if err != nil {
		return used, left, err
	}
	if err := s.grant(ctx); err != nil {
		return used, left, err
	}
	receiver, err := s.receive(ctx)
	if err != nil {
		return used, left, err
	}
	defer receiver.end()
	if used, err = s.candor(ctx, "run", "--once", "--deadline", "60s"); err != nil {
		return used, left, err
	}
	if left, err = s.sent(ctx); err != nil {
		return used, left, err
	}
	if left.rows["all"] != b.readings {
		return used, left, fmt.Errorf("%d rows of %d readings arrived", left.rows["all"], b.readings)
	}
	receiver.end()
	return used, left, os.RemoveAll(s.dir)
}

// backlog measures sensing into the buffer while the receiver is down, and how fast the buffer drains afterwards.
func (b *bench) backlog(ctx context.Context) error {
	s, err := b.site("backlog", b.replaying())
	if err != nil {
		return err
	}
	if err := s.grant(ctx); err != nil {
		return err
	}
	daemon, err := s.start(ctx, "candor", "run", "--config", s.config)
	if err != nil {
		return err
	}
	defer daemon.end()
	status, err := s.sensed(ctx, daemon)
	if err != nil {
		return err
	}
	resident := daemon.status("VmRSS")
	used, err := daemon.stop()
	if err != nil {
		return err
	}
	million, each := float64(b.readings)/1e6, float64(b.readings)
	b.out.heading("receiver down: %d readings into the buffer, then out", b.readings)
	b.out.only("CPU, sense to disk", used.cpu.Seconds()/million, "%.2f s a million")
	b.out.atMost("resident with the backlog", mega(resident), 24, "%.1f MB")
	b.out.only("peak resident", mega(used.peak), "%.1f MB")
	b.out.only("written by the store's own count", float64(status.Buffer.Written)/each, "%.1f B a reading")
	b.out.only("written by /proc/PID/io (misleads)", float64(used.written)/each, "%.1f B a reading")
	b.out.only("buffer on disk", float64(status.Buffer.Bytes)/each, "%.1f B a reading")
	receiver, err := s.receive(ctx)
	if err != nil {
		return err
	}
	defer receiver.end()
	if used, err = s.candor(ctx, "run", "--once", "--deadline", "60s"); err != nil {
		return err
	}
	b.out.atLeast("drain, receiver on the same cores", each/used.elapsed.Seconds(), 300_000, "%.0f readings/s")
	b.out.only("drain, as fast as its CPU allows", each/used.cpu.Seconds(), "%.0f readings/s")
	b.out.only("CPU, disk to acknowledged", used.cpu.Seconds()/million, "%.2f s a million")
	b.out.atMost("peak resident while draining", mega(used.peak), 24, "%.1f MB")
	return nil
}

// start measures the time from the start of the process to the first commit of readings.
func (b *bench) start(ctx context.Context) error {
	const times = 5
	var took []time.Duration
	for i := range times {
		s, err := b.site(fmt.Sprintf("start%d", i), b.replaying())
		if err != nil {
			return err
		}
		if err := s.grant(ctx); err != nil {
			return err
		}
		t, err := s.firstStored(ctx)
		if err != nil {
			return err
		}
		took = append(took, t)
		if err := os.RemoveAll(s.dir); err != nil {
			return err
		}
	}
	b.out.heading("start, median of %d", times)
	b.out.atMost("process started to first readings on disk", float64(median(took).Microseconds())/1000, 100, "%.0f ms")
	return nil
}

// mega is bytes in MB of a million, as the budgets are.
func mega(bytes int64) float64 { return float64(bytes) / 1e6 }
