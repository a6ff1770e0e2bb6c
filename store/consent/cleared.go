package consent

import (
	"fmt"
	"log/slog"

	"github.com/candor-edge/candor/sensors"
)

// GrantID numbers the yes-answers ever given on this object: 1, 2, 3 … and never one twice. 0 is no grant.
type GrantID uint32

// Digest names a set of rules: HMAC-SHA-256 under a fixed public label over its canonical bytes. It is a name, not a
// secret; two sets of rules with the same digest let out the same.
type Digest [32]byte

// String is the digest in lower-case hex.
func (d Digest) String() string { return fmt.Sprintf("%x", d[:]) }

// Cell is what is left of one value after the rules: a number in the field's scale and step, a 16-byte pseudonym, a
// declared label, or nothing. It has no text form.
type Cell struct {
	Num   int64
	Token string // pseudonym (16 raw bytes) or declared label
	Set   bool   // false: no value in this row, which is not zero
}

// Format implements fmt.Formatter: the cell is not shown.
func (Cell) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[cell]")) }

// LogValue implements slog.LogValuer: the cell is not shown.
func (Cell) LogValue() slog.Value { return slog.StringValue("[cell]") }

// MarshalText implements encoding.TextMarshaler so that no encoder reaches the fields by reflection.
func (Cell) MarshalText() ([]byte, error) { return []byte("[cell]"), nil }

// Cleared is one row that a plan let through: the fields of one source and stamp, for one grant, in the agreed form.
//
// Its fields are unexported and only [Plan.Clear] and [Plan.CloseSource] fill them, so what the store accepts
// is what a plan cleared. The zero value is refused by the store.
//
// Purpose stays valid for ever; Cells are valid until the next call on the same [Windows].
type Cleared struct {
	purpose  *Purpose
	epoch    uint64
	group    int
	time     int64
	day      int64
	coverage int8
	cells    []Cell
}

// Purpose is the compiled purpose the row was cleared for, with its grant; nil for the zero value only.
func (c Cleared) Purpose() *Purpose { return c.purpose }

// Epoch counts the purpose's epochs since 1970 at the moment the agent took the reading.
func (c Cleared) Epoch() uint64 { return c.epoch }

// Group is the index into Purpose.Groups.
func (c Cleared) Group() int { return c.group }

// Time is the row's stamp in ticks of the purpose's `time` since 1970: nothing finer is left of it.
func (c Cleared) Time() int64 { return c.time }

// Day is the UTC day (since 1970) the agent took the reading; it names the key the row is stored under.
func (c Cleared) Day() int64 { return c.day }

// Coverage is, for a windowed group, how many quarters (0 to 4) of the window its source was watched; -1 otherwise.
func (c Cleared) Coverage() int8 { return c.coverage }

// Cells has one cell for each field of the group, in its order.
func (c Cleared) Cells() []Cell { return c.cells }

// Format implements fmt.Formatter: the row is not shown.
func (c Cleared) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[cleared row]")) }

// LogValue implements slog.LogValuer: the row is not shown.
func (c Cleared) LogValue() slog.Value { return slog.StringValue("[cleared row]") }

// Reason is why a value did not leave. Reasons are counted per field and never sent.
type Reason string

// The reasons, as `consent show` and the page name them.
const (
	NoRule     Reason = "no purpose asks for it"
	NoGrant    Reason = "not granted"
	Dropped    Reason = "the rule drops it"
	LocalOnly  Reason = "stays on the object"
	BeforeYes  Reason = "taken before the yes"
	Late       Reason = "its time bucket was closed"
	Invalid    Reason = "not a plausible value"
	Ahead      Reason = "stamped ahead of the clock, or before 1970"
	Contactish Reason = "looks like contact data"
	Lapsed     Reason = "the yes has lapsed"
	Unanswered Reason = "asked for, and not answered yet"
	Failed     Reason = "the rule could not be applied"
)

// KeyMaker hands out the key under which the values of one class become pseudonyms, for one grant and epoch. The same
// arguments give the same key for as long as the grant lives, and nothing gives it once the grant is gone. An error
// drops the value.
type KeyMaker interface {
	PseudonymKey(grant GrantID, epoch uint64, class sensors.Class) ([]byte, error)
}
