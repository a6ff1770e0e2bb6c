package control

import (
	"context"
	"net/http"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// Channels say through what somebody spoke; a receipt keeps it.
const (
	ChannelCLI  = "cli"  // the command line, through the control socket
	ChannelPage = "page" // the page on the object
)

type channelKey struct{}

// WithChannel returns a context in which requests come through a channel; without it they come through [ChannelCLI].
func WithChannel(ctx context.Context, channel string) context.Context {
	return context.WithValue(ctx, channelKey{}, channel)
}

func channelOf(ctx context.Context) string {
	if c, _ := ctx.Value(channelKey{}).(string); c != "" {
		return c
	}
	return ChannelCLI
}

type languageKey struct{}

// WithLanguage returns a context in which texts are wanted in a language, a tag as "fr".
func WithLanguage(ctx context.Context, language string) context.Context {
	return context.WithValue(ctx, languageKey{}, language)
}

// LanguageOf is the language in which texts are wanted; "" is that in which they were written.
func LanguageOf(ctx context.Context) string {
	l, _ := ctx.Value(languageKey{}).(string)
	return l
}

// inLanguage is the context of a request with the language that it asks for.
func inLanguage(r *http.Request) (context.Context, error) {
	language := r.URL.Query().Get("language")
	return WithLanguage(r.Context(), language), checkLanguage(language)
}

// Moment is the truth of the moment, for the top of a page.
type Moment struct {
	Language string `json:"language"` // of Text and Last: fr or en
	State    string `json:"state"`    // one of the constants below
	Text     string `json:"text"`     // is anything leaving now
	Last     string `json:"last"`     // what left last, when and to whom
	Light    string `json:"light,omitempty"`
	// Revision changes whenever something else is worth asking for again: an answer, a rule, an upload, a receipt.
	Revision string    `json:"revision"`
	Now      time.Time `json:"now"` // by the object's clock
}

// The states of a [Moment].
const (
	MomentNothing = "nothing" // no yes is in force; a message without data may be on its way
	MomentOpen    = "open"    // something may leave and does not at this moment
	MomentSending = "sending" // something is on its way
	MomentPaused  = "paused"
	MomentStuck   = "stuck" // something may leave, and no recipient can be reached
	MomentMute    = "mute"  // the disk takes no writing, so nothing leaves
)

// Deletion is where the deletion of one stream stands at its recipient.
type Deletion struct {
	Purpose   string    `json:"purpose"`
	Recipient string    `json:"recipient"`
	Stream    string    `json:"stream"` // hex
	Asked     time.Time `json:"asked"`
	Confirmed time.Time `json:"confirmed,omitzero"`
	State     string    `json:"state"` // asked, overdue after 30 days, confirmed
}

// Sense is one field that this object can measure.
type Sense struct {
	Field     string        `json:"field"`
	Unit      string        `json:"unit,omitempty"` // SenML
	Class     sensors.Class `json:"class"`
	Implies   sensors.Class `json:"implies,omitempty"` // what a fine series of it gives away besides
	Every     string        `json:"every,omitempty"`   // between readings, as "10s"
	Sensor    string        `json:"sensor"`
	Simulated bool          `json:"simulated,omitempty"`
}

// Watcher answers what a page asks beside the rest. It holds no measured value.
type Watcher interface {
	// Moment is cheap: it may be asked several times a second.
	Moment(ctx context.Context, language string) (Moment, error)
	// Deletions lists what recipients were asked to delete, oldest first.
	Deletions(ctx context.Context) ([]Deletion, error)
	// Senses lists what this object can measure.
	Senses(ctx context.Context) ([]Sense, error)
}

// Pairing opens the page to whoever types the code into it.
type Pairing struct {
	URL   string    `json:"url"`
	Code  string    `json:"code"`
	Until time.Time `json:"until"` // by the machine's clock: the code is of no use after it
}

// Unpaired answers the end of all sessions of the page.
type Unpaired struct {
	Ended int `json:"ended"` // how many there were
}

// Pairer lets the person in to the page.
type Pairer interface {
	// Pair makes a code that opens the page once, and voids the one before it. Without a page it is an [ErrConflict].
	Pair(ctx context.Context, role Role, d Decision) (Pairing, error)
	// Unpair ends every session of the page, and voids the code that was not used.
	Unpair(ctx context.Context, role Role, d Decision) (Unpaired, error)
}

func (s *server) moment(r *http.Request) (any, error) {
	if err := noQuery(r, "language"); err != nil {
		return nil, err
	}
	lang := r.URL.Query().Get("language")
	if err := checkLanguage(lang); err != nil {
		return nil, err
	}
	return s.backend.Moment(r.Context(), lang)
}

func (s *server) deletions(r *http.Request) (any, error) {
	if err := noQuery(r); err != nil {
		return nil, err
	}
	out, err := s.backend.Deletions(r.Context())
	return list(out), err
}

func (s *server) senses(r *http.Request) (any, error) {
	if err := noQuery(r); err != nil {
		return nil, err
	}
	out, err := s.backend.Senses(r.Context())
	return list(out), err
}

// Pair asks for a code that opens the page.
func (c *Client) Pair(ctx context.Context, d Decision) (Pairing, error) {
	var p Pairing
	err := c.do(ctx, http.MethodPost, "/v1/pair", d, &p)
	return p, err
}

// Unpair ends every session of the page.
func (c *Client) Unpair(ctx context.Context, d Decision) (Unpaired, error) {
	var u Unpaired
	err := c.do(ctx, http.MethodPost, "/v1/unpair", d, &u)
	return u, err
}
