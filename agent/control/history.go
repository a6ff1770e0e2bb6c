package control

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// LiveSeries is what one field measured in the last hours.
type LiveSeries struct {
	Field  string      `json:"field"`
	Unit   string      `json:"unit,omitempty"` // SenML
	Scale  int         `json:"scale"`          // a value is num / 10^scale
	Type   string      `json:"type"`           // number, boolean, token
	Points []LivePoint `json:"points"`
}

// LivePoint is one value.
type LivePoint struct {
	At   int64  `json:"t"` // microseconds since 1970
	Num  int64  `json:"num"`
	Text string `json:"text,omitempty"`
}

// SentCopy is the readable copy of one batch that left.
type SentCopy struct {
	Sent
	Signed       []byte  `json:"signed"`       // byte for byte as it was signed, before it was sealed to anybody
	Announcement []byte  `json:"announcement"` // of its stream, signed
	SenML        RawJSON `json:"senml"`        // the same decoded, RFC 8428
}

// ExportQuery says what of the person's data is wanted.
type ExportQuery struct {
	What     string    // raw, sent, receipts or all
	From, To time.Time // of readings and batches; zero: no bound. From is included, To is not
}

// ExportSeries says what the numbers of one exported field mean. Its index among the series is what points name.
type ExportSeries struct {
	Name     string `json:"name"`           // "hall.temperature"; of what was sent "acme/trends/hall.temperature"
	Unit     string `json:"unit,omitempty"` // SenML
	Scale    int    `json:"scale"`
	Type     string `json:"type"` // number, boolean, text
	Class    string `json:"class,omitempty"`
	Sampling string `json:"sampling"` // how often it is measured, or in which form it left
	Sent     bool   `json:"sent,omitempty"`
}

// ExportPoint is one value.
type ExportPoint struct {
	Series int    `json:"s"`
	At     int64  `json:"t"` // microseconds since 1970, UTC
	Num    int64  `json:"n,omitempty"`
	Text   string `json:"v,omitempty"`
}

// ExportGap is a time in which a field has no value although its sampling promises some.
type ExportGap struct {
	Series int    `json:"s"`
	From   int64  `json:"from"` // the last value before, microseconds since 1970
	To     int64  `json:"to"`   // the first after
	Reason string `json:"reason"`
}

// ExportPiece is one piece of an export: one of its fields is there.
type ExportPiece struct {
	Series  *ExportSeries  `json:"series,omitempty"` // the next one
	Points  []ExportPoint  `json:"points,omitempty"`
	Gap     *ExportGap     `json:"gap,omitempty"`
	Receipt *ExportReceipt `json:"receipt,omitempty"`
	Note    string         `json:"note,omitempty"` // what the person should know of the whole
}

// ExportReceipt is one consent event as an export tells it.
type ExportReceipt struct {
	ID            string    `json:"id"`
	Entry         uint64    `json:"entry"` // in the ledger's chain
	Grant         uint32    `json:"grant"`
	Purpose       string    `json:"purpose"`
	Title         string    `json:"title"`
	Recipient     string    `json:"recipient"`
	Given         time.Time `json:"given"`
	Until         time.Time `json:"until,omitzero"`
	Ended         time.Time `json:"ended,omitzero"`
	Ending        string    `json:"ending,omitempty"`
	Role          string    `json:"role"`
	OnBehalf      string    `json:"on_behalf,omitempty"`
	Language      string    `json:"language"`
	Notice        string    `json:"notice_sha256"`
	Access        string    `json:"access"`
	Basis         string    `json:"basis"`
	RetentionDays int       `json:"retention_days"`
	Fields        []string  `json:"fields"`
	Commitment    string    `json:"commitment"` // what the chain holds of it, hex
}

// Historian shows the person what is kept for her. All of it holds measured values, and none of it leaves the object or is
// reported to anyone.
type Historian interface {
	// Live is what was measured in the last hours, from memory: of one field, or of all with "".
	Live(ctx context.Context, field string, since time.Time) ([]LiveSeries, error)

	// SentCopy is the readable copy of one batch that left, by the name of its stream and its number.
	SentCopy(ctx context.Context, stream string, seq uint64) (SentCopy, error)

	// Export hands over the person's data piece by piece. It may take minutes.
	Export(ctx context.Context, q ExportQuery, emit func(ExportPiece) error) error

	// Exported notes in the ledger that the person has taken what an export handed over, through that channel.
	Exported(q ExportQuery, channel string)
}

func (s *server) live(r *http.Request) (any, error) {
	if err := noQuery(r, "field", "since"); err != nil {
		return nil, err
	}
	since, err := timeParam(r, "since")
	if err != nil {
		return nil, err
	}
	out, err := s.backend.Live(r.Context(), r.URL.Query().Get("field"), since)
	return list(out), err
}

// maxStream is the length of a stream's name: 16 bytes in lower-case hex.
const maxStream = 32

func (s *server) sentCopy(r *http.Request) (any, error) {
	if err := noQuery(r, "stream", "seq"); err != nil {
		return nil, err
	}
	stream := r.URL.Query().Get("stream")
	seq, err := strconv.ParseUint(r.URL.Query().Get("seq"), 10, 64)
	if err != nil || len(stream) != maxStream || strings.Trim(stream, "0123456789abcdef") != "" {
		return nil, Errorf(ErrBadRequest, "candor sent --json", "a batch is named by its stream, 32 hexadecimal digits, and its number")
	}
	return s.backend.SentCopy(r.Context(), stream, seq)
}

func (s *server) export(r *http.Request) (any, error) {
	if err := noQuery(r, "what", "from", "to"); err != nil {
		return nil, err
	}
	q := ExportQuery{What: r.URL.Query().Get("what")}
	switch q.What {
	case "raw", "sent", "receipts", "all":
	default:
		return nil, Errorf(ErrBadRequest, "", "what is raw, sent, receipts or all")
	}
	var err error
	if q.From, err = timeParam(r, "from"); err != nil {
		return nil, err
	}
	if q.To, err = timeParam(r, "to"); err != nil {
		return nil, err
	}
	return lines(func(emit func(v any) error) error {
		err := s.backend.Export(r.Context(), q, func(p ExportPiece) error { return emit(p) })
		if err == nil && roleOf(r.Context()) == Person { // what others take is an act, see about
			s.backend.Exported(q, channelOf(r.Context()))
		}
		return err
	}), nil
}

// timeParam reads a time of RFC 3339; without one it is zero.
func timeParam(r *http.Request, name string) (time.Time, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, Errorf(ErrBadRequest, "", "%s is a time as 2026-01-05T06:00:00Z", name)
	}
	return t, nil
}

// Live asks for what was measured in the last hours.
func (c *Client) Live(ctx context.Context, field string, since time.Time) ([]LiveSeries, error) {
	var out []LiveSeries
	err := c.do(ctx, http.MethodGet, withQueries("/v1/live", "field", field, "since", stamp(since)), nil, &out)
	return out, err
}

// SentCopy asks for the readable copy of one batch that left.
func (c *Client) SentCopy(ctx context.Context, stream string, seq uint64) (SentCopy, error) {
	var out SentCopy
	err := c.do(ctx, http.MethodGet, withQueries("/v1/sent/copy", "stream", stream, "seq", strconv.FormatUint(seq, 10)), nil, &out)
	return out, err
}

// Export has the person's data handed over piece by piece.
func (c *Client) Export(ctx context.Context, q ExportQuery, emit func(ExportPiece) error) error {
	path := withQueries("/v1/export", "what", q.What, "from", stamp(q.From), "to", stamp(q.To))
	return pieces(ctx, c, path, emit)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// withQueries adds the parameters that have a value.
func withQueries(path string, pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}
