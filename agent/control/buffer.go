package control

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// FlashBudget is how many bytes a day the buffer may write before the owner is warned: cards die of small writes, and this is
// what ten sensors at ten seconds must get by with.
const FlashBudget = 60_000_000

// FlashOver is what [Buffer.Flash] says when more is written.
const FlashOver = "over the budget"

// Buffer is what `buffer show` prints.
type Buffer struct {
	BufferStatus
	Reserve    int64          `json:"reserve_bytes"`         // left free on the disk
	Since      time.Time      `json:"since"`                 // from which written_bytes counts
	Flash      string         `json:"flash"`                 // "within the budget", "over the budget", "too early to tell"
	PerDay     int64          `json:"written_bytes_a_day"`   // at the pace since then; 0 while it is too early to tell
	Oldest     string         `json:"oldest_day,omitempty"`  // of a row that has not left, YYYY-MM-DD (UTC)
	Unclean    bool           `json:"unclean,omitempty"`     // it was not closed in good order before this start
	Quarantine int            `json:"quarantined,omitempty"` // damaged files kept for a look
	Streams    []BufferStream `json:"streams"`               // what waits, purpose by purpose and epoch by epoch
	Limited    bool           `json:"limited,omitempty"`     // counts that depend on events are left out: a technician asked
}

// BufferStream is what one stream has in the buffer.
type BufferStream struct {
	Purpose  string            `json:"purpose"`
	Epoch    uint64            `json:"epoch"`
	Waiting  int               `json:"waiting_rows"`  // in memory
	Buffered int               `json:"buffered_rows"` // on disk, not yet cut
	Outgoing int               `json:"outgoing_batches"`
	Parked   int               `json:"parked_batches"`
	Oldest   string            `json:"oldest_day,omitempty"`
	Losses   map[string]uint64 `json:"losses,omitempty"`
}

// ForTechnician leaves out what depends on what happened in the home.
func (b Buffer) ForTechnician() Buffer {
	b.Limited = true
	b.BufferStatus = Status{Buffer: b.BufferStatus}.ForTechnician().Buffer
	b.PerDay, b.Oldest, b.Streams = 0, "", nil
	return b
}

// BufferCheck is what `buffer verify` found in one file.
type BufferCheck struct {
	File    string `json:"file"` // "buffer" for a technician, who gets one verdict on all files
	Bytes   int64  `json:"bytes"`
	Records int    `json:"records"` // that authenticate
	Rows    int    `json:"rows"`
	Damaged int    `json:"damaged"`         // records that can't be read
	KeyGone int    `json:"key_gone"`        // records whose key was destroyed: a state, not a fault
	Fault   string `json:"fault,omitempty"` // of the file itself
	Of      int    `json:"of"`              // how many files are looked at in all
}

// Sound tells that nothing in the file is damaged.
func (c BufferCheck) Sound() bool { return c.Damaged == 0 && c.Fault == "" }

// add puts the verdict on another file to this one, for a technician: even how many files there are rises with what happens
// in the home.
func (c *BufferCheck) add(next BufferCheck) {
	if next.Damaged > 0 {
		c.Damaged = 1
	}
	if c.Fault == "" {
		c.Fault = next.Fault
	}
}

// Waiting is rows that have not left, as `buffer export` prints them.
type Waiting struct {
	Purpose string  `json:"purpose"`
	Epoch   uint64  `json:"epoch"`
	Rows    int     `json:"rows"`
	Cut     bool    `json:"cut"`   // made into an upload already
	SenML   RawJSON `json:"senml"` // RFC 8428
}

// Keeper shows what waits in the buffer.
type Keeper interface {
	// Buffer tells what is in the buffer, in counts.
	Buffer(ctx context.Context) (Buffer, error)

	// VerifyBuffer reads and authenticates everything that is kept, file by file. It may take minutes.
	VerifyBuffer(ctx context.Context, emit func(BufferCheck) error) error

	// ExportBuffer hands over everything that has not left, decoded, oldest first in each stream. It holds values.
	ExportBuffer(ctx context.Context, emit func(Waiting) error) error
}

func (s *server) buffer(r *http.Request) (any, error) {
	if err := noQuery(r); err != nil {
		return nil, err
	}
	b, err := s.backend.Buffer(r.Context())
	b.Streams = list(b.Streams)
	if err == nil && roleOf(r.Context()) == Technician {
		b = b.ForTechnician()
		b.Streams = list(b.Streams)
	}
	return b, err
}

func (s *server) verifyBuffer(r *http.Request) (any, error) {
	if err := noQuery(r); err != nil {
		return nil, err
	}
	technician := roleOf(r.Context()) == Technician
	return lines(func(emit func(v any) error) error {
		all := BufferCheck{File: "buffer", Of: 1}
		err := s.backend.VerifyBuffer(r.Context(), func(c BufferCheck) error {
			if technician {
				all.add(c)
				return nil
			}
			return emit(c)
		})
		if technician && err == nil {
			err = emit(all)
		}
		return err
	}), nil
}

// lines is an answer that is written piece by piece, a JSON document a line. Every line is whole, and the last one is {"end":true},
// so that an answer that breaks off is seen to.
type lines func(emit func(v any) error) error

func (s *server) exportBuffer(r *http.Request) (any, error) {
	if err := noQuery(r); err != nil {
		return nil, err
	}
	return lines(func(emit func(v any) error) error {
		return s.backend.ExportBuffer(r.Context(), func(w Waiting) error { return emit(w) })
	}), nil
}

// ending is the last line.
type ending struct {
	End   bool       `json:"end"`
	Error *errorText `json:"error,omitempty"`
}

// writeLines writes an answer piece by piece. What fails on the way is told in the last line.
func writeLines(w http.ResponseWriter, each lines) {
	header(w, http.StatusOK)
	rc := http.NewResponseController(w)
	enc := json.NewEncoder(w)
	write := func(v any) error {
		_ = rc.SetWriteDeadline(time.Now().Add(writeTime)) // for each piece; an answer in the same process has none
		if err := enc.Encode(v); err != nil {
			return err
		}
		_ = rc.Flush() // so that whoever waits sees how far it is
		return nil
	}
	last := ending{End: true}
	if err := each(write); err != nil {
		e := asError(err)
		last.Error = &errorText{Code: e.Code, Text: e.Text, Hint: e.Hint}
	}
	_ = write(last) // a client that left needs no answer
}
