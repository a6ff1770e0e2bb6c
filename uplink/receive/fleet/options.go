package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"
)

// options are the command line.
type options struct {
	devices   int
	days      int
	from      time.Time // the first day that is played, 00:00 UTC
	seed      uint64
	parallel  int     // requests on their way at once
	speed     float64 // seconds played in one; 0: as fast as it goes
	program   string  // the receiver
	receivers int
	workers   int      // of each
	nodes     int      // NATS servers; 0: files
	urls      []string // receivers that run already, in place of all that
	dir       string   // where the sinks are; "": a place of its own, removed at the end
	sealed    bool
	limit     time.Duration
}

func parseOptions(args []string, stderr io.Writer, today time.Time) (*options, error) {
	o := new(options)
	f := flag.NewFlagSet("fleet", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&o.devices, "devices", 200, "`number` of objects, 1 to 100000")
	f.IntVar(&o.days, "days", 1, "days that are played, 1 to 60")
	from := f.String("from", today.UTC().AddDate(0, 0, -1).Format(time.DateOnly), "first `day`; with the same day and seed the same bytes are sent")
	f.Uint64Var(&o.seed, "seed", 1, "of everything that is drawn")
	f.IntVar(&o.parallel, "parallel", 32, "requests on their way at once, 1 to 4096")
	f.Float64Var(&o.speed, "speed", 0, "seconds played in one; 0 is as fast as it goes")
	f.StringVar(&o.program, "receiver", "bin/candor-receiver", "the `program` to start")
	f.IntVar(&o.receivers, "receivers", 1, "`number` of them, 1 to 16; more than one need -nats")
	f.IntVar(&o.workers, "workers", 0, "`number` each receiver is started with, 0 for its own choice")
	f.IntVar(&o.nodes, "nats", 0, "`number` of NATS servers to start and keep things in: 1, 3 or 5; 0 keeps files")
	urls := f.String("url", "", "`URLs` of receivers on this machine that run already, with commas between")
	f.StringVar(&o.dir, "dir", "", "`directory` to leave the sinks in")
	f.BoolVar(&o.sealed, "sealed", false, "seal every message with HPKE, X25519")
	f.DurationVar(&o.limit, "limit", 10*time.Minute, "how long it may take at most")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	var err error
	if o.from, err = time.Parse(time.DateOnly, *from); err != nil {
		return nil, fmt.Errorf("-from: %w", err)
	}
	if *urls != "" {
		o.urls = strings.Split(*urls, ",")
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected %q; everything is given by flags, see -h", f.Arg(0))
	}
	return o, o.check(today)
}

func (o *options) check(today time.Time) error {
	switch {
	case o.devices < 1 || o.devices > 100_000 || o.days < 1 || o.days > 60 || o.parallel < 1 || o.parallel > 4096 || o.speed < 0 || o.limit <= 0 || o.workers < 0:
		return errors.New("-devices is 1 to 100000, -days 1 to 60, -parallel 1 to 4096, -speed, -limit and -workers are not negative")
	case o.from.AddDate(0, 0, o.days).After(today) || o.from.Before(today.AddDate(0, 0, -80)):
		return errors.New("-from is a day of the last 80, and all -days have passed: no object sends what is to come")
	case o.receivers < 1 || o.receivers > 16 || o.receivers > 1 && o.nodes == 0:
		return errors.New("-receivers is 1 to 16, and more than one need -nats: files belong to one")
	case o.nodes != 0 && o.nodes != 1 && o.nodes != 3 && o.nodes != 5:
		return errors.New("-nats is 1, 3 or 5")
	case len(o.urls) > 0 && o.sealed:
		return errors.New("-sealed goes with receivers that are started here: those of -url have keys of their own")
	}
	for _, text := range o.urls {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" || net.ParseIP(u.Hostname()) == nil || !net.ParseIP(u.Hostname()).IsLoopback() {
			return fmt.Errorf("-url %s: http://127.0.0.1:PORT; this plays against this machine only", text)
		}
	}
	return nil
}
