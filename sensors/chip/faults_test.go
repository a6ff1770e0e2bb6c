package chip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/sensortest"
)

// bound is how many transfers one call may make, whatever the part answers.
const bound = 500

// bench is a part on a model of itself.
type bench struct {
	row    Row
	model  *model
	part   sensors.Part
	values []sensors.Value
	all    []Quantity
}

func newBench(t *testing.T, tr transcript, m *model) *bench {
	t.Helper()
	p, fields := tr.open(t, busFunc(m.tx), sensortest.NewClock(time.Unix(1e9, 0)))
	return &bench{row: tr.row, model: m, part: p, values: make([]sensors.Value, len(fields)), all: tr.row.Quantities}
}

// run identifies and senses, and checks what holds for every answer of every part.
func (b *bench) run(t interface{ Errorf(string, ...any) }) error {
	b.model.n = 0
	err := b.part.Identify(context.Background())
	if err == nil {
		err = b.part.Sense(context.Background(), b.values)
	}
	if err == nil && !slices.ContainsFunc(b.values, func(v sensors.Value) bool { return v.Quality != sensors.Absent }) {
		err = b.part.Sense(context.Background(), b.values) // nothing was there yet
	}
	b.check(t, err)
	return err
}

func (b *bench) check(t interface{ Errorf(string, ...any) }, err error) {
	if b.model.n > bound {
		t.Errorf("%d transfers in one go", b.model.n)
	}
	var fault *sensors.FaultError
	if err != nil && (!errors.As(err, &fault) || fault.Driver != b.row.Name || fault.Address == 0 || fault.Operation == "") {
		t.Errorf("the error does not say what failed where: %v", err)
	}
	for i, v := range b.values {
		q := b.all[i]
		if err != nil && v != (sensors.Value{}) {
			t.Errorf("%s has a value though there was an error", q.Name)
		}
		if v.Quality == sensors.OK && q.Kind.Type == sensors.Numeric && (v.Num < max(q.Min, q.Kind.Min) || v.Num > min(q.Max, q.Kind.Max)) {
			t.Errorf("%s is ok and outside what the part can measure", q.Name)
		}
		if (v.Quality == sensors.Fault || v.Quality == sensors.Absent) && (v.Num != 0 || v.Token != "") {
			t.Errorf("%s is %v and has a value", q.Name, v.Quality)
		}
	}
}

func (b *bench) good() int {
	n := 0
	for _, v := range b.values {
		if v.Quality == sensors.OK {
			n++
		}
	}
	return n
}

// eachPart runs f for each transcript that measures something.
func eachPart(t *testing.T, f func(t *testing.T, tr transcript, m *model)) {
	for _, tr := range transcripts(t) {
		if !slices.ContainsFunc(tr.steps, func(s step) bool { return s.call == "sense" }) {
			continue
		}
		if strings.Contains(tr.bus, "/") {
			continue // a mux that does not answer when it is disconnected is no fault of the part: pca954x_test.go
		}
		t.Run(filepath.Base(tr.file), func(t *testing.T) { f(t, tr, modelOf(t, tr)) })
	}
}

func TestHealthyModel(t *testing.T) {
	eachPart(t, func(t *testing.T, tr transcript, m *model) {
		b := newBench(t, tr, m)
		if err := b.run(t); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := b.part.Sense(context.Background(), b.values); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A line that is stuck, from the start or once the part is known, never gives a value.
func TestStuckLine(t *testing.T) {
	for _, with := range []byte{0x00, 0xff} {
		t.Run(fmt.Sprintf("0x%02x", with), func(t *testing.T) {
			eachPart(t, func(t *testing.T, tr transcript, m *model) {
				stuck := func(_ int, _, r []byte) error { fill(r, with); return nil }
				b := newBench(t, tr, clone(m))
				b.model.spoil = stuck
				if err := b.run(t); err == nil && !(b.row.ZeroIsReal && with == 0) {
					t.Error("a stuck line was taken for the part")
				}
				b = newBench(t, tr, m)
				if err := b.part.Identify(context.Background()); err != nil {
					t.Fatal(err)
				}
				b.model.spoil, b.model.n = stuck, 0
				err := b.part.Sense(context.Background(), b.values)
				b.check(t, err)
				if b.good() > 0 && !(b.row.ZeroIsReal && with == 0) {
					t.Error("a stuck line gave a value")
				}
			})
		})
	}
}

// Whichever transfer fails, the error says so with the kernel's number, nothing is measured, and the next try is well.
func TestEachTransferFails(t *testing.T) {
	kinds := map[syscall.Errno]sensors.FaultKind{syscall.ENXIO: sensors.NoAnswer, syscall.EREMOTEIO: sensors.NoAnswer,
		syscall.ETIMEDOUT: sensors.Timeout, syscall.EAGAIN: sensors.Arbitration, syscall.EIO: sensors.Other}
	eachPart(t, func(t *testing.T, tr transcript, m *model) {
		b := newBench(t, tr, clone(m))
		if err := b.run(t); err != nil {
			t.Fatal(err)
		}
		for errno, kind := range kinds {
			for at := 1; at <= b.model.n; at++ {
				c := newBench(t, tr, clone(m))
				c.model.spoil = onlyAt(at, tr.part == "pn532", errno)
				err := c.run(t)
				if !errors.Is(err, errno) || !errors.Is(err, kind) {
					t.Fatalf("transfer %d failed with %v, and the error is %v", at, errno, err)
				}
				c.model.spoil = nil
				if err := c.part.Sense(context.Background(), c.values); err != nil {
					t.Errorf("after a failure of transfer %d: %v", at, err)
				}
			}
		}
	})
}

// onlyAt fails one transfer; of a part whose address may go unanswered all that it is tried again.
func onlyAt(at int, quiet bool, errno error) func(int, []byte, []byte) error {
	return func(n int, _, _ []byte) error {
		if n == at || quiet && n > at && n <= at+pnQuiet {
			return errno
		}
		return nil
	}
}

// An answer that stops after some bytes has ones behind them. With a checksum that is an error; without, what comes out
// is at least something the part could have said.
func TestShortAnswers(t *testing.T) {
	eachPart(t, func(t *testing.T, tr transcript, m *model) {
		for length := range 12 {
			b := newBench(t, tr, clone(m))
			b.model.spoil = func(_ int, _, r []byte) error {
				if len(r) > length {
					fill(r[length:], 0xff)
				}
				return nil
			}
			err := b.run(t)
			if length < 3 && err == nil && checked(tr.part) {
				t.Errorf("%d bytes of each answer were enough", length)
			}
		}
	})
}

// checked says whether the part's answers carry a checksum.
func checked(part string) bool {
	return slices.Contains([]string{"sht3x", "sht4x", "scd4x", "hdc302x", "pn532", "ublox"}, part)
}

// One bit that is flipped in an answer with a checksum never makes another value.
func TestFlippedBit(t *testing.T) {
	eachPart(t, func(t *testing.T, tr transcript, m *model) {
		if !checked(tr.part) {
			t.Skip("no checksum")
		}
		well := newBench(t, tr, clone(m))
		if err := well.run(t); err != nil {
			t.Fatal(err)
		}
		detected := 0
		for at := 1; at <= well.model.n; at++ {
			for bit := 0; ; bit++ {
				b := newBench(t, tr, clone(m))
				over := false
				b.model.spoil = func(n int, _, r []byte) error {
					if n == at {
						if over = bit >= 8*len(r); !over {
							r[bit/8] ^= 0x80 >> (bit % 8)
						}
					}
					return nil
				}
				err := b.run(t)
				if over {
					break
				}
				if err != nil {
					detected++
					continue
				}
				for i, v := range b.values {
					if v != well.values[i] && v.Quality == sensors.OK {
						t.Fatalf("transfer %d, bit %d: field %d has another value", at, bit, i)
					}
				}
			}
		}
		if detected == 0 {
			t.Error("no flip was ever seen")
		}
	})
}

// Whatever a part answers, nothing panics, every call ends, and what is ok is something the part can measure.
func TestRandomAnswers(t *testing.T) {
	eachPart(t, func(t *testing.T, tr transcript, m *model) {
		rapid.Check(t, func(r *rapid.T) {
			b := newBench(t, tr, clone(m))
			from := rapid.IntRange(0, 20).Draw(r, "from")
			seed := rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(r, "answer")
			b.model.spoil = func(n int, _, into []byte) error {
				for i := range into {
					if n > from {
						into[i] = seed[(i+n)%len(seed)]
					}
				}
				return nil
			}
			_ = b.run(r)
		})
	})
}

// A part that is not the configured one is told apart wherever both can be at one address.
func TestWrongPart(t *testing.T) {
	all := transcripts(t)
	alike := []string{
		"lm75 lm75b", "lm75b lm75", // they differ only in what the low bits mean
		"tmp105 tmp102", // it gives the same values in the same register
	}
	for _, mine := range all {
		for _, other := range all {
			if mine.part == other.part || mine.part == "bh1750" || !slices.ContainsFunc(mine.row.Addresses, func(a uint16) bool { return slices.Contains(other.row.Addresses, a) }) {
				continue
			}
			if slices.Contains(alike, mine.part+" "+other.part) {
				continue
			}
			b := newBench(t, mine, modelOf(t, other))
			if err := b.part.Identify(context.Background()); err == nil {
				t.Errorf("a %s was taken for a %s", other.part, mine.part)
			}
		}
	}
}

// A deadline ends every wait, and the error is the context's.
func TestDeadline(t *testing.T) {
	eachPart(t, func(t *testing.T, tr transcript, m *model) {
		ctx, cancel := context.WithCancel(context.Background())
		p, fields := tr.open(t, busFunc(m.tx), stopped{cancel})
		values := make([]sensors.Value, len(fields))
		err := p.Identify(ctx)
		if err == nil {
			err = p.Sense(ctx, values)
		}
		if err == nil { // all was there at once, nothing was waited for
			cancel()
			err = p.Sense(ctx, values)
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
		var fault *sensors.FaultError
		if !errors.As(err, &fault) || fault.Driver != tr.part {
			t.Errorf("the error does not name the part: %v", err)
		}
	})
}

// stopped is a clock on which nothing comes to pass: whoever waits on it loses patience.
type stopped struct{ cancel func() }

func (stopped) Now() time.Time { return time.Unix(1e9, 0) }

func (s stopped) After(time.Duration) <-chan time.Time {
	s.cancel()
	return nil
}

// No error holds what was measured: a badge's number stays out of it, in any form.
func TestErrorsHoldNoValue(t *testing.T) {
	tr := readTranscript(t, "testdata/pn532.datasheet")
	m := modelOf(t, tr)
	number := []byte{0x92, 0x2e, 0x58, 0x32}
	b := newBench(t, tr, m)
	if err := b.run(t); err != nil {
		t.Fatal(err)
	}
	seen := false
	b.model.spoil = func(_ int, _, r []byte) error {
		if at := bytes.Index(r, number); at >= 0 {
			seen = true
			r[at+len(number)]++ // the checksum
		}
		return nil
	}
	err := b.part.Sense(context.Background(), b.values)
	if err == nil || !seen {
		t.Fatalf("a badge with a wrong checksum gave %v (seen %v)", err, seen)
	}
	for _, form := range []string{"922e5832", "92 2e 58 32", "146 46 88 50", string(number)} {
		if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), form) {
			t.Errorf("the error holds the badge's number: %v", err)
		}
	}
}
