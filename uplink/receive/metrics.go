package receive

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Metrics counts what a handler answers, for Prometheus. It knows paths,
// statuses and durations, and nothing of streams, purposes or senders. Its
// methods may be called at the same time.
type Metrics struct {
	mu        sync.Mutex
	answers   map[answerName]uint64
	seconds   map[string]float64
	inFlight  int
	forgotten uint64
	err       func() error
	now       func() time.Time
}

type answerName struct {
	path   string
	status int
}

// counted are the paths with counts of their own; all others are one.
var counted = [...]string{"/announcements", "/batches", "/deletions", "/freshness", "/tests", "/access", "/health"}

// NewMetrics makes empty counts. err says why nothing can be stored at the
// moment; now is the clock durations are taken from.
func NewMetrics(err func() error, now func() time.Time) *Metrics {
	return &Metrics{answers: make(map[answerName]uint64), seconds: make(map[string]float64), err: err, now: now}
}

// Count returns a handler that counts what h answers.
func (m *Metrics) Count(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, began := "other", m.now()
		if slices.Contains(counted[:], r.URL.Path) {
			path = r.URL.Path
		}
		m.add(1)
		sw := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() { // also when the answer was cut
			m.done(answerName{path, sw.status}, m.now().Sub(began))
		}()
		h.ServeHTTP(sw, r)
	})
}

func (m *Metrics) add(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inFlight += n
}

func (m *Metrics) done(a answerName, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inFlight--
	m.answers[a]++
	m.seconds[a.path] += took.Seconds()
}

// Forgot counts batches removed because their day had come.
func (m *Metrics) Forgot(batches int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forgotten += uint64(batches)
}

// statusWriter remembers the status. Unwrap lets deadlines through.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for [http.ResponseController].
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// ServeHTTP writes the counts in Prometheus' text format, version 0.0.4.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	up := 1
	if m.err != nil && m.err() != nil {
		up = 0
	}
	var text bytes.Buffer // whoever reads slowly must not hold up those who send
	m.write(&text, up)
	w.Header().Set("Content-Length", strconv.Itoa(text.Len()))
	w.Write(text.Bytes())
}

func (m *Metrics) write(w io.Writer, up int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	describeMetric(w, "candor_receiver_answers_total", "counter", "Requests answered, by path and status.")
	names := slices.SortedFunc(maps.Keys(m.answers), func(a, b answerName) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.status, b.status))
	})
	for _, n := range names {
		fmt.Fprintf(w, "candor_receiver_answers_total{path=%q,status=\"%d\"} %d\n", n.path, n.status, m.answers[n])
	}
	describeMetric(w, "candor_receiver_answer_seconds_total", "counter", "Time from a request's headers to its answer, by path.")
	for _, p := range slices.Sorted(maps.Keys(m.seconds)) {
		fmt.Fprintf(w, "candor_receiver_answer_seconds_total{path=%q} %s\n", p, strconv.FormatFloat(m.seconds[p], 'f', 6, 64))
	}
	describeMetric(w, "candor_receiver_requests_in_flight", "gauge", "Requests that are being answered.")
	fmt.Fprintf(w, "candor_receiver_requests_in_flight %d\n", m.inFlight)
	describeMetric(w, "candor_receiver_forgotten_batches_total", "counter", "Batches removed because their delete-by had come.")
	fmt.Fprintf(w, "candor_receiver_forgotten_batches_total %d\n", m.forgotten)
	describeMetric(w, "candor_receiver_store_up", "gauge", "1 while messages can be stored.")
	fmt.Fprintf(w, "candor_receiver_store_up %d\n", up)
}

func describeMetric(w io.Writer, name, kind, help string) {
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}
