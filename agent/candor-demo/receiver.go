package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/candor-edge/candor/uplink/receive"
)

// drain is how long requests may still take when the receiver is stopped.
const drain = 5 * time.Second

// receiver is the backend of the demo: the real one, on a free port of the loopback interface.
type receiver struct {
	url    string
	sink   *receive.DirSink
	server *http.Server
	ended  chan error
}

// startReceiver starts one that keeps what it gets in dir and lives by now.
func startReceiver(dir string, now func() time.Time) (*receiver, error) {
	log := slog.New(slog.DiscardHandler)
	sink, err := receive.OpenDir(dir, log)
	if err != nil {
		return nil, err
	}
	handler, err := receive.NewHandler(receive.Config{Streams: sink, Sink: sink, Log: log, Now: now, Err: sink.Err})
	if err != nil {
		return nil, errors.Join(err, sink.Close())
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("receiver: %w", err), sink.Close())
	}
	r := &receiver{url: "http://" + listener.Addr().String(), sink: sink, server: receive.NewServer(handler, log), ended: make(chan error, 1)}
	go func() { r.ended <- r.server.Serve(listener) }()
	return r, nil
}

// stop answers what it is asked at the moment and closes the files. Then nothing writes to them.
func (r *receiver) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	err := r.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("receiver: %w", err), r.server.Close())
	}
	if ended := <-r.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("receiver: %w", ended))
	}
	return errors.Join(err, r.sink.Close())
}
