package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
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
	config, err := o.config(log)
	if err != nil {
		return err
	}
	tlsConfig, err := o.tls()
	if err != nil {
		return err
	}
	if o.checkOnly {
		_, err := fmt.Fprintln(stdout, "the configuration is in order")
		return err
	}
	sink, err := o.openStore(ctx, log)
	if err != nil {
		return err
	}
	defer sink.Close()
	config.Streams, config.Sink, config.Export, config.Err = sink, sink, sink, sink.Err
	handler, err := receive.NewHandler(*config)
	if err != nil {
		return err
	}
	listening, stop := context.WithCancel(ctx)
	consumer, err := o.mqtt.listen(listening, *config, log)
	if consumer != nil {
		defer consumer.Wait()
	}
	defer stop()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	p := &probes{tokens: config.Tokens, metrics: receive.NewMetrics(sink.Err, time.Now), err: sink.Err}
	server := receive.NewServer(p.mount(handler), log)
	server.TLSConfig = tlsConfig
	scheme := "http"
	if tlsConfig != nil {
		scheme = "https"
	}
	fmt.Fprintf(stderr, "listening on %s://%s\n", scheme, listener.Addr())
	if config.Answer != nil {
		log.Info("answers are signed", "key", answerPublic(config.Answer.Public().(ed25519.PublicKey)))
	}
	forgetting := make(chan struct{})
	until, stopForgetting := context.WithCancel(ctx)
	go func() {
		defer close(forgetting)
		forget(until, sink, o.forgetEvery, p.metrics, log)
	}()
	defer func() {
		stopForgetting()
		<-forgetting
	}()
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
