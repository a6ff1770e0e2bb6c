package chip

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/i2c"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/bus"
	"github.com/candor-edge/candor/sensors/bus/bustest"
)

// trial is one part on a wire with a neighbour, both supervised as in the agent.
type trial struct {
	tr        transcript
	address   uint16
	wire      *bustest.Wire
	source    sensors.Source
	neighbour sensors.Source
	mu        sync.Mutex
	good      int // values of quality ok of the part
	bad       int // values of another quality
	next      int // readings of the neighbour
}

// still is a neighbour that always says the same.
type still struct{ bus *bus.Bus }

const neighbourAt = 0x0b

func (s still) Identify(ctx context.Context) error {
	return s.bus.TxContext(ctx, neighbourAt, []byte{0}, make([]byte, 1))
}

func (s still) Sense(ctx context.Context, values []sensors.Value) error {
	values[0] = sensors.Number(20_000)
	return s.Identify(ctx)
}

func (x *trial) attach(t *testing.T) {
	if x.tr.part == "ublox" { // a transcript played again says everything again and again, and is whole the second time
		x.wire.Attach(x.address, newReceiver())
		return
	}
	m := clone(modelOf(t, x.tr))
	x.wire.Attach(x.address, bustest.Func(func(w, r []byte) error { return m.tx(context.Background(), x.address, w, r) }))
}

func (x *trial) numbers() (good, bad, next int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.good, x.bad, x.next
}

// wrong is a fault of the table, and what it has to look like from outside. kinds are those that may be the error; none
// are, when the part may seem well.
type wrong struct {
	name   string
	breaks func(t *testing.T, x *trial)
	kinds  []sensors.FaultKind
	held   bool // the whole bus
	well   bool // all goes on
	only   func(Row) bool
}

func wrongs() []wrong {
	of := func(mode bustest.Mode) func(*testing.T, *trial) {
		return func(_ *testing.T, x *trial) { x.wire.Break(x.address, bustest.Fault{Mode: mode}) }
	}
	suspect := []sensors.FaultKind{sensors.Implausible, sensors.WrongPart, sensors.Corrupt, sensors.Timeout}
	return []wrong{
		{name: "no answer", breaks: of(bustest.NoAnswer), kinds: []sensors.FaultKind{sensors.NoAnswer}},
		{name: "timeout", breaks: of(bustest.Timeout), kinds: []sensors.FaultKind{sensors.Timeout}},
		{name: "lost arbitration", breaks: of(bustest.LostArbitration), kinds: []sensors.FaultKind{sensors.Arbitration}},
		{name: "all ones", breaks: of(bustest.Ones), kinds: suspect},
		{name: "all zeros", breaks: of(bustest.Zeros), kinds: suspect, only: func(r Row) bool { return !r.ZeroIsReal }},
		{name: "CRC flip", breaks: of(bustest.Flip), kinds: suspect, only: func(r Row) bool { return checked(r.Name) }},
		{name: "slow", breaks: func(_ *testing.T, x *trial) {
			x.wire.Break(x.address, bustest.Fault{Mode: bustest.Slow, Delay: 5 * time.Millisecond})
		}, well: true},
		{name: "hang for ever", breaks: of(bustest.Hang), kinds: []sensors.FaultKind{sensors.Timeout, sensors.Busy}, held: true},
		{name: "unplug and return", breaks: func(_ *testing.T, x *trial) { x.wire.Detach(x.address) }, kinds: []sensors.FaultKind{sensors.NoAnswer}},
		{name: "two chips at one address", breaks: func(_ *testing.T, x *trial) {
			x.wire.Attach(x.address, bustest.Func(func(_, r []byte) error { fill(r, 0xa5); return nil }))
		}, kinds: suspect, only: asked},
		{name: "exchanged between two readings", breaks: func(_ *testing.T, x *trial) {
			x.wire.Detach(x.address)
			x.wire.Attach(x.address, bustest.Func(func(_, r []byte) error { fill(r, 0x5a); return nil }))
		}, kinds: suspect, only: asked},
		{name: "wrong chip", breaks: func(_ *testing.T, x *trial) {
			x.wire.Detach(x.address)
			time.AfterFunc(12*time.Second, func() { // its absence was seen
				x.wire.Attach(x.address, bustest.Func(func(_, r []byte) error { fill(r, 0x5a); return nil }))
			})
		}, kinds: suspect, only: asked},
	}
}

// asked says whether a part says anything by which it is known. A BH1750 does not: it takes commands and gives a count.
func asked(r Row) bool { return r.Name != "bh1750" }

// TestFaultTableOfParts is the fault table on every part, under the supervisor, as the agent reads it: the error is the
// right one and nothing wrong is passed on as good, the neighbour on the bus keeps its cadence, the part is back when the
// fault is over, and no goroutine is left (synctest fails a test that leaves one).
func TestFaultTableOfParts(t *testing.T) {
	eachPart(t, func(t *testing.T, tr transcript, _ *model) {
		for _, w := range wrongs() {
			if w.only == nil || w.only(tr.row) {
				t.Run(w.name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { w.run(t, tr) }) })
			}
		}
	})
}

func newTrial(t *testing.T, tr transcript, b *bus.Bus, wire *bustest.Wire) *trial {
	x := &trial{tr: tr, address: tr.row.Addresses[0], wire: wire}
	x.attach(t)
	wire.Attach(neighbourAt, bustest.NewRegisters(1))
	fields, err := tr.row.Fields("part", tr.settings)
	if err != nil {
		t.Fatal(err)
	}
	p, err := tr.row.Part(PartOptions{Open: func(string) (i2c.Bus, error) { return b, nil }, Bus: "i2c-1", Clock: sensors.SystemClock{}, Settings: tr.settings})
	if err != nil {
		t.Fatal(err)
	}
	k, _ := sensors.KindNamed("temperature")
	part := sensors.Supervised{Name: "part", Driver: tr.part, Bus: "i2c-1", Address: x.address, Fields: fields, Part: p, Every: 10 * time.Second, Deadline: tr.row.deadline()}
	if tr.row.ZeroIsReal {
		part.Zero = sensors.ZeroFine
	}
	all := sensors.Supervise(sensors.SuperviseOptions{RetryLongest: 20 * time.Second, Parts: []sensors.Supervised{part,
		{Name: "next", Bus: "i2c-1", Address: neighbourAt, Fields: []sensors.Field{sensors.NewField("next", "temperature", k)}, Part: still{b}, Every: 10 * time.Second}}})
	x.source, x.neighbour = all[0], all[1]
	return x
}

func (x *trial) start() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		_ = x.source.Run(ctx, func(r sensors.Reading) error {
			x.mu.Lock()
			defer x.mu.Unlock()
			for _, v := range r.Values {
				if v.Quality == sensors.OK {
					x.good++
				} else if v.Quality != sensors.Absent {
					x.bad++
				}
			}
			return nil
		})
	})
	all.Go(func() {
		_ = x.neighbour.Run(ctx, func(sensors.Reading) error {
			x.mu.Lock()
			defer x.mu.Unlock()
			x.next++
			return nil
		})
	})
	return func() { cancel(); all.Wait() }
}

func (w wrong) run(t *testing.T, tr transcript) {
	wire := bustest.NewWire()
	b := bus.New(bus.Options{Name: "i2c-1", Open: wire.Open})
	x := newTrial(t, tr, b, wire)
	status := x.source.(sensors.Watched).Status
	stop := x.start()
	time.Sleep(61 * time.Second)
	if good, _, _ := x.numbers(); good == 0 || status().State != sensors.Working {
		t.Fatalf("before the fault it is %v with %d good values: %v", status().State, good, status().Last)
	}
	w.breaks(t, x)
	time.Sleep(25 * time.Second) // what was under way is over
	before, _, next := x.numbers()
	time.Sleep(100 * time.Second)
	meanwhile, _, after := x.numbers()
	st := status()
	switch {
	case w.well && (st.State != sensors.Working || meanwhile == before):
		t.Errorf("the state is %v, with %d good values", st.State, meanwhile-before)
	case !w.well && (st.State == sensors.Working || meanwhile != before):
		t.Errorf("the state is %v, with %d good values meanwhile", st.State, meanwhile-before)
	case !w.well && !slices.ContainsFunc(w.kinds, func(k sensors.FaultKind) bool { return errors.Is(st.Last, k) }):
		t.Errorf("the error is %v; want one of %v", st.Last, w.kinds)
	}
	if n := after - next; !w.held && (n < 9 || n > 11) {
		t.Errorf("the neighbour has %d readings in 100 seconds", n)
	}
	wire.Mend(x.address)
	wire.Detach(x.address)
	x.attach(t)
	time.Sleep(90 * time.Second)
	before, _, next = x.numbers()
	time.Sleep(60 * time.Second)
	good, _, after := x.numbers()
	if st := status(); st.State != sensors.Working || good == before || st.Abandoned != 0 {
		t.Errorf("the fault is over, and it is %v with %d good values: %v", st.State, good-before, st.Last)
	}
	if after-next < 5 {
		t.Errorf("the fault is over, and the neighbour has %d readings in a minute", after-next)
	}
	stop()
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}
