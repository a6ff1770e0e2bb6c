package sensors_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// A part that answers again more than two seconds after a failure is identified before anything it says is passed on.
func TestIdentifiedAfterFailure(t *testing.T) {
	for _, tc := range []struct {
		every time.Duration
		want  int
	}{{time.Second, 1}, {5 * time.Second, 2}} {
		synctest.Test(t, func(t *testing.T) {
			identified := 0
			var failing atomic.Bool
			part := &fakePart{
				identify: func(context.Context) error {
					identified++
					if identified == 2 {
						return &sensors.FaultError{Kind: sensors.WrongPart}
					}
					return nil
				},
				sense: func(_ context.Context, v []sensors.Value) error {
					if failing.Load() {
						return &sensors.FaultError{Kind: sensors.Corrupt}
					}
					v[0] = sensors.Number(int64(20_000 + identified))
					return nil
				}}
			hall := thermometer(t, "hall", "", part)
			hall.Every = tc.every
			good := 0 // looked at when all has ended
			take := func(r sensors.Reading) error {
				if r.Values[0].Quality == sensors.OK {
					good++
				}
				return nil
			}
			sources := sensors.Supervise(sensors.SuperviseOptions{Parts: []sensors.Supervised{hall}})
			stop := running(t, sources, take)
			time.Sleep(time.Millisecond)
			failing.Store(true)
			time.Sleep(tc.every)
			failing.Store(false)
			time.Sleep(tc.every)
			stop()
			if identified != tc.want {
				t.Errorf("every %v: it is identified %d times, want %d", tc.every, identified, tc.want)
			}
			if state := statusOf(sources[0]).State; tc.want == 2 && (good != 1 || state != sensors.Wrong) {
				t.Errorf("with another part there are %d good readings, want only the one from before, and the state is %v", good, state)
			}
		})
	}
}

// A part whose turn comes more than two seconds late is identified before it is read: nobody has seen what became of it.
func TestLateTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var identified atomic.Int32
		late := &fakePart{identify: func(context.Context) error { identified.Add(1); return nil }}
		var slow atomic.Int64
		other := &fakePart{sense: func(_ context.Context, v []sensors.Value) error {
			time.Sleep(time.Duration(slow.Load()))
			v[0] = sensors.Number(20_000)
			return nil
		}}
		long := thermometer(t, "slow", "i2c-1", other)
		long.Deadline = 10 * time.Second
		sources := sensors.Supervise(sensors.SuperviseOptions{Parts: []sensors.Supervised{thermometer(t, "hall", "i2c-1", late), long}})
		var l listener
		stop := running(t, sources, l.take, func(sensors.Reading) error { return nil })
		time.Sleep(5*time.Second + time.Millisecond)
		if identified.Load() != 1 || l.count() == 0 {
			t.Errorf("in its cadence it is identified %d times in %d readings", identified.Load(), l.count())
		}
		slow.Store(int64(4 * time.Second)) // its neighbour holds the bus
		time.Sleep(2 * time.Second)
		slow.Store(0)
		time.Sleep(5 * time.Second)
		if identified.Load() != 2 {
			t.Errorf("with one late turn it is identified %d times, want twice", identified.Load())
		}
		stop()
	})
}
