package consent

import (
	"math/bits"

	"github.com/candor-edge/candor/sensors"
)

// Bits is an upper bound of what a purpose can tell in a day, in bits: how much, not how sensitive. Known is false
// when nothing bounds the number of rows: a source without a fixed interval. A room bounds an upload, not a day: a backlog
// is sent in further ones.
type Bits struct {
	Day      int64 // all fields
	Presence int64 // those that tell, or finer than six hours imply, who is at home
	Known    bool
}

const presenceWindow = 6 * sensors.Hour

// bitsADay bounds what a purpose can tell: for each group rows a day times the sum of the fields' alphabets, in whole
// bits, an absent value counted as one more letter; and for each row which of the day's stamps it has, or how much of
// its window was watched.
func bitsADay(p *Purpose, sources []SourceFields) Bits {
	out := Bits{Known: true}
	for _, g := range p.Groups {
		rows, known := rowsADay(p, g, sources)
		if !known {
			out.Known = false
			continue
		}
		beside := rows * stampBits(p, g)
		out.Day += beside
		presence := false
		for i := range g.Fields {
			f := &g.Fields[i]
			n := rows * int64(f.bits())
			out.Day += n
			if f.Class == sensors.Presence || f.implies == sensors.Presence && (g.Window == 0 || g.Window < presenceWindow) {
				out.Presence += n
				presence = true
			}
		}
		if presence {
			out.Presence += beside
		}
	}
	return out
}

// coverageBits tell one of the five coverages of a window.
const coverageBits = 3

// stampBits is what a row tells besides its values. A window's row can only be there or not, which its absent values
// say; a reading's row can have any stamp of the day.
func stampBits(p *Purpose, g Group) int64 {
	if g.Window > 0 {
		return coverageBits
	}
	return int64(bits.Len64(uint64(perDay(p.Tick))))
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
