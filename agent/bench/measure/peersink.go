package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"sync"
	"time"
)

// arrived is one reading as a peer sent it on.
type arrived struct {
	at                               int64 // nanoseconds since 1970
	temperature, latitude, longitude float64
}

// sink takes a peer's uploads, answers 200 at once, and counts.
type sink struct {
	counters
	address string
	server  *http.Server // nil while it is down
	served  chan struct{}
	read    func([]byte, func(arrived)) error

	mu    sync.Mutex
	known []float32 // the temperature of each reading of the workload, NaN once it has arrived
	was   []float32
	err   error
}

// newSink is down until open.
func newSink(read func([]byte, func(arrived)) error, n int, address string) *sink {
	s := &sink{address: address, read: read, known: make([]float32, n), was: make([]float32, n)}
	for i, w := 0, newWorkload(); i < n; i++ {
		s.known[i] = float32(w.next().Temperature)
	}
	copy(s.was, s.known)
	return s
}

// open serves at the sink's address until close.
func (s *sink) open() error {
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		return err
	}
	s.server = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: grace}
	s.served = make(chan struct{})
	go func() {
		defer close(s.served)
		_ = s.server.Serve(l) // it ends when it is closed
	}()
	return nil
}

// close takes it down; it may be down already.
func (s *sink) close() {
	if s.server != nil {
		_ = s.server.Close()
		<-s.served
		s.server = nil
	}
}

// failed is what could not be read of what came.
func (s *sink) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *sink) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = s.take(body, r.Header.Get("Content-Encoding") == "gzip")
	}
	if err != nil {
		s.mu.Lock()
		s.err = fmt.Errorf("an upload to %s can't be read: %w", r.URL.Path, err)
		s.mu.Unlock()
	}
}

// take counts what is in one upload.
func (s *sink) take(body []byte, zipped bool) error {
	s.bytes.Add(int64(len(body)))
	if zipped {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return err
		}
		if body, err = io.ReadAll(z); err != nil {
			return err
		}
	}
	for _, secret := range []string{"@home.example", "rpi-1f3a9c"} {
		s.wrong.Add(int64(bytes.Count(body, []byte(secret))))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.read(body, s.one)
}

// one counts one reading. A stamp is its number in tenths of a second, and something of less than that.
func (s *sink) one(a arrived) {
	i := (a.at - 1790000000000000000) / 100_000_000
	if i < 0 || i >= int64(len(s.known)) {
		s.wrong.Add(1)
		return
	}
	if fine(a.latitude) || fine(a.longitude) || float32(a.temperature) != s.was[i] {
		s.wrong.Add(1)
	}
	if math.IsNaN(float64(s.known[i])) {
		s.again.Add(1)
		return
	}
	s.known[i] = float32(math.NaN())
	s.first.Add(1)
}

// fine says whether a position has more than two decimals.
func fine(degrees float64) bool {
	return math.Abs(degrees*100-math.Round(degrees*100)) > 1e-6
}

// done waits until all has arrived, or nothing more does, and gives the CPU time that the process had used when the last came.
func (s *sink) done(ctx context.Context, p *process) (ticks int64, err error) {
	last, since := int64(-1), time.Now()
	for {
		if err := s.failed(); err != nil {
			return 0, err
		}
		if n := s.first.Load() + s.again.Load(); n != last {
			last, since, ticks = n, time.Now(), p.ticks()
		}
		if s.first.Load() >= int64(len(s.known)) || time.Since(since) > quiet {
			return ticks, nil
		}
		if err := p.wait(ctx, 100*time.Millisecond); err != nil {
			return 0, err
		}
	}
}
