package control

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Prover shows what was answered and done, and that nothing of it was changed.
type Prover interface {
	// Ledger lists every entry, oldest first, with texts in the context's language ([WithLanguage]).
	Ledger(ctx context.Context) ([]LedgerEntry, error)
	// VerifyLedger checks everything. heads are ends that the person saved, as [LedgerReport] prints them; one that is no
	// head is an [ErrBadRequest]. What does not verify is in the report and no error.
	VerifyLedger(ctx context.Context, heads []string) (LedgerReport, error)
	// ExportLedger is the chain for whoever verifies it without this object.
	ExportLedger(ctx context.Context) (LedgerExport, error)
}

// LedgerEntry is one entry of the ledger.
type LedgerEntry struct {
	Entry         uint64      `json:"entry"`
	Time          time.Time   `json:"time"`
	Kind          string      `json:"kind"` // given, refused, withdrawn, expired, replaced, paused …
	Grant         uint32      `json:"grant,omitempty"`
	Hash          string      `json:"hash"` // hex
	Erased        bool        `json:"erased,omitempty"`
	Purpose       string      `json:"purpose,omitempty"`
	Recipient     string      `json:"recipient,omitempty"`
	Text          string      `json:"text,omitempty"`
	Role          string      `json:"role,omitempty"`
	Channel       string      `json:"channel,omitempty"`
	OnBehalf      string      `json:"on_behalf,omitempty"`
	PolicyVersion uint64      `json:"policy_version,omitempty"`
	Receipt       *Receipt    `json:"receipt,omitempty"`     // of an answer
	Act           *ActReceipt `json:"act_receipt,omitempty"` // of whatever else somebody did
}

// LedgerReport is what a verification looked at and found.
type LedgerReport struct {
	Verified  bool      `json:"verified"`
	Entries   uint64    `json:"entries"`
	Erased    uint64    `json:"erased"`
	Lost      uint64    `json:"lost"` // can't be read, since the keys were new after them
	Keys      int       `json:"keys"`
	Lines     uint64    `json:"lines"` // about what left
	First     time.Time `json:"first,omitzero"`
	Last      time.Time `json:"last,omitzero"`
	Head      string    `json:"head"`       // 80 hexadecimal digits: to write down, and to compare with later
	PublicKey string    `json:"public_key"` // hex, that signs the chain now
	Problems  []string  `json:"problems,omitempty"`
}

// LedgerExport is the chain to take away.
type LedgerExport struct {
	Head      string `json:"head"`
	PublicKey string `json:"public_key"` // hex
	Export    []byte `json:"export"`     // see ledger.VerifyExport
}

// Ledger lists every entry, with texts as they were written.
func (c *Client) Ledger(ctx context.Context) ([]LedgerEntry, error) {
	var l []LedgerEntry
	err := c.do(ctx, http.MethodGet, "/v1/ledger", nil, &l)
	return l, err
}

// VerifyLedger checks everything.
func (c *Client) VerifyLedger(ctx context.Context, heads []string) (LedgerReport, error) {
	path := "/v1/ledger/verify"
	if len(heads) > 0 {
		path += "?" + url.Values{"head": heads}.Encode()
	}
	var r LedgerReport
	err := c.do(ctx, http.MethodGet, path, nil, &r)
	return r, err
}

// ExportLedger fetches the chain to take away.
func (c *Client) ExportLedger(ctx context.Context) (LedgerExport, error) {
	var e LedgerExport
	err := c.do(ctx, http.MethodGet, "/v1/ledger/export", nil, &e)
	return e, err
}

func (s *server) ledger(r *http.Request) (any, error) {
	if err := noQuery(r, "language"); err != nil {
		return nil, err
	}
	ctx, err := inLanguage(r)
	if err != nil {
		return nil, err
	}
	entries, err := s.backend.Ledger(ctx)
	return list(entries), err
}

func (s *server) verifyLedger(r *http.Request) (any, error) {
	if err := noQuery(r, "head"); err != nil {
		return nil, err
	}
	return s.backend.VerifyLedger(r.Context(), r.URL.Query()["head"])
}

func (s *server) exportLedger(r *http.Request) (any, error) {
	if err := noQuery(r); err != nil {
		return nil, err
	}
	return s.backend.ExportLedger(r.Context())
}
