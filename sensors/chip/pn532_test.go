package chip

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/sensortest"
)

// A badge that lies there is told once. After the reader was identified anew it is told again: the supervisor reads a part that
// comes back once before it asks who it is, and passes nothing of that on.
func TestBadgeAtTheReturn(t *testing.T) {
	mine := readTranscript(t, "testdata/pn532.datasheet")
	m := modelOf(t, mine)
	p, fields := mine.open(t, busFunc(func(ctx context.Context, a uint16, w, r []byte) error { return m.tx(ctx, a, w, r) }), sensortest.NewClock(time.Unix(1e9, 0)))
	told := func() bool {
		values := make([]sensors.Value, len(fields))
		if err := p.Sense(t.Context(), values); err != nil {
			t.Fatal(err)
		}
		return values[0].Quality == sensors.OK
	}
	if err := p.Identify(t.Context()); err != nil {
		t.Fatal(err)
	}
	if told() || !told() || told() { // the first look of the transcript finds nothing
		t.Fatal("a badge that lies there is not told once")
	}
	if err := p.Identify(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !told() || told() {
		t.Error("a badge that was there when the reader came back is not told once")
	}
}

// The manual lets the part leave its address unanswered after an exchange: that is waited for, and not taken for a part that is gone.
func TestBadgeReaderThatIsQuietForAMoment(t *testing.T) {
	for every := 2; every < 6; every++ {
		mine := readTranscript(t, "testdata/pn532.datasheet")
		b := newBench(t, mine, modelOf(t, mine))
		b.model.deaf = func(n int) error {
			if n%every != 0 { // all but one transfer in so many
				return syscall.ENXIO
			}
			return nil
		}
		err := b.run(t)
		if fails := every > pnQuiet+1; (err != nil) != fails || fails && !errors.Is(err, sensors.NoAnswer) {
			t.Errorf("one of %d is answered: %v", every, err)
		}
	}
}
