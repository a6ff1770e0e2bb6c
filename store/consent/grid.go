package consent

import (
	"fmt"
	"strings"

	"github.com/candor-edge/candor/sensors"
)

// The grid for positions is fixed: cells are counted from latitude 0 and longitude 0 in integers of 1e-7 degrees, and a
// position becomes the south-west corner of its cell. Each level's side divides that of the level before, so a coarser
// cell is always a function of a finer one.
//
// Degrees of longitude shrink towards the poles. So that cells do not become slivers, a cell is wider in longitude by a
// whole factor that depends only on the band of ten degrees of latitude it is in; bands end where cells of the coarsest
// level end, which keeps the levels nested. Every width divides 360 degrees, so no cell is cut at the date line.

// gridLevels is the number of levels.
const gridLevels = 9

// gridSide is the side of a cell in latitude, in 1e-7 degrees. The fifth is about 11 km, the seventh 1.1 km, the ninth 280 m.
func gridSide(level int) int64 {
	return [gridLevels + 1]int64{0, 100_000_000, 50_000_000, 10_000_000, 5_000_000, 1_000_000, 500_000, 100_000, 50_000, 25_000}[level]
}

const (
	gridScale = 7
	northPole = int64(90_0000000)
	dateLine  = int64(180_0000000)
)

// gridCell is the south-west corner of the cell that a position is in. The pole belongs to the cells below it, and 180
// degrees east is 180 degrees west.
func gridCell(level int, latitude, longitude int64) (south, west int64) {
	side := gridSide(level)
	south, _ = floorTo(min(latitude, northPole-1), side)
	if longitude >= dateLine {
		longitude -= 2 * dateLine
	}
	west, _ = floorTo(longitude, side*gridWiden(south))
	return south, west
}

// gridWiden is by how much cells of a latitude are wider in longitude than in latitude: from 60 degrees on, where a degree
// of longitude is half of one of latitude.
func gridWiden(latitude int64) int64 {
	band, _ := floorTo(latitude, 10_0000000)
	switch distance := max(band, -band-10_0000000); {
	case distance >= 80_0000000:
		return 6
	case distance >= 70_0000000:
		return 3
	case distance >= 60_0000000:
		return 2
	}
	return 1
}

// axis is which coordinate a field is.
type axis uint8

const (
	noAxis axis = iota
	latitude
	longitude
)

func axisOf(f sensors.Field) axis {
	switch {
	case f.Kind.Name == "latitude" && f.Kind.Scale == gridScale:
		return latitude
	case f.Kind.Name == "longitude" && f.Kind.Scale == gridScale:
		return longitude
	}
	return noAxis
}

// compileGrid turns a rule into a coordinate of a cell; pairGrids finds the other one.
func compileGrid(r Rule, out *rule) error {
	out.axis = axisOf(out.field)
	if out.axis == noAxis {
		return fmt.Errorf("grid is for a latitude and a longitude, and %s is neither", out.field.Name)
	}
	if r.Level < 1 || r.Level > gridLevels {
		return fmt.Errorf("grid has levels from 1 to %d", gridLevels)
	}
	out.level = r.Level
	side := gridSide(r.Level)
	out.form.Type, out.form.Step = FormNumber, side
	out.form.Min, out.form.Max = -northPole, northPole-side
	if out.axis == longitude {
		out.form.Min, out.form.Max = -dateLine, dateLine-side
	}
	return nil
}

// pairGrids ties the two coordinates of a source together: one alone, or each on a grid of its own, would tell more than the
// cell that was agreed to.
func (s *sourceRules) pairGrids() error {
	for i := range s.groups {
		rules := s.groups[i].rules
		for j := range rules {
			if rules[j].axis == noAxis {
				continue
			}
			rules[j].partner = -1
			for k := range rules {
				if rules[k].axis != noAxis && rules[k].axis != rules[j].axis && rules[k].level == rules[j].level {
					rules[j].partner = rules[k].input
				}
			}
			if rules[j].partner < 0 {
				return fmt.Errorf("%s leaves as a square of a grid only together with the other coordinate of %s, in the same level: give both the action grid", rules[j].field.Name, s.source)
			}
		}
	}
	return nil
}

// cellOf applies a grid rule to a reading. Without both coordinates there is no cell.
func (r *rule) cellOf(values []sensors.Value) (int64, bool) {
	if r.partner >= len(values) || values[r.partner].Quality != sensors.OK {
		return 0, false
	}
	here, there := values[r.input].Num, values[r.partner].Num
	if r.axis == latitude {
		south, _ := gridCell(r.level, here, there)
		return south, true
	}
	_, west := gridCell(r.level, there, here)
	return west, true
}

// gridWords says how large a cell of a level is.
func gridWords(level int, language string) string {
	if level < 1 || level > gridLevels {
		return ""
	}
	// A degree of latitude is about 111 km (WGS 84: 110.6 to 111.7).
	size := [gridLevels + 1]string{"", "1,100 km", "560 km", "110 km", "56 km", "11 km", "5.6 km", "1.1 km", "560 m", "280 m"}[level]
	if strings.HasPrefix(language, "fr") {
		return "d'environ " + strings.NewReplacer(",", " ", ".", ",").Replace(size) + " de côté"
	}
	return "about " + size + " wide"
}
