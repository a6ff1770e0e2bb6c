package uplink

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestHaltStopsEverythingAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, trends(), offer("more", "other", "1m", "1h", ""))
		line, other := g.lines["acme"], g.lines["other"]
		line.says(untilCancelled)
		g.sense(4000, 10*time.Second)
		stop := g.run()
		defer stop()
		time.Sleep(time.Hour + time.Minute)
		synctest.Wait()
		if line.flying != inFlight {
			t.Fatalf("%d requests on their way", line.flying)
		}
		started := time.Now()
		g.up.Halt(true)
		synctest.Wait()
		if line.flying != 0 || time.Since(started) > 100*time.Millisecond {
			t.Errorf("%d requests are still on their way %v after the halt", line.flying, time.Since(started))
		}
		line.says(nil)
		g.withdraw("more") // its deletion request waits too: nothing leaves means nothing
		n, m := len(line.all("")), len(other.all(""))
		time.Sleep(48 * time.Hour)
		if len(line.all("")) != n || len(other.all("")) != m {
			t.Errorf("%d and %d messages left although all was halted", len(line.all(""))-n, len(other.all(""))-m)
		}
		g.up.Halt(false)
		time.Sleep(24 * time.Hour)
		if rows := line.rows(); rows < 4000 {
			t.Errorf("only %d rows arrived after the halt", rows)
		}
		if last := kinds(other); len(last) <= m {
			t.Error("the deletion request did not go out after the halt")
		}
	})
}
