package consent

import (
	"fmt"
	"log/slog"

	"github.com/candor-edge/candor/sensors"
)

// MineID is the purpose under which the object keeps a history for the person. The agent offers it itself; no policy
// may name a purpose so.
const MineID = "mine"

// MineInputs is all that [CompileMine] looks at.
type MineInputs struct {
	Sources []SourceFields
	Keep    int     // days the history is kept, from the configuration; at least 1
	Answer  *Answer // the newest answer to MineID; nil: never answered
	Agreed  int     // days the answer was given for; a longer Keep waits for a new answer
}

// Mine is the history kept for the person, compiled: what is kept, for how long, and whether she said yes. It is beside
// the [Plan] and not in it, because a plan says what may leave, and nothing of this ever does. Immutable and safe for
// any number of goroutines.
type Mine struct {
	State   State // Asked, Given or Withdrawn
	Grant   Grant // zero unless State is Given
	Days    int   // for which it is kept
	Asked   int   // days the configuration asks for; above Days until answered anew
	Sources []SourceFields
	Extent  Digest // what the person is asked
	Digest  Digest // the fields of the sources, which name what a stored row means

	index map[string]int
}

// CompileMine decides where the history stands. Like [Compile] it never fails.
func CompileMine(in MineInputs) *Mine {
	m := &Mine{State: Asked, Days: in.Keep, Asked: in.Keep, Sources: in.Sources, index: map[string]int{}}
	for i, s := range in.Sources {
		m.index[s.Name] = i
	}
	m.Extent = mineExtent()
	m.Digest = mineDigest(in.Sources)
	switch a := in.Answer; {
	case a == nil:
	case a.State != Given:
		m.State = a.State
	case a.Extent != m.Extent:
		m.State = Changed
	default:
		m.State, m.Grant = Given, a.Grant
		if in.Agreed > 0 {
			m.Days = min(in.Keep, in.Agreed)
		}
	}
	return m
}

// mineExtent names what the person is asked. For how long is in the receipt.
func mineExtent() Digest {
	c := newCanon("mine extent")
	c.text("every value this object measures, as measured, on this object only")
	return c.digest()
}

func mineDigest(sources []SourceFields) Digest {
	c := newCanon("mine fields")
	c.number(int64(len(sources)))
	for _, s := range sources {
		c.text(s.Name)
		c.number(int64(s.Every))
		c.number(int64(len(s.Fields)))
		for _, f := range s.Fields {
			c.texts([]string{f.Name, f.Kind.Unit, string(f.Class)})
			c.number(int64(f.Kind.Scale))
			c.number(int64(f.Kind.Type))
		}
	}
	return c.digest()
}

// Kept is one reading on its way into the person's history: what was measured, as it was measured. Only [Mine.Keep] makes
// one, and only under her yes. It is of another type than [Cleared], so that nothing which sends can be given it. The zero
// value is refused by the history.
type Kept struct {
	mine   *Mine
	source int
	time   sensors.Micros
	taken  sensors.Micros
	cells  []Cell
}

// Keep gives the reading as the history takes it; ok is false when it is not to be kept: there is no yes, it was taken
// before it, or no value in it counts. Text that looks like contact data is left out, but for fields that are declared
// identity or contact, and those fields are named in refused. The cells use the memory of buf, which may be nil.
func (m *Mine) Keep(r *sensors.Reading, buf []Cell) (k Kept, refused []string, ok bool) {
	at, known := m.index[r.Source]
	if m.State != Given || m.Grant.ID == 0 || !known || r.Taken < m.Grant.From || r.Time < 0 || r.Time > maxTime {
		return Kept{}, nil, false
	}
	k = Kept{mine: m, source: at, time: r.Time, taken: r.Taken, cells: buf[:0]}
	for i := range m.Sources[at].Fields {
		cell := Cell{}
		if i < len(r.Values) && r.Values[i].Quality == sensors.OK {
			v := &r.Values[i]
			if f := &m.Sources[at].Fields[i]; f.Kind.Type == sensors.Text && f.Class != sensors.Identity && f.Class != sensors.Contact && contactShaped(v.Token) {
				refused = append(refused, f.Name)
			} else {
				cell = Cell{Num: v.Num, Token: v.Token, Set: true}
			}
		}
		ok = ok || cell.Set
		k.cells = append(k.cells, cell)
	}
	return k, refused, ok
}

// Mine is what it was kept under; nil for the zero value only.
func (k Kept) Mine() *Mine { return k.mine }

// Source is the index into Mine.Sources.
func (k Kept) Source() int { return k.source }

// Time is the event time.
func (k Kept) Time() sensors.Micros { return k.time }

// Taken is the moment the agent took the reading; its UTC day names the key.
func (k Kept) Taken() sensors.Micros { return k.taken }

// Cells has one cell for each field of the source, in its order.
func (k Kept) Cells() []Cell { return k.cells }

// Format implements fmt.Formatter: the reading is not shown.
func (Kept) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[kept reading]")) }

// LogValue implements slog.LogValuer: the reading is not shown.
func (Kept) LogValue() slog.Value { return slog.StringValue("[kept reading]") }
