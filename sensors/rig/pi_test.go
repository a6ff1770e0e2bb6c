//go:build hardwaresim

package rig_test

import (
	"strings"
	"testing"
	"time"

	"encoding/json"

	"github.com/candor-edge/candor/agent/control"
)

// pi are sensors of the Raspberry Pi 2: two that are there and one that is not.
const pi = `
[[sensor]]
name = "air"
driver = "tmp105"
bus = "i2c-1"
address = 0x48
every = "1s"
[[sensor]]
name = "field"
driver = "lsm303dlhc"
bus = "i2c-1"
address = 0x1e
every = "1s"
[[sensor]]
name = "nobody"
driver = "tmp117"
bus = "i2c-1"
address = 0x4b
every = "2s"
`

// onThePi is what the guest does: this board has no second console to be driven through. What a verb prints stands between
// two marks.
const onThePi = `rigctl clock set
tell() { echo "RIG-BEGIN $1"; shift; "$@"; r=$?; echo; echo "RIG-END $r"; }
tell scan candor sensor scan i2c-1 --json
tell read candor sensor read --json --config /rig/bin/candor.toml
candor run --config /rig/bin/candor.toml >/tmp/agent.log 2>&1 &
n=0; while [ $n -lt 120 ] && ! grep -q 'candor runs' /tmp/agent.log; do sleep 0.5; n=$((n+1)); done
tell grant candor consent grant all --on-behalf "the rig" --config /rig/bin/candor.toml
sleep 5
tell status candor status --json --config /rig/bin/candor.toml
tell log cat /tmp/agent.log
while [ ! -e /tmp/stop ]; do sleep 1; done
`

// printed waits for what the guest prints between the marks of a name.
func (g *guest) printed(name string) string {
	g.t.Helper()
	var text string
	eventually(g.t, "the guest has printed "+name, func() string {
		_, rest, begun := strings.Cut(strings.ReplaceAll(g.console(), "\r", ""), "RIG-BEGIN "+name+"\n")
		var ended bool
		if text, _, ended = strings.Cut(rest, "RIG-END"); !begun || !ended {
			return "its console ends in " + g.console()[max(0, len(g.console())-300):]
		}
		return ""
	})
	return text
}

// decode reads the JSON value in a text that may have lines of the kernel around it.
func decode(t *testing.T, text string, into any) {
	t.Helper()
	at := strings.IndexAny(text, "{[")
	if at < 0 {
		t.Fatalf("no JSON in %q", text)
	}
	if err := json.NewDecoder(strings.NewReader(text[at:])).Decode(into); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
}

// TestPi runs the agent on the Raspberry Pi 2 board: its own I2C driver, which tells an address without an answer by its
// errno, the scan, and values on their way through its USB network.
func TestPi(t *testing.T) {
	b := newBackend(t)
	dir := t.TempDir()
	g := boot(t, "rpi", dir, onThePi, b.object(t, dir, pi, 2*time.Second, "air.temperature", "field.x"))
	t.Run("scan", func(t *testing.T) {
		var scan control.Scan
		decode(t, g.printed("scan"), &scan)
		if len(scan.Notes) > 0 {
			t.Errorf("notes: %q", scan.Notes)
		}
		got := map[string]string{}
		for _, f := range scan.Found {
			got[f.Bus+" "+f.Address] = f.State + " " + strings.Join(f.Parts, " ")
			t.Logf("%s %s: %s %v", f.Bus, f.Address, f.State, f.Parts)
		}
		for at, want := range map[string]string{
			"i2c-1 0x18": "identified emc1413", "i2c-1 0x1e": "identified lsm303dlhc", "i2c-1 0x4c": "identified tmp423",
			"i2c-1 0x70": "mux pca9548", // QEMU's PCA9546 keeps all eight bits of its register, as a PCA9548 does
			"i2c-1 0x48": "unidentified", "i2c-1 0x77": "unidentified",
			"i2c-1/pca9548@0x70.0 0x49": "unidentified",
		} {
			if !strings.HasPrefix(got[at], want) {
				t.Errorf("%s is %q, want %s", at, got[at], want)
			}
		}
		if !strings.Contains(got["i2c-1 0x48"], "tmp105") {
			t.Errorf("0x48 may be %q, and it is a TMP105", got["i2c-1 0x48"])
		}
		saw(t, "Raspberry Pi 2: sensor scan names EMC1413, LSM303DLHC, TMP423 and the mux, and finds the others, %d answers in all", len(got))
	})
	t.Run("no answer", func(t *testing.T) {
		var looks control.Looks
		decode(t, g.printed("read"), &looks)
		var status control.Status
		decode(t, g.printed("status"), &status)
		for _, s := range looks.Sensors {
			if want := map[string]string{"air": "ok", "field": "ok", "nobody": "missing"}[s.Name]; s.State != want {
				t.Errorf("%s is %s (%s), want %s", s.Name, s.State, s.Error, want)
			}
		}
		for _, s := range status.Sensors {
			if s.Name == "nobody" && (s.State != "missing" || !strings.Contains(s.Error, "no answer") || !strings.Contains(s.Error, "remote I/O error")) {
				t.Errorf("a part that is not there: %s, %s", s.State, s.Error)
			}
		}
		saw(t, "Raspberry Pi 2: an address nobody answers at is missing, with the errno's kind (no answer)")
	})
	t.Run("values", func(t *testing.T) {
		for _, v := range []int{19_000, -7_500} {
			g.set("tmp0", "temperature", v)
			g.set("mag0", "mag-x", v+20_000)
			arrives(t, b, "air.temperature", float64(v)/1000, 0.0625)
			arrives(t, b, "field.x", float64(v+20_000)/1e9, 1.1e-7)
		}
		saw(t, "Raspberry Pi 2: TMP105 and LSM303DLHC read over its own i2c-bcm2835, values set from outside at the receiver")
	})
}
