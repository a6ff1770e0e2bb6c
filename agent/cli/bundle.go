package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent/bundle"
	"github.com/candor-edge/candor/agent/doctor"
)

const maxLog = 16 << 20 // bytes of a log that are read

// bundled is what `bundle --json` prints.
type bundled struct {
	File  string           `json:"file"` // "" with --list
	Bytes int              `json:"bytes"`
	Holds []bundle.Section `json:"holds"`
}

func newBundle(g *global) *cobra.Command {
	var asJSON, list bool
	var logs string
	cmd := &cobra.Command{
		Use:   "bundle FILE",
		Short: "write what support needs, and nothing of the home",
		Long: `Writes a new file of JSON that support can use and anyone may read: versions,
what kind of board and parts, what is set, the doctor's verdicts, and how often
which message is in the log. There is no name in it that somebody gave, no host,
no secret, no value, no time, and nothing of who agreed to what. What it holds
is listed before it is written; with --list nothing is. The doctor's walk is
part of it, with its test message.`,
		Example: `  candor bundle support.json
  journalctl -u candor -o cat | candor bundle support.json --log -
  candor bundle --list support.json`,
		Args: takes("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "" {
				return usagef(cmd, "FILE is empty")
			}
			lines, err := g.readLog(logs)
			if err != nil {
				return err
			}
			if list {
				return g.bundle(g.gather(cmd, lines), "", asJSON)
			}
			return g.bundle(g.gather(cmd, lines), args[0], asJSON)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&logs, "log", "", "count the messages of a log in `FILE`, or with - on standard input")
	cmd.Flags().BoolVar(&list, "list", false, "list what it would hold, and write nothing")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// bundle lists what a bundle holds, and writes it where there is a file to write.
func (g *global) bundle(b *bundle.Bundle, file string, asJSON bool) error {
	data, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return fmt.Errorf("can't write the bundle as JSON: %w", err)
	}
	data = append(data, '\n')
	out := bundled{File: file, Bytes: len(data), Holds: b.Sections()}
	if !asJSON {
		printSections(g.out, out.Holds)
		if err := g.out.flush(); err != nil {
			return err
		}
	}
	if file != "" {
		if err := writeBundle(file, data); err != nil {
			return err
		}
	}
	switch {
	case asJSON:
		return printJSON(g.out, out)
	case file != "":
		paragraph(g.out, "", fmt.Sprintf("%s in %s. It is text: read it before you send it.", size(int64(len(data))), file))
	}
	return nil
}

// gather walks as the doctor does, and makes the bundle of it.
func (g *global) gather(cmd *cobra.Command, lines string) *bundle.Bundle {
	p := newProgress(g, "looking")
	defer p.end()
	w, end := g.world(cmd.Context())
	done, of := 0, len(doctor.Names())
	r := doctor.Run(cmd.Context(), &w, func(*doctor.Check) { done++; p.show(done, of) })
	v := buildVersion()
	s := &bundle.Source{Program: bundle.ProgramOf(v.Version, v.Revision, v.Modified), World: &w, Report: &r, Log: lines}
	if w.Object != nil {
		if status, err := w.Object.Status(cmd.Context()); err == nil {
			s.Status = &status
		}
	}
	b := bundle.Make(s)
	if err := end(); err != nil { // what was gathered is none the worse
		_, _ = fmt.Fprintln(g.env.Stderr, "candor: "+err.Error())
	}
	return b
}

// readLog reads the log that is named; "" names none.
func (g *global) readLog(name string) (string, error) {
	in := io.Reader(nil)
	switch name {
	case "":
		return "", nil
	case "-":
		in = g.env.Stdin
	default:
		f, err := os.Open(name)
		if err != nil {
			return "", fmt.Errorf("the log: %w", err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxLog))
	if err != nil {
		return "", fmt.Errorf("the log: %w", err)
	}
	return string(text), nil
}

func writeBundle(name string, data []byte) error {
	f, err := createNew(name)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("%s could not be written: %w", name, err), os.Remove(name))
	}
	return nil
}

func printSections(w io.Writer, list []bundle.Section) {
	_, _ = fmt.Fprintln(w, "It holds")
	tw := newTable(w)
	for _, s := range list {
		row(tw, "  "+s.Name, fmt.Sprint(s.Entries), s.Holds)
	}
	_ = tw.Flush()
	paragraph(w, "", "No name that somebody gave, no host, no secret, no value, no time, nothing of who agreed to what.")
}
