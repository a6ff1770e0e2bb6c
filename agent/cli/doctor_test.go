package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/candor-edge/candor/agent/doctor"
)

// TestTheDoctorFitsASerialTerminal: 80 columns, and ASCII where the locale does not name UTF-8.
func TestTheDoctorFitsASerialTerminal(t *testing.T) {
	for _, tt := range []struct{ locale, sensor, pipe string }{
		{"C", "sensor de l'entree: wrong part", "?"}, {"fr_FR.UTF-8", "sensor de l’entrée: wrong part", "│"},
	} {
		var out bytes.Buffer
		g := &global{out: newOutput(&out, func(name string) string {
			return map[string]string{"LANG": "fr_FR.UTF-8", "LC_ALL": tt.locale}[name]
		})}
		c := &doctor.Check{Name: "configuration", State: doctor.Refused, Evidence: "sensor de l’entrée: wrong part " + strings.Repeat("and so on ", 30) + "│"}
		g.printCheck(c)
		g.printReport(&doctor.Report{Verdict: doctor.Broken, First: c, Fix: &doctor.Fix{Do: strings.Repeat("take it out ", 20), Root: true}, NotReached: doctor.Names()})
		if err := g.out.flush(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > width {
				t.Errorf("%d columns: %s", n, line)
			}
		}
		if !strings.Contains(out.String(), tt.sensor) || !strings.Contains(out.String(), tt.pipe) {
			t.Errorf("%q: %s", tt.locale, out.String())
		}
	}
}
