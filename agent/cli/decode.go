package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/uplink/wire"
)

type decodeOptions struct {
	announcement string
	senml        bool
}

func newDecode(g *global) *cobra.Command {
	o := &decodeOptions{}
	cmd := &cobra.Command{
		Use:   "decode FILE",
		Short: "print messages as they were sent, for people",
		Long: `Prints one message, or a sequence of them as the receiver keeps it in
raw/*.cborseq, in diagnostic notation. FILE - is standard input. Batches are
printed as SenML (RFC 8428) too when their announcement is known: from before
them in the sequence, from announcement.cbor beside FILE, or from
--announcement. Without it their numbers have no names.

A sealed message can be opened by its recipient only. It needs no configuration.`,
		Example: `  candor decode raw/2f6c01d4.cborseq
  candor decode batch.cbor --announcement announcement.cbor --senml`,
		Args: takes("FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			return decode(g, o, args[0])
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&o.announcement, "announcement", "", "`FILE` with the announcement of the batches")
	cmd.Flags().BoolVar(&o.senml, "senml", false, "print the SenML of the batches and nothing else")
	return cmd
}

// decoder prints messages and remembers the announcements among them.
type decoder struct {
	out   io.Writer
	name  string // of the file, for errors
	senml bool   // print nothing else
	known map[[16]byte]*wire.Announcement
	bad   int // messages whose signature does not hold
}

func decode(g *global, o *decodeOptions, name string) error {
	d := &decoder{out: data(g.out), name: name, senml: o.senml, known: map[[16]byte]*wire.Announcement{}}
	if err := d.learn(o.announcement, name); err != nil {
		return err
	}
	in := g.env.Stdin
	if name == "-" {
		d.name = "standard input"
	} else {
		f, err := os.Open(name)
		if err != nil {
			return fileError(err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	n, err := eachMessage(in, d.name, d.message)
	switch {
	case err != nil:
		return err
	case n == 0:
		return failf("candor decode --help", "%s is empty: no message", d.name)
	case d.bad > 0:
		return failf("ask whoever gave you the file; what it says is not to be believed", "%s: the signature of %s does not hold", d.name, count(d.bad, "message", "messages"))
	}
	return nil
}

// learn reads announcements from the file that was asked for, or from the one beside the messages if there is one.
func (d *decoder) learn(asked, name string) error {
	path := asked
	if path == "" {
		if name == "-" {
			return nil
		}
		path = filepath.Join(filepath.Dir(name), "announcement.cbor")
	}
	f, err := os.Open(path)
	if err != nil {
		if asked == "" && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fileError(err)
	}
	defer func() { _ = f.Close() }()
	found := 0
	_, err = eachMessage(f, path, func(_ int, _ int64, data []byte) error {
		if d.announcement(data) {
			found++
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case found == 0:
		return failf("candor decode --help", "%s holds no announcement", path)
	}
	return nil
}

// announcement remembers data if it is an announcement whose signature holds.
func (d *decoder) announcement(data []byte) bool {
	a, digest, err := wire.OpenAnnouncement(data)
	if err != nil {
		return false
	}
	d.known[digest] = a
	return true
}

// message prints one message.
func (d *decoder) message(n int, at int64, data []byte) error {
	where := func(err error) error {
		return failf("candor decode --help", "%s: message %d at byte %d: %w", d.name, n, at, err)
	}
	payload, err := wire.SignedPayload(data)
	signed := err == nil
	if !signed {
		payload = data
	}
	isAnnouncement := d.announcement(data)
	batch, batchErr := wire.DecodeBatch(payload)
	if !d.senml {
		if n > 1 {
			_, _ = fmt.Fprintln(d.out)
		}
		_, _ = fmt.Fprintf(d.out, "# message %d at byte %d\n", n, at)
		if err := wire.WriteDiagnostic(d.out, data); err != nil {
			return where(err)
		}
	}
	if batchErr == nil {
		return d.batch(batch, data, signed, where)
	}
	if d.senml && signed && !isAnnouncement {
		return nil // a control message has no rows
	}
	if d.senml && !isAnnouncement {
		return where(batchErr)
	}
	if isAnnouncement && !d.senml {
		_, _ = fmt.Fprintln(d.out, "# the signature holds, by the key it announces")
	}
	return nil
}

// batch prints what can be said of a batch with its announcement: whether the signature holds, and its rows with names.
func (d *decoder) batch(b *wire.Batch, data []byte, signed bool, where func(error) error) error {
	a := d.known[b.Announcement]
	if a == nil {
		if d.senml {
			return &failure{where(errors.New("its announcement is not known, so its numbers have no names")), exitFailed, "add --announcement FILE"}
		}
		_, _ = fmt.Fprintln(d.out, "# its announcement is not known: numbers without names, and the signature can't be verified")
		return nil
	}
	if err := d.verify(a, data, signed); err != nil {
		return where(err)
	}
	if err := a.Check(b); err != nil {
		return where(err)
	}
	pack, err := wire.AppendSenMLJSON(nil, a, b)
	if err != nil {
		if d.senml || !errors.Is(err, wire.ErrNoTime) {
			return where(err)
		}
		_, _ = fmt.Fprintln(d.out, "# no SenML: its rows have no wall time that SenML could carry")
		return nil
	}
	if !d.senml {
		_, _ = fmt.Fprintln(d.out, "SenML:")
	}
	_, _ = d.out.Write(pack)
	return nil
}

// verify looks at a batch's signature. One that does not hold is counted and said, and is an error where only SenML is
// printed, which could not say it.
func (d *decoder) verify(a *wire.Announcement, data []byte, signed bool) error {
	verdict := "the signature holds, by the announced key"
	if !signed {
		verdict = "it is not signed"
	} else if _, err := wire.OpenSigned(wire.KindBatch, a.Key, data); err != nil {
		if d.senml {
			return err
		}
		d.bad++
		verdict = "THE SIGNATURE DOES NOT HOLD: not from this object, or altered"
	}
	if !d.senml {
		_, _ = fmt.Fprintln(d.out, "# "+verdict)
	}
	return nil
}
