package sensors_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/sensortest"
)

// fakePart does what its functions say; nil is a part that works.
type fakePart struct {
	identify func(ctx context.Context) error
	sense    func(ctx context.Context, values []sensors.Value) error
}

func (p *fakePart) Identify(ctx context.Context) error {
	if p.identify == nil {
		return nil
	}
	return p.identify(ctx)
}

func (p *fakePart) Sense(ctx context.Context, values []sensors.Value) error {
	if p.sense == nil {
		values[0] = sensors.Number(21000)
		return nil
	}
	return p.sense(ctx, values)
}

func thermometer(t testing.TB, name, bus string, p sensors.Part) sensors.Supervised {
	t.Helper()
	kind, ok := sensors.KindNamed("temperature")
	if !ok {
		t.Fatal("there is no temperature")
	}
	return sensors.Supervised{Name: name, Driver: "fake", Bus: bus, Address: 0x48, Part: p, Every: time.Second,
		Fields: []sensors.Field{sensors.NewField(name, "temperature", kind)}}
}

// listener takes readings.
type listener struct {
	mu  sync.Mutex
	at  []time.Time
	num []int64
}

func (l *listener) take(r sensors.Reading) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = append(l.at, time.UnixMicro(int64(r.Time)))
	l.num = append(l.num, r.Values[0].Num)
	return nil
}

func (l *listener) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.at)
}

// running runs sources until the test says stop, or ends.
func running(t *testing.T, sources []sensors.Source, takes ...func(sensors.Reading) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for i, s := range sources {
		all.Go(func() {
			if err := s.Run(ctx, takes[i]); err != nil {
				t.Errorf("%s ends with %v", s.Name(), err)
			}
		})
	}
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			all.Wait()
		})
	}
	t.Cleanup(stop)
	return stop
}

func statusOf(s sensors.Source) sensors.PartStatus { return s.(sensors.Watched).Status() }

func countOf(s sensors.Source, what string) (n uint64) {
	for _, f := range s.(sensors.Counting).Faults() {
		if f.What == what {
			n += f.Count
		}
	}
	return n
}

func TestSupervisedConformance(t *testing.T) {
	sensortest.Conformance(t, func() sensors.Source {
		part := thermometer(t, "hall", "i2c-1", &fakePart{})
		return sensors.Supervise(sensors.SuperviseOptions{Parts: []sensors.Supervised{part}, Clock: sensortest.NewClock(time.Unix(1e9, 0))})[0]
	})
}

// TestCadence: each part has its own interval and keeps it to the dot, whatever a reading takes.
func TestCadence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quick, lazy := thermometer(t, "quick", "i2c-1", &fakePart{}), thermometer(t, "lazy", "i2c-1", nil)
		quick.Every = 100 * time.Millisecond
		lazy.Every = 7 * time.Second
		lazy.Part = &fakePart{sense: func(_ context.Context, v []sensors.Value) error {
			time.Sleep(30 * time.Millisecond)
			v[0] = sensors.Number(1)
			return nil
		}}
		var heard [2]listener
		start := time.Now()
		sources := sensors.Supervise(sensors.SuperviseOptions{Parts: []sensors.Supervised{quick, lazy}})
		stop := running(t, sources, heard[0].take, heard[1].take)
		time.Sleep(70*time.Second - time.Millisecond)
		stop()
		if heard[0].count() != 700 || heard[1].count() != 10 {
			t.Errorf("%d and %d readings in 70 s", heard[0].count(), heard[1].count())
		}
		for i, at := range heard[1].at {
			if want := start.Add(time.Duration(i)*7*time.Second + 30*time.Millisecond); at.Sub(want).Abs() > 40*time.Millisecond {
				t.Errorf("reading %d is at %v, want %v", i, at.Sub(start), want.Sub(start))
			}
		}
		st := statusOf(sources[0])
		if st.State != sensors.Working || st.Last != nil || st.Source != "quick" || st.Driver != "fake" || st.Bus != "i2c-1" ||
			st.Address != 0x48 || st.Since.Sub(start) > 30*time.Millisecond || time.Since(st.LastGood) > time.Second || st.Next.Before(st.LastGood) {
			t.Errorf("the status is %+v", st)
		}
	})
}

// TestHangingDriver: a driver that heeds no deadline is left alone, once; others go on; it is back when it returns.
func TestHangingDriver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var calls, identified atomic.Int64
		hanging := &fakePart{
			identify: func(context.Context) error { identified.Add(1); return nil },
			sense: func(_ context.Context, v []sensors.Value) error {
				n := calls.Add(1)
				if n == 3 {
					<-release
				}
				v[0] = sensors.Number(n)
				return nil
			}}
		var heard [2]listener
		var notices []sensors.PartState
		sources := sensors.Supervise(sensors.SuperviseOptions{
			Parts: []sensors.Supervised{thermometer(t, "hanging", "i2c-1", hanging), thermometer(t, "other", "i2c-1", &fakePart{})},
			Notice: func(s sensors.PartStatus) {
				if s.Source == "hanging" {
					notices = append(notices, s.State)
				}
			}})
		stop := running(t, sources, heard[0].take, heard[1].take)
		time.Sleep(time.Second / 2)
		before := sensortest.Goroutines()
		time.Sleep(time.Minute)
		if st := statusOf(sources[0]); st.State != sensors.Unresponsive || st.Abandoned != 1 || !errors.Is(st.Last, sensors.Timeout) {
			t.Errorf("the status is %+v", st)
		}
		if calls.Load() != 3 || sensortest.Goroutines() != before+1 {
			t.Errorf("%d calls, %d goroutines more", calls.Load(), sensortest.Goroutines()-before)
		}
		if n := heard[1].count(); n < 59 {
			t.Errorf("the other part has %d readings in a minute", n)
		}
		if n := countOf(sources[0], "a call did not return"); n != 1 {
			t.Errorf("%d calls are counted as not returned", n)
		}
		close(release)
		time.Sleep(5 * time.Second)
		if st := statusOf(sources[0]); st.State != sensors.Working || st.Abandoned != 0 {
			t.Errorf("it has returned, and the status is %+v", st)
		}
		if identified.Load() != 2 || sensortest.Goroutines() != before {
			t.Errorf("identified %d times, %d goroutines more", identified.Load(), sensortest.Goroutines()-before)
		}
		stop()
		for _, n := range heard[0].num {
			if n == 3 {
				t.Error("what a call that was given up measured came out late, as if it were new")
			}
		}
		if len(notices) != 3 || notices[0] != sensors.Working || notices[1] != sensors.Unresponsive || notices[2] != sensors.Working {
			t.Errorf("the notices are %v", notices)
		}
	})
}

// TestBeat: a look counts when it comes back, good or bad, and a call that hangs is none.
func TestBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var calls, looks atomic.Int64
		part := &fakePart{sense: func(_ context.Context, v []sensors.Value) error {
			switch n := calls.Add(1); {
			case n <= 10:
				return sensors.NoAnswer
			case n == 20:
				<-release
			}
			v[0] = sensors.Number(20_000)
			return nil
		}}
		var heard listener
		sources := sensors.Supervise(sensors.SuperviseOptions{Parts: []sensors.Supervised{thermometer(t, "hall", "i2c-1", part)}, RetryLongest: 5 * time.Second})
		if every := sources[0].(sensors.Beating).Beat(func() { looks.Add(1) }); every != 5*time.Second {
			t.Errorf("a look every %s at the longest, want 5s", every)
		}
		stop := running(t, sources, heard.take)
		time.Sleep(2 * time.Minute)
		if looks.Load() != 19 {
			t.Errorf("%d looks have come back, want 19", looks.Load())
		}
		close(release)
		time.Sleep(10 * time.Second)
		if n := looks.Load(); n < 22 {
			t.Errorf("it has returned, and there are %d looks", n)
		}
		stop()
	})
}

// TestStopWhileHanging: the end does not wait for a driver that does not return.
func TestStopWhileHanging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		part := &fakePart{identify: func(context.Context) error { <-release; return nil }}
		var heard listener
		sources := sensors.Supervise(sensors.SuperviseOptions{Parts: []sensors.Supervised{thermometer(t, "hall", "i2c-1", part)}})
		stop := running(t, sources, heard.take)
		time.Sleep(100 * time.Millisecond)
		start := time.Now()
		stop()
		if took := time.Since(start); took > time.Second {
			t.Errorf("it took %v", took)
		}
		close(release)
	})
}

// TestStates: what each kind of error makes of a part, what comes out, and how it is tried again.
func TestStates(t *testing.T) {
	for _, c := range []struct {
		kind  sensors.FaultKind
		state sensors.PartState
		again bool // it is identified before the next try
		emits bool
	}{
		{sensors.NoAnswer, sensors.Missing, true, false},
		{sensors.Gone, sensors.Missing, true, false},
		{sensors.Permission, sensors.Missing, true, false},
		{sensors.WrongPart, sensors.Wrong, true, false},
		{sensors.Timeout, sensors.Faulty, true, false},
		{sensors.Arbitration, sensors.Faulty, false, false},
		{sensors.Busy, sensors.Faulty, false, false},
		{sensors.Corrupt, sensors.Faulty, false, true},
		{sensors.Implausible, sensors.Faulty, true, true},
		{sensors.Other, sensors.Faulty, false, false},
	} {
		t.Run(c.kind.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var tried []time.Duration
				start := time.Now()
				identified := 0
				part := &fakePart{
					identify: func(context.Context) error { identified++; return nil },
					sense: func(context.Context, []sensors.Value) error {
						tried = append(tried, time.Since(start))
						return &sensors.FaultError{Kind: c.kind}
					}}
				var faults, others int
				take := func(r sensors.Reading) error {
					if r.Values[0].Quality == sensors.Fault {
						faults++
					} else {
						others++
					}
					return nil
				}
				sources := sensors.Supervise(sensors.SuperviseOptions{RetryLongest: 10 * time.Second,
					Parts: []sensors.Supervised{thermometer(t, "hall", "", part)}})
				stop := running(t, sources, take)
				time.Sleep(40*time.Second + time.Millisecond)
				stop()
				want := []time.Duration{0, 1, 2, 4, 8, 16, 26, 36}
				if len(tried) != len(want) {
					t.Fatalf("tried at %v", tried)
				}
				for i := range want {
					if tried[i] != want[i]*time.Second {
						t.Fatalf("tried at %v", tried)
					}
				}
				if st := statusOf(sources[0]); st.State != c.state || !errors.Is(st.Last, c.kind) {
					t.Errorf("the state is %v: %v", st.State, st.Last)
				}
				if wanted := map[bool]int{true: len(tried), false: 1}[c.again]; identified != wanted {
					t.Errorf("identified %d times, want %d", identified, wanted)
				}
				if wanted := map[bool]int{true: len(tried)}[c.emits]; faults != wanted || others != 0 {
					t.Errorf("%d faults and %d other readings came out, want %d faults", faults, others, wanted)
				}
				if n := countOf(sources[0], c.kind.String()); n != uint64(len(tried)) {
					t.Errorf("%d are counted", n)
				}
			})
		})
	}
}

// TestPanic: a driver that panics fails; what it panics with is not shown.
func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		part := &fakePart{sense: func(_ context.Context, v []sensors.Value) error {
			switch calls++; calls {
			case 1:
				panic("badge 0417")
			case 2:
				v[len(v)+416] = sensors.Value{}
			}
			v[0] = sensors.Number(1)
			return nil
		}}
		var heard listener
		var texts []string
		sources := sensors.Supervise(sensors.SuperviseOptions{Parts: []sensors.Supervised{thermometer(t, "hall", "", part)},
			Notice: func(s sensors.PartStatus) {
				if s.Last != nil {
					texts = append(texts, s.Last.Error())
				}
			}})
		running(t, sources, heard.take)
		time.Sleep(1500 * time.Millisecond)
		texts = append(texts, statusOf(sources[0]).Last.Error())
		time.Sleep(3 * time.Second)
		if heard.count() == 0 || statusOf(sources[0]).State != sensors.Working {
			t.Error("it does not go on")
		}
		if len(texts) != 2 {
			t.Fatalf("the errors are %q", texts)
		}
		for _, text := range texts {
			if strings.Contains(text, "417") || !strings.Contains(text, "panicked at supervise_test.go:") {
				t.Errorf("the error is %s", text)
			}
		}
	})
}

// TestSlowConsumer: an agent that is busy loses readings of its own source, which are counted, and stops nobody.
func TestSlowConsumer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var slow, quick listener
		sources := sensors.Supervise(sensors.SuperviseOptions{Parts: []sensors.Supervised{
			thermometer(t, "slow", "i2c-1", &fakePart{}), thermometer(t, "quick", "i2c-1", &fakePart{})}})
		stop := running(t, sources, func(r sensors.Reading) error {
			time.Sleep(10 * time.Second)
			return slow.take(r)
		}, quick.take)
		time.Sleep(100*time.Second - time.Millisecond)
		dropped := countOf(sources[0], "reading dropped")
		if quick.count() != 100 || slow.count() < 9 || dropped < 80 || countOf(sources[1], "reading dropped") != 0 {
			t.Errorf("quick has %d readings, slow %d, and %d were dropped", quick.count(), slow.count(), dropped)
		}
		stop()
	})
}

func TestEmitError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("the buffer is closed")
		source := sensors.Supervise(sensors.SuperviseOptions{Parts: []sensors.Supervised{thermometer(t, "hall", "", &fakePart{})}})[0]
		if err := source.Run(t.Context(), func(sensors.Reading) error { return full }); err != full {
			t.Errorf("it ends with %v", err)
		}
	})
}

// TestChangeAndInterval: thresholds reach from the options to what is emitted.
func TestChangeAndInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := int64(20000)
		part := thermometer(t, "hall", "", &fakePart{sense: func(_ context.Context, v []sensors.Value) error {
			n += 10
			v[0] = sensors.Number(n)
			return nil
		}})
		part.Change = map[string]int64{"temperature": 100}
		var heard listener
		stop := running(t, sensors.Supervise(sensors.SuperviseOptions{Parts: []sensors.Supervised{part}}), heard.take)
		time.Sleep(100*time.Second - time.Millisecond)
		stop()
		if heard.count() != 10 || heard.num[1]-heard.num[0] != 100 {
			t.Errorf("%d readings came out: %v", heard.count(), heard.num)
		}
	})
}

// TestAbsent: a reading in which nothing was measured is no reading, and no fault.
func TestAbsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		part := thermometer(t, "hall", "", &fakePart{sense: func(context.Context, []sensors.Value) error { return nil }})
		var heard listener
		sources := sensors.Supervise(sensors.SuperviseOptions{Parts: []sensors.Supervised{part}})
		running(t, sources, heard.take)
		time.Sleep(10 * time.Second)
		if st := statusOf(sources[0]); heard.count() != 0 || st.State != sensors.Working || len(sources[0].(sensors.Counting).Faults()) != 0 {
			t.Errorf("%d readings, the state is %v", heard.count(), st.State)
		}
	})
}

// TestJoinAndLeave: sources of one bus come and go one by one.
func TestJoinAndLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked sync.Map
		supervisor := sensors.NewSupervisor(sensors.SuperviseOptions{})
		source := func(name string) sensors.Source {
			return supervisor.Add(thermometer(t, name, "i2c-1", &fakePart{sense: func(_ context.Context, v []sensors.Value) error {
				asked.Store(name, time.Now())
				v[0] = sensors.Number(1)
				return nil
			}}))
		}
		before := sensortest.Goroutines()
		var a, b, c listener
		stopA := running(t, []sensors.Source{source("a")}, a.take)
		time.Sleep(2500 * time.Millisecond)
		stopB := running(t, []sensors.Source{source("b")}, b.take)
		synctest.Wait()
		if b.count() != 1 {
			t.Error("one that joins has to wait")
		}
		time.Sleep(2 * time.Second)
		stopA()
		left := time.Now()
		time.Sleep(5*time.Second + 100*time.Millisecond)
		if last, _ := asked.Load("a"); last.(time.Time).After(left) {
			t.Error("one that left is read on")
		}
		if a.count() != 5 || b.count() != 8 {
			t.Errorf("%d and %d readings", a.count(), b.count())
		}
		stopB()
		synctest.Wait()
		if n := sensortest.Goroutines(); n != before {
			t.Errorf("%d goroutines are left", n-before)
		}
		again := source("c")
		stopC := running(t, []sensors.Source{again}, c.take)
		time.Sleep(1500 * time.Millisecond)
		if c.count() != 2 {
			t.Errorf("after all had left, %d readings", c.count())
		}
		if err := again.Run(t.Context(), c.take); err == nil {
			t.Error("a source runs twice at once")
		}
		stopC()
	})
}

// TestClockSetBack: a wall clock that is set back by a day does not silence a part for a day.
func TestClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &wallClock{}
		var heard listener
		sources := sensors.Supervise(sensors.SuperviseOptions{Clock: clock, Parts: []sensors.Supervised{thermometer(t, "hall", "", &fakePart{})}})
		stop := running(t, sources, heard.take)
		time.Sleep(10 * time.Second)
		clock.set(-24 * time.Hour)
		before := heard.count()
		time.Sleep(3 * time.Minute)
		if n := heard.count() - before; n < 100 {
			t.Errorf("%d readings in three minutes after the clock was set back", n)
		}
		clock.set(365 * 24 * time.Hour)
		before = heard.count()
		time.Sleep(time.Minute)
		stop()
		if n := heard.count() - before; n < 58 || n > 62 {
			t.Errorf("%d readings in the minute after the clock was set forwards by a year", n)
		}
	})
}

// wallClock is a clock without a monotonic part, which somebody sets.
type wallClock struct {
	mu    sync.Mutex
	shift time.Duration
}

func (c *wallClock) set(shift time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shift = shift
}

func (c *wallClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Round(0).Add(c.shift)
}

func (c *wallClock) After(d time.Duration) <-chan time.Time { return time.After(d) }
