package control

import (
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// Role is who asks.
type Role string

// The roles, by rising rights. Root may do what the person may, with a text that says on whose behalf.
const (
	Technician Role = "technician"
	Person     Role = "person"
	Root       Role = "root"
)

// Status is the state of the object in words and counts. It holds no measured value.
type Status struct {
	Version  string          `json:"version"`
	Daemon   bool            `json:"daemon"` // false: no daemon runs; this is the state on disk
	Since    time.Time       `json:"since"`
	Clock    string          `json:"clock"`              // "system", or what an accelerated clock calls itself
	Truth    string          `json:"truth"`              // one sentence: is anything leaving, driven by the sender
	Warnings []string        `json:"warnings,omitempty"` // what the owner should know: unsigned policy, simulated sensors …
	Policy   PolicyStatus    `json:"policy"`
	Sensors  []SensorStatus  `json:"sensors"`
	Purposes []PurposeStatus `json:"purposes"`
	Buffer   BufferStatus    `json:"buffer"`
	History  HistoryStatus   `json:"history"`
	Routes   []RouteStatus   `json:"routes"`
	Plan     string          `json:"plan"`              // digest of the plan in force, hex
	Paused   time.Time       `json:"paused,omitzero"`   // since when nothing leaves, by the person's pause
	Limited  bool            `json:"limited,omitempty"` // counts that depend on events are left out: a technician asked
}

// PolicyStatus tells which policy and charter are in force.
type PolicyStatus struct {
	File     string   `json:"file"`
	Version  uint64   `json:"version"`
	State    string   `json:"state"`           // ok, unreadable, missing, wrong signature, older (than one that was in force)
	Signed   bool     `json:"signed"`          // the signature was asked for and is right
	Error    string   `json:"error,omitempty"` // the faults, a line each
	Charter  string   `json:"charter"`         // file, or "" without one
	Findings []string `json:"findings,omitempty"`
}

// SensorStatus tells how a source is, without any value.
type SensorStatus struct {
	Name      string               `json:"name"`
	Driver    string               `json:"driver"`
	Simulated bool                 `json:"simulated"`
	State     string               `json:"state"` // waiting, running, ended, failed
	Error     string               `json:"error,omitempty"`
	Fields    []string             `json:"fields"`
	Blocked   []string             `json:"blocked,omitempty"` // fields that no purpose knows: new, and nothing of them leaves
	Faults    []sensors.FaultCount `json:"faults,omitempty"`
}

// PurposeStatus tells where one purpose stands.
type PurposeStatus struct {
	ID           string        `json:"id"`
	Title        string        `json:"title"`
	Recipient    string        `json:"recipient"`
	State        consent.State `json:"state"`
	Reason       string        `json:"reason,omitempty"`
	Buffered     int           `json:"buffered_rows"` // on disk, not yet cut
	Outgoing     int           `json:"outgoing_batches"`
	Parked       int           `json:"parked_batches"`          // refused by the recipient, kept
	ParkedReason string        `json:"parked_reason,omitempty"` // what the recipient said last
	NextSend     time.Time     `json:"next_send,omitzero"`
	Sent         SentTotal     `json:"sent"`
	Deletion     string        `json:"deletion,omitempty"` // of what was sent under a yes that has ended: asked, overdue after 30 days, confirmed
}

// SentTotal sums up what left. Batches and Rows are those that a recipient has accepted; the open ones were refused or
// cut off, perhaps with some of it there. WireBytes is all that went out, every try of every message counted.
type SentTotal struct {
	Batches     uint64 `json:"batches"`
	Rows        uint64 `json:"rows"`
	OpenBatches uint64 `json:"open_batches,omitempty"`
	OpenRows    uint64 `json:"open_rows,omitempty"`
	WireBytes   uint64 `json:"wire_bytes"`
}

// BufferStatus is the state of the store.
type BufferStatus struct {
	State    string            `json:"state"` // ok, full, read-only, failing
	Detail   string            `json:"detail,omitempty"`
	Bytes    int64             `json:"bytes"`
	MaxBytes int64             `json:"max_bytes"`
	Segments int               `json:"segments"`
	Unread   int               `json:"unread_segments,omitempty"` // after a start: not looked through yet, what they hold is not counted
	Waiting  int               `json:"waiting_rows"`              // in memory, lost by a power cut
	Written  int64             `json:"written_bytes"`             // to the file system since the agent started
	Gaps     []string          `json:"gaps,omitempty"`
	Dropped  map[string]uint64 `json:"dropped,omitempty"`
}

// HistoryStatus is the state of the history kept for the person, which never leaves.
type HistoryStatus struct {
	State    string `json:"state"`            // given, asked, withdrawn
	Days     int    `json:"days"`             // for which it is kept
	Detail   string `json:"detail,omitempty"` // why it is not written at the moment
	Bytes    int64  `json:"bytes"`
	MaxBytes int64  `json:"max_bytes"`
	Written  int64  `json:"written_bytes"` // to the file system since the agent started
}

// RouteStatus is the state of the way to one recipient.
type RouteStatus struct {
	Recipient string    `json:"recipient"`
	URL       string    `json:"url"`              // without user, query or token
	State     string    `json:"state"`            // idle, sending, waiting, refused, unreachable
	Circuit   string    `json:"circuit"`          // closed: it is used; open: left alone until next_try; half-open: one try decides
	Reason    string    `json:"reason,omitempty"` // the last failure in words
	Failures  int       `json:"failures"`         // in a row
	NextTry   time.Time `json:"next_try,omitzero"`
	LastAck   time.Time `json:"last_ack,omitzero"`
}

// Consent is what `consent show` prints: every purpose in full, and what did not leave.
type Consent struct {
	Language   string             `json:"language"`
	Controller string             `json:"controller"`
	Purposes   []ConsentPurpose   `json:"purposes"`
	Withheld   []consent.Withheld `json:"withheld"`
	Prompts    []Prompt           `json:"prompts,omitempty"` // what to ask the person now; what is not here is not to be asked
}

// ConsentPurpose is one purpose as the person sees it.
type ConsentPurpose struct {
	// Notice is all that has to be told before an answer, in the order to show it; NoticeDigest (SHA-256, hex) is in the
	// receipt of an answer to it.
	Notice       []NoticeLine `json:"notice"`
	NoticeDigest string       `json:"notice_digest"`

	ID        string        `json:"id"`
	Title     string        `json:"title"`
	Why       string        `json:"why,omitempty"`
	Benefit   string        `json:"benefit,omitempty"`
	State     consent.State `json:"state"`
	Reason    string        `json:"reason,omitempty"`
	Recipient string        `json:"recipient"` // name and country
	Access    string        `json:"access"`
	Basis     string        `json:"basis"`
	Fields    []string      `json:"fields"` // in words, "hall.temperature: the mean of each hour, rounded down to steps of 0.5"
	Time      string        `json:"time"`   // finest time that leaves, "1h"
	Upload    string        `json:"upload"`
	Retention string        `json:"retention"`
	Bits      string        `json:"bits"` // "at most 192 bits a day", or why it is not known
	Given     time.Time     `json:"given,omitzero"`
	Until     time.Time     `json:"until,omitzero"`

	Notes       []string `json:"notes,omitempty"`       // what else has to be told: without it, the interest, the safeguard
	Service     string   `json:"service,omitempty"`     // that a strictly necessary purpose serves
	Linkability string   `json:"linkability,omitempty"` // what the recipient can link: "L2: …"
	// Pending says that a yes goes on at its old extent, and that more waits for an answer.
	Pending bool `json:"pending,omitempty"`
	// Changes are how what is offered now differs from what the yes was given to.
	Changes []Change `json:"changes,omitempty"`
	// Asked and AskedBits are what a new yes would let out, where that is not what leaves now.
	// AskedNotice is then what has to be told before that answer, and AskedDigest what its receipt will name.
	AskedNotice []NoticeLine `json:"asked_notice,omitempty"`
	AskedDigest string       `json:"asked_digest,omitempty"`

	Asked     []string `json:"asked,omitempty"`
	AskedBits string   `json:"asked_bits,omitempty"`
	AskedNot  string   `json:"asked_not,omitempty"` // why it can't be asked
}

// Change is one difference, in words of the language asked for.
type Change struct {
	Label  string         `json:"label"`
	Effect consent.Effect `json:"effect"`
	Old    string         `json:"old"`
	New    string         `json:"new"`
}

// Decision is the body of a grant or a withdrawal.
type Decision struct {
	OnBehalf string `json:"on_behalf,omitempty"` // who said it, when root passes it on; kept in the receipt
	Language string `json:"language,omitempty"`  // of the notice that was shown
	// KeepHistory is for a withdrawal of `mine` only: nothing more is kept, and what is there stays until its days are over.
	// Without it the history is destroyed.
	KeepHistory bool `json:"keep_history,omitempty"`
	// Channel is through what it came; the server says so ([WithChannel]), never the body. "" is [ChannelCLI].
	Channel string `json:"-"`
}

// Decided answers a decision.
type Decided struct {
	Purpose string        `json:"purpose"`
	State   consent.State `json:"state"`
	Grant   uint32        `json:"grant"`  // number of the grant given or withdrawn
	Notice  string        `json:"notice"` // what happens now, in words
}

// Preview is the next upload of one purpose, decoded, as it would be cut now; nothing is sent by looking.
type Preview struct {
	Purpose  string    `json:"purpose"`
	State    string    `json:"state"` // "nothing to send", "would send", or why nothing leaves
	Rows     int       `json:"rows"`
	Bytes    int       `json:"bytes"` // on the wire, signed
	NextSend time.Time `json:"next_send,omitzero"`
	SenML    RawJSON   `json:"senml,omitempty"` // RFC 8428
}

// RawJSON is JSON text that is passed on as it is.
type RawJSON []byte

// MarshalJSON implements json.Marshaler.
func (r RawJSON) MarshalJSON() ([]byte, error) {
	if len(r) == 0 {
		return []byte("null"), nil
	}
	return r, nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *RawJSON) UnmarshalJSON(b []byte) error {
	*r = append((*r)[:0], b...)
	return nil
}

// Sent is one upload that left.
type Sent struct {
	Purpose     string    `json:"purpose"`
	Recipient   string    `json:"recipient"`
	Stream      string    `json:"stream"` // hex
	Epoch       uint64    `json:"epoch"`
	Seq         uint64    `json:"seq"`
	Rows        int       `json:"rows"`
	ColumnBytes int       `json:"column_bytes"`
	WireBytes   int       `json:"wire_bytes"`
	SentAt      time.Time `json:"sent_at"`
	Fields      []string  `json:"fields"`
	Control     string    `json:"control,omitempty"` // "announcement", "deletion" …; "" for a batch
	Tries       int       `json:"tries,omitempty"`   // how often it went out
	Result      string    `json:"result"`            // accepted, refused, or cancelled: cut off on its way, perhaps with some of it there
}
