package simulated

import (
	"testing"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/sensortest"
)

func TestHouseConforms(t *testing.T) {
	for _, room := range rooms() {
		t.Run(room.name, func(t *testing.T) {
			sensortest.Conformance(t, func() sensors.Source {
				return openRoom(t, roomConfig(room.name, 1, time.Hour, 5*24*time.Hour))
			})
		})
	}
	t.Run("for ever", func(t *testing.T) {
		sensortest.Conformance(t, func() sensors.Source {
			c := roomConfig("entrance", 1, 20*time.Millisecond, 0)
			c.Start, c.Pace = "", ""
			source, err := openHouse(c, sensors.Env{Clock: sensors.SystemClock{}})
			if err != nil {
				t.Fatal(err)
			}
			return source
		})
	})
}

func TestReplayConforms(t *testing.T) {
	faulty := "t_ms,temp,pir,badge,gx\n1,2,0,a,1\n1,x,maybe,b,1\n\"1\n2,,,,\n3,999,1,\"c d\",1\n"
	long := "t_ms,channel,value\n1,temp,2\n1,badge,x\n1,badge,y\n2,gx,1\nbad\n2,temp,?\n"
	for name, text := range map[string]string{"wide": faulty, "long": long, "gzip": zipped(faulty)} {
		t.Run(name, func(t *testing.T) {
			sensortest.Conformance(t, func() sensors.Source {
				source, err := tape(text)
				if err != nil {
					t.Fatal(err)
				}
				return source
			})
		})
	}
	t.Run("in its own time", func(t *testing.T) { // only how it stops: it takes an hour to end
		env := files(map[string]string{"room.csv": "t_ms,temp\n0,1\n3600000,1\n"})
		env.Clock = sensors.SystemClock{}
		sensortest.Conformance(t, func() sensors.Source {
			source, err := openReplay(sensors.Config{Name: "room", File: "room.csv"}, env)
			if err != nil {
				t.Fatal(err)
			}
			return endless{source.(*replay)}
		})
	})
}

// endless is a recording that does not say that it ends, so that nobody waits for it.
type endless struct{ *replay }

// Ends hides that of the recording.
func (endless) Ends() bool { return false }
