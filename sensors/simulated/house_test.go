package simulated

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/sensortest"
	"github.com/candor-edge/candor/tinyconf"
)

// monday is a Monday in March, as start and as a time.
const monday = "2026-03-02T00:00:00Z"

func mondayTime() time.Time { return time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) }

// roomConfig is a room from monday on, for that long, without waiting.
func roomConfig(room string, seed int64, every, long time.Duration) sensors.Config {
	return sensors.Config{Name: "house", Driver: "simulated", Room: room, Seed: seed, Start: monday, Pace: "max",
		Every: tinyconf.Duration(every), For: tinyconf.Duration(long)}
}

func openRoom(t testing.TB, c sensors.Config) *house {
	t.Helper()
	source, err := openHouse(c, sensors.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return source.(*house)
}

// TestHouseFields says which quantities each room has.
func TestHouseFields(t *testing.T) {
	air := "temperature humidity light co2 motion occupancy"
	for room, want := range map[string]string{"livingroom": air, "kitchen": air, "bedroom": air, "bathroom": air, "hall": air,
		"entrance": "open badge", "door": "open", "badge": "id", "meter": "power"} {
		var got []string
		for _, f := range openRoom(t, roomConfig(room, 1, 0, 0)).Fields() {
			got = append(got, f.Quantity())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s has %s, want %s", room, got, want)
		}
	}
}

func TestHouseOpenErrors(t *testing.T) {
	clock := sensors.Env{Clock: sensortest.NewClock(mondayTime())}
	for _, c := range []struct {
		name   string
		env    sensors.Env
		change func(*sensors.Config)
		want   []string
	}{
		{"room", clock, func(c *sensors.Config) { c.Room = "kichen" }, []string{`no room is called "kichen"; did you mean "kitchen"?`}},
		{"no room", clock, func(c *sensors.Config) { c.Room = "" }, []string{`no room is called ""; use one of livingroom, kitchen`}},
		{"name", clock, func(c *sensors.Config) { c.Name = "" }, []string{"the name is empty"}},
		{"every", clock, func(c *sensors.Config) { c.Every = tinyconf.Duration(time.Microsecond) }, []string{"every: it must be 1ms to 24h"}},
		{"for", clock, func(c *sensors.Config) { c.For = -1e9 }, []string{"for: it can't be negative"}},
		{"pace", clock, func(c *sensors.Config) { c.Pace = "fast" }, []string{`pace: "fast" is no pace; use 1x`}},
		{"start", clock, func(c *sensors.Config) { c.Start = "yesterday" }, []string{`start: "yesterday" is no time; write it like 2026-`}},
		{"class", clock, func(c *sensors.Config) { c.Classes = map[string]string{"co2": "air"} }, []string{`no class is called "air"`}},
		{"no clock", sensors.Env{}, func(c *sensors.Config) { c.Pace = "" }, []string{"there is no clock"}},
		{"no clock and no start", sensors.Env{}, func(c *sensors.Config) { c.Start = "" }, []string{"start: there is no clock"}},
		{"all at once", clock, func(c *sensors.Config) { c.Room, c.Start = "attic", "now" }, []string{`"attic"`, `"now"`}},
	} {
		config := roomConfig("hall", 1, 0, 0)
		c.change(&config)
		_, err := openHouse(config, c.env)
		for _, want := range append(c.want, `sensor "`) {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error is %v, want %s", c.name, err, want)
			}
		}
	}
}

// TestHouseIsAFunction compares a day with what it looks like when read in another rhythm, later, backwards or by a
// source that was started in between.
func TestHouseIsAFunction(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		room := rapid.SampledFrom(rooms()).Draw(t, "room").name
		seed := rapid.Int64().Draw(t, "seed")
		at := sensors.Micros(rapid.Int64Range(-2*int64(year), 80*int64(year)).Draw(t, "time"))
		others := rapid.SliceOfN(rapid.Int64Range(-5*int64(sensors.Day), 5*int64(sensors.Day)), 1, 8).Draw(t, "others")
		fresh, used := mustOpen(room, seed), mustOpen(room, seed)
		for _, other := range others {
			for _, g := range used.room.gauges {
				g.read(used, at+sensors.Micros(other))
			}
		}
		for i, g := range fresh.room.gauges {
			if a, b := g.read(fresh, at), g.read(used, at); a != b {
				t.Fatalf("%s at %d depends on what was read before", fresh.fields[i].Name, int64(at))
			}
		}
	})
}

func mustOpen(room string, seed int64) *house {
	source, err := openHouse(roomConfig(room, seed, 0, 0), sensors.Env{})
	if err != nil {
		panic(err)
	}
	return source.(*house)
}

// TestHouseStays the same from one version to the next and on every processor: recorded readings of a few moments.
func TestHouseStays(t *testing.T) {
	var got []string
	for _, room := range []string{"livingroom", "bathroom", "meter"} {
		source := openRoom(t, roomConfig(room, 7, 8*time.Hour, 24*time.Hour))
		got = append(got, room)
		got = append(got, told(t, source)...)
	}
	want := strings.Split(strings.TrimSpace(recordedHouse), "\n")
	if !slices.Equal(got, want) {
		t.Errorf("the house is another one:\n%s", strings.Join(got, "\n"))
	}
}

const recordedHouse = `
livingroom
1772409600000000@0 temperature=19820 humidity=4250 light=0 co2=63000 motion=0 occupancy=0
1772438400000000@0 temperature=20010 humidity=4190 light=260900 co2=96700 motion=1 occupancy=1
1772467200000000@0 temperature=20240 humidity=4265 light=127700 co2=41700 motion=0 occupancy=0
bathroom
1772409600000000@0 temperature=20770 humidity=4570 light=0 co2=58000 motion=0 occupancy=0
1772438400000000@0 temperature=20970 humidity=4660 light=17300 co2=63200 motion=0 occupancy=0
1772467200000000@0 temperature=21160 humidity=4260 light=31000 co2=41600 motion=0 occupancy=0
meter
1772409600000000@0 power=73700
1772438400000000@0 power=85300
1772467200000000@0 power=73600
`

// TestHousePlausible looks at many houses and days: values in their range, presence that goes with doors and badges,
// air that goes with presence.
func TestHousePlausible(t *testing.T) {
	for seed := range int64(6) {
		for _, room := range rooms() {
			c := roomConfig(room.name, seed, 7*time.Minute, 12*24*time.Hour)
			c.Start = fmt.Sprintf("2026-%02d-05T00:00:00Z", 2*seed+1)
			source := openRoom(t, c)
			spread := make([][2]int64, len(source.fields))
			n := 0
			if err := source.Run(context.Background(), func(r sensors.Reading) error {
				for i, v := range r.Values {
					if v.Quality != sensors.OK && source.fields[i].Kind.Type != sensors.Text {
						t.Errorf("seed %d: %s is %v", seed, source.fields[i].Name, v.Quality)
					}
					if n == 0 {
						spread[i] = [2]int64{v.Num, v.Num}
					}
					spread[i] = [2]int64{min(spread[i][0], v.Num), max(spread[i][1], v.Num)}
				}
				n++
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			for i, f := range source.fields {
				low, high := expected(f.Quantity())
				if s := spread[i]; s[0] < low || s[1] > high || f.Kind.Type == sensors.Numeric && s[0] == s[1] {
					t.Errorf("seed %d: %s of %s goes from %d to %d, want within %d and %d", seed, f.Quantity(), room.name, s[0], s[1], low, high)
				}
			}
		}
	}
}

// expected is what a house can have of a quantity, in scaled units.
func expected(quantity string) (low, high int64) {
	switch quantity {
	case "temperature":
		return 14_000, 32_000
	case "humidity":
		return 25_00, 99_00
	case "light":
		return 0, 1_200_000
	case "co2":
		return 400_00, 3_500_00
	case "power":
		return 60_000, 8_000_000
	}
	return 0, 1
}

// TestHouseTellsOneStory: who comes in holds a badge to the reader, opens the door, is in the hall a moment later, and
// before that was nowhere in the house.
func TestHouseTellsOneStory(t *testing.T) {
	came := 0
	for seed := range int64(5) {
		entrance := openRoom(t, roomConfig("entrance", seed, time.Hour, 14*24*time.Hour))
		hall := openRoom(t, roomConfig("hall", seed, 0, 0))
		if err := entrance.Run(context.Background(), func(r sensors.Reading) error {
			if r.Values[1].Quality != sensors.OK {
				return nil
			}
			came++
			opened := slices.ContainsFunc(entrance.day(r.Time).doors, func(s stay) bool {
				return s.from <= r.Time+12*sensors.Second && r.Time < s.to
			})
			people, awake := hall.count(hall.room, r.Time+30*sensors.Second)
			if !opened || people == 0 || awake != people {
				t.Errorf("seed %d: a badge at %d, and the door opens: %v, in the hall: %d", seed, int64(r.Time), opened, people)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if came < 5*14 {
		t.Errorf("people came home %d times in ten weeks", came)
	}
}

// TestHouseEmpties: in the week in which all are away nobody moves, no door opens and the air turns into that outside.
func TestHouseEmpties(t *testing.T) {
	const seed = 3
	away := holiday(seed, sensors.Micros(mondayTime().UnixMicro()).DayNumber())
	if day := weekday(away); day != 0 {
		t.Fatalf("the week starts on day %d", day)
	}
	c := roomConfig("livingroom", seed, time.Hour, 4*24*time.Hour)
	c.Start = time.UnixMicro(int64(sensors.Micros(away+2) * sensors.Day)).UTC().Format(time.RFC3339)
	for _, line := range told(t, openRoom(t, c)) {
		if !strings.Contains(line, "motion=0 occupancy=0") {
			t.Errorf("somebody is there: %s", line)
		}
	}
	c.Room = "entrance"
	c.Start = time.UnixMicro(int64(sensors.Micros(away+1) * sensors.Day)).UTC().Format(time.RFC3339)
	for _, line := range told(t, openRoom(t, c)) {
		if strings.Contains(line, "open=1") || strings.Contains(line, "badge") {
			t.Errorf("somebody comes or goes: %s", line)
		}
	}
}

// TestFamilyDays holds for any day of any house: everybody is at exactly one place at any time.
func TestFamilyDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Int64Range(-1000, 40_000).Draw(t, "day")
		d := makeDay(rapid.Int64().Draw(t, "seed"), number)
		from, to := sensors.Micros(number)*sensors.Day, sensors.Micros(number+1)*sensors.Day
		people, last := 0, to
		for _, s := range d.people {
			if last == to {
				people++
				last = from
			}
			if s.from != last || s.to <= s.from {
				t.Fatalf("a stay from %d to %d follows one that ends at %d", s.from-from, s.to-from, last-from)
			}
			last = s.to
		}
		if people != len(family()) || last != to {
			t.Fatalf("%d people are somewhere, the last until %d", people, last-from)
		}
		for i := 1; i < len(d.doors); i++ {
			if d.doors[i].from <= d.doors[i-1].to {
				t.Fatal("the door opens while it is open")
			}
		}
		for i := 1; i < len(d.badges); i++ {
			if d.badges[i].at <= d.badges[i-1].at {
				t.Fatal("two badges at once")
			}
		}
	})
}

// TestHouseEvents: a slow rhythm misses no badge, and the readings are in order and apart.
func TestHouseEvents(t *testing.T) {
	badges := func(every time.Duration) []string {
		source := openRoom(t, roomConfig("badge", 5, every, 10*24*time.Hour))
		var seen []string
		last := sensors.Micros(-1)
		if err := source.Run(context.Background(), func(r sensors.Reading) error {
			if r.Time <= last {
				t.Errorf("the reading of %d comes after that of %d", int64(r.Time), int64(last))
			}
			if last = r.Time; r.Values[0].Quality == sensors.OK {
				seen = append(seen, fmt.Sprint(int64(r.Time), r.Values[0].Token))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return seen
	}
	fast, slow := badges(10*time.Second), badges(24*time.Hour)
	if len(fast) < 20 || !slices.Equal(fast, slow) {
		t.Errorf("every 10s there are %d badges, every day %d", len(fast), len(slow))
	}
}

// TestHouseLength: for says how much of the house's time is read, whatever the pace.
func TestHouseLength(t *testing.T) {
	for _, pace := range []string{"max", "3600x", ""} {
		clock := sensortest.NewClock(mondayTime().Add(77 * time.Hour))
		before := clock.Now()
		c := roomConfig("hall", 1, time.Minute, time.Hour)
		c.Pace = pace
		source, err := openHouse(c, sensors.Env{Clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		got := told(t, source)
		first, last := sensors.Micros(mondayTime().UnixMicro()), sensors.Micros(mondayTime().Add(59*time.Minute).UnixMicro())
		if len(got) != 60 || !strings.HasPrefix(got[0], fmt.Sprint(int64(first))) || !strings.HasPrefix(got[59], fmt.Sprint(int64(last))) {
			t.Errorf("pace %q: %d readings", pace, len(got))
		}
		want := map[string]time.Duration{"max": 0, "3600x": 983_333_340, "": 59 * time.Minute}[pace]
		if took := clock.Now().Sub(before); took < want-100 || took > want+100 {
			t.Errorf("pace %q took %v, want %v", pace, took, want)
		}
	}
}

// TestHouseFollowsTheClock: with no start the times are the clock's, also when it is set.
func TestHouseFollowsTheClock(t *testing.T) {
	clock := sensortest.NewClock(mondayTime())
	c := roomConfig("hall", 1, 10*time.Second, time.Minute)
	c.Start, c.Pace = "", ""
	source, err := openHouse(c, sensors.Env{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	var at []string
	if err := source.Run(context.Background(), func(r sensors.Reading) error {
		at = append(at, time.UnixMicro(int64(r.Time)).Sub(mondayTime()).String())
		switch len(at) {
		case 2:
			clock.Set(clock.Now().Add(1000 * time.Hour)) // the network told the time
		case 4:
			clock.Set(mondayTime().Add(time.Hour)) // and somebody knew better
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := "0s 10s 1000h0m10s 1000h0m20s 1h0m0s 1h0m10s"
	if got := strings.Join(at, " "); got != want {
		t.Errorf("read at %s; want %s", got, want)
	}
}
