package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/kernel"
)

// Beginning is a candor.toml to begin with, and what it was made from.
type Beginning struct {
	Text    string   `json:"-"`
	Sensors []string `json:"sensors"` // names of the sensors in it
	Maybe   []string `json:"maybe"`   // what is commented out in it: found, but what it is has to be looked at
	Notes   []string `json:"notes"`   // what was not found or not asked, and why
}

// BeginOptions are what finding can't tell.
type BeginOptions struct {
	State     string // state directory, as it is written into the file
	Language  string // of the person
	Policy    string // the policy's file, as it is written into the file
	Simulated bool   // add a simulated room, for a trial without hardware
}

// Begin looks for sensors on the buses and in the kernel's files and writes a configuration from what it finds. Finding nothing
// is no error: the notes say what was asked. No daemon may run, as it has the buses.
func Begin(ctx context.Context, b BeginOptions, o Options) (Beginning, error) {
	a := onBench(nil, o)
	out := a.begin(ctx, b)
	return out, errors.Join(ctx.Err(), a.Close())
}

// beginner puts a configuration together.
type beginner struct {
	Beginning
	text strings.Builder
}

func (a *Agent) begin(ctx context.Context, o BeginOptions) Beginning {
	b := &beginner{Beginning: Beginning{Sensors: []string{}, Maybe: []string{}, Notes: []string{}}}
	b.comment("candor.toml, begun by `candor config init` from what it found on this machine. The names are there to be changed: a field is " +
		"called <name>.<quantity>, and the policy names fields. `candor config reference` prints every key there is.")
	b.lines("", "[device]", fmt.Sprintf("state = %-24q# state directory: buffer, ledger, lock", o.State),
		fmt.Sprintf("language = %-21q# of the person: fr or en", o.Language))
	files := b.onBuses(a.Scan(ctx, ""))
	b.inKernel(a.hardware, files)
	if o.Simulated {
		b.sensor("A simulated room, in place of sensors: nothing of it is measured, and that shows everywhere.",
			"[[sensor]]\nname = \"hall\"\ndriver = \"simulated\"\nroom = \"hall\"\nevery = \"10s\"\n")
	}
	b.comment("What hangs on a GPIO line can't be found by asking. For each such part, with the line's name from `gpioinfo`:")
	b.lines("# [[sensor]]", "# name = \"door\"", "# driver = \"contact\"                # or motion, button, energy, water, pulses", "# line = \"GPIO17\"")
	b.lines("", "[policy]", fmt.Sprintf("file = %-25q# what the maker offers; until it is there, nothing is asked and nothing leaves", o.Policy),
		"# key = \"file:/etc/candor/policy.pub\" # once it is signed: candor policy keygen, candor policy sign",
		"# charter = \"charter.toml\"        # the maker's ceilings", "",
		"# [[route]]                       # one for each recipient that the policy names", "# recipient = \"acme\"",
		"# url = \"https://ingest.acme.example/v1\"", "# auth = \"credential:acme-token\"")
	b.Text = b.text.String()
	return b.Beginning
}

func (b *beginner) lines(lines ...string) {
	for _, l := range lines {
		b.text.WriteString(l + "\n")
	}
}

// comment writes text as a comment, after an empty line, but for the first.
func (b *beginner) comment(text string) {
	const wide = 110
	line := "#"
	if b.text.Len() > 0 {
		b.lines("")
	}
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > wide {
			b.lines(line)
			line = "#"
		}
		line += " " + word
	}
	b.lines(line)
}

// sensor writes the table of one sensor, under a name that no other has.
func (b *beginner) sensor(about, table string) {
	b.comment(about)
	head, rest, _ := strings.Cut(table, "name = \"")
	name, rest, _ := strings.Cut(rest, "\"")
	free := name
	for n := 2; slices.Contains(b.Sensors, free); n++ {
		free = fmt.Sprintf("%s-%d", name, n)
	}
	b.Sensors = append(b.Sensors, free)
	b.text.WriteString(head + "name = \"" + free + "\"" + rest)
}

// unsure writes a table that somebody has to look at first.
func (b *beginner) unsure(what, about, table string) {
	b.Maybe = append(b.Maybe, what)
	b.comment(about)
	for line := range strings.Lines(table) {
		b.text.WriteString("# " + line)
	}
}

// onBuses writes down who answered, and returns the devices of the kernel among them.
func (b *beginner) onBuses(s control.Scan, err error) (files []string) {
	if err != nil {
		b.Notes = append(b.Notes, strings.Split(err.Error(), "\n")...)
		var told *control.Error
		if errors.As(err, &told) && told.Hint != "" {
			b.Notes = append(b.Notes, told.Hint)
		}
		return nil
	}
	b.Notes = append(b.Notes, s.Notes...)
	if len(s.Found) == 0 {
		b.Notes = append(b.Notes, "nobody answers on "+strings.Join(s.Buses, ", ")+"; check power and cables")
	}
	for _, f := range s.Found {
		at := f.Bus + " " + f.Address
		switch {
		case f.State == "identified" || f.State == "kernel" && f.Config != "":
			b.sensor(fmt.Sprintf("Found on %s: %s.", at, f.Words), f.Config)
			_, file, _ := strings.Cut(f.Config, "file = ")
			files = append(files, strings.TrimSpace(file))
		case f.Config != "":
			b.unsure(at, fmt.Sprintf("On %s somebody answers: %s.", at, f.Words), f.Config)
		case f.State != "mux":
			b.Notes = append(b.Notes, at+": "+f.Words)
		}
	}
	return files
}

// inKernel writes down the devices that the kernel has a driver for, but for those in known. What watches the machine itself is
// commented out: it is seldom what an object is for.
func (b *beginner) inKernel(h *hardware, known []string) {
	devices, err := kernel.Devices(h.sys)
	if err != nil {
		b.Notes = append(b.Notes, err.Error())
	}
	for _, d := range devices {
		file := strconv.Quote(d.Reference().String())
		if slices.Contains(known, file) {
			continue
		}
		table := fmt.Sprintf("[[sensor]]\nname = %q\ndriver = \"kernel\"\nfile = %s\n", kernelName(d.Name), file)
		if d.Subsystem == kernel.HWMon {
			b.unsure(d.Reference().String(), "The machine watches itself with this.", table)
			continue
		}
		b.sensor("A driver of the kernel has this one.", table)
	}
}

// kernelName is a name to begin with, from what the kernel calls a device.
func kernelName(device string) string {
	name := strings.Map(func(r rune) rune {
		if sensors.CheckName(string(r), 1) != nil {
			return '-'
		}
		return r
	}, device)
	return name[:min(len(name), 24)]
}
