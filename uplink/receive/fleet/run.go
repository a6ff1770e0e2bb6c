package main

import (
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/candor-edge/candor/uplink/wire"
)

// run plays what the arguments say and prints the table.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parseOptions(args, stderr, time.Now())
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.limit, fmt.Errorf("the time of -limit %s is over", o.limit))
	defer cancel()
	b := &backend{urls: o.urls}
	if len(o.urls) == 0 {
		if err := b.start(o); err != nil {
			return errors.Join(err, b.stop())
		}
	}
	r, err := b.play(ctx, o)
	if ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	if stopped := b.stop(); err == nil {
		err = stopped
	}
	if err == nil && b.dir != "" {
		r.checked.names, r.checked.scanned, err = scan(b.dir)
		r.checked.looked = true
	}
	if b.temporary {
		err = errors.Join(err, os.RemoveAll(b.dir))
	}
	if err != nil {
		return err
	}
	r.print(stdout)
	if r.checked.names > 0 {
		return errors.New("names of people are in what is kept")
	}
	return nil
}

// backend is what is played against.
type backend struct {
	urls      []string
	token     string
	seal      *wire.SealKey
	dir       string
	temporary bool
	receivers []*process
	nodes     []*process
}

// start starts NATS servers and receivers as the options say.
func (b *backend) start(o *options) (err error) {
	if b.dir = o.dir; b.dir == "" {
		b.temporary = true
		if b.dir, err = os.MkdirTemp("", "fleet-"); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(b.dir, 0o750); err != nil {
		return err
	}
	var secret [16]byte
	draw(rand.New(rand.NewPCG(o.seed, 1<<63)), secret[:])
	b.token = hex.EncodeToString(secret[:])
	tokens := filepath.Join(b.dir, "tokens")
	args := []string{"-workers", strconv.Itoa(o.workers), "-token", tokens}
	if err := os.WriteFile(tokens, []byte(b.token+"\n"), 0o600); err != nil {
		return err
	}
	if o.sealed {
		key, err := wire.GenerateOpenKey(wire.SuiteX25519)
		if err != nil {
			return err
		}
		text, err := key.Secret()
		if err != nil {
			return err
		}
		b.seal = key.Public()
		secret := filepath.Join(b.dir, "fleet.hpke")
		args = append(args, "-hpke", secret)
		if err := os.WriteFile(secret, []byte(text+"\n"), 0o600); err != nil {
			return err
		}
	}
	if o.nodes == 0 {
		return b.startReceivers(o, append(args, "-dir", filepath.Join(b.dir, "sink")))
	}
	var urls []string
	if b.nodes, urls, err = startNodes(o.nodes, filepath.Join(b.dir, "sink")); err != nil {
		return err
	}
	return b.startReceivers(o, append(args, "-nats", strings.Join(urls, ","), "-nats-replicas", strconv.Itoa(o.nodes)))
}

func (b *backend) startReceivers(o *options, args []string) error {
	for i := range o.receivers {
		name := "receiver " + strconv.Itoa(i)
		var p *process
		var url string
		var err error
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(200 * time.Millisecond) { // a cluster elects its leaders first
			p, url, err = startReceiver(o.program, name, filepath.Join(b.dir, fmt.Sprintf("receiver%d.log", i)), args...)
			if err == nil || o.nodes == 0 || time.Now().After(end) {
				break
			}
		}
		if err != nil {
			return err
		}
		b.receivers, b.urls = append(b.receivers, p), append(b.urls, url)
	}
	for _, p := range b.nodes {
		p.first = p.use().last
	}
	return nil
}

// play plays the fleet and then asks whether everything is there.
func (b *backend) play(ctx context.Context, o *options) (*report, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConns: 0, MaxIdleConnsPerHost: o.parallel}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	via := func(c *counts) sender { return &post{client, b.urls, b.token, b.seal, c} }
	began, own := time.Now(), ownTime()
	c, err := play(ctx, o, purposes(), via)
	r := &report{counts: c, o: o, wall: time.Since(began), own: ownTime() - own}
	for _, p := range slices.Concat(b.receivers, b.nodes) {
		r.backend = append(r.backend, p.use())
	}
	if err != nil {
		return r, err
	}
	r.checked, err = checkStreams(ctx, via(new(counts)).(*post), c.streams)
	return r, err
}

// ownTime is the processor time this program took.
func ownTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// stop ends what was started, receivers first.
func (b *backend) stop() error {
	var all []error
	for _, p := range slices.Concat(b.receivers, b.nodes) {
		all = append(all, p.stop())
	}
	b.receivers, b.nodes = nil, nil
	return errors.Join(all...)
}
