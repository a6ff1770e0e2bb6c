package chip

import (
	"bufio"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/bus"
	"github.com/candor-edge/candor/sensors/bus/bustest"
	"github.com/candor-edge/candor/sensors/sensortest"
)

// A transcript in testdata is what passes between the driver and the part, in the form of package bus, with lines that
// say what to do and what has to come out of it:
//
//	#@ bus address        where the part is, when not at its first address of a bus without a mux
//	#: setting number     a setting of the part
//	#> identify | sense   what is called; the transfers up to the next such line are all that it does
//	#+ time               what passes before the next call ("10s")
//	#= field value        what was measured then: a number, a token, or a quality
//	#! kind               how it failed
//
// Its name is the part's, perhaps with -something, and .datasheet, .rig or .hardware for where it is from.
type transcript struct {
	file     string
	part     string
	row      Row
	evidence Evidence
	bus      string
	address  uint16 // 0: the part's first
	settings map[string]string
	steps    []step
}

type step struct {
	line      int
	call      string
	after     time.Duration // what passes before it
	transfers int
	want      map[string]string
	fails     string
}

func readTranscript(t *testing.T, file string) transcript {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	base := filepath.Base(file)
	name, evidence, _ := strings.Cut(base, ".")
	part, _, _ := strings.Cut(name, "-")
	tr := transcript{file: file, part: part, evidence: Evidence(evidence), bus: "i2c-1", settings: map[string]string{}}
	if tr.row, err = Named(part); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	scanner := bufio.NewScanner(f)
	var pause time.Duration
	for n := 1; scanner.Scan(); n++ {
		words := strings.Fields(scanner.Text())
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		last := len(tr.steps) - 1
		switch {
		case words[0] == "#@" && len(words) == 3 && last < 0:
			address, err := strconv.ParseUint(words[2], 0, 7)
			if err != nil {
				t.Fatalf("%s:%d: %v", file, n, err)
			}
			tr.bus, tr.address = words[1], uint16(address)
		case words[0] == "#:" && len(words) == 3 && last < 0:
			tr.settings[words[1]] = words[2]
		case words[0] == "#>" && len(words) == 2:
			tr.steps = append(tr.steps, step{line: n, call: words[1], after: pause, want: map[string]string{}})
			pause = 0
		case words[0] == "#+" && len(words) == 2:
			if pause, err = time.ParseDuration(words[1]); err != nil {
				t.Fatalf("%s:%d: %v", file, n, err)
			}
		case words[0] == "#=" && len(words) == 3 && last >= 0:
			tr.steps[last].want[words[1]] = words[2]
		case words[0] == "#!" && len(words) == 2 && last >= 0:
			tr.steps[last].fails = words[1]
		case words[0][0] != '#' && last >= 0:
			tr.steps[last].transfers++
		default:
			t.Fatalf("%s:%d: this line says nothing", file, n)
		}
	}
	return tr
}

func transcripts(t *testing.T) []transcript {
	t.Helper()
	var all []transcript
	for _, kind := range []Evidence{FromDatasheet, FromRig, FromHardware} {
		files, err := filepath.Glob("testdata/*." + string(kind))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			all = append(all, readTranscript(t, file))
		}
	}
	return all
}

func (tr transcript) open(t *testing.T, b i2c.Bus, clock sensors.Clock) (sensors.Part, []sensors.Field) {
	t.Helper()
	fields, err := tr.row.Fields("x", tr.settings)
	if err != nil {
		t.Fatal(err)
	}
	p, err := tr.row.Part(PartOptions{Open: Muxed(func(string) (i2c.Bus, error) { return b, nil }), Bus: tr.bus, Address: tr.address,
		Clock: clock, Settings: tr.settings})
	if err != nil {
		t.Fatal(err)
	}
	return p, fields
}

func TestTranscripts(t *testing.T) {
	for _, tr := range transcripts(t) {
		t.Run(filepath.Base(tr.file), func(t *testing.T) {
			player := bustest.ReplayFile(t, tr.file)
			clock := sensortest.NewClock(time.Unix(1e9, 0))
			oversleeping := 0 // a datasheet's times are kept to the millisecond
			if tr.evidence != FromDatasheet {
				oversleeping = 25
			}
			player.Timed(clock.Now, oversleeping)
			p, fields := tr.open(t, player, clock)
			values := make([]sensors.Value, len(fields))
			rest := player.Rest()
			for _, s := range tr.steps {
				var err error
				clock.Set(clock.Now().Add(s.after))
				switch s.call {
				case "identify":
					err = p.Identify(context.Background())
				case "sense":
					err = p.Sense(context.Background(), values)
				default:
					t.Fatalf("line %d: %q is no call", s.line, s.call)
				}
				checkStep(t, s, err, fields, values)
				if used := rest - player.Rest(); used != s.transfers {
					t.Errorf("line %d: %s made %d transfers; there are %d", s.line, s.call, used, s.transfers)
				}
				rest = player.Rest()
			}
		})
	}
}

func checkStep(t *testing.T, s step, err error, fields []sensors.Field, values []sensors.Value) {
	t.Helper()
	if s.fails != "" {
		if err == nil || strings.ReplaceAll(sensors.FaultOf(err).String(), " ", "-") != s.fails {
			t.Errorf("line %d: the error is %v, want %s", s.line, err, s.fails)
		}
		return
	}
	if err != nil {
		t.Fatalf("line %d: %v", s.line, err)
	}
	if s.call != "sense" {
		return
	}
	if len(s.want) != len(fields) {
		t.Errorf("line %d: %d fields are told of, the part has %d", s.line, len(s.want), len(fields))
	}
	for i, f := range fields {
		got := show(values[i])
		if got != s.want[f.Quantity()] {
			t.Errorf("line %d: %s is %s, want %s", s.line, f.Quantity(), got, s.want[f.Quantity()])
		}
	}
}

// show writes a value as the transcripts do. The values of these tests are nobody's.
func show(v sensors.Value) string {
	switch {
	case v.Quality != sensors.OK:
		return v.Quality.String()
	case v.Token != "":
		return v.Token
	}
	return strconv.FormatInt(v.Num, 10)
}

// Every part is as well proven as its row says, not more and not less.
func TestEvidence(t *testing.T) {
	best := map[string]Evidence{}
	order := map[Evidence]int{FromDatasheet: 1, FromRig: 2, FromHardware: 3}
	for _, tr := range transcripts(t) {
		parts := []string{tr.part}
		if _, way, branched := strings.Cut(tr.bus, "/"); branched { // what is behind a mux speaks for the mux as well
			mux, _, _ := strings.Cut(way, "@")
			parts = append(parts, mux)
		}
		for _, part := range parts {
			if order[tr.evidence] > order[best[part]] {
				best[part] = tr.evidence
			}
		}
		calls := map[string]bool{}
		for _, s := range tr.steps {
			calls[s.call] = true
		}
		if !calls["identify"] {
			t.Errorf("%s identifies nothing", tr.file)
		}
	}
	for _, r := range Parts() {
		want := best[r.Name]
		if r.On == Mux && want == "" {
			want = FromModel
		}
		if r.On != GPIO && r.Evidence != want {
			t.Errorf("%s claims the evidence %q, and testdata has %q", r.Name, r.Evidence, want)
		}
		if r.Evidence != FromHardware && !strings.Contains(r.Evidence.Sentence(), "not yet seen on hardware") {
			t.Errorf("%s: %q does not say that no hardware was seen", r.Name, r.Evidence.Sentence())
		}
	}
}

// A part that answers as in its transcript but for the identity is not taken for it.
func TestAnotherIdentity(t *testing.T) {
	tr := readTranscript(t, "testdata/tmp117.datasheet")
	text, err := os.ReadFile(tr.file)
	if err != nil {
		t.Fatal(err)
	}
	ops, err := bus.ReadTranscript(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	ops[0].Read = []byte{0x01, 0x18}
	answered := 0
	p, _ := tr.open(t, busFunc(func(_ context.Context, _ uint16, w, r []byte) error {
		copy(r, ops[answered].Read)
		answered++
		return nil
	}), sensortest.NewClock(time.Unix(0, 0)))
	if err := p.Identify(context.Background()); !errors.Is(err, sensors.WrongPart) {
		t.Errorf("another identity gives %v", err)
	}
}
