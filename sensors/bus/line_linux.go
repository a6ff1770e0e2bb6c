package bus

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"github.com/candor-edge/candor/sensors"
)

// Line is one GPIO input. Its methods may be called from any goroutine, Edges by one at a time.
type Line struct {
	kernel kernel
	name   string
	file   *os.File
	bounce time.Duration // to wait for here; 0 where the kernel does it or nobody

	edges     sync.Mutex // held by Edges
	last      uint32     // the line's sequence number of the last edge, under edges
	debouncer debouncer  // under edges
}

// OpenLine opens a line as an input. A line that is an output, or that a program or a driver uses, is left as it is: the
// error names who uses it. Errors are [*sensors.FaultError].
func OpenLine(o LineOptions) (*Line, error) { return openLine(linux{}, o) }

func openLine(k kernel, o LineOptions) (*Line, error) {
	flags := uint64(flagInput | flagRising | flagFalling)
	if o.ActiveLow {
		flags |= flagActiveLow
	}
	flags |= [...]uint64{BiasAsIs: 0, PullUp: flagPullUp, PullDown: flagPullDown, NoPull: flagNoPull}[o.Bias%4]
	l := &Line{kernel: k, name: o.Name}
	request := newRequest(flags, o.Consumer)
	if o.Debounce > 0 {
		request.set(attributeDebounce, uint64(min(o.Debounce.Microseconds(), 1<<32-1)))
	}
	var err error
	l.file, err = take(k, o.Dir, o.Name, request)
	if err != nil && o.Debounce > 0 && !claimed(err) {
		// A chip or a kernel that can't debounce: it is done here.
		l.bounce = o.Debounce
		l.file, err = take(k, o.Dir, o.Name, newRequest(flags, o.Consumer))
	}
	if err != nil {
		return nil, err
	}
	if l.bounce > 0 {
		if l.debouncer.level, err = l.Read(); err != nil {
			_ = l.file.Close()
			return nil, err
		}
	}
	return l, nil
}

// claimed says whether a line can't be had for a reason that asking for less does not mend.
func claimed(err error) bool {
	switch sensors.FaultOf(err) {
	case sensors.Busy, sensors.Gone, sensors.Permission:
		return true
	}
	return false
}

func newRequest(flags uint64, consumer string) *lineRequest {
	if consumer == "" {
		consumer = "candor"
	}
	r := &lineRequest{flags: flags, lines: 1, buffer: eventBuffer}
	copy(r.consumer[:len(r.consumer)-1], consumer)
	return r
}

// set adds an attribute of the one line. A period has four bytes, a mask of values eight.
func (r *lineRequest) set(id uint32, value uint64) {
	a := &r.attributes[r.count]
	a.id, a.mask = id, 1
	if id == attributeDebounce {
		binary.NativeEndian.PutUint32(a.value[:], uint32(value))
	} else {
		binary.NativeEndian.PutUint64(a.value[:], value)
	}
	r.count++
}

// take has the kernel give us a line that nobody uses.
func take(k kernel, dir, name string, r *lineRequest) (*os.File, error) {
	if dir == "" {
		dir = "/dev"
	}
	operation := fmt.Sprintf("opening the line %q", name)
	info, err := findLine(k, dir, name)
	if err != nil {
		return nil, err
	}
	if info.Used {
		return nil, &sensors.FaultError{Bus: "gpio", Operation: operation, Kind: sensors.Busy, Cause: fmt.Errorf("%v", info)}
	}
	if info.Output && r.flags&flagInput != 0 {
		return nil, &sensors.FaultError{Bus: "gpio", Operation: operation, Kind: sensors.Busy,
			Cause: fmt.Errorf("%v: it drives something, and reading it would let that go", info)}
	}
	path := filepath.Join(dir, info.Chip)
	chip, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, nodeFault("gpio", path, missingGPIO, err)
	}
	defer func() { _ = chip.Close() }()
	r.offsets[0] = info.Offset
	if err := k.pointer(chip.Fd(), gpioGetLine, unsafe.Pointer(r)); err != nil {
		return nil, ioctlFault(operation, err)
	}
	// The runtime waits for edges along with everything else, so that a line takes no thread; for that it has to be
	// told that reads don't block.
	if err := syscall.SetNonblock(int(r.fd), true); err != nil {
		_ = syscall.Close(int(r.fd))
		return nil, ioctlFault(operation, err)
	}
	return os.NewFile(uintptr(r.fd), name), nil
}

// String returns the name under which the line was opened.
func (l *Line) String() string { return l.name }

// Read returns the line's level now.
func (l *Line) Read() (bool, error) {
	values := &lineValues{mask: 1}
	err := control(l.file, func(fd uintptr) error { return l.kernel.pointer(fd, gpioGetValues, unsafe.Pointer(values)) })
	if err != nil {
		return false, ioctlFault(fmt.Sprintf("reading the line %q", l.name), err)
	}
	return values.bits&1 != 0, nil
}

// control calls f with the descriptor of an open file, which is not closed while f runs.
func control(file *os.File, f func(fd uintptr) error) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = f(fd) }); err != nil {
		return err
	}
	return inner
}

// Edges calls each for every edge since the line was opened, oldest first, until ctx is done, the line is closed (it
// returns nil for both) or the line can't be read any more. Edges that come while each runs are kept by the kernel, up to
// a number; Edge.Missed says how many were too many. A second Edges at the same time is an error of kind Busy.
func (l *Line) Edges(ctx context.Context, each func(Edge)) error {
	operation := fmt.Sprintf("waiting for an edge of %q", l.name)
	if !l.edges.TryLock() {
		return &sensors.FaultError{Bus: "gpio", Operation: operation, Kind: sensors.Busy, Cause: errors.New("somebody waits already")}
	}
	defer l.edges.Unlock()
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		_ = l.file.SetReadDeadline(time.Unix(1, 0)) // fails only when it is closed, and then nobody waits
	})
	defer func() {
		if !stop() {
			<-stopped // or it would end the next wait
		}
	}()
	w := waiter{line: l, each: each}
	for {
		err := w.wait(ctx)
		if ctx.Err() != nil || errors.Is(err, os.ErrClosed) {
			return nil
		}
		if err != nil {
			return &sensors.FaultError{Bus: "gpio", Operation: operation, Kind: kindOf(err), Cause: err}
		}
	}
}

// waiter is one run of Edges.
type waiter struct {
	line   *Line
	each   func(Edge)
	buffer [16 * eventSize]byte
}

// wait waits for the next edges, or for the line to settle, and tells them.
func (w *waiter) wait(ctx context.Context) error {
	until := time.Time{}
	if w.line.debouncer.moving {
		until = time.Now().Add(w.line.bounce)
	}
	if err := w.line.file.SetReadDeadline(until); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return nil // its deadline may have come before ours, which has replaced it
	}
	n, err := w.line.file.Read(w.buffer[:])
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && w.line.debouncer.moving:
		return w.settle()
	case errors.Is(err, io.EOF):
		return syscall.ENODEV
	case err != nil:
		return err
	case n%eventSize != 0:
		return fmt.Errorf("the kernel gave %d bytes, which are not whole edges", n)
	}
	for at := 0; at < n; at += eventSize {
		e := w.line.decode(w.buffer[at:])
		if w.line.bounce == 0 {
			w.each(e)
		} else {
			w.line.debouncer.take(e)
		}
	}
	return nil
}

// settle tells the change of a line that has been quiet for the period.
func (w *waiter) settle() error {
	level, err := w.line.Read()
	if err != nil {
		return err
	}
	if e, told := w.line.debouncer.settle(level); told {
		w.each(e)
	}
	return nil
}

// decode reads a struct gpio_v2_line_event: time in nanoseconds, id, offset, number on the request, number on the line.
func (l *Line) decode(b []byte) Edge {
	sequence := binary.NativeEndian.Uint32(b[20:])
	e := Edge{
		At:     time.Duration(binary.NativeEndian.Uint64(b)),
		Rising: binary.NativeEndian.Uint32(b[8:]) == eventRising,
		Missed: sequence - l.last - 1,
	}
	l.last = sequence
	return e
}

// Close gives the line back. Edges returns.
func (l *Line) Close() error { return l.file.Close() }

// Output is one GPIO output. Its methods may be called from any goroutine.
type Output struct {
	kernel kernel
	name   string
	file   *os.File
}

// OpenOutput opens a line as an output that is off. Of the options, Debounce and Bias mean nothing to it. A line that
// somebody uses is left as it is.
func OpenOutput(o LineOptions) (*Output, error) { return openOutput(linux{}, o) }

func openOutput(k kernel, o LineOptions) (*Output, error) {
	flags := uint64(flagOutput)
	if o.ActiveLow {
		flags |= flagActiveLow
	}
	request := newRequest(flags, o.Consumer)
	request.set(attributeOutput, 0)
	file, err := take(k, o.Dir, o.Name, request)
	if err != nil {
		return nil, err
	}
	return &Output{kernel: k, name: o.Name, file: file}, nil
}

// Set switches the output on or off.
func (o *Output) Set(on bool) error {
	values := &lineValues{mask: 1}
	if on {
		values.bits = 1
	}
	err := control(o.file, func(fd uintptr) error { return o.kernel.pointer(fd, gpioSetValues, unsafe.Pointer(values)) })
	if err != nil {
		return ioctlFault(fmt.Sprintf("setting the line %q", o.name), err)
	}
	return nil
}

// Close switches the output off and gives the line back.
func (o *Output) Close() error { return errors.Join(o.Set(false), o.file.Close()) }
