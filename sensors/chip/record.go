package chip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"periph.io/x/conn/v3/i2c"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/bus"
)

// Record identifies a part and reads it so often, and writes what passed on its bus, with what was called and what came
// of it in between, and how long was waited: the form of the transcripts in testdata, which tests play to their last byte. o.Open opens whole
// buses; a branch of a mux is reached through [Muxed], and what that says to the mux is written too. A reading that
// fails is written like one that does not; the error is that of the identification, of writing, or of ctx.
//
// The transcript holds what the part measured. Nobody else may use the bus meanwhile.
func (r Row) Record(ctx context.Context, o PartOptions, rounds int, every time.Duration, out io.Writer) error {
	t := &tape{out: out}
	if o.Open == nil {
		return errors.New("chip: PartOptions needs Open")
	}
	open := o.Open
	o.Open = Muxed(func(name string) (i2c.Bus, error) {
		b, err := open(name)
		if err != nil {
			return nil, err
		}
		return bus.NewRecorder(carrier{b}, name, t), nil
	})
	p, err := r.Part(o)
	if err != nil {
		return err
	}
	s, err := r.settle(o.Settings)
	if err != nil {
		return err
	}
	if err := t.head(r, o, s); err != nil {
		return err
	}
	t.printf("#> identify\n")
	if err := p.Identify(ctx); err != nil {
		t.failed(err)
		return errors.Join(err, t.err)
	}
	quantities := r.measures(s)
	values := make([]sensors.Value, len(quantities))
	for i := range rounds {
		if i > 0 {
			select {
			case <-o.Clock.After(every):
			case <-ctx.Done():
				return errors.Join(ctx.Err(), t.err)
			}
		}
		t.printf("#> sense\n")
		if err := p.Sense(ctx, values); err != nil {
			t.failed(err)
		} else {
			t.measured(quantities, values)
		}
		if ctx.Err() != nil || t.err != nil {
			return errors.Join(ctx.Err(), t.err)
		}
	}
	return nil
}

// carrier is a bus as a recorder wants it.
type carrier struct{ bus i2c.Bus }

// TxContext implements bus.Transfer.
func (c carrier) TxContext(ctx context.Context, addr uint16, w, r []byte) error {
	return transfer(ctx, c.bus, addr, w, r)
}

// tape is where a recording goes; it keeps the first error.
type tape struct {
	out io.Writer
	err error
}

// head says what is recorded, and where it is and what is set when that is not as usual.
func (t *tape) head(r Row, o PartOptions, s settings) error {
	t.printf("# %s on %s, by candor sensor record\n", r.Name, o.Bus)
	if o.Address != 0 && o.Address != r.Addresses[0] || strings.Contains(o.Bus, "/") {
		address, err := r.checkAddress(o.Address)
		if err != nil {
			return err
		}
		t.printf("#@ %s 0x%02x\n", o.Bus, address)
	}
	for _, name := range slices.Sorted(maps.Keys(o.Settings)) {
		t.printf("#: %s %d\n", name, s[name])
	}
	return nil
}

// Write implements io.Writer.
func (t *tape) Write(b []byte) (int, error) {
	if t.err != nil {
		return 0, t.err
	}
	n, err := t.out.Write(b)
	if err != nil {
		t.err = fmt.Errorf("writing the transcript: %w", err)
	}
	return n, err
}

func (t *tape) printf(format string, args ...any) { _, _ = fmt.Fprintf(t, format, args...) }

// failed writes how a call failed, in the word of a transcript.
func (t *tape) failed(err error) {
	t.printf("#! %s\n", strings.ReplaceAll(kindOf(err).String(), " ", "-"))
}

// measured writes what a call measured: a number in the kind's scale, a token, or the quality of what is neither.
func (t *tape) measured(quantities []Quantity, values []sensors.Value) {
	for i, v := range values {
		word := strconv.FormatInt(v.Num, 10)
		switch {
		case v.Quality != sensors.OK:
			word = v.Quality.String()
		case quantities[i].Kind.Type == sensors.Text:
			word = v.Token
		}
		t.printf("#= %s %s\n", quantities[i].Name, word)
	}
}
