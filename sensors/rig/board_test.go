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
every = "2s"
[[sensor]]
name = "meter"
driver = "pulses"
line = "RIG7"
every = "2s"
[sensor.settings]
active_low = "0"
[signals]
pause = "RIG9"
[page]
listen = "127.0.0.1:8088"
`

var chipFields = []string{"air.temperature", "branch.temperature", "four.temperature", "four.remote1", "four.remote2", "four.remote3",
	"three.temperature", "three.remote1", "three.remote2", "field.x", "field.y", "field.z", "door.open", "meter.count"}

// run starts the agent in the background of the guest and says yes to its purpose.
func (g *guest) run() {
	g.t.Helper()
	g.sh("(candor run --config /rig/bin/candor.toml >/tmp/agent.log 2>&1 &)")
	g.sh("for i in $(seq 120); do grep -q 'candor runs' /tmp/agent.log && break; sleep 0.5; done; cat /tmp/agent.log")
	eventually(g.t, "the agent runs", func() string {
		if !g.status().Daemon {
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

	if !t.Run("values", func(t *testing.T) { values(t, g, b) }) {
		return
	}
	t.Run("lines", func(t *testing.T) { lines(t, g, b) })
	t.Run("cable", func(t *testing.T) { cable(t, g, b) })
	t.Run("verbs", func(t *testing.T) { verbs(t, g) })
	t.Run("button", func(t *testing.T) { button(t, g) })
	n := b.once("all", g.candor("sent --json"))
	if s := g.status(); s.Buffer.State != "ok" || len(s.Buffer.Gaps) > 0 || len(s.Buffer.Dropped) > 0 {
		t.Errorf("the buffer is %s %s, gaps %q, dropped %v", s.Buffer.State, s.Buffer.Detail, s.Buffer.Gaps, s.Buffer.Dropped)
	}
	saw(t, "i.MX6: %d rows at the receiver, none twice, every batch as long as the object's ledger says", n)
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
		g.set("mag0", "mag-x", 20_000+10_000*round) // its model takes nothing below zero
		g.set("mag0", "mag-y", 30_000+10_000*round)
		g.set("mag0", "mag-z", 40_000+10_000*round)
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
			arrives(t, b, "field."+f, float64(want+10_000*round)/1e9, 1.1e-7) // set in nanotesla; a step is 0.09 to 0.11 µT
		}
	}
}

// pulsed is how many pulses the receiver has been told of.
func pulsed(b *backend) (sum int) {
	for _, r := range b.rows("all") {
		sum += int(r.Values["meter.count"])
	}
	return sum
}

// pulse gives pulses on RIG7. After each change it waits until the guest has lived on for a while, since two changes
// within the time in which a loaded machine does not let the emulator run are one to the guest: its kernel counts one interrupt.
func (g *guest) pulse(n int) {
	g.t.Helper()
	for range n {
		g.level("7", "1")
		g.level("7", "0")
	}
}

// level drives a line of GPIO5.
func (g *guest) level(line, level string) {
	g.t.Helper()
	if _, err := g.ctl("gpio", "qtest", "5", line, level); err != nil {
		g.t.Fatal(err)
	}
	g.sh("sleep 0.2")
}

// A change of the contact leaves when the contact has been looked at again, since the bucket of its row is whole only then: so it
// is looked at every 2 s here and not every minute.

// lines moves lines that the agent knows by their names: ten pulses count ten, and a contact opens and shuts.
func lines(t *testing.T, g *guest, b *backend) {
	before := pulsed(b)
	g.pulse(10)
	counted := func(want int) func() string {
		return func() string {
			if n := pulsed(b) - before; n < want {
				return fmt.Sprintf("%d of %d", n, want)
			}
			return ""
		}
	}
	eventually(t, "ten pulses", counted(10))
	for _, level := range []string{"1", "0", "1"} {
		g.level("3", level)
		arrives(t, b, "door.open", map[string]float64{"0": 0, "1": 1}[level], 0)
	}
	g.pulse(7)
	eventually(t, "seven more", counted(17))
	if n := pulsed(b) - before; n != 17 { // by now whatever was counted twice has come too
		t.Errorf("10 and 7 pulses count %d", n)
	}
	saw(t, "i.MX6: 10 and 7 pulses on the line RIG7 count 17, the contact on RIG3 opens and shuts")
}

// button presses the object's button, and holds it: a press pauses and the next one resumes, five seconds open the page once, for an
// account of the screen and not for root.
func button(t *testing.T, g *guest) {
	g.level("9", "1") // to ground it is pressed
	paused := func(want bool) {
		t.Helper()
		eventually(t, fmt.Sprintf("paused is %v", want), func() string {
			if s := g.status(); s.Paused.IsZero() == want {
				return s.Truth
			}
			return ""
		})
	}
	for _, want := range []bool{true, false} {
		g.level("9", "0")
		g.level("9", "1")
		paused(want)
	}
	g.sh("chmod 755 / /bin /bin/busybox; grep -q '^lea:' /etc/passwd || echo 'lea:x:1000:1000::/tmp:/bin/sh' >>/etc/passwd; echo 'lea:x:1000:' >>/etc/group")
	ask := `wget -q -O - --header "Origin: http://127.0.0.1:8088" --header "Content-Type: application/json" --post-data "{}" http://127.0.0.1:8088/press 2>&1; echo; sleep 1.2`
	enter := func(as string) string {
		if as == "root" {
			return g.sh(ask)
		}
		return g.sh("su " + as + " -c '" + ask + "'")
	}
	if said := enter("lea"); strings.Contains(said, "token") {
		t.Fatalf("the page opens before the button was held: %s", said)
	}
	g.level("9", "0")
	g.sh("sleep 6")
	g.level("9", "1")
	paused(false)
	if said := enter("root"); strings.Contains(said, "token") {
		t.Errorf("the page opens for root: %s", said)
	}
	if said := enter("lea"); !strings.Contains(said, "token") {
		t.Errorf("the page does not open: %s\n%s", said, g.sh("tail -5 /tmp/agent.log"))
	}
	if said := enter("lea"); strings.Contains(said, "token") {
		t.Errorf("one press opens two pages: %s", said)
	}
	if said := strings.Join(strings.Fields(g.candor("ledger show")), " "); !strings.Contains(said, "the page was opened, after the button was held") {
		t.Errorf("the ledger does not tell:\n%s", said)
	}
	saw(t, "i.MX6: a press of the button on RIG9 pauses and the next resumes; held for six seconds it opens the page once, not for root")
}

// seconds are the rows with a field between two moments of the guest's clock.
func seconds(b *backend, field string, from, to int64) (n int) {
	for _, r := range b.rows("all") {
		if _, ok := r.Values[field]; ok && r.Time.Unix() >= from && r.Time.Unix() < to {
			n++
		}
	}
	return n
}

// now is the guest's clock.
func (g *guest) now() int64 {
	g.t.Helper()
	text := strings.TrimSpace(g.sh("date +%s"))
	var n int64
	if _, err := fmt.Sscan(text, &n); err != nil {
		g.t.Fatalf("the guest's clock is %q", text)
	}
	return n
}

// cable pulls the network cable for a while in which chips and lines go on, and puts it back.
func cable(t *testing.T, g *guest, b *backend) {
	before, calm := pulsed(b), g.now()
	time.Sleep(15 * time.Second)
	out := g.now()
	if _, err := g.ctl("link", "qmp", "net0", "off"); err != nil {
		t.Fatal(err)
	}
	g.set("tmp0", "temperature", 33_000)
	g.pulse(4)
	eventually(t, "status says that the recipient is not reached", func() string {
		for _, r := range g.status().Routes {
			if r.State == "unreachable" {
				return ""
			}
		}
		return fmt.Sprintf("%+v", g.status().Routes)
	})
	for g.now()-out < 30 {
		time.Sleep(time.Second)
	}
	g.set("tmp0", "temperature", 34_000)
	back := g.now()
	if _, err := g.ctl("link", "qmp", "net0", "on"); err != nil {
		t.Fatal(err)
	}
	arrives(t, b, "air.temperature", 34, 0.0625)
	eventually(t, "all that waited has arrived", func() string {
		for _, p := range g.status().Purposes {
			if p.Outgoing > 3 || p.Buffered > 60 { // what is read goes on
				return fmt.Sprintf("%d batches and %d rows wait", p.Outgoing, p.Buffered)
			}
		}
		if n := pulsed(b) - before; n != 4 {
			return fmt.Sprintf("4 pulses without a cable count %d", n)
		}
		return ""
	})
	usual, meanwhile := float64(seconds(b, "air.temperature", calm, out))/float64(out-calm), seconds(b, "air.temperature", out, back)
	if want := 0.7 * usual * float64(back-out); float64(meanwhile) < want {
		t.Errorf("%d rows of %d seconds without a cable arrived, with it it was %.2f a second", meanwhile, back-out, usual)
	}
	saw(t, "i.MX6: cable out for %d s: %d rows of one chip taken meanwhile arrived once it was back (%.2f a second before)", back-out, meanwhile, usual)
}

// verbs looks at the object as a technician does, while the agent runs.
func verbs(t *testing.T, g *guest) {
	var looks control.Looks
	eventually(t, "all sensors are well", func() string { // a chip may have had a time-out a moment ago, on a loaded machine
		text, err := g.ctl("sh", "sh", "candor sensor read --json --config /rig/bin/candor.toml")
		if err != nil {
			return err.Error()
		}
		decode(t, text, &looks)
		return ""
	})
	if len(looks.Sensors) != 7 || looks.Workshop {
		t.Errorf("%d sensors, workshop %v", len(looks.Sensors), looks.Workshop)
	}
	for _, s := range looks.Sensors {
		for _, f := range s.Fields {
			if f.Value != "" {
				t.Errorf("%s shows a value although somebody has agreed to something", f.Name)
			}
		}
	}
	list := g.candor("sensor list --brief")
	for _, name := range []string{"air", "branch", "four", "three", "field", "door", "meter"} {
		if !strings.Contains(list, "\n  "+name+" ") {
			t.Errorf("sensor list does not know %s:\n%s", name, list)
		}
	}
}

// behind are a chip behind the mux, which the test connects and disconnects by itself, and one that is always there.
const behind = `
[[sensor]]
name = "air"
driver = "tmp105"
bus = "i2c-1"
address = 0x48
every = "1s"
[[sensor]]
name = "far"
driver = "tmp105"
bus = "i2c-1"
address = 0x49
every = "5s"
`

// TestVanish takes a chip off the bus and puts it back. On this board an address that nobody answers at is a time-out,
// as QEMU's i.MX6 raises no interrupt for it.
func TestVanish(t *testing.T) {
	b := newBackend(t)
	dir := t.TempDir()
	g := boot(t, "arm", dir, idle, b.object(t, dir, behind, 2*time.Second, "air.temperature", "far.temperature"))
	g.sh("rigmux on")
	g.set("tmp2", "temperature", 18_000)
	g.run()
	g.grant()
	arrives(t, b, "far.temperature", 18, 0.0625)
	calm := g.now()
	time.Sleep(20 * time.Second)
	// The guest looks for itself, so that the time it takes to reach it does not count.
	gone := g.now()
	said := g.sh(`rigmux off; a=$(cut -d. -f1 /proc/uptime); for i in $(seq 60); do candor status --json --config /rig/bin/candor.toml >/tmp/s; ` +
		`b=$(cut -d. -f1 /proc/uptime); grep -Eq '"state": *"(missing|faulty)"' /tmp/s && break; done; echo TOOK $((b-a))`)
	_, took, ok := strings.Cut(said, "TOOK ")
	var s int
	if _, err := fmt.Sscan(took, &s); err != nil || !ok {
		t.Fatalf("the guest said %q", said)
	}
	eventually(t, "the chip is named as the one that fails, and the other is well", func() string {
		for _, sensor := range g.status().Sensors {
			if bad := sensor.State != "ok"; bad != (sensor.Name == "far") || bad && !strings.Contains(sensor.Error, "i2c-1 0x49") {
				return fmt.Sprintf("%s is %s (%s)", sensor.Name, sensor.State, sensor.Error)
			}
		}
		return ""
	})
	if s > 10+1 {
		t.Errorf("a chip that is read every 5 s was gone for %d s before status said so", s)
	}
	for g.now()-gone < 30 {
		time.Sleep(time.Second)
	}
	back := g.now()
	g.set("tmp2", "temperature", 17_000)
	g.sh("rigmux on")
	arrives(t, b, "far.temperature", 17, 0.0625)
	usual, meanwhile := float64(seconds(b, "air.temperature", calm, gone))/float64(gone-calm), seconds(b, "air.temperature", gone, back)
	if want := 0.8 * usual * float64(back-gone); float64(meanwhile) < want {
		t.Errorf("the other chip gave %d rows in %d s, and %.2f a second before", meanwhile, back-gone, usual)
	}
	if n := seconds(b, "far.temperature", gone+5, back); n > 0 {
		t.Errorf("%d rows of a chip that was not there", n)
	}
	saw(t, "i.MX6: a chip read every 5 s is taken off the bus: status says so after %d s, the other goes on (%d rows in %d s), and it comes back by itself", s, meanwhile, back-gone)
}
