package main

import (
	"io"
	"net/http"
	"sync/atomic"

	"github.com/candor-edge/candor/uplink/receive"
)

// prefix is the other place everything is answered under, beside the root.
const prefix = "/v1"

// probes answer those who run the receiver.
type probes struct {
	tokens   *receive.Tokens
	metrics  *receive.Metrics
	err      func() error
	draining atomic.Bool
}

// mount answers under the root and under prefix, and the probes under the root.
func (p *probes) mount(h http.Handler) http.Handler {
	h = p.metrics.Count(h)
	mux := http.NewServeMux()
	mux.Handle(prefix+"/", http.StripPrefix(prefix, h))
	mux.Handle("/", h)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", p.ready)
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if p.tokens != nil && !p.tokens.Allow(r.Header.Get("Authorization")) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="candor"`)
			say(w, http.StatusUnauthorized, "a bearer token that is known here is needed")
			return
		}
		p.metrics.ServeHTTP(w, r)
	})
	return mux
}

// ready says whether objects should be sent here.
func (p *probes) ready(w http.ResponseWriter, _ *http.Request) {
	switch {
	case p.draining.Load():
		say(w, http.StatusServiceUnavailable, "stopping")
	case p.err() != nil:
		say(w, http.StatusServiceUnavailable, "nothing can be stored at the moment")
	default:
		say(w, http.StatusOK, "ok")
	}
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	io.WriteString(w, text+"\n")
}
