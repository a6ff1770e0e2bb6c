package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
)

func newSensor(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sensor",
		Short: "list, find, read and record sensors",
		Long: `Looks at what this object senses with, and helps on the bench: which sensors
there are and how they do, who answers on the buses, and what passes between a
sensor and its driver.`,
		Example: `  candor sensor list
  candor sensor scan`,
	}
	cmd.AddCommand(newSensorList(g), newSensorScan(g), newSensorRead(g), newSensorRecord(g))
	group(cmd)
	return cmd
}

// sensorList is what `sensor list` prints.
type sensorList struct {
	Daemon  bool                   `json:"daemon"` // the states come from a running daemon
	Config  string                 `json:"config,omitempty"`
	Note    string                 `json:"note,omitempty"`
	Sensors []control.SensorStatus `json:"sensors"`
	Drivers []agent.DriverInfo     `json:"drivers"`
}

func newSensorList(g *global) *cobra.Command {
	var asJSON, brief bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "show the sensors of the configuration, and every driver there is",
		Long: `Shows the configured sensors and their state, and then every driver: its
fields with unit, range and class (what it tells of people), where it can be,
and how well it is proven. A field that no purpose of the policy knows is new
and blocked: nothing of it leaves. It shows no measured value.`,
		Example: `  candor sensor list
  candor sensor list --brief
  candor sensor list --json`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := g.sensorList(cmd)
			if err != nil {
				return err
			}
			if brief {
				list.Drivers = []agent.DriverInfo{}
			}
			if asJSON {
				return printJSON(g.out, list)
			}
			printSensorList(g.out, list, brief)
			return nil
		},
	}
	cmd.Flags().BoolVar(&brief, "brief", false, "the configured sensors only, no drivers")
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (g *global) sensorList(cmd *cobra.Command) (sensorList, error) {
	out := sensorList{Drivers: agent.DescribeDrivers(), Sensors: []control.SensorStatus{}}
	cfg, err := g.loadIfThere(cmd)
	if err != nil || cfg == nil {
		out.Note = "no configuration at " + g.config + ", so no sensor is configured"
		return out, err
	}
	out.Config = g.config
	client, err := control.Dial(cfg.Socket())
	switch {
	case err == nil:
		defer client.Close()
		status, err := client.Status(cmd.Context())
		out.Daemon = true
		out.Sensors = append(out.Sensors, status.Sensors...)
		return out, err
	case !errors.Is(err, control.ErrNoDaemon):
		return out, err
	}
	out.Note = "no daemon runs, so how the sensors are is not known; candor sensor read asks them"
	sensors, err := agent.ConfiguredSensors(cfg)
	out.Sensors = append(out.Sensors, sensors...)
	return out, err
}

// loadIfThere reads the configuration; nil when the default one is not there, which is no error.
func (g *global) loadIfThere(cmd *cobra.Command) (*agent.Config, error) {
	cfg, err := g.load()
	if errors.Is(err, fs.ErrNotExist) && !cmd.Flags().Changed("config") {
		return nil, nil
	}
	return cfg, err
}

// bench is what a verb needs that goes to the sensors: through the daemon where one runs, straight where none does.
func (g *global) bench(ctx context.Context, cfg *agent.Config, daemon func(*control.Client) error, straight func(agent.Options) error) error {
	client, err := control.Dial(cfg.Socket())
	if err == nil {
		defer client.Close()
		return daemon(client)
	}
	if !errors.Is(err, control.ErrNoDaemon) {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return straight(g.options(slog.New(slog.DiscardHandler)))
}

// mayOpen says whether this user may look at what the object keeps, where it keeps something: who decided is in there.
func (g *global) mayOpen(cfg *agent.Config) error {
	if _, there := cfg.StateOwner(); !there {
		return nil
	}
	_, err := g.role(cfg)
	return err
}

func printSensorList(w io.Writer, l sensorList, brief bool) {
	_, _ = fmt.Fprintln(w, "Sensors")
	if l.Note != "" {
		paragraph(w, "  ! ", l.Note)
	}
	tw := newTable(w)
	for _, s := range l.Sensors {
		what := s.Driver
		if s.Simulated {
			what += " (not a real sensor)"
		}
		row(tw, "  "+s.Name, what, s.State)
	}
	_ = tw.Flush()
	for _, s := range l.Sensors {
		if s.Error != "" {
			paragraph(w, "  ! "+clean(s.Name)+": ", s.Error)
		}
		printBlocked(w, s)
	}
	if brief {
		return
	}
	_, _ = fmt.Fprintln(w, "\nDrivers")
	for _, d := range l.Drivers {
		printDriver(w, d)
	}
}

// printBlocked says which fields of a sensor no purpose knows.
func printBlocked(w io.Writer, s control.SensorStatus) {
	if len(s.Blocked) > 0 {
		paragraph(w, "  - "+clean(s.Name)+": ", "new, blocked: no purpose knows "+strings.Join(s.Blocked, ", ")+"; nothing of it leaves")
	}
}

func printDriver(w io.Writer, d agent.DriverInfo) {
	paragraph(w, "  "+d.Name+"  ", joined(d.On, strings.Join(d.Addresses, " "))+": "+d.Doc)
	tw := newTable(w)
	for _, f := range d.Fields {
		limits, tells := "", string(f.Class)
		if f.Min != "" {
			limits = f.Min + " to " + f.Max
		}
		if f.Implies != "" {
			tells += ", implies " + string(f.Implies)
		}
		row(tw, "      "+f.Quantity, f.Unit, limits, tells)
	}
	_ = tw.Flush()
	for _, s := range d.Settings {
		paragraph(w, "      setting "+s.Name+" = \""+s.Default+"\": ", s.Doc)
	}
	paragraph(w, "      evidence: ", d.Evidence)
	for _, here := range d.Here {
		paragraph(w, "      here: ", here)
	}
	if d.Caveat != "" {
		paragraph(w, "      ! ", d.Caveat)
	}
}

// createNew makes a file that only its owner may read, and never writes over one.
func createNew(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, failf("name another file", "%s is there already, and is left as it is", name)
	}
	return f, err
}
