package bus_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/bus"
	"github.com/candor-edge/candor/sensors/bus/bustest"
)

// climate is a part in the way chips are: register 0x0f says who it is, registers 0 to 3 hold a temperature in
// hundredths of a degree, a humidity in percent, and a checksum of the three bytes.
type climate struct {
	bus  bus.Transfer
	addr uint16
}

const climateID = 0x5a

func climateRegisters(temperature uint16, humidity byte) *bustest.Registers {
	r := bustest.NewRegisters(1).Set(0x0f, climateID).Fix(0x0f)
	return setClimate(r, temperature, humidity)
}

func setClimate(r *bustest.Registers, temperature uint16, humidity byte) *bustest.Registers {
	hi, lo := byte(temperature>>8), byte(temperature)
	return r.Set(0, hi, lo, humidity, hi+lo+humidity)
}

func (p climate) fault(kind sensors.FaultKind, cause string) error {
	return &sensors.FaultError{Driver: "climate", Address: p.addr, Kind: kind, Cause: errors.New(cause)}
}

func (p climate) Identify(ctx context.Context) error {
	var id [1]byte
	if err := p.bus.TxContext(ctx, p.addr, []byte{0x0f}, id[:]); err != nil {
		return err
	}
	switch id[0] {
	case climateID:
		return nil
	case 0x00, 0xff:
		return p.fault(sensors.Implausible, "the identity is all zeros or all ones")
	}
	return p.fault(sensors.WrongPart, "another identity")
}

func (p climate) Sense(ctx context.Context, values []sensors.Value) error {
	var b [4]byte
	if err := p.bus.TxContext(ctx, p.addr, []byte{0}, b[:]); err != nil {
		return err
	}
	if b == [4]byte{0xff, 0xff, 0xff, 0xff} {
		return p.fault(sensors.Implausible, "all ones")
	}
	if b[0]+b[1]+b[2] != b[3] {
		return p.fault(sensors.Corrupt, "the checksum is wrong")
	}
	values[0] = sensors.Number((int64(b[0])<<8 | int64(b[1])) * 10)
	values[1] = sensors.Number(int64(b[2]) * 100)
	return nil
}

// field is a field of a kind that has to be there.
func field(t testing.TB, source, kind string) sensors.Field {
	t.Helper()
	k, ok := sensors.KindNamed(kind)
	if !ok {
		t.Fatalf("there is no kind %s", kind)
	}
	return sensors.NewField(source, kind, k)
}

// watch is what came out of a source.
type watch struct {
	mu       sync.Mutex
	readings []heard
}

type heard struct {
	at        time.Time
	qualities [2]sensors.Quality
	numbers   [2]int64
}

func (w *watch) take(r sensors.Reading) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := heard{at: time.UnixMicro(int64(r.Time))}
	for i, v := range r.Values {
		h.qualities[i], h.numbers[i] = v.Quality, v.Num
	}
	w.readings = append(w.readings, h)
	return nil
}

// between gives the readings taken from start on and before end.
func (w *watch) between(start, end time.Time) []heard {
	w.mu.Lock()
	defer w.mu.Unlock()
	var in []heard
	for _, h := range w.readings {
		if !h.at.Before(start) && h.at.Before(end) {
			in = append(in, h)
		}
	}
	return in
}

// rig is one part under test at 0x20, one that shares its bus, and one on another bus, each read once a second.
type rig struct {
	wire    *bustest.Wire
	buses   [2]*bus.Bus
	sources []sensors.Source
	heard   [3]watch
}

const (
	tested = iota
	neighbour
	elsewhere
)

func newRig(t *testing.T) *rig {
	r := &rig{wire: bustest.NewWire()}
	other := bustest.NewWire()
	r.wire.Attach(0x20, climateRegisters(2150, 40))
	r.wire.Attach(0x21, climateRegisters(1990, 50))
	other.Attach(0x20, climateRegisters(500, 90))
	r.buses[0] = bus.New(bus.Options{Name: "i2c-1", Open: r.wire.Open})
	r.buses[1] = bus.New(bus.Options{Name: "i2c-2", Open: other.Open})
	part := func(name string, on int, addr uint16) sensors.Supervised {
		return sensors.Supervised{Name: name, Driver: "climate", Bus: r.buses[on].String(), Address: addr, Every: time.Second,
			Deadline: 400 * time.Millisecond, Fields: []sensors.Field{field(t, name, "temperature"), field(t, name, "humidity")},
			Part: climate{r.buses[on], addr}}
	}
	r.sources = sensors.Supervise(sensors.SuperviseOptions{RetryLongest: 8 * time.Second, Parts: []sensors.Supervised{
		part("tested", 0, 0x20), part("neighbour", 0, 0x21), part("elsewhere", 1, 0x20)}})
	return r
}

// start runs the sources; the function it returns ends them, and fails the test if that takes long.
func (r *rig) start(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i, s := range r.sources {
		all.Go(func() {
			if err := s.Run(ctx, r.heard[i].take); err != nil {
				t.Errorf("%s ends with %v", s.Name(), err)
			}
		})
	}
	return func() {
		from := time.Now()
		cancel()
		all.Wait()
		if took := time.Since(from); took > time.Second {
			t.Errorf("it took %v to stop", took)
		}
		for _, b := range r.buses {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func (r *rig) status(i int) sensors.PartStatus { return r.sources[i].(sensors.Watched).Status() }

// faultCase is one row of the fault table.
type faultCase struct {
	name    string
	breaks  func(w *bustest.Wire)
	mends   func(w *bustest.Wire)
	state   sensors.PartState
	kind    sensors.FaultKind
	quality sensors.Quality // of the readings that come meanwhile; Absent is none
	counted string
	held    bool // the whole bus is, so its other parts can't be read
}

func faultTable() []faultCase {
	of := func(f bustest.Fault) func(w *bustest.Wire) { return func(w *bustest.Wire) { w.Break(0x20, f) } }
	mend := func(w *bustest.Wire) { w.Mend(0x20) }
	back := func(w *bustest.Wire) {
		w.Detach(0x20)
		w.Attach(0x20, climateRegisters(2150, 40))
	}
	return []faultCase{
		{name: "no answer", breaks: of(bustest.Fault{Mode: bustest.NoAnswer}), mends: mend,
			state: sensors.Missing, kind: sensors.NoAnswer, counted: "no answer"},
		{name: "timeout", breaks: of(bustest.Fault{Mode: bustest.Timeout}), mends: mend,
			state: sensors.Faulty, kind: sensors.Timeout, counted: "timeout"},
		{name: "lost arbitration", breaks: of(bustest.Fault{Mode: bustest.LostArbitration}), mends: mend,
			state: sensors.Faulty, kind: sensors.Arbitration, counted: "arbitration lost"},
		{name: "all ones", breaks: of(bustest.Fault{Mode: bustest.Ones}), mends: mend,
			state: sensors.Faulty, kind: sensors.Implausible, quality: sensors.Fault, counted: "implausible answer"},
		{name: "all zeros", breaks: of(bustest.Fault{Mode: bustest.Zeros}), mends: mend,
			state: sensors.Faulty, kind: sensors.Implausible, quality: sensors.Fault, counted: "dead zero"},
		{name: "CRC flip", breaks: of(bustest.Fault{Mode: bustest.Flip}), mends: mend,
			state: sensors.Faulty, kind: sensors.Corrupt, quality: sensors.Fault, counted: "corrupt answer"},
		{name: "slow", breaks: of(bustest.Fault{Mode: bustest.Slow, Delay: 300 * time.Millisecond}), mends: mend,
			state: sensors.Working, quality: sensors.OK},
		{name: "too slow", breaks: of(bustest.Fault{Mode: bustest.Slow, Delay: 600 * time.Millisecond}), mends: mend,
			state: sensors.Faulty, kind: sensors.Timeout, counted: "timeout"},
		{name: "hang for ever", breaks: of(bustest.Fault{Mode: bustest.Hang}), mends: mend,
			state: sensors.Faulty, kind: sensors.Timeout, counted: "timeout", held: true},
		{name: "unplug and return", breaks: func(w *bustest.Wire) { w.Detach(0x20) }, mends: back,
			state: sensors.Missing, kind: sensors.NoAnswer, counted: "no answer"},
		{name: "two chips at one address", breaks: func(w *bustest.Wire) { w.Attach(0x20, climateRegisters(1733, 35)) }, mends: back,
			state: sensors.Faulty, kind: sensors.Corrupt, quality: sensors.Fault, counted: "corrupt answer"},
		{name: "wrong chip", breaks: func(w *bustest.Wire) {
			w.Detach(0x20)
			time.AfterFunc(3*time.Second, func() {
				wrong := bustest.NewRegisters(1).Set(0x0f, 0x60)
				w.Attach(0x20, setClimate(wrong, 2000, 50))
			})
		}, mends: back, state: sensors.Wrong, kind: sensors.WrongPart, counted: "wrong part"},
		{name: "bus pulled out", breaks: func(w *bustest.Wire) { w.Break(bustest.All, bustest.Fault{Mode: bustest.Vanished}) },
			mends: func(w *bustest.Wire) { w.Mend(bustest.All) }, state: sensors.Missing, kind: sensors.Gone, counted: "gone", held: true},
	}
}

// TestFaultTable: for each fault, the right error and quality, the others' cadence, recovery, and nothing left behind
// (synctest fails a test that leaves a goroutine).
func TestFaultTable(t *testing.T) {
	for _, c := range faultTable() {
		t.Run(c.name, func(t *testing.T) { synctest.Test(t, c.run) })
	}
}

func (c faultCase) run(t *testing.T) {
	r := newRig(t)
	stop := r.start(t)
	begin := time.Now()
	time.Sleep(10*time.Second + 500*time.Millisecond)
	broken := time.Now()
	c.breaks(r.wire)
	time.Sleep(30 * time.Second)
	mended := time.Now()
	c.check(t, r, begin, broken, mended)
	c.mends(r.wire)
	time.Sleep(30 * time.Second)
	end := time.Now()

	after := r.heard[tested].between(mended.Add(20*time.Second), end)
	if st := r.status(tested); st.State != sensors.Working || st.Last != nil || st.Abandoned != 0 {
		t.Errorf("mended, and the state is %v: %v", st.State, st.Last)
	}
	if len(after) < 9 {
		t.Errorf("mended, and there are %d readings in the last ten seconds", len(after))
	}
	for _, h := range after {
		if h.qualities != [2]sensors.Quality{sensors.OK, sensors.OK} || h.numbers != [2]int64{21500, 4000} {
			t.Errorf("mended, and a reading is %v %v", h.qualities, h.numbers)
		}
	}
	if c.held {
		if late := r.heard[neighbour].between(mended.Add(20*time.Second), end); len(late) < 9 {
			t.Errorf("the bus is back, and its other part has %d readings in ten seconds", len(late))
		}
	}
	stop()
}

// check looks at everything while the fault is there.
func (c faultCase) check(t *testing.T, r *rig, begin, broken, mended time.Time) {
	if before := r.heard[tested].between(begin, broken); len(before) != 11 {
		t.Errorf("%d readings in the ten seconds before", len(before))
	}
	st := r.status(tested)
	if st.State != c.state {
		t.Errorf("the state is %v, want %v", st.State, c.state)
	}
	if c.state != sensors.Working {
		if st.Last == nil || !errors.Is(st.Last, c.kind) {
			t.Fatalf("the error is %v, want %v", st.Last, c.kind)
		}
		for _, text := range []string{`"tested"`, "climate", "i2c-1", "0x20", c.kind.String()} {
			if !strings.Contains(st.Last.Error(), text) {
				t.Errorf("the error is %v, and does not say %q", st.Last, text)
			}
		}
		if wait := st.Since.Sub(broken); c.kind != sensors.WrongPart && wait > 2*time.Second {
			t.Errorf("it is known %v after it happened", wait)
		}
	}
	meanwhile := r.heard[tested].between(broken.Add(time.Second), mended)
	if c.quality == sensors.Absent && len(meanwhile) != 0 || c.quality != sensors.Absent && len(meanwhile) < 3 {
		t.Errorf("%d readings meanwhile", len(meanwhile))
	}
	for _, h := range meanwhile {
		if h.qualities != [2]sensors.Quality{c.quality, c.quality} || c.quality == sensors.Fault && h.numbers != [2]int64{} {
			t.Errorf("a reading meanwhile is %v %v", h.qualities, h.numbers)
		}
	}
	if n := len(r.heard[elsewhere].between(broken, mended)); n != 30 {
		t.Errorf("on the other bus there are %d readings in 30 seconds", n)
	}
	if n := len(r.heard[neighbour].between(broken, mended)); !c.held && n != 30 {
		t.Errorf("on the same bus there are %d readings of the other part in 30 seconds", n)
	}
	counted := ""
	for _, f := range r.sources[tested].(sensors.Counting).Faults() {
		counted += f.What + ", "
	}
	if !strings.Contains(counted, c.counted) || c.counted == "" && counted != "" {
		t.Errorf("counted are %s, want %s", counted, c.counted)
	}
}
