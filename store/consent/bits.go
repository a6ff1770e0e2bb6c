package consent

import (
	"math/bits"

	"github.com/candor-edge/candor/sensors"
)

// Bits is an upper bound of what a purpose can tell in a day, in bits: how much, not how sensitive. Known is false
// when nothing bounds the number of rows (a source without a fixed interval, in a purpose without a room).
type Bits struct {
	Day      int64 // all fields
	Presence int64 // those that tell, or finer than six hours imply, who is at home
	Known    bool
}

const presenceWindow = 6 * sensors.Hour

// bitsADay bounds what a purpose can tell: for each group rows a day times the sum of the fields' alphabets, in whole
// bits, an absent value counted as one more letter.
func bitsADay(p *Purpose, sources []SourceFields) Bits {
	out := Bits{Known: true}
	for _, g := range p.Groups {
		rows, known := rowsADay(p, g, sources)
		if !known {
			out.Known = false
			continue
		}
		for i := range g.Fields {
			f := &g.Fields[i]
			n := rows * int64(f.bits())
			out.Day += n
			if f.Class == sensors.Presence || f.implies == sensors.Presence && max(g.Window, p.Tick) < presenceWindow {
				out.Presence += n
			}
		}
	}
	return out
}

// bits is the number of bits one value can tell, absence included.
func (f *FieldForm) bits() int {
	switch f.Type {
	case FormPseudonym:
		return 8 * PseudonymLength
	case FormLabel:
		return bits.Len64(uint64(len(f.Labels)))
	}
	return bits.Len64(uint64(f.Max-f.Min)/uint64(max(f.Step, 1)) + 1)
}

func rowsADay(p *Purpose, g Group, sources []SourceFields) (int64, bool) {
	if g.Window > 0 {
		return perDay(g.Window), true
	}
	if p.RoomRows > 0 && p.Upload > 0 {
		return int64(p.RoomRows) * perDay(p.Upload), true
	}
	for _, s := range sources {
		if s.Name == g.Source && s.Every > 0 {
			return perDay(s.Every), true
		}
	}
	return 0, false
}

// perDay is how often a length fits into a day, rounded up, at least once.
func perDay(length sensors.Micros) int64 {
	return max(int64((sensors.Day+length-1)/length), 1)
}
