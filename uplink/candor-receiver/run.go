package main

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/candor-edge/candor/uplink/receive"
)

// drain is how long requests in progress may take after a signal.
const drain = 20 * time.Second

// run does what the arguments say until ctx ends, then finishes what was begun.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 && args[0] == "keygen" {
		return keygen(args[1:], stdout, stderr)
	}
	o, err := parseOptions(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	s, err := o.read(log)
	if err != nil {
		return err
	}
	if o.checkOnly {
		_, err := fmt.Fprintln(stdout, "the configuration is in order")
		return err
	}
	return s.run(ctx, stderr, log)
}

// setup is the options with the files they name.
type setup struct {
	*options
	config *receive.Config
	tls    *tls.Config             // nil for plain http
	broker *receive.ConsumerConfig // nil without one
}

// read reads every file the options name, and opens nothing.
func (o *options) read(log *slog.Logger) (*setup, error) {
	s := &setup{options: o}
	var err error
	if s.config, err = o.config(log); err != nil {
		return nil, err
	}
	if s.tls, err = o.tls(); err != nil {
		return nil, err
	}
	if s.broker, err = o.mqtt.config(log); err != nil {
		return nil, err
	}
	return s, o.nats.readable()
}

// run opens the store and answers until ctx ends.
func (s *setup) run(ctx context.Context, stderr io.Writer, log *slog.Logger) error {
	sink, err := s.openStore(ctx, log)
	if err != nil {
		return err
	}
	defer sink.Close()
	c := s.config
	c.Streams, c.Sink, c.Export, c.Err = sink, sink, sink, sink.Err
	handler, err := receive.NewHandler(*c)
	if err != nil {
		return err
	}
	p := &probes{tokens: c.Tokens, metrics: receive.NewMetrics(sink.Err, time.Now), err: sink.Err}
	// Whatever runs beside ends before the store is closed.
	beside, stop := context.WithCancel(ctx)
	var others sync.WaitGroup
	defer others.Wait()
	defer stop()
	consumer, err := listen(beside, s.broker, *c, p.metrics)
	if err != nil {
		return err
	}
	if consumer != nil {
		others.Go(consumer.Wait)
	}
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := receive.NewServer(p.mount(handler), log)
	server.TLSConfig = s.tls
	scheme := "http"
	if s.tls != nil {
		scheme = "https"
	}
	fmt.Fprintf(stderr, "listening on %s://%s\n", scheme, listener.Addr())
	if c.Answer != nil {
		log.Info("answers are signed", "key", answerPublic(c.Answer.Public().(ed25519.PublicKey)))
	}
	others.Go(func() { forget(beside, sink, s.forgetEvery, p.metrics, log) })
	return serve(ctx, server, listener, p)
}

// serve answers until ctx ends and then lets requests in progress finish.
func serve(ctx context.Context, server *http.Server, listener net.Listener, p *probes) error {
	ended := make(chan error, 1)
	go func() {
		if server.TLSConfig != nil {
			ended <- server.ServeTLS(listener, "", "")
			return
		}
		ended <- server.Serve(listener)
	}()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	p.draining.Store(true)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	err := server.Shutdown(last)
	if err != nil {
		server.Close()
		err = fmt.Errorf("some requests did not end within %s and were cut; what was not answered comes again: %w", drain, err)
	}
	<-ended
	return err
}
