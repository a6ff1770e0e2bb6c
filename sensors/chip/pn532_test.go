package chip

import (
	"context"
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
