package receive

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/candor-edge/candor/uplink/wire"
)

// Media types of what is given back under /access.
const (
	TypeRows     = "application/x-ndjson"
	TypeMessages = "application/cbor-seq" // RFC 8742
)

// maxAccess is the longest request for access, in bytes.
const maxAccess = 1 << 10

// How many streams are given back at the same time, how long that may take, and
// how long whoever asked may take nothing.
const (
	maxAccesses   = 8
	accessTimeout = 10 * time.Minute
	accessStall   = 30 * time.Second
)

// errNoAccess is told for a stream that is not here and for a wrong capability
// alike: nobody learns from it which streams there are.
var errNoAccess = refuse(CodeNotFound, "there is no stream of this name and capability here")

// access gives a stream back to whoever holds its erase capability: its rows,
// or its signed batches when Accept asks for them. The capability is all it
// takes, since the person who has it has no credential of the maker's.
func (h *Handler) access(w http.ResponseWriter, r *http.Request) {
	if err := h.giveAccess(w, r); err != nil {
		h.refuse(w, r, asRefusal(err))
	}
}

func (h *Handler) giveAccess(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		return refuse(CodeMethod, "POST only")
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != TypeJSON {
		return refuse(CodeMediaType, "Content-Type is "+TypeJSON)
	}
	id, capability, err := readAccess(r.Body)
	if err != nil {
		return err
	}
	// Places of its own: who may send nothing must not hold up those who may.
	select {
	case h.accesses <- struct{}{}:
		defer func() { <-h.accesses }()
	default:
		return &Refusal{Code: CodeBusy, Text: "too many requests at once", After: retryBusy}
	}
	stream, err := h.Streams.ByID(r.Context(), id)
	if err != nil && !IsCode(err, CodeUnknown) {
		return err
	}
	want := [32]byte{} // no digest is that, so it stands for none
	if err == nil {
		want = stream.Announcement.Erase
	}
	digest := capability.Digest()
	switch {
	case subtle.ConstantTimeCompare(digest[:], want[:]) != 1:
		return errNoAccess
	case stream.Withdrawn:
		return ErrWithdrawn
	}
	return h.export(w, r, stream.Announcement)
}

// readAccess reads {"stream": 32 digits, "capability": 64 digits}.
func readAccess(body io.Reader) (id wire.StreamID, c wire.Capability, err error) {
	var q struct{ Stream, Capability string }
	text, err := io.ReadAll(io.LimitReader(body, maxAccess+1))
	if err != nil {
		return id, c, &Refusal{Code: CodeBadRequest, Text: "the body was cut", Cause: err}
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	bad := refuse(CodeMalformed, `the body is {"stream":"32 hexadecimal digits","capability":"64 hexadecimal digits"}`)
	if len(text) > maxAccess || d.Decode(&q) != nil || d.More() {
		return id, c, bad
	}
	if id, err = wire.ParseStreamID(q.Stream); err != nil {
		return id, c, bad
	}
	secret, err := hex.DecodeString(q.Capability)
	if err != nil || len(secret) != len(c) {
		return id, c, bad
	}
	copy(c[:], secret)
	return id, c, nil
}

// export writes a stream out. When it fails on the way the connection is cut,
// so that nobody takes a part for the whole.
func (h *Handler) export(w http.ResponseWriter, r *http.Request, a *wire.Announcement) error {
	ctx, cancel := context.WithTimeout(r.Context(), accessTimeout)
	defer cancel()
	connection := http.NewResponseController(w)
	w.Header().Set("Cache-Control", "no-store")
	asRows := !strings.Contains(r.Header.Get("Accept"), TypeMessages)
	w.Header().Set("Content-Type", TypeMessages)
	if asRows {
		w.Header().Set("Content-Type", TypeRows)
	}
	var buf []byte
	err := h.Export.Export(ctx, a.Stream, func(signed []byte) (err error) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		_ = connection.SetWriteDeadline(time.Now().Add(accessStall)) // where there is a connection
		if asRows {
			buf, err = writeRows(w, buf[:0], a, signed)
		} else {
			_, err = w.Write(signed)
		}
		return err
	})
	if err != nil {
		h.Log.Error("a stream was not given back whole", "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

// writeRows writes the rows of a stored batch, as [AppendRows] has them.
func writeRows(w io.Writer, buf []byte, a *wire.Announcement, signed []byte) ([]byte, error) {
	payload, err := wire.SignedPayload(signed)
	if err != nil {
		return buf, err
	}
	b, err := wire.DecodeBatch(payload)
	if err != nil {
		return buf, err
	}
	buf = AppendRows(buf, a, b)
	_, err = w.Write(buf)
	return buf, err
}

// AppendRows appends the rows of a verified batch to dst, one JSON object a
// line, as PROTOCOL.md describes them.
func AppendRows(dst []byte, a *wire.Announcement, b *wire.Batch) []byte {
	dst, _ = newRowWriter(a, b).each(dst, func(b []byte) ([]byte, error) { return b, nil }) // memory does not fail
	return dst
}
