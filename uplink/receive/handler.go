package receive

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/candor-edge/candor/uplink/wire"
)

// Media types of bodies.
const (
	TypeSigned = `application/cose; cose-type="cose-sign1"` // RFC 9052 section 11.2
	TypeSealed = "application/vnd.candor.sealed"            // HPKE around the signed message
	TypeCBOR   = "application/cbor"                         // an answer that is not signed
	TypeJSON   = "application/json"
)

// MaxBody is the longest body read, in bytes: the longest message and room for
// a seal of any kind around it.
const MaxBody = wire.MaxMessage + 64<<10

// Config is what a handler works with.
type Config struct {
	Streams Seen
	Sink    Sink
	Log     *slog.Logger     // gets methods, codes and reasons; never values, tokens or bodies
	Now     func() time.Time // time.Now, or a clock of a test

	Tokens *Tokens            // who may send; nil: whoever gets through
	Open   *wire.OpenKey      // opens sealed messages; nil: they are refused
	Older  []*wire.OpenKey    // tried after Open: what was sealed before the key changed is still on its way
	Answer ed25519.PrivateKey // signs answers; nil: they are not signed
	Export Exporter           // gives streams back under /access; nil: nothing is given back
	Err    func() error       // why nothing can be stored at the moment; nil: never

	Bodies  int // read at the same time, 0 for 64; the next is told to come back
	Workers int // verified and stored at the same time, 0 for four a processor
}

// Handler answers the paths of PROTOCOL.md, without the prefix a route's URL
// may have: put [http.StripPrefix] before it. Its memory is bounded: at worst
// about 2 MB for each of Bodies and 25 MB for each of Workers. Serve it with the limits of [NewServer], or your own.
type Handler struct {
	Config
	verifier Verifier
	mux      *http.ServeMux
	bodies   chan struct{}
	workers  chan struct{}
	accesses chan struct{}
	buffers  sync.Pool
}

// NewHandler checks the configuration and makes a handler.
func NewHandler(c Config) (*Handler, error) {
	switch {
	case c.Streams == nil || c.Sink == nil || c.Log == nil || c.Now == nil:
		return nil, errors.New("receive: streams, sink, log and clock are all needed")
	case c.Answer != nil && len(c.Answer) != ed25519.PrivateKeySize:
		return nil, errors.New("receive: the key that signs answers is no Ed25519 key")
	}
	if c.Bodies <= 0 {
		c.Bodies = 64
	}
	if c.Workers <= 0 {
		c.Workers = 4 * runtime.GOMAXPROCS(0)
	}
	h := &Handler{
		Config: c, verifier: Verifier{c.Streams, c.Now}, mux: http.NewServeMux(),
		bodies: make(chan struct{}, c.Bodies), workers: make(chan struct{}, c.Workers), accesses: make(chan struct{}, maxAccesses),
		buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }},
	}
	h.mux.HandleFunc("/announcements", h.post(wire.KindAnnouncement, h.announcement))
	h.mux.HandleFunc("/batches", h.post(wire.KindBatch, h.batch))
	h.mux.HandleFunc("/deletions", h.post(wire.KindDeletion, h.deletion))
	h.mux.HandleFunc("/freshness", h.post(wire.KindFreshness, h.freshness))
	h.mux.HandleFunc("/tests", h.post(wire.KindTest, h.test))
	if c.Export != nil {
		h.mux.HandleFunc("/access", h.access)
	}
	h.mux.HandleFunc("/health", h.health)
	h.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		h.refuse(w, r, refuse(CodeNotFound, "there are announcements, batches, deletions, freshness, tests and health"))
	})
	return h, nil
}

// ServeHTTP answers a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// health says whether messages can be stored. It needs no credential and tells
// nothing else.
func (h *Handler) health(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		h.refuse(w, r, refuse(CodeMethod, "GET only"))
		return
	}
	if h.Err != nil {
		if err := h.Err(); err != nil {
			h.refuse(w, r, &Refusal{Code: CodeStorage, Text: "nothing can be stored at the moment", After: retryStorage})
			return
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", "2")
	io.WriteString(w, "ok")
}

// step handles the signed message of a request and answers it, or says why not.
type step func(w http.ResponseWriter, r *http.Request, signed []byte, by *credential) error

// post wraps a step in what all messages share: method, credential, media
// type, limits, the seal, and the answer when it is no.
func (h *Handler) post(kind wire.Kind, do step) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h.take(w, r, kind, do); err != nil {
			h.refuse(w, r, asRefusal(err))
		}
	}
}

func (h *Handler) take(w http.ResponseWriter, r *http.Request, kind wire.Kind, do step) error {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		return refuse(CodeMethod, "POST only")
	}
	by, err := h.identify(w, r)
	if err != nil {
		return err
	}
	sealed, err := h.mediaType(r.Header)
	if err != nil {
		return err
	}
	select {
	case h.bodies <- struct{}{}:
		defer func() { <-h.bodies }()
	default:
		return &Refusal{Code: CodeBusy, Text: "too many uploads at once", After: retryBusy}
	}
	buf := h.buffers.Get().(*bytes.Buffer)
	defer h.giveBack(buf)
	if err := readBody(w, r, buf); err != nil {
		return err
	}
	select {
	case h.workers <- struct{}{}:
		defer func() { <-h.workers }()
	case <-r.Context().Done():
		return r.Context().Err()
	}
	signed := buf.Bytes()
	if sealed {
		if signed, err = h.unseal(kind, signed); err != nil {
			return fromWire(err)
		}
	}
	if len(signed) > wire.MaxMessage {
		return errTooLarge
	}
	return do(w, r, signed, by)
}

// identify finds the credential of a request; nil when none is asked for.
func (h *Handler) identify(w http.ResponseWriter, r *http.Request) (*credential, error) {
	if h.Tokens == nil {
		return nil, nil
	}
	by := h.Tokens.find(r.Header.Get("Authorization"))
	if by == nil {
		w.Header().Set("WWW-Authenticate", `Bearer realm="candor"`)
		return nil, refuse(CodeUnauthorized, "a bearer token that is known here is needed")
	}
	return by, nil
}

// unseal opens a message with the first key that does. The error is that of
// the newest key, the one objects should have.
func (h *Handler) unseal(kind wire.Kind, sealed []byte) ([]byte, error) {
	signed, err := wire.Open(h.Open, SealInfo(kind), nil, sealed)
	for _, key := range h.Older {
		if err == nil {
			break
		}
		if older, failed := wire.Open(key, SealInfo(kind), nil, sealed); failed == nil {
			return older, nil
		}
	}
	return signed, err
}

// SealInfo is the HPKE info (RFC 9180 section 5.1) under which a message is
// sealed: "candor/1/" and the name of its kind, "candor/1/batch" for one. The
// aad is empty.
func SealInfo(kind wire.Kind) []byte {
	return wire.SealInfo(kind)
}

// giveBack keeps a buffer for the next body, unless it is large: those are rare.
func (h *Handler) giveBack(buf *bytes.Buffer) {
	if buf.Cap() <= 128<<10 {
		buf.Reset()
		h.buffers.Put(buf)
	}
}

// mediaType says whether the body is sealed. A compressed body is refused: the
// format has nothing to gain from it and a bomb needs it.
func (h *Handler) mediaType(header http.Header) (sealed bool, err error) {
	for _, e := range header.Values("Content-Encoding") {
		if e != "" && e != "identity" {
			return false, refuse(CodeMediaType, "bodies are sent as they are, without Content-Encoding")
		}
	}
	media, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return false, refuse(CodeMediaType, "Content-Type is "+TypeSigned+" or "+TypeSealed)
	}
	cose, given := params["cose-type"]
	switch {
	case media == "application/cose" && (!given || cose == "cose-sign1"):
		return false, nil
	case media == TypeSealed && h.Open == nil:
		return false, refuse(CodeMediaType, "this receiver has no key to open sealed messages with")
	case media == TypeSealed:
		return true, nil
	}
	return false, refuse(CodeMediaType, "Content-Type is "+TypeSigned+" or "+TypeSealed)
}

// readBody reads the body, never more than MaxBody, and reserves memory for
// what has come, not for what was promised.
func readBody(w http.ResponseWriter, r *http.Request, buf *bytes.Buffer) error {
	if r.ContentLength > MaxBody {
		return errTooLarge
	}
	_, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, MaxBody))
	var large *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &large):
		return errTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuse(CodeSlow, "the body did not come in time")
	}
	return &Refusal{Code: CodeBadRequest, Text: "the body was cut", Cause: err}
}

var errTooLarge = refuse(CodeTooLarge, "a message has at most 1 MiB")
