package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	startTimes   = 9      // starts of each kind
	startRows    = 20_000 // readings that a measured start finds in its recording
	bufferOfMost = "8GiB" // room for the largest backlog
)

// startBacklogged measures the same start with an empty buffer and with the largest backlog in it, in turn, so that whatever else the
// machine does falls on both. The backlog is sensed with the receiver down.
func (b *bench) startBacklogged(ctx context.Context) (err error) {
	full, err := b.backlogged(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(full.dir)) }()
	var took, empty []time.Duration
	for i := range startTimes {
		rows := filepath.Join(b.dir, fmt.Sprintf("more%d.csv", i))
		if err := repeated(b.recording, rows, (i+1)*1000, startRows, 1); err != nil {
			return err
		}
		s, err := b.site(fmt.Sprintf("beside%d", i), replayOf(rows))
		if err != nil {
			return err
		}
		if err := errors.Join(s.grant(ctx), full.configure(replayOf(rows), bufferOfMost)); err != nil {
			return err
		}
		for _, x := range []struct {
			at *site
			to *[]time.Duration
		}{{s, &empty}, {full, &took}} {
			t, err := x.at.firstStored(ctx)
			if err != nil {
				return err
			}
			*x.to = append(*x.to, t)
		}
		if err := errors.Join(os.RemoveAll(s.dir), os.Remove(rows)); err != nil {
			return err
		}
	}
	ms := func(list []time.Duration) float64 { return float64(median(list).Microseconds()) / 1000 }
	b.out.heading("start with %d rows waiting, median of %d, in turn with an empty buffer", b.most, startTimes)
	b.out.only("process started to first readings on disk, empty", ms(empty), "%.1f ms")
	b.out.atMost("with the backlog", ms(took), 100, "%.1f ms")
	b.out.atMost("with the backlog to empty", ms(took)/ms(empty), 1.2, "%.2f times")
	return nil
}

// backlogged makes a site with the largest backlog in its buffer.
func (b *bench) backlogged(ctx context.Context) (*site, error) {
	long := filepath.Join(b.dir, "long.csv")
	if err := repeated(b.recording, long, 0, b.readings, (b.most+b.readings-1)/b.readings); err != nil {
		return nil, err
	}
	s, err := b.site("full", replayOf(long))
	if err == nil {
		err = errors.Join(s.configure(replayOf(long), bufferOfMost), s.grant(ctx))
	}
	if err != nil {
		return nil, err
	}
	daemon, err := s.start(ctx, "candor", "run", "--config", s.config)
	if err != nil {
		return nil, err
	}
	defer daemon.end()
	status, err := s.sensed(ctx, daemon)
	if err != nil {
		return nil, err
	}
	waiting := 0
	for _, p := range status.Purposes {
		waiting += p.Buffered + p.Outgoing
	}
	if waiting < b.most {
		return nil, fmt.Errorf("only %d rows wait, of %d", waiting, b.most)
	}
	if _, err := daemon.stop(); err != nil {
		return nil, err
	}
	return s, os.Remove(long)
}

// repeated writes a recording that has some readings of another so many times, each time later.
func repeated(from, to string, skip, rows, times int) (err error) {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	lines := strings.SplitAfter(string(text), "\n")
	if len(lines) < 2+skip {
		return fmt.Errorf("%s has %d lines, no %d", filepath.Base(from), len(lines), skip)
	}
	head, body := lines[0], lines[1+skip:]
	if body = body[:min(rows, len(body))]; body[len(body)-1] == "" {
		body = body[:len(body)-1]
	}
	stamps := make([]int64, len(body))
	for i, l := range body {
		stamp, _, _ := strings.Cut(l, ",")
		if stamps[i], err = strconv.ParseInt(stamp, 10, 64); err != nil {
			return err
		}
	}
	span := stamps[len(stamps)-1] - stamps[0] + 1000
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	w := bufio.NewWriter(out)
	_, _ = w.WriteString(head)
	for i := range int64(times) {
		for n, l := range body {
			_, rest, _ := strings.Cut(l, ",")
			_, _ = fmt.Fprintf(w, "%d,%s", stamps[n]+i*span, rest)
		}
	}
	return w.Flush()
}
