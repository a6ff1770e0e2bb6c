package agent

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors/chip"
	"github.com/candor-edge/candor/store/consent"
)

// onBench makes an agent that has sensors and nothing else: no lock, no state, no way out. cfg may be nil: no sensors.
func onBench(cfg *Config, o Options) *Agent {
	if cfg == nil {
		cfg = &Config{}
	}
	return &Agent{cfg: cfg, opts: defaults(o), hardware: newHardware(o.Adapter)}
}

// ScanBuses is what [Agent.Scan] does, for when no daemon runs. cfg may be nil.
func ScanBuses(ctx context.Context, cfg *Config, name string, o Options) (control.Scan, error) {
	a := onBench(cfg, o)
	scan, err := a.Scan(ctx, name)
	return scan, errors.Join(err, a.Close())
}

// LookAtSensors is what [Agent.Look] does, for when no daemon runs: it reads each sensor once. An object that was never
// started needs no state directory for it, and gets none.
func LookAtSensors(ctx context.Context, cfg *Config, names []string, o Options) (control.Looks, error) {
	a, err := benchOrObject(cfg, o)
	if err != nil {
		return control.Looks{}, err
	}
	looks, err := a.Look(ctx, names)
	if looks.Workshop {
		a.onBenchDid("see live values in the workshop")
	}
	return looks, errors.Join(err, a.Close())
}

// benchOrObject opens the agent where the object has a state, whose decisions hold on the bench too.
func benchOrObject(cfg *Config, o Options) (*Agent, error) {
	if _, err := os.Stat(cfg.Device.State); err == nil {
		return Open(cfg, o)
	}
	a := onBench(cfg, o)
	if err := a.openSources(false); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// RecordSensor reads one sensor so often and writes what passed on its bus to out, see chip.Row.Record. It is for the
// workshop: once somebody agreed to something on this object it is refused, as a transcript holds what was measured.
func RecordSensor(ctx context.Context, cfg *Config, name string, rounds int, out io.Writer, o Options) error {
	a, err := benchOrObject(cfg, o)
	if err != nil {
		return err
	}
	err = a.record(ctx, name, rounds, out)
	if err == nil {
		a.onBenchDid("record a sensor in the workshop")
	}
	return errors.Join(err, a.Close())
}

// onBenchDid tells what root did on the bench, where the object has a ledger already.
func (a *Agent) onBenchDid(what string) {
	if a.book != nil && a.opts.Role == control.Root {
		a.Witness(control.Act{Role: control.Root, What: what})
	}
}

func (a *Agent) record(ctx context.Context, name string, rounds int, out io.Writer) error {
	chosen, err := a.chosen([]string{name})
	if err != nil {
		return err
	}
	if !a.workshop() {
		return control.Errorf(control.ErrNotAllowed, "candor sensor read "+name, "somebody lives with this object: a transcript would hold what is measured there, so there is none")
	}
	c := chosen[0].config
	row, err := chip.Named(c.Driver)
	if err != nil || row.On != chip.I2C {
		return control.Errorf(control.ErrConflict, "candor sensor list", "sensor %s (%s) is not on an I2C bus, so there is no conversation to record", c.Name, c.Driver)
	}
	if broken, ok := chosen[0].source.(brokenSource); ok {
		return broken.err
	}
	every := max(time.Duration(c.Every), row.Fastest)
	if c.Every == 0 {
		every = row.Every
	}
	return row.Record(ctx, chip.PartOptions{Open: a.hardware.buses.Open, Bus: c.Bus, Address: uint16(c.Address), Clock: a.opts.Clock, Settings: c.Settings},
		rounds, every, out)
}

// ConfiguredSensors lists the sensors of a configuration without asking them, for when no daemon runs.
func ConfiguredSensors(cfg *Config) ([]control.SensorStatus, error) {
	a := onBench(cfg, Options{})
	defer func() { _ = a.Close() }()
	if err := a.openSources(false); err != nil {
		return nil, err
	}
	policy, err := consent.LoadPolicy(os.Open, cfg.Policy.File)
	known := map[string]bool{}
	if err == nil {
		known = askedFields(policy)
	}
	var out []control.SensorStatus
	for _, r := range a.sources {
		if _, fixed := r.source.(*attributes); fixed {
			continue
		}
		s := r.status()
		s.State = "not running"
		if broken, ok := r.source.(brokenSource); ok {
			s.State, s.Error = "failed", broken.err.Error()
		}
		s.Blocked = blocked(s.Fields, known)
		out = append(out, s)
	}
	return out, nil
}

// askedFields are the fields that purposes of a policy know.
func askedFields(policy *consent.Policy) map[string]bool {
	known := map[string]bool{}
	for _, p := range policy.Purposes {
		for _, rule := range p.Rules {
			known[rule.Field] = true
		}
	}
	return known
}

// blocked are the fields that no purpose knows.
func blocked(fields []string, known map[string]bool) []string {
	return slices.DeleteFunc(slices.Clone(fields), func(f string) bool { return known[f] })
}
