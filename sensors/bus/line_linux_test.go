package bus

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/candor-edge/candor/sensors"
)

// fakeGPIO is a kernel with chips of lines. What it gives for a line is one end of a pipe, into which a test writes
// edges as the kernel would.
type fakeGPIO struct {
	t     *testing.T
	dir   string
	chips map[string]*fakeChip // by node

	mu       sync.Mutex
	requests []lineRequest
	level    bool
	noBounce bool     // the kernel can't debounce
	events   *os.File // of the last line given out
	set      []bool
	sequence uint32
}

type fakeChip struct {
	label string
	lines []LineInfo
}

func newFakeGPIO(t *testing.T) *fakeGPIO {
	g := &fakeGPIO{t: t, dir: t.TempDir(), chips: map[string]*fakeChip{
		"gpiochip0": {label: "pinctrl-bcm2835", lines: []LineInfo{{Name: "ID_SDA"}, {Name: "GPIO17"}, {Name: "GPIO22"},
			{Name: "GPIO23", Output: true}, {Name: "LED", Used: true, Output: true, Consumer: "ACT"}, {Used: true}, {Name: "TWICE"}}},
		"gpiochip1": {label: "expander", lines: []LineInfo{{Name: "TWICE"}, {}}},
	}}
	for node := range g.chips {
		if err := os.WriteFile(filepath.Join(g.dir, node), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("gpiochip0", filepath.Join(g.dir, "gpiochip4")); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *fakeGPIO) number(uintptr, uint, uintptr) error { return syscall.ENOTTY }

func (g *fakeGPIO) pointer(fd uintptr, request uint, arg unsafe.Pointer) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch request {
	case gpioGetValues:
		v := (*lineValues)(arg)
		if v.bits = 0; g.level {
			v.bits = v.mask
		}
		return nil
	case gpioSetValues:
		v := (*lineValues)(arg)
		g.set = append(g.set, v.bits&v.mask != 0)
		return nil
	}
	node, err := os.Readlink("/proc/self/fd/" + itoa(fd))
	if err != nil {
		return err
	}
	chip := g.chips[filepath.Base(node)]
	switch request {
	case gpioChipInfo:
		info := (*chipInfo)(arg)
		copy(info.label[:], chip.label)
		info.lines = uint32(len(chip.lines))
	case gpioLineInfo:
		info := (*lineInfo)(arg)
		if int(info.offset) >= len(chip.lines) {
			return syscall.EINVAL
		}
		line := chip.lines[info.offset]
		copy(info.name[:], line.Name)
		copy(info.consumer[:], line.Consumer)
		if info.flags = flagInput; line.Output {
			info.flags = flagOutput
		}
		if line.Used {
			info.flags |= flagUsed
		}
	case gpioGetLine:
		return g.give((*lineRequest)(arg))
	default:
		return syscall.ENOTTY
	}
	return nil
}

func (g *fakeGPIO) give(r *lineRequest) error {
	if g.noBounce && r.count > 0 && r.attributes[0].id == attributeDebounce {
		return syscall.EOPNOTSUPP
	}
	g.requests = append(g.requests, *r)
	var pipe [2]int
	if err := syscall.Pipe2(pipe[:], syscall.O_CLOEXEC); err != nil {
		return err
	}
	r.fd = int32(pipe[0])
	g.events = os.NewFile(uintptr(pipe[1]), "edges")
	g.t.Cleanup(func() { _ = g.events.Close() })
	return nil
}

func itoa(n uintptr) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

// edge has the line change; lost edges before it are counted by the kernel and not told.
func (g *fakeGPIO) edge(at time.Duration, rising bool, lost uint32) {
	g.mu.Lock()
	g.level = rising
	g.sequence += 1 + lost
	event := make([]byte, eventSize)
	binary.NativeEndian.PutUint64(event, uint64(at))
	id := uint32(2)
	if rising {
		id = eventRising
	}
	binary.NativeEndian.PutUint32(event[8:], id)
	binary.NativeEndian.PutUint32(event[20:], g.sequence)
	events := g.events
	g.mu.Unlock()
	if _, err := events.Write(event); err != nil {
		g.t.Error(err)
	}
}

// TestNumbers: the numbers of the ioctls are what the macros of linux/ioctl.h make of the structs.
func TestNumbers(t *testing.T) {
	const read, write = 2, 1
	for _, c := range []struct {
		name      string
		got       uint
		direction uint
		number    uint
		size      uintptr
	}{
		{"chip info", gpioChipInfo, read, 0x01, unsafe.Sizeof(chipInfo{})},
		{"line info", gpioLineInfo, read | write, 0x05, unsafe.Sizeof(lineInfo{})},
		{"get line", gpioGetLine, read | write, 0x07, unsafe.Sizeof(lineRequest{})},
		{"get values", gpioGetValues, read | write, 0x0e, unsafe.Sizeof(lineValues{})},
		{"set values", gpioSetValues, read | write, 0x0f, unsafe.Sizeof(lineValues{})},
	} {
		if want := c.direction<<30 | uint(c.size)<<16 | 0xb4<<8 | c.number; c.got != want {
			t.Errorf("%s is %#x, want %#x", c.name, c.got, want)
		}
	}
	var r lineRequest
	for name, c := range map[string][2]uintptr{
		"consumer": {unsafe.Offsetof(r.consumer), 256}, "flags": {unsafe.Offsetof(r.flags), 288},
		"attributes": {unsafe.Offsetof(r.attributes), 320}, "lines": {unsafe.Offsetof(r.lines), 560}, "fd": {unsafe.Offsetof(r.fd), 588},
	} {
		if c[0] != c[1] {
			t.Errorf("%s is at %d, want %d", name, c[0], c[1])
		}
	}
}

func TestFindLine(t *testing.T) {
	g := newFakeGPIO(t)
	all, err := lines(g, g.dir)
	if err != nil || len(all) != 9 {
		t.Fatalf("%d lines, %v: a link to a chip is not another chip", len(all), err)
	}
	for name, want := range map[string]string{
		"GPIO17": "GPIO17 (pinctrl-bcm2835:1)", "pinctrl-bcm2835:1": "GPIO17 (pinctrl-bcm2835:1)", "expander:1": "expander:1",
		"LED": `LED (pinctrl-bcm2835:4), used by "ACT", an output`, "pinctrl-bcm2835:5": "pinctrl-bcm2835:5, used by the kernel",
	} {
		if info, err := findLine(g, g.dir, name); err != nil || info.String() != want {
			t.Errorf("%s is %v, %v; want %s", name, info, err, want)
		}
	}
	for name, want := range map[string]string{
		"GPIO99": "pinctrl-bcm2835 (7 lines), expander (2 lines)", "": "no line", "expander:2": "no line", "gpiochip0:1": "no line",
		"TWICE": "2 lines have that name",
	} {
		if _, err := findLine(g, g.dir, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", name, err, want)
		}
	}
	if len(g.requests) != 0 {
		t.Error("looking at lines requested one")
	}
	if _, err := findLine(g, t.TempDir(), "GPIO17"); !errors.Is(err, sensors.Gone) || !strings.Contains(err.Error(), "CONFIG_GPIO_CDEV") {
		t.Errorf("without any chip: %v", err)
	}
}

// TestHeaderPins: a line is found by the name that another kernel has for it, both ways, and no two lines share a pin.
func TestHeaderPins(t *testing.T) {
	g := newFakeGPIO(t)
	if info, err := findLine(g, g.dir, "PIN11"); err != nil || info.Name != "GPIO17" {
		t.Errorf("PIN11 is %v, %v", info, err)
	}
	for name, want := range map[string]string{"GPIO17": "PIN11", "PIN11": "GPIO17", "PIN40": "GPIO21", "GPIO2": "PIN3", "PIN1": "", "GPIO99": "", "LED": "", "": ""} {
		if got := otherName(name); got != want {
			t.Errorf("%q is called %q too; want %q", name, got, want)
		}
	}
	lines := map[int]bool{}
	for _, line := range headerPins() {
		lines[line] = true
	}
	for line := 2; line <= 27; line++ {
		if !lines[line] {
			t.Errorf("GPIO%d is on no pin", line)
		}
	}
	if len(lines) != len(headerPins()) {
		t.Error("two pins have one line")
	}
}

func TestOpenLine(t *testing.T) {
	g := newFakeGPIO(t)
	for name, want := range map[string]string{"LED": `used by "ACT"`, "pinctrl-bcm2835:5": "used by the kernel",
		"GPIO23": "it drives something"} {
		_, err := openLine(g, LineOptions{Dir: g.dir, Name: name, Debounce: time.Second})
		if !errors.Is(err, sensors.Busy) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", name, err, want)
		}
	}
	if len(g.requests) != 0 {
		t.Fatal("a line that is an output or in use was requested")
	}
	l, err := openLine(g, LineOptions{Dir: g.dir, Name: "GPIO17", ActiveLow: true, Bias: PullUp, Debounce: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	r := g.requests[0]
	if r.offsets[0] != 1 || r.lines != 1 || r.flags != flagInput|flagRising|flagFalling|flagActiveLow|flagPullUp ||
		text(r.consumer) != "candor" || r.count != 1 || r.attributes[0].id != attributeDebounce || r.attributes[0].mask != 1 ||
		binary.NativeEndian.Uint32(r.attributes[0].value[:]) != 5000 {
		t.Errorf("the request is %+v", r)
	}
	g.level = true
	if on, err := l.Read(); !on || err != nil {
		t.Errorf("it reads %v, %v", on, err)
	}
	if err := l.Close(); err != nil || l.String() != "GPIO17" {
		t.Errorf("closing %s: %v", l, err)
	}
	if _, err := l.Read(); err == nil {
		t.Error("a closed line can be read")
	}
}

// collect runs Edges and gives what it told.
type collect struct {
	mu    sync.Mutex
	edges []Edge
}

func (c *collect) add(e Edge) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.edges = append(c.edges, e)
}

// waitFor gives the edges as soon as there are n, or all there are after a while.
func (c *collect) waitFor(n int) []Edge {
	for range 30_000 {
		c.mu.Lock()
		got := append([]Edge(nil), c.edges...)
		c.mu.Unlock()
		if len(got) >= n {
			return got
		}
		time.Sleep(time.Millisecond)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Edge(nil), c.edges...)
}

// TestEdges: ten pulses count ten, lost ones are counted, and it stops and goes on.
func TestEdges(t *testing.T) {
	g := newFakeGPIO(t)
	l, err := openLine(g, LineOptions{Dir: g.dir, Name: "GPIO17"})
	if err != nil {
		t.Fatal(err)
	}
	g.edge(time.Second, true, 0) // before anybody waits
	for round := range 3 {
		var got collect
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- l.Edges(ctx, got.add) }()
		if round == 0 {
			if first := got.waitFor(1); len(first) != 1 || first[0] != (Edge{Rising: true, At: time.Second}) {
				t.Fatalf("the edge from before is %v", first)
			}
			if err := l.Edges(ctx, got.add); !errors.Is(err, sensors.Busy) {
				t.Errorf("a second one waits: %v", err)
			}
			got.edges = nil
		}
		for i := range 20 {
			g.edge(time.Duration(i)*time.Millisecond, i%2 == 0, 0)
		}
		g.edge(time.Minute, true, 7)
		edges := got.waitFor(21)
		if len(edges) != 21 {
			t.Fatalf("round %d: %d edges", round, len(edges))
		}
		rising := 0
		for i, e := range edges[:20] {
			if e.Rising {
				rising++
			}
			if e.At != time.Duration(i)*time.Millisecond || e.Missed != 0 {
				t.Errorf("edge %d is %+v", i, e)
			}
		}
		if rising != 10 || edges[20] != (Edge{Rising: true, At: time.Minute, Missed: 7}) {
			t.Errorf("round %d: %d rising, the last is %+v", round, rising, edges[20])
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("round %d ends with %v", round, err)
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- l.Edges(t.Context(), func(Edge) {}) }()
	time.Sleep(10 * time.Millisecond)
	_ = l.Close()
	if err := <-ended; err != nil {
		t.Errorf("closed, it ends with %v", err)
	}
}

// TestChipGone: the kernel ends a line whose chip was pulled.
func TestChipGone(t *testing.T) {
	g := newFakeGPIO(t)
	l, err := openLine(g, LineOptions{Dir: g.dir, Name: "GPIO17"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_ = g.events.Close()
	if err := l.Edges(t.Context(), func(Edge) { t.Error("an edge") }); !errors.Is(err, sensors.Gone) {
		t.Errorf("it ends with %v", err)
	}
}

// TestSoftDebounce: where the kernel can't debounce it is done here.
func TestSoftDebounce(t *testing.T) {
	g := newFakeGPIO(t)
	g.noBounce = true
	l, err := openLine(g, LineOptions{Dir: g.dir, Name: "GPIO17", Debounce: 300 * time.Millisecond}) // in which the edges of a bounce come here, whatever else the machine does
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if len(g.requests) != 1 || g.requests[0].count != 0 {
		t.Errorf("the requests are %+v", g.requests)
	}
	var got collect
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- l.Edges(ctx, got.add) }()
	for i := range 9 { // pressed, with bounces
		g.edge(time.Duration(i)*time.Millisecond, i%2 == 0, 0)
	}
	if edges := got.waitFor(1); len(edges) != 1 || edges[0] != (Edge{Rising: true, At: 8 * time.Millisecond}) {
		t.Errorf("pressed: %v", edges)
	}
	g.edge(time.Second, false, 0) // a disturbance
	g.edge(time.Second, true, 2)
	time.Sleep(750 * time.Millisecond)
	g.edge(2*time.Second, false, 0)
	if edges := got.waitFor(2); len(edges) != 2 || edges[1] != (Edge{At: 2 * time.Second, Missed: 2}) {
		t.Errorf("released: %v", edges)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestOutput(t *testing.T) {
	g := newFakeGPIO(t)
	if _, err := openOutput(g, LineOptions{Dir: g.dir, Name: "LED"}); !errors.Is(err, sensors.Busy) {
		t.Errorf("somebody's light: %v", err)
	}
	o, err := openOutput(g, LineOptions{Dir: g.dir, Name: "GPIO23", Consumer: "light"})
	if err != nil {
		t.Fatal(err)
	}
	r := g.requests[0]
	if r.flags != flagOutput || r.count != 1 || r.attributes[0].id != attributeOutput || text(r.consumer) != "light" {
		t.Errorf("the request is %+v", r)
	}
	for _, on := range []bool{true, false, true} {
		if err := o.Set(on); err != nil {
			t.Error(err)
		}
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	if want := []bool{true, false, true, false}; len(g.set) != 4 || g.set[0] != want[0] || g.set[1] != want[1] || g.set[3] != want[3] {
		t.Errorf("it was set to %v, want %v", g.set, want)
	}
	if err := o.Set(true); err == nil {
		t.Error("a closed output can be set")
	}
}

// FuzzDecode: whatever the kernel says, an edge is read and numbers go on.
func FuzzDecode(f *testing.F) {
	f.Add(make([]byte, eventSize), uint32(0))
	f.Add([]byte(strings.Repeat("\xff", eventSize)), uint32(0xffffffff))
	f.Fuzz(func(t *testing.T, event []byte, last uint32) {
		if len(event) < eventSize {
			return
		}
		l := &Line{last: last}
		e := l.decode(event)
		if last+1+e.Missed != l.last {
			t.Errorf("after number %d, %d missed and number %d", last, e.Missed, l.last)
		}
	})
}
