package receive

import (
	"log/slog"
	"net/http"
	"time"
)

// The longest a connection may take, from the first byte of a request. A
// megabyte in thirty seconds is 280 kbit/s; slower objects send smaller
// batches.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 60 * time.Second // from the end of the headers, so it covers reading and storing
	idleTimeout   = 120 * time.Second
	maxHeader     = 16 << 10
)

// NewServer returns a server for the handler whose connections can't be held
// open by being slow. Serve, ServeTLS and Shutdown are the caller's.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
