package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math"
	"time"
)

// counts is what a worker did. It belongs to that worker until all have ended.
type counts struct {
	streams                              []*stream // every one that was opened
	batches, rows, bytes                 uint64    // accepted for the first time; bytes signed, before any seal
	again, twins, leaks, deletions       uint64
	questions, requests, retries, failed uint64
	played                               [sha256.Size]byte // of all that was made, in any order
	took                                 histogram         // of a batch, from request to answer
	late                                 time.Duration     // the most behind the schedule, with -speed
}

// sent adds a message to the digest of all.
func (c *counts) sent(m []byte) {
	sum := sha256.Sum256(m)
	for i := range sum {
		c.played[i] ^= sum[i]
	}
}

func (c *counts) add(o *counts) {
	c.streams = append(c.streams, o.streams...)
	c.batches, c.rows, c.bytes = c.batches+o.batches, c.rows+o.rows, c.bytes+o.bytes
	c.again, c.twins, c.leaks, c.deletions = c.again+o.again, c.twins+o.twins, c.leaks+o.leaks, c.deletions+o.deletions
	c.questions, c.requests, c.retries, c.failed = c.questions+o.questions, c.requests+o.requests, c.retries+o.retries, c.failed+o.failed
	for i := range c.played {
		c.played[i] ^= o.played[i]
	}
	for i := range c.took {
		c.took[i] += o.took[i]
	}
	c.late = max(c.late, o.late)
}

// histogram counts durations in steps of an eighth of a doubling, from 1 µs.
type histogram [8 * 32]uint64

func (h *histogram) add(d time.Duration) {
	h[min(max(int(8*math.Log2(float64(max(d.Microseconds(), 1)))), 0), len(h)-1)]++
}

// share returns the duration that a share of all stayed under, to a tenth.
func (h *histogram) share(s float64) time.Duration {
	var all, seen uint64
	for _, n := range h {
		all += n
	}
	for i, n := range h {
		if seen += n; n > 0 && float64(seen) >= s*float64(all) {
			return time.Duration(math.Exp2(float64(i+1)/8)) * time.Microsecond
		}
	}
	return 0
}

// report is a run, as it is printed.
type report struct {
	*counts
	o       *options
	wall    time.Duration
	own     time.Duration // processor time of the fleet itself
	backend []usage       // receivers, then NATS servers
	checked verdict
}

// print writes the table.
func (r *report) print(w io.Writer) {
	line := func(name, format string, a ...any) {
		fmt.Fprintf(w, "  %-34s "+format+"\n", append([]any{name}, a...)...)
	}
	sink := "files, one receiver"
	switch {
	case len(r.o.urls) > 0:
		sink = fmt.Sprintf("of %d receivers that ran already", len(r.o.urls))
	case r.o.nodes > 0:
		sink = fmt.Sprintf("JetStream, %d servers, %d receivers", r.o.nodes, r.o.receivers)
	}
	sec := r.wall.Seconds()
	fmt.Fprintf(w, "fleet: %d objects, %d days from %s, seed %d\n", r.o.devices, r.o.days, r.o.from.Format(time.DateOnly), r.o.seed)
	line("sink", "%s", sink)
	line("sealed", "%t", r.o.sealed)
	line("streams", "%d, of which withdrawn %d", len(r.streams), r.deletions)
	line("batches", "%d, %d rows, %.0f bytes each, signed", r.batches, r.rows, float64(r.bytes)/float64(max(r.batches, 1)))
	line("sent again as if unanswered", "%d", r.again)
	line("refused as they must be", "%d under a number taken, %d that named a person, %d late ones", r.twins, r.leaks, r.deletions)
	line("freshness questions", "%d", r.questions)
	line("requests", "%d, %d tried again", r.requests, r.retries)
	line("time", "%.1f s at %d in flight, %d workers (0: four a processor)", sec, min(r.o.parallel, r.o.devices), r.o.workers)
	if r.o.speed > 0 {
		line("behind the schedule at most", "%s, played %g times as fast as life", r.late.Round(time.Millisecond), r.o.speed)
	}
	line("batches a second", "%.0f", float64(r.batches)/sec)
	line("answer to a batch, half / 99 %", "%s / %s", r.took.share(0.5).Round(100*time.Microsecond), r.took.share(0.99).Round(100*time.Microsecond))
	r.printUse(line)
	line("digest of what was played", "%x", r.played[:8])
	r.checked.print(line)
}

// printUse writes what the programs took; nothing where that is not known.
func (r *report) printUse(line func(name, format string, a ...any)) {
	var cores time.Duration
	for _, u := range r.backend {
		cores += u.cpu
	}
	if cores == 0 {
		return
	}
	for _, u := range r.backend {
		line(u.name, "%.1f s of a core, %.1f MB at first, %.1f MB at the end, %.1f MB at most", u.cpu.Seconds(), mb(u.first), mb(u.last), mb(u.peak))
	}
	line("the fleet itself", "%.1f s of a core", r.own.Seconds())
	line("batches a second and core", "%.0f, receivers and servers together", float64(r.batches)/cores.Seconds())
}

func mb(n int64) float64 { return float64(n) / 1e6 }
