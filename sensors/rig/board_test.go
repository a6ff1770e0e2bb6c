//go:build hardwaresim

package rig_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent/control"
)

// chips are the sensors of the i.MX6 board as candor.toml says them.
const chips = `
[[sensor]]
name = "air"
driver = "tmp105"
bus = "i2c-1"
address = 0x48
every = "1s"
[[sensor]]
name = "branch"
driver = "tmp105"
bus = "i2c-1/pca9546@0x70.0"
address = 0x49
every = "1s"
[[sensor]]
name = "four"
driver = "tmp423"
bus = "i2c-1"
address = 0x4c
every = "1s"
[[sensor]]
name = "three"
driver = "emc1413"
bus = "i2c-1"
address = 0x18
every = "1s"
[[sensor]]
name = "field"
driver = "lsm303dlhc"
bus = "i2c-1"
address = 0x1e
every = "1s"
[[sensor]]
name = "door"
driver = "contact"
line = "RIG3"
[[sensor]]
name = "meter"
driver = "pulses"
line = "RIG7"
every = "2s"
[sensor.settings]
active_low = "0"
`

var chipFields = []string{"air.temperature", "branch.temperature", "four.temperature", "four.remote1", "four.remote2", "four.remote3",
	"three.temperature", "three.remote1", "three.remote2", "field.x", "field.y", "field.z", "door.open", "meter.count"}

// run starts the agent in the background of the guest and says yes to its purpose.
func (g *guest) run() {
	g.t.Helper()
	g.sh("(candor run --config /rig/bin/candor.toml >/tmp/agent.log 2>&1 &)")
	eventually(g.t, "the agent runs", func() string {
		if _, err := g.ctl("sh", "sh", "candor status --config /rig/bin/candor.toml --json | grep '\"daemon\": true'"); err != nil {
			return g.sh("tail -5 /tmp/agent.log")
		}
		return ""
	})
}

func (g *guest) grant() {
	g.t.Helper()
	g.candor(`consent grant all --on-behalf "the rig"`)
}

func (g *guest) status() control.Status {
	g.t.Helper()
	var s control.Status
	text := g.candor("status --json")
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		g.t.Fatalf("status: %v\n%s", err, text)
	}
	return s
}

// arrives waits until the newest row with a field has that value, to half of the digit that counts.
func arrives(t *testing.T, b *backend, field string, want, within float64) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s is %v at the receiver", field, want), func() string {
		last, has := math.NaN(), false
		for _, r := range b.rows("all") {
			if v, ok := r.Values[field]; ok {
				last, has = v, true
			}
		}
		if has && math.Abs(last-want) <= within {
			return ""
		}
		return fmt.Sprint("it is ", last)
	})
}

// TestBoard is one life of the i.MX6 board: chips that are set from outside, lines that move, a cable that is pulled. What
// was set has to come out of the receiver.
func TestBoard(t *testing.T) {
	b := newBackend(t)
	dir := t.TempDir()
	g := boot(t, "arm", dir, idle, b.object(t, dir, chips, 2*time.Second, chipFields...))
	g.run()
	g.grant()

	t.Run("values", func(t *testing.T) { values(t, g, b) })
	found.add("i.MX6: TMP105, TMP105 behind a PCA9546, TMP423, EMC1413 and LSM303DLHC read over /dev/i2c-1, values set from outside at the receiver")
	b.once("all", g.candor("sent --json"))
	if s := g.status(); strings.Contains(s.Buffer.State, "fail") {
		t.Errorf("the buffer is %s: %s", s.Buffer.State, s.Buffer.Detail)
	}
}

// values sets what the chips measure, twice, as the second has to differ from the first.
func values(t *testing.T, g *guest, b *backend) {
	for _, round := range []int{0, 1} {
		sign := 1 - 2*round
		milli := func(n int) int { return sign * n }
		g.set("tmp0", "temperature", milli(21_500))
		g.set("tmp2", "temperature", milli(19_250))
		for i := range 4 {
			g.set("tmp1", fmt.Sprintf("temperature%d", i), milli(30_500+1000*i))
		}
		for i := range 3 {
			g.set("emc0", fmt.Sprintf("temperature%d", i), 20_000+3000*i+10_000*round) // its model knows nothing below zero
		}
		g.set("mag0", "mag-x", milli(20_000))
		g.set("mag0", "mag-y", milli(30_000))
		g.set("mag0", "mag-z", milli(40_000))
		degrees := func(n int) float64 { return float64(n) / 1000 }
		arrives(t, b, "air.temperature", degrees(milli(21_500)), 0.0625)
		arrives(t, b, "branch.temperature", degrees(milli(19_250)), 0.0625)
		for i, f := range []string{"temperature", "remote1", "remote2", "remote3"} {
			arrives(t, b, "four."+f, degrees(milli(30_500+1000*i)), 0.0625)
		}
		for i, f := range []string{"temperature", "remote1", "remote2"} {
			arrives(t, b, "three."+f, degrees(20_000+3000*i+10_000*round), 1)
		}
		for f, want := range map[string]int{"x": 20_000, "y": 30_000, "z": 40_000} {
			arrives(t, b, "field."+f, float64(milli(want))/1e9, 1.1e-7) // set in nanotesla; a step is 0.09 to 0.11 µT
		}
	}
}
