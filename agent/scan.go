package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/chip"
	"github.com/candor-edge/candor/sensors/kernel"
)

const (
	stuckAfter = 3 // addresses in a row that time out: the bus is stuck, and the rest would be too
	deepest    = 3 // muxes behind muxes
)

const noBus = "on a Raspberry Pi put dtparam=i2c_arm=on into config.txt and reboot; elsewhere: modprobe i2c-dev"

// Scan implements control.Looker.
func (a *Agent) Scan(ctx context.Context, name string) (control.Scan, error) {
	a.mu.Lock()
	s := &scan{h: a.hardware, clock: a.opts.Clock, ours: a.cfg.Sensors, alone: !a.daemon, out: control.Scan{At: a.opts.Clock.Now().UTC()}}
	a.mu.Unlock()
	names := []string{strings.TrimPrefix(name, "/dev/")}
	if name == "" {
		var err error
		if names, err = s.h.names(); err != nil {
			return control.Scan{}, err
		}
		if len(names) == 0 {
			return control.Scan{}, control.Errorf(control.ErrUnavailable, noBus, "this machine shows no I2C bus (/dev/i2c-*)")
		}
	}
	var refused []error
	for _, n := range names {
		if err := s.whole(ctx, n); err != nil {
			refused = append(refused, err)
		}
	}
	if len(refused) == len(names) {
		return control.Scan{}, scanError(errors.Join(refused...))
	}
	for _, err := range refused {
		s.out.Notes = append(s.out.Notes, err.Error())
	}
	return s.out, ctx.Err()
}

// scanError gives the error of a scan its code and hint.
func scanError(err error) error {
	switch {
	case errors.Is(err, sensors.Permission):
		return control.Errorf(control.ErrNotAllowed, "become a member of the group as it says above, or run this as root", "%w", err)
	case errors.Is(err, sensors.Gone):
		return control.Errorf(control.ErrUnavailable, "ls /dev/i2c-*", "%w", err)
	}
	return control.Errorf(control.ErrBadRequest, "candor sensor scan --help", "%w", err)
}

// scan is one walk over the buses.
type scan struct {
	h     *hardware
	clock sensors.Clock
	ours  []sensors.Config
	alone bool // nobody else uses the buses now
	out   control.Scan
}

// whole scans one bus and what is behind its muxes. The error says why it can't be opened.
func (s *scan) whole(ctx context.Context, name string) error {
	b, err := s.h.buses.Bus(name)
	if err != nil {
		return err
	}
	if err := b.Check(ctx); err != nil {
		return err
	}
	return s.branch(ctx, b.String(), nil, 0)
}

// branch scans a bus or a branch, but for the addresses in known, which answer on every branch.
func (s *scan) branch(ctx context.Context, name string, known []uint16, depth int) error {
	s.out.Buses = append(s.out.Buses, name)
	known = slices.Clone(known)
	var muxes []string
	timeouts := 0
	for _, address := range chip.Addresses() {
		if slices.Contains(known, address) || ctx.Err() != nil {
			continue
		}
		f, branches, found, err := s.at(ctx, name, address)
		if errors.Is(err, sensors.Timeout) || errors.Is(err, sensors.Arbitration) {
			if timeouts++; timeouts == stuckAfter {
				s.out.Notes = append(s.out.Notes, fmt.Sprintf("%s is stuck: %v; the rest of it was not asked. Take the power from the parts, one after the other", name, err))
				return nil
			}
		} else {
			timeouts = 0
		}
		if !found {
			continue
		}
		known = append(known, address)
		s.out.Found = append(s.out.Found, f)
		muxes = append(muxes, branches...)
	}
	if depth == deepest && len(muxes) > 0 {
		s.out.Notes = append(s.out.Notes, name+": there are muxes behind more muxes than are looked through")
		return nil
	}
	for _, b := range muxes {
		if err := s.branch(ctx, b, known, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// at looks at one address. branches are the names of what is behind it, when it is a mux; err is why it could not be asked.
func (s *scan) at(ctx context.Context, name string, address uint16) (f control.Found, branches []string, found bool, err error) {
	f = control.Found{Bus: name, Address: fmt.Sprintf("0x%02x", address)}
	if branches = s.configuredMux(name, address); len(branches) > 0 && !s.alone {
		f.State, f.Words = "mux", "a mux of the configuration"
		return f, branches, true, nil
	}
	if c, ok := s.configured(name, address); ok && !s.alone {
		f.State, f.Parts, f.Words = "configured", []string{c.Driver}, fmt.Sprintf("sensor %s, which the daemon reads; it was not asked", c.Name)
		return f, nil, true, nil
	}
	o := chip.PartOptions{Open: s.h.open, Bus: name, Address: address, Clock: s.clock}
	g, found := chip.Probe(ctx, o)
	switch {
	case !found:
		return f, nil, false, nil
	case g.Busy:
		s.ofKernel(&f, address)
		return f, nil, true, nil
	case g.Err != nil:
		f.State, f.Words = "failed", g.Err.Error()
		return f, nil, true, g.Err
	case g.Sure:
		f.State, f.Parts, f.Words = "identified", []string{g.Rows[0].Name}, g.Rows[0].Doc+"; "+g.Rows[0].Proof()
		f.Config = lines(name, address, f.Parts)
	default:
		if branches = s.mux(ctx, o, &f); len(branches) > 0 {
			return f, branches, true, nil
		}
		s.unsure(&f, address, g.Rows)
	}
	if c, ok := s.configured(name, address); ok {
		f.Words, f.Config = "sensor "+c.Name+" of the configuration: "+f.Words, ""
	}
	return f, nil, true, nil
}

// mux asks whether a mux is at an address that answers and is nothing else. While a daemon runs that is not asked, as it
// connects branches under the eyes of others.
func (s *scan) mux(ctx context.Context, o chip.PartOptions, f *control.Found) (branches []string) {
	if o.Address < 0x70 || o.Address > 0x77 || !s.alone {
		return nil
	}
	row, n, found := chip.ProbeMux(ctx, o)
	if !found {
		return nil
	}
	f.State, f.Parts = "mux", []string{row.Name}
	f.Words = fmt.Sprintf("a mux with %d branches; a sensor behind it has bus = \"%s/%s@%s.0\" and so on", n, o.Bus, row.Name, f.Address)
	for i := range n {
		branches = append(branches, fmt.Sprintf("%s/%s@%s.%d", o.Bus, row.Name, f.Address, i))
	}
	return branches
}

// unsure says what a part without an identity register may be.
func (s *scan) unsure(f *control.Found, address uint16, rows []chip.Row) {
	f.State, f.Words = "unidentified", "something answers that no driver here knows"
	if address >= 0x70 && !s.alone {
		f.Words += "; it may be a mux, which is asked only while no daemon runs"
	}
	for _, r := range rows {
		f.Parts = append(f.Parts, r.Name)
	}
	if len(rows) > 0 {
		f.Words = "it has no identity register; by its address it may be: " + strings.Join(f.Parts, ", ") + ". Look what is printed on it"
		f.Config = lines(f.Bus, address, f.Parts)
	}
}

// ofKernel says that a driver of the kernel has an address, and how to read it through that.
func (s *scan) ofKernel(f *control.Found, address uint16) {
	f.State, f.Words = "kernel", "a driver of the kernel has it; it was left alone"
	devices, err := kernel.Devices(s.h.sys)
	if err != nil && len(devices) == 0 {
		return
	}
	parent := fmt.Sprintf("%s-%04x", strings.TrimPrefix(f.Bus, "i2c-"), address)
	for _, d := range devices {
		if d.Parent == parent {
			f.Parts, f.Words = []string{"kernel"}, f.Words+": "+d.Name
			f.Config = fmt.Sprintf("[[sensor]]\nname = %q\ndriver = \"kernel\"\nfile = %q\n", sensorName(d.Name, address), d.Reference().String())
			return
		}
	}
}

// configured finds the sensor of the configuration that is at an address of a bus.
func (s *scan) configured(name string, address uint16) (sensors.Config, bool) {
	for _, c := range s.ours {
		at := uint16(c.Address)
		if row, err := chip.Named(c.Driver); err == nil && at == 0 && row.On == chip.I2C {
			at = row.Addresses[0]
		}
		if c.Bus != "" && strings.TrimPrefix(c.Bus, "/dev/") == name && at == address {
			return c, true
		}
	}
	return sensors.Config{}, false
}

// configuredMux lists the branches of the configuration behind an address of a bus.
func (s *scan) configuredMux(name string, address uint16) (branches []string) {
	for _, c := range s.ours {
		rest, behind := strings.CutPrefix(c.Bus, name+"/")
		step, _, _ := strings.Cut(rest, "/")
		place, _, _ := strings.Cut(step, ".")
		if _, at, named := strings.Cut(place, "@"); named {
			place = at
		}
		branch := name + "/" + step
		if behind && strings.EqualFold(place, fmt.Sprintf("0x%02x", address)) && !slices.Contains(branches, branch) {
			branches = append(branches, branch)
		}
	}
	return branches
}

// lines are the table of candor.toml for a part that was found.
func lines(name string, address uint16, parts []string) string {
	driver := fmt.Sprintf("driver = %q", parts[0])
	if len(parts) > 1 {
		driver += "  # or " + strings.Join(parts[1:], ", ")
	}
	return fmt.Sprintf("[[sensor]]\nname = %q\n%s\nbus = %q\naddress = 0x%02x\n", sensorName(parts[0], address), driver, name, address)
}

// sensorName is a name to begin with; it is meant to be changed.
func sensorName(part string, address uint16) string {
	return fmt.Sprintf("%s-%02x", kernelName(part), address)
}
