package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
)

func newSensorScan(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "scan [BUS]",
		Short: "find out who answers on the I2C buses",
		Long: `Asks every address at which a known part can be by reading it, names the part
by its identity register, looks through muxes, and prints the lines for
candor.toml. Addresses that a driver of the kernel has are left alone, and
with a daemon running those of its sensors too. It changes no setting of a
part and shows no value.`,
		Example: `  candor sensor scan
  candor sensor scan i2c-1 --json`,
		Args: takes("[BUS]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := strings.Join(args, "")
			if digits, isBus := strings.CutPrefix(strings.TrimPrefix(name, "/dev/"), "i2c-"); name != "" && (!isBus || strings.Trim(digits, "0123456789") != "" || digits == "") {
				return usagef(cmd, "%q is no I2C bus; it is called i2c- and a number, as in i2c-1", name)
			}
			cfg, err := g.loadIfThere(cmd)
			if err != nil {
				return err
			}
			if cfg == nil {
				cfg = agent.NoConfig()
			}
			var scan control.Scan
			err = g.bench(cmd.Context(), cfg, func(c *control.Client) (err error) {
				scan, err = c.Scan(cmd.Context(), name)
				return err
			}, func(o agent.Options) (err error) {
				scan, err = agent.ScanBuses(cmd.Context(), cfg, name, o)
				return err
			})
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(g.out, scan.Listed())
			}
			printScan(g.out, scan)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func printScan(w io.Writer, s control.Scan) {
	paragraph(w, "Asked: ", strings.Join(s.Buses, ", "))
	if len(s.Found) == 0 {
		_, _ = fmt.Fprintln(w, "Nobody answers. Check power and cables.")
	}
	for _, f := range s.Found {
		what := f.State
		if len(f.Parts) == 1 {
			what = f.Parts[0]
		}
		paragraph(w, clean(f.Bus)+" "+f.Address+"  ", what+": "+f.Words)
	}
	for _, n := range s.Notes {
		paragraph(w, "! ", n)
	}
	first := true
	for _, f := range s.Found {
		if f.Config == "" {
			continue
		}
		if first {
			_, _ = fmt.Fprintln(w, "\nFor candor.toml:")
			first = false
		}
		_, _ = fmt.Fprintln(w)
		for line := range strings.Lines(f.Config) {
			_, _ = fmt.Fprintln(w, clean(strings.TrimRight(line, "\n")))
		}
	}
}

func newSensorRead(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "read [NAME]...",
		Short: "read the configured sensors, and say how they do",
		Long: `Reads the configured sensors, or those that are named. While nobody has agreed
to anything on this object (the workshop) it shows the values. From the first
yes on it shows verdicts only: present, in range, moving, how far, how old;
and of what tells of people not even those. With a daemon running it tells
what that read last.`,
		Example: `  candor sensor read
  candor sensor read hall --json`,
		RunE: func(cmd *cobra.Command, names []string) error {
			cfg, err := g.load()
			if err != nil {
				return err
			}
			var looks control.Looks
			err = g.bench(cmd.Context(), cfg, func(c *control.Client) (err error) {
				looks, err = c.Look(cmd.Context(), names)
				return err
			}, func(o agent.Options) (err error) {
				if err := g.mayOpen(cfg); err != nil {
					return err
				}
				looks, err = agent.LookAtSensors(cmd.Context(), cfg, names, o)
				return err
			})
			if err != nil {
				return err
			}
			if asJSON {
				err = printJSON(g.out, looks)
			} else {
				printLooks(g.out, looks)
			}
			if slices.ContainsFunc(looks.Sensors, func(s control.Look) bool { return s.State == control.NotAllowed }) {
				return errors.Join(err, &failure{fmt.Errorf("not allowed: %s", strings.Join(ailing(looks), ", ")), exitNotAllowed, "become a member of the group as it says above"})
			}
			if bad := ailing(looks); err == nil && len(bad) > 0 {
				err = failf("candor sensor scan, or look at the error above", "not well: %s", strings.Join(bad, ", "))
			}
			return err
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// ailing lists the sensors that could not be read.
func ailing(l control.Looks) (bad []string) {
	for _, s := range l.Sensors {
		switch s.State {
		case "ok", "running", "ended", "waiting", "not tried yet":
		default:
			bad = append(bad, fmt.Sprintf("%s (%s)", s.Name, s.State))
		}
	}
	return bad
}

func printLooks(w io.Writer, l control.Looks) {
	if l.Workshop {
		paragraph(w, "", "Workshop: nobody has agreed to anything on this object yet, so live values are shown. Nothing of them is kept or sent.")
	} else {
		paragraph(w, "", "Somebody lives with this object: verdicts, no values, and of what tells of people none.")
	}
	if len(l.Sensors) == 0 {
		_, _ = fmt.Fprintln(w, "\nNo sensor is configured.")
	}
	for _, s := range l.Sensors {
		what := s.Driver
		if s.Simulated {
			what += " (not a real sensor)"
		}
		age := ""
		if s.Age != "" {
			age = "read " + s.Age + " ago"
		}
		_, _ = fmt.Fprintf(w, "\n%s\n", clean(s.Name+"  "+joined(what, s.State, age)))
		if s.Error != "" {
			paragraph(w, "  ! ", s.Error)
		}
		tw := newTable(w)
		for _, f := range s.Fields {
			row(tw, "  "+f.Name, "present: "+f.Present, "in range: "+f.InRange, "moving: "+f.Moving, "spread: "+f.Spread, f.Value)
		}
		_ = tw.Flush()
	}
}

func newSensorRecord(g *global) *cobra.Command {
	var asJSON bool
	var to string
	var readings int
	cmd := &cobra.Command{
		Use:   "record NAME",
		Short: "write down what passes between a sensor and its driver",
		Long: `Identifies a configured sensor and reads it some times, and writes every
transfer on its bus as text: what was written, what was read, how it went.
Tests play such a file to its last byte. It is for the bench: no daemon may
run, and once somebody lives with the object it is refused, as the file holds
what was measured.`,
		Example: `  candor sensor record hall --to bme280.hardware
  candor sensor record hall --readings 5`,
		Args: takes("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if readings < 1 || readings > 100_000 {
				return usagef(cmd, "--readings %d won't do; from 1 to 100000", readings)
			}
			if asJSON && to == "" {
				return usagef(cmd, "--json tells about the file; name it with --to FILE")
			}
			cfg, err := g.load()
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			var n int
			err = g.bench(ctx, cfg, func(*control.Client) error {
				return failf("stop it first (systemctl stop candor), then start it again", "a daemon reads the sensors, and two who talk to one part spoil each other's conversation")
			}, func(o agent.Options) (err error) {
				if err := g.mayOpen(cfg); err != nil {
					return err
				}
				n, err = g.record(ctx, cfg, args[0], to, readings, o)
				return err
			})
			if err == nil && asJSON {
				return printJSON(g.out, recorded{args[0], to, readings, n})
			}
			if err == nil && to != "" {
				_, _ = fmt.Fprintf(g.out, "%s of %s are in %s\n", count(n, "transfer", "transfers"), clean(args[0]), clean(to))
			}
			return err
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the new `FILE` to write; without it, standard output")
	cmd.Flags().IntVar(&readings, "readings", 3, "`HOW` often to read the sensor")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// record writes a transcript to a new file, or to the output, and counts its transfers.
func (g *global) record(ctx context.Context, cfg *agent.Config, name, to string, readings int, o agent.Options) (int, error) {
	counted := &counter{w: data(g.out)}
	if to != "" {
		f, err := createNew(to)
		if err != nil {
			return 0, err
		}
		counted.w = f
		defer func() { _ = f.Close() }() // it was synced
		err = agent.RecordSensor(ctx, cfg, name, readings, counted, o)
		if err == nil {
			err = f.Sync()
		}
		if counted.transfers == 0 && err != nil { // there is nothing in it to look at
			err = errors.Join(err, os.Remove(to))
		}
		return counted.transfers, err
	}
	err := agent.RecordSensor(ctx, cfg, name, readings, counted, o)
	return counted.transfers, err
}

// counter counts the transfers of a transcript that passes through it: lines that are no comments. The recorder writes
// whole lines.
type counter struct {
	w         io.Writer
	transfers int
}

// Write implements io.Writer.
func (c *counter) Write(b []byte) (int, error) {
	if !bytes.HasPrefix(b, []byte("#")) {
		c.transfers++
	}
	return c.w.Write(b)
}

// recorded is what `sensor record --json` prints.
type recorded struct {
	Sensor    string `json:"sensor"`
	File      string `json:"file"`
	Readings  int    `json:"readings"`
	Transfers int    `json:"transfers"` // on the bus, that the file holds
}
