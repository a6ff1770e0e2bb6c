package receive

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/candor-edge/candor/uplink/wire"
)

// accepted is the body that proves that a receiver took the message: a captive
// portal doesn't know the digest.
type accepted struct {
	Stream string   `json:"stream"`
	Seq    uint64   `json:"seq"`
	Digest string   `json:"digest"`
	Erased []Erased `json:"erased,omitempty"` // of deletions
	Answer string   `json:"answer,omitempty"` // a signed message, in base64
}

func accept(w http.ResponseWriter, status int, id wire.StreamID, seq uint64, digest [16]byte) {
	a := accepted{Stream: id.String(), Seq: seq, Digest: hex.EncodeToString(digest[:])}
	writeJSON(w, status, map[string]accepted{"accepted": a})
}

type refused struct {
	Code Code   `json:"code"`
	Text string `json:"text"`
}

// refuse answers no and writes a line about it.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, why *Refusal) {
	level := h.Log.Info
	if why.Code == CodeStorage {
		level = h.Log.Error
	}
	level("refused", "path", r.Pattern, "code", string(why.Code), "reason", why.Error())
	if why.After > 0 {
		w.Header().Set("Retry-After", why.retryAfter())
	}
	writeJSON(w, why.Status(), map[string]refused{"error": {why.Code, why.Text}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // of strings and numbers: can't be
		status, body = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", TypeJSON)
	writeBody(w, status, append(body, '\n'))
}

// writeBody writes a body whole, with its length, so that the object can tell
// one that was cut.
func writeBody(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(body) // the object sees a cut answer and sends again
}

func (h *Handler) announcement(w http.ResponseWriter, r *http.Request, signed []byte, by *credential) error {
	m, err := h.verifier.Announcement(signed)
	if err != nil {
		return err
	}
	if !by.may(m.Announcement.Purpose) {
		return errForbidden
	}
	known, err := h.Sink.Announce(r.Context(), m)
	if err != nil {
		return err
	}
	status := http.StatusAccepted
	if known {
		status = http.StatusOK
	}
	accept(w, status, m.Announcement.Stream, 0, signedDigest(signed))
	return nil
}

func (h *Handler) batch(w http.ResponseWriter, r *http.Request, signed []byte, by *credential) error {
	m, err := h.verifier.Batch(r.Context(), signed)
	if err != nil {
		return err
	}
	if !by.may(m.Announcement.Purpose) {
		return errForbidden
	}
	if err := h.Sink.Store(r.Context(), m); err != nil {
		return err
	}
	accept(w, http.StatusAccepted, m.Announcement.Stream, m.Batch.Seq, m.Digest)
	return nil
}

func (h *Handler) deletion(w http.ResponseWriter, r *http.Request, signed []byte, _ *credential) error {
	m, epoch, err := h.verifier.Deletion(r.Context(), signed)
	if err != nil {
		return err
	}
	erased, err := h.Sink.Withdraw(r.Context(), m)
	if err != nil {
		return err
	}
	answer, err := h.deletionAnswer(m.Stream, epoch, erased)
	if err != nil {
		return err
	}
	digest := signedDigest(signed)
	writeJSON(w, http.StatusAccepted, map[string]accepted{"accepted": {
		Stream: m.Stream.String(), Digest: hex.EncodeToString(digest[:]), Erased: erased, Answer: base64.StdEncoding.EncodeToString(answer),
	}})
	return nil
}

// deletionAnswer says, signed, from where how much was erased; nil without a key.
func (h *Handler) deletionAnswer(id wire.StreamID, epoch uint64, erased []Erased) ([]byte, error) {
	if h.Answer == nil {
		return nil, nil
	}
	d := &wire.DeletionAnswer{Stream: id, Epoch: epoch, Day: uint32(h.Now().Unix() / 86400)}
	for _, e := range erased {
		d.Stores, d.Counts = append(d.Stores, e.Store), append(d.Counts, e.Count)
	}
	payload, err := wire.AppendDeletionAnswer(nil, d)
	if err != nil {
		return nil, err
	}
	return wire.AppendSigned(nil, wire.SignWith(h.Answer), wire.KindDeletionAnswer, payload), nil
}

func (h *Handler) freshness(w http.ResponseWriter, r *http.Request, signed []byte, _ *credential) error {
	q, stream, err := h.verifier.Freshness(r.Context(), signed)
	if err != nil {
		return err
	}
	payload, err := wire.AppendFreshnessAnswer(nil, &wire.FreshnessAnswer{
		Stream: q.Stream, Epoch: q.Epoch, Nonce: q.Nonce, Last: stream.Last, Withdrawn: stream.Withdrawn,
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", TypeCBOR)
	if h.Answer != nil {
		w.Header().Set("Content-Type", TypeSigned)
		payload = wire.AppendSigned(nil, wire.SignWith(h.Answer), wire.KindFreshnessAnswer, payload)
	}
	writeBody(w, http.StatusOK, payload)
	return nil
}

func (h *Handler) test(w http.ResponseWriter, _ *http.Request, signed []byte, _ *credential) error {
	if err := h.verifier.Test(signed); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
