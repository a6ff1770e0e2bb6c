package control

import (
	"context"
	"net/http"
	"time"
)

// Eraser destroys what the object keeps.
type Eraser interface {
	// Erase destroys what is asked for, here and without any network. A period is of whole UTC days, by the moment a value
	// was taken; it ends no yes. A purpose, or everything, ends the yes as a withdrawal does.
	Erase(ctx context.Context, role Role, r ErasureRequest) (Erasure, error)
	// Transfer makes the object ready for another owner: every yes ends, and keys, receipts, history, streams and what
	// is buffered are destroyed. A running daemon ends after it.
	Transfer(ctx context.Context, role Role, r TransferRequest) (Transfer, error)
}

// ErasureRequest says what to erase: exactly one of All, Purpose and a period.
type ErasureRequest struct {
	Decision
	All          bool   `json:"all,omitempty"`
	Purpose      string `json:"purpose,omitempty"`
	From         string `json:"from,omitempty"` // first day, "2026-03-01"
	To           string `json:"to,omitempty"`   // last day, included
	RecipientToo bool   `json:"recipient_too,omitempty"`
}

// Erasure is the object's word on what it destroyed. Confirmation is the same as JSON text, signed.
type Erasure struct {
	Time         time.Time `json:"time"`
	What         string    `json:"what"`      // what was asked for
	Destroyed    []string  `json:"destroyed"` // in words
	Remains      []string  `json:"remains"`   // what is still there, and why
	Asked        int       `json:"asked"`     // deletion requests that are on their way to recipients
	Assurance    string    `json:"assurance"` // software: worn cells of a memory card may keep traces
	PublicKey    string    `json:"public_key,omitempty"`
	Confirmation []byte    `json:"confirmation,omitempty"` // COSE_Sign1
}

// TransferRequest asks for the object to be made ready for another owner.
type TransferRequest struct {
	Decision
	Wait int `json:"wait,omitempty"` // seconds to try to reach the recipients first; at most 45
}

// Transfer is what was destroyed, what is still to be asked for, and the hand-over sheet.
type Transfer struct {
	Erasure
	// Papers are deletion requests that no recipient has acknowledged: the object goes on sending them, and whoever has
	// one can send it too.
	Papers []Paper `json:"papers,omitempty"`
	// Sheet is for whoever gets the object, with the key it is known by from now on.
	Sheet Sheet `json:"sheet"`
}

// Paper is a deletion request to be kept on paper.
type Paper struct {
	Recipient string `json:"recipient"`
	URL       string `json:"url,omitempty"` // where to POST it
	Stream    string `json:"stream"`        // hex
	Request   []byte `json:"request"`       // the signed message
}

// Erase destroys what is asked for.
func (c *Client) Erase(ctx context.Context, r ErasureRequest) (Erasure, error) {
	var e Erasure
	err := c.do(ctx, http.MethodPost, "/v1/erase", r, &e)
	return e, err
}

// Transfer makes the object ready for another owner.
func (c *Client) Transfer(ctx context.Context, r TransferRequest) (Transfer, error) {
	var t Transfer
	err := c.do(ctx, http.MethodPost, "/v1/transfer", r, &t)
	return t, err
}

func (s *server) erase(r *http.Request) (any, error) {
	var e ErasureRequest
	role, err := request(r, &e, &e.Decision)
	if err != nil {
		return nil, err
	}
	asked := 0
	for _, is := range []bool{e.All, e.Purpose != "", e.From != "" || e.To != ""} {
		if is {
			asked++
		}
	}
	if asked != 1 || len(e.Purpose) > maxPurpose {
		return nil, Errorf(ErrBadRequest, "candor erase --help", "say what to erase: all, one purpose, or a period")
	}
	return s.backend.Erase(r.Context(), role, e)
}

func (s *server) transfer(r *http.Request) (any, error) {
	var t TransferRequest
	role, err := request(r, &t, &t.Decision)
	if err != nil {
		return nil, err
	}
	if t.Wait < 0 || t.Wait > maxTransferWait {
		return nil, Errorf(ErrBadRequest, "", "the recipients are waited for at most %d seconds", maxTransferWait)
	}
	return s.backend.Transfer(r.Context(), role, t)
}

const maxTransferWait = 45 // seconds; below what a client waits for an answer

// request reads what is asked and by whom.
func request(r *http.Request, into any, d *Decision) (Role, error) {
	if err := noQuery(r); err != nil {
		return "", err
	}
	if err := readBody(r, into); err != nil {
		return "", err
	}
	return d.check(r)
}
