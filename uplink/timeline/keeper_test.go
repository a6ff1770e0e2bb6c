package timeline

import (
	"crypto/rand"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/candor-edge/candor/sensors"
)

// machine is a machine whose clocks the test bends.
type machine struct {
	t      *testing.T
	wall   time.Time
	mono   time.Duration
	synced bool
	stuck  bool // the wall clock stands still
	boot   byte
	disk   []byte
	keeper *Keeper
}

var today = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// start starts the agent on the machine; boot says that the machine was started too.
func (m *machine) start(boot bool) *Keeper {
	m.t.Helper()
	if boot {
		m.boot++
		m.mono = 20 * time.Second
	}
	k, err := Open(Options{Rand: rand.Reader,
		Kernel: Kernel{Wall: func() time.Time { return m.wall }, Since: func() time.Duration { return m.mono }, Synced: func() bool { return m.synced }, Boot: [8]byte{m.boot}},
		Load:   func() ([]byte, error) { return m.disk, nil },
		Save:   func(b []byte) error { m.disk = b; return nil }})
	if err != nil {
		m.t.Fatal(err)
	}
	m.keeper = k
	return k
}

// pass lets time go by.
func (m *machine) pass(d time.Duration) sensors.Micros {
	m.mono += d
	if !m.stuck {
		m.wall = m.wall.Add(d)
	}
	return micros(m.keeper.Now())
}

func within(t *testing.T, what string, got sensors.Micros, want time.Time, by time.Duration) {
	t.Helper()
	if d := time.UnixMicro(int64(got)).Sub(want); d.Abs() > by {
		t.Errorf("%s: %v, want %v", what, time.UnixMicro(int64(got)).UTC(), want)
	}
}

func TestATrustedClock(t *testing.T) {
	m := &machine{t: t, wall: today, synced: true}
	k := m.start(true)
	if why, ok := k.Trusted(); !ok || why != "" || len(k.Spans()) != 0 {
		t.Error(why, ok, k.Spans())
	}
	within(t, "now", m.pass(time.Hour), today.Add(time.Hour), 0)
}

// Records of a boot without a clock learn what their time was, across a restart of the agent too.
func TestTheClockComesLater(t *testing.T) {
	for name, wrong := range map[string]time.Time{"1970": time.Unix(0, 0), "ten years ahead": today.AddDate(10, 0, 0), "ten years behind": today.AddDate(-10, 0, 0)} {
		t.Run(name, func(t *testing.T) {
			m := &machine{t: t, wall: today, synced: true}
			m.start(true)
			m.pass(time.Hour)
			if err := m.keeper.Save(true); err != nil {
				t.Fatal(err)
			}
			m.wall, m.synced = wrong, false
			k := m.start(true)
			begin := micros(k.Now())
			first := m.pass(time.Minute)
			m.wall = m.wall.AddDate(-3, 0, 0) // jumps
			second := m.pass(time.Hour)
			m.stuck = true // and stops
			third := m.pass(time.Hour)
			if second-first != sensors.Hour || third-second != sensors.Hour || first-begin != sensors.Minute {
				t.Errorf("the count went %d, %d, %d", first-begin, second-first, third-second)
			}
			if _, ok := k.Trusted(); ok || k.Expired(1<<20) > 0 {
				t.Error("the clock is trusted, or something is past its time by it")
			}
			if k.Save(true) != nil {
				t.Fatal("not kept")
			}
			k = m.start(false) // the agent, not the machine
			if again := micros(k.Now()); again != third || len(k.Spans()) != 1 {
				t.Errorf("after a restart the count is %d later, %d spans", again-third, len(k.Spans()))
			}
			m.stuck, m.synced, m.wall = false, true, today.AddDate(0, 2, 0)
			m.pass(time.Minute)
			if _, ok := k.Trusted(); !ok {
				t.Fatal("a clock that was set is not trusted")
			}
			now := today.AddDate(0, 2, 0).Add(time.Minute)
			within(t, "now", micros(k.Now()), now, time.Second)
			within(t, "the first record", k.Wall(first), now.Add(-2*time.Hour-time.Minute), time.Second)
			within(t, "the last record", k.Wall(third), now.Add(-time.Minute), time.Second)
			day := now.Unix() / 86400
			for _, at := range []sensors.Micros{first, third} {
				if keep := k.Expired(day - 30); keep > at.DayNumber() {
					t.Errorf("what was recorded an hour ago is past a month: day %d of %d", at.DayNumber(), keep)
				}
			}
			m.wall = m.wall.AddDate(0, 0, 40)
			m.mono += 40 * 24 * time.Hour
			if keep := k.Expired(day + 40 - 30); third.DayNumber() < day && keep <= third.DayNumber() {
				t.Errorf("what was recorded forty days ago is kept for ever: day %d of %d", third.DayNumber(), keep)
			}
		})
	}
}

// A clock that says it was set and jumps by years, or stands still, is not followed.
func TestATrustedClockThatGoesWrong(t *testing.T) {
	for name, bend := range map[string]func(*machine){
		"ten years ahead": func(m *machine) { m.wall = m.wall.AddDate(10, 0, 0) }, "ten years back": func(m *machine) { m.wall = m.wall.AddDate(-10, 0, 0) },
		"1970": func(m *machine) { m.wall = time.Unix(0, 0) }, "stopped": func(m *machine) { m.stuck = true },
	} {
		t.Run(name, func(t *testing.T) {
			m := &machine{t: t, wall: today, synced: true}
			m.start(true)
			m.pass(time.Hour)
			bend(m)
			last := micros(m.keeper.Now())
			for i := range 48 * 60 {
				now := m.pass(time.Minute)
				if now-last < 59*sensors.Second || now-last > 61*sensors.Second {
					t.Fatalf("after %d minutes the count goes by %d in a minute", i, now-last)
				}
				last = now
			}
			within(t, "two days later", last, today.Add(49*time.Hour), time.Minute)
		})
	}
}

// A correction of minutes is followed once it has lasted.
func TestACorrection(t *testing.T) {
	m := &machine{t: t, wall: today, synced: true}
	m.start(true)
	m.pass(time.Hour)
	m.wall = m.wall.Add(5 * time.Minute)
	within(t, "at once", m.pass(2*time.Second), today.Add(time.Hour), 3*time.Second)
	for range 15 {
		m.pass(time.Minute)
	}
	within(t, "a quarter of an hour later", m.pass(time.Second), m.wall, time.Second)
}

// A clock that goes back over a restart is not trusted: what has lapsed does not come back.
func TestAClockBehindTheMark(t *testing.T) {
	m := &machine{t: t, wall: today, synced: true}
	m.start(true)
	m.pass(time.Hour)
	if m.keeper.Save(true) != nil {
		t.Fatal("not kept")
	}
	m.wall = today.AddDate(-1, 0, 0)
	k := m.start(true)
	if why, ok := k.Trusted(); ok || why == "" {
		t.Error("a clock from before what was seen is trusted")
	}
	if now := k.Now(); now.Before(today.Add(time.Hour)) {
		t.Errorf("the count went back to %v", now)
	}
}

// However often it boots and whatever its clock says, the count never goes back while no clock is trusted, and every
// moment belongs to one boot at the most.
func TestSpansNeverOverlap(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m := &machine{t: t, wall: today}
		m.start(true)
		for range rapid.IntRange(1, 30).Draw(r, "boots") {
			m.wall = today.Add(time.Duration(rapid.Int64Range(-20*365*24, 20*365*24).Draw(r, "clock")) * time.Hour)
			m.synced = rapid.IntRange(0, 4).Draw(r, "synced") == 0
			k := m.start(true)
			last := micros(k.Now())
			_, was := k.Trusted()
			for range 5 {
				now := m.pass(time.Duration(rapid.Int64Range(0, 1e13).Draw(r, "run")))
				_, is := k.Trusted()
				if now < last && is == was { // it may, once, when the clock becomes trusted
					r.Fatal("the count went back within a boot")
				}
				last, was = now, is
				if is {
					continue // it may lie where an earlier guess was ahead: see the package comment
				}
				if s, ok := k.Place(now); ok && s.boot != [8]byte{m.boot} {
					r.Fatal("a moment of this boot is placed in another")
				}
			}
			if rapid.Bool().Draw(r, "kept") {
				_ = k.Save(true)
			}
		}
		spans := m.keeper.Spans()
		for i := range spans {
			for j := range i {
				if spans[i].Start <= spans[j].End && spans[j].Start <= spans[i].End {
					r.Fatalf("spans %d and %d overlap", j, i)
				}
			}
		}
	})
}

func TestNamesLinkNoTwoStreams(t *testing.T) {
	m := &machine{t: t, wall: today}
	s, ok := m.start(true).Place(micros(today))
	one, again := s.Name([16]byte{1}), s.Name([16]byte{1})
	if !ok || one == s.Name([16]byte{2}) || one != again {
		t.Error("a boot has one name for two streams, or two for one")
	}
}

func FuzzState(f *testing.F) {
	f.Add(encode(5, []Span{{Start: 1, End: 2, Guess: true, boot: [8]byte{1}}}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		high, spans, err := decode(b)
		if err == nil && len(b) > 0 && string(encode(high, spans)) != string(b) {
			t.Error("what was read is not what was there")
		}
	})
}
