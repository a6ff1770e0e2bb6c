package chip

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/bus"
)

// badLine is a line that fails as lines do; the zero value is well.
type badLine struct {
	*wire
	mu    sync.Mutex
	opens error         // what opening it gives
	reads error         // what reading it gives
	slow  time.Duration // how long a read takes
	stuck *bool         // where it stays whatever moves it
}

func (l *badLine) fault(opens, reads error, slow time.Duration, stuck *bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opens, l.reads, l.slow, l.stuck = opens, reads, slow, stuck
}

func (l *badLine) Open(o bus.LineOptions) (Line, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.opens != nil {
		return nil, l.opens
	}
	if _, err := l.wire.Open(o); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *badLine) Read() (bool, error) {
	l.mu.Lock()
	err, slow, stuck := l.reads, l.slow, l.stuck
	l.mu.Unlock()
	time.Sleep(slow)
	if err != nil {
		return false, err
	}
	if stuck != nil {
		return *stuck, nil
	}
	return l.wire.Read()
}

// lineWrong is a fault of the table as it is on a line, and what it has to look like. A line has no address, no checksum
// and no identity; what stands for them is said at the row.
type lineWrong struct {
	name   string
	breaks func(l *badLine)
	state  sensors.PartState // while it lasts
	kind   sensors.FaultKind // of the error; none for state Working
}

func lineWrongs() []lineWrong {
	lose := func(opens error) func(*badLine) {
		return func(l *badLine) {
			l.fault(opens, nil, 0, nil)
			l.lost <- syscall.ENODEV
		}
	}
	read := func(err error) func(*badLine) { return func(l *badLine) { l.fault(err, err, 0, nil) } }
	stuck := func(at bool) func(*badLine) { return func(l *badLine) { l.fault(nil, nil, 0, &at) } }
	return []lineWrong{
		{"no answer", read(syscall.ENXIO), sensors.Faulty, sensors.NoAnswer},
		{"timeout", read(syscall.ETIMEDOUT), sensors.Faulty, sensors.Timeout},
		{"lost arbitration", read(syscall.EAGAIN), sensors.Faulty, sensors.Arbitration},
		{"all ones", stuck(true), sensors.Working, 0},   // a door that stays open: both levels are something a line says
		{"all zeros", stuck(false), sensors.Working, 0}, // in good health, and neither is told as a change
		{"slow", func(l *badLine) { l.fault(nil, nil, 20*time.Millisecond, nil) }, sensors.Working, 0},
		{"unplug and return", lose(syscall.ENODEV), sensors.Missing, sensors.Gone},
		{"two users of one line", lose(syscall.EBUSY), sensors.Missing, sensors.Busy},                                               // the kernel gives a line to one
		{"another board", lose(syscall.ENOENT), sensors.Missing, sensors.Gone},                                                      // no line has that name there
		{"no permission", lose(syscall.EACCES), sensors.Missing, sensors.Permission},                                                // after its node was made anew
		{"it ends by itself", func(l *badLine) { l.fault(syscall.EIO, nil, 0, nil); l.lost <- nil }, sensors.Faulty, sensors.Other}, // no more changes, no error
	}
}

// TestFaultTableOfLines is the fault table on every kind of line: the state and the error are right, nothing is told that
// did not happen, the line is closed, and it counts and tells again when the fault is over. A hang has no row: the kernel
// answers for a line out of its own memory, and a wait for a change ends with its context.
func TestFaultTableOfLines(t *testing.T) {
	for _, row := range lineKinds(t) {
		for _, w := range lineWrongs() {
			t.Run(row.Name+"/"+w.name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { w.run(t, row) }) })
		}
	}
}

func (w lineWrong) run(t *testing.T, row Row) {
	l := &badLine{wire: newWire()}
	fields, err := row.Fields("x", nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := row.Source(FollowOptions{Open: l.Open, Source: "x", Line: "GPIO17", Fields: fields, Every: 10 * time.Second, Clock: sensors.SystemClock{}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var mu sync.Mutex
	readings, sum := 0, int64(0)
	done := make(chan error)
	go func() {
		done <- s.Run(ctx, func(r sensors.Reading) error {
			mu.Lock()
			defer mu.Unlock()
			readings++
			sum += r.Values[0].Num
			if r.Values[0].Quality != sensors.OK {
				t.Errorf("a value of quality %v", r.Values[0].Quality)
			}
			return nil
		})
	}()
	told := func() (int, int64) {
		mu.Lock()
		defer mu.Unlock()
		n, s := readings, sum
		readings, sum = 0, 0
		return n, s
	}
	status := s.(sensors.Watched).Status
	time.Sleep(30 * time.Second)
	if n, total := told(); n == 0 || total != 0 || status().State != sensors.Working {
		t.Fatalf("before the fault: %d readings, sum %d, %v", n, total, status().State)
	}
	w.breaks(l)
	time.Sleep(5 * time.Minute)
	st := status()
	if st.State != w.state || w.state != sensors.Working && !errors.Is(st.Last, w.kind) {
		t.Errorf("while it lasts: %v, %v", st.State, st.Last)
	}
	if n, total := told(); w.state == sensors.Working && n < 25 || w.name != "all ones" && total != 0 {
		t.Errorf("while it lasts: %d readings, sum %d", n, total)
	}
	l.fault(nil, nil, 0, nil)
	time.Sleep(2 * time.Minute)
	if st := status(); st.State != sensors.Working || st.Last != nil {
		t.Errorf("after it: %v, %v", st.State, st.Last)
	}
	told()
	l.move(true, 0)
	synctest.Wait()
	l.move(false, 0)
	time.Sleep(time.Minute)
	if n, total := told(); n < 5 || total == 0 {
		t.Errorf("after it: %d readings, sum %d though the line moved", n, total)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if l.open != 0 {
		t.Errorf("%d lines are left open", l.open)
	}
}
