package control

import (
	"context"
	"io"
	"net/http"
)

// inProcess calls a handler where an http.Transport would use a socket.
type inProcess struct {
	handler http.Handler
	role    Role
}

// RoundTrip implements http.RoundTripper. It returns as soon as the answer begins; closing its body ends the handler.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(WithRole(r.Context(), t.role))
	in := r.Clone(ctx)
	if in.Body == nil {
		in.Body = http.NoBody
	}
	from, to := io.Pipe()
	w := &answerWriter{header: http.Header{}, begun: make(chan struct{}), body: to}
	ended := make(chan struct{})
	go func() { // the body's Close waits for it
		defer close(ended)
		defer func() { _ = in.Body.Close() }()
		t.handler.ServeHTTP(w, in)
		w.WriteHeader(http.StatusOK) // where the handler wrote nothing
		_ = to.Close()
	}()
	<-w.begun
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: &pipeBody{from, cancel, ended}, ContentLength: -1, Request: r,
	}, nil
}

// pipeBody is an answer that a handler is still writing.
type pipeBody struct {
	*io.PipeReader
	cancel context.CancelFunc
	ended  chan struct{}
}

// Close implements io.Closer: the handler's writes fail from here on, and it has ended when Close returns.
func (b *pipeBody) Close() error {
	b.cancel()
	_ = b.PipeReader.Close()
	<-b.ended
	return nil
}

// answerWriter passes an answer on as it is written.
type answerWriter struct {
	header http.Header
	begun  chan struct{} // closed with the status
	body   *io.PipeWriter
	status int
}

// Header implements http.ResponseWriter.
func (w *answerWriter) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter; the first status counts.
func (w *answerWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		close(w.begun)
	}
}

// Write implements http.ResponseWriter.
func (w *answerWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}
