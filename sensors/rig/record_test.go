//go:build hardwaresim

package rig_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// setting is what a chip measures in one round of a recording.
type setting struct {
	chip, property string
	value          int
}

// recorded are the recordings: by file of sensors/chip/testdata, which sensor of the board, and what it measures in each round.
var recorded = []struct {
	file, sensor string
	rounds       [][]setting
}{
	{"tmp105.rig", "air", [][]setting{{{"tmp0", "temperature", 21_500}}, {{"tmp0", "temperature", -12_250}}, {{"tmp0", "temperature", 127_937}},
		{{"tmp0", "temperature", -55_000}}, {{"tmp0", "temperature", 0}}}},
	{"tmp105-pca9546.rig", "branch", [][]setting{{{"tmp2", "temperature", 19_250}}, {{"tmp2", "temperature", -7_500}}}},
	{"tmp423.rig", "four", [][]setting{
		{{"tmp1", "temperature0", 30_500}, {"tmp1", "temperature1", 31_250}, {"tmp1", "temperature2", 40_000}, {"tmp1", "temperature3", 100_000}},
		{{"tmp1", "temperature0", -30_500}, {"tmp1", "temperature1", -125}, {"tmp1", "temperature2", 500}, {"tmp1", "temperature3", 0}}}},
	{"emc1413.rig", "three", [][]setting{
		{{"emc0", "temperature0", 20_000}, {"emc0", "temperature1", 23_000}, {"emc0", "temperature2", 26_000}},
		{{"emc0", "temperature0", 85_000}, {"emc0", "temperature1", 1_000}, {"emc0", "temperature2", 127_000}}}},
	{"lsm303dlhc.rig", "field", [][]setting{{{"mag0", "mag-x", 20_000}, {"mag0", "mag-y", 30_000}, {"mag0", "mag-z", 40_000}},
		{{"mag0", "mag-x", 120_000}, {"mag0", "mag-y", 1_000}, {"mag0", "mag-z", 0}}}},
}

// TestRecordings has `candor sensor record` write down what passes on the bus of the i.MX6 board and wants it to be what
// lies in sensors/chip/testdata, where the tests of package chip play it. RIG_RECORD=1 writes those files anew.
func TestRecordings(t *testing.T) {
	dir := t.TempDir()
	b := newBackend(t)
	g := boot(t, "arm", dir, idle, b.object(t, dir, chips, cutFlush, chipFields...))
	for _, r := range recorded {
		t.Run(r.file, func(t *testing.T) {
			var text strings.Builder
			for i, round := range r.rounds {
				for _, s := range round {
					g.set(s.chip, s.property, s.value)
				}
				to := fmt.Sprintf("/tmp/%s.%d", r.file, i)
				g.candor("sensor record " + r.sensor + " --readings 1 --to " + to)
				said := g.sh("cat " + to)
				head, sense, ok := strings.Cut(said, "#> sense\n")
				if !ok || strings.Contains(said, "#!") {
					t.Fatalf("the recording is\n%s", said)
				}
				if i == 0 {
					text.WriteString("# An emulated chip (QEMU 7.2, i.MX6 SABRE Lite, Debian's kernel); make hardware-sim records it again.\n")
					text.WriteString("# Each reading is from a run of its own, with another setting of what is measured.\n" + head)
				}
				text.WriteString("#> sense\n" + sense)
			}
			name := filepath.Join("..", "chip", "testdata", r.file)
			if os.Getenv("RIG_RECORD") != "" {
				if err := os.WriteFile(name, []byte(text.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if untimed(text.String()) != untimed(string(want)) {
				t.Errorf("what passed on the bus is not what %s says:\n%s", name, text.String())
			}
		})
	}
	saw(t, "i.MX6: %d conversations recorded on the bus, the same as those that the tests of sensors/chip play", len(recorded))
}

// untimed is a recording without its pauses, which no two runs have the same.
func untimed(recording string) string {
	lines := strings.Split(recording, "\n")
	for i, line := range lines {
		if at := strings.LastIndex(line, " +"); at >= 0 && !strings.HasPrefix(line, "#") {
			lines[i] = line[:at]
		}
	}
	return strings.Join(lines, "\n")
}
