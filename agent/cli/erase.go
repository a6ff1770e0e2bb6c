package cli

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/candor-edge/candor/agent/control"
)

type eraseOptions struct {
	decideOptions
	request control.ErasureRequest
	wait    int
	out     string
	yes     bool
}

func (o *eraseOptions) eraseFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask")
	cmd.Flags().StringVar(&o.out, "out", "", "write the signed confirmation to `FILE`, which must not exist yet")
	o.flags(cmd)
}

func newErase(g *global) *cobra.Command {
	o := &eraseOptions{}
	cmd := &cobra.Command{
		Use:   "erase",
		Short: "destroy what this object keeps",
		Long: `Destroys the keys of what this object keeps, and with them what they seal. It needs
no network, and prints what was destroyed, what remains and why.

--all and --purpose end the yes too, as "candor consent withdraw" does, and the
recipients are asked to delete what they have. A period is of whole UTC days, by the
moment a value was taken, and ends no yes; an upload that waits and may reach into
the period is destroyed whole. With --recipient-too the recipients are
asked to delete the streams that were open then, each of them whole.`,
		Example: `  candor erase --all
  candor erase --purpose trends
  candor erase --from 2026-03-01 --to 2026-03-07 --recipient-too`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.checkErase(cmd); err != nil {
				return err
			}
			if err := g.confirm(cmd, o.yes, "This can't be undone: what is destroyed can't be read by anybody any more."); err != nil {
				return err
			}
			o.request.Decision = o.decision()
			return g.with(cmd.Context(), func(s *session) error {
				done := g.slow("erasing")
				e, err := s.Erase(cmd.Context(), o.request)
				done()
				if err != nil {
					return err
				}
				if err := o.keep(&e); err != nil {
					return err
				}
				if o.json {
					return printJSON(g.out, e)
				}
				printErasure(g.out, &e, o.out)
				return nil
			})
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().BoolVar(&o.request.All, "all", false, "everything")
	cmd.Flags().StringVar(&o.request.Purpose, "purpose", "", "all that is kept for one `PURPOSE`")
	cmd.Flags().StringVar(&o.request.From, "from", "", "first `DAY` of a period, as 2026-03-01 (default the beginning)")
	cmd.Flags().StringVar(&o.request.To, "to", "", "last `DAY` of a period, included (default today)")
	cmd.Flags().BoolVar(&o.request.RecipientToo, "recipient-too", false, "also ask the recipients to delete what they have of the period")
	o.eraseFlags(cmd)
	return cmd
}

func (o *eraseOptions) checkErase(cmd *cobra.Command) error {
	asked := 0
	for _, is := range []bool{o.request.All, o.request.Purpose != "", o.request.From != "" || o.request.To != ""} {
		if is {
			asked++
		}
	}
	if asked != 1 {
		return usagef(cmd, "say what to erase: --all, --purpose PURPOSE, or a period with --from and --to")
	}
	return o.check(cmd)
}

// confirm asks on a terminal; elsewhere --yes must be there.
func (g *global) confirm(cmd *cobra.Command, yes bool, warning string) error {
	if yes {
		return nil
	}
	f, is := g.env.Stdin.(*os.File)
	if !is || !term.IsTerminal(int(f.Fd())) {
		return usagef(cmd, "there is no terminal to ask on; add --yes if it is meant")
	}
	_, _ = fmt.Fprintf(g.env.Stderr, "%s\nType yes to go on: ", warning)
	answer, err := bufio.NewReader(g.env.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) || strings.TrimSpace(answer) != "yes" {
		return failf("", "nothing was done")
	}
	return nil
}

// keep writes the signed confirmation where it was asked for.
func (o *eraseOptions) keep(e *control.Erasure) error {
	if o.out == "" {
		return nil
	}
	f, err := os.OpenFile(o.out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		_, err = f.Write(e.Confirmation)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return failf("name a file that does not exist yet", "it is done, but the confirmation could not be written: %w", err)
	}
	return nil
}

func printErasure(w io.Writer, e *control.Erasure, out string) {
	paragraph(w, "", "Erased "+e.What+", at "+moment(e.Time)+".")
	_, _ = fmt.Fprintln(w, "Destroyed")
	if len(e.Destroyed) == 0 {
		paragraph(w, "  - ", "nothing: there was nothing of it")
	}
	for _, d := range e.Destroyed {
		paragraph(w, "  - ", d)
	}
	_, _ = fmt.Fprintln(w, "Remains")
	for _, r := range e.Remains {
		paragraph(w, "  - ", r)
	}
	if e.Asked > 0 {
		paragraph(w, "", count(e.Asked, "deletion request is", "deletion requests are")+" on the way to recipients, until they confirm.")
	}
	paragraph(w, "assurance  ", e.Assurance)
	paragraph(w, "key        ", e.PublicKey)
	if out != "" {
		paragraph(w, "signed     ", out)
		return
	}
	lines(w, "signed     ", base64.StdEncoding.EncodeToString(e.Confirmation))
}

// lines prints a long word in pieces.
func lines(w io.Writer, lead, word string) {
	for room := width - len(lead); len(word) > 0; lead = strings.Repeat(" ", len(lead)) {
		n := min(room, len(word))
		_, _ = fmt.Fprintln(w, lead+word[:n])
		word = word[n:]
	}
}

func newTransfer(g *global) *cobra.Command {
	o := &eraseOptions{}
	cmd := &cobra.Command{
		Use:   "transfer",
		Short: "make the object ready for another owner",
		Long: `Ends every yes, asks the recipients to delete what they have, and destroys keys,
receipts, history, pseudonyms and everything that is buffered: the next start is like
the first one. It prints what was done, and a page for whoever gets the object, in
--lang fr or en: what it is, whose data it is, how to say yes and no. A deletion request that no recipient has
confirmed by then goes on being sent, and is printed, so that you can send it
yourself. A running daemon ends after it; start it again for the new owner.`,
		Example: `  candor transfer
  candor transfer --wait 40 --out handover.cose`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd); err != nil {
				return err
			}
			if err := g.confirm(cmd, o.yes, "This can't be undone: the object forgets you, and everything it keeps for you."); err != nil {
				return err
			}
			return g.with(cmd.Context(), func(s *session) error {
				done := g.slow("erasing, and waiting for the recipients")
				t, err := s.Transfer(cmd.Context(), control.TransferRequest{Decision: o.decision(), Wait: o.wait})
				done()
				if err != nil {
					return err
				}
				if err := o.keep(&t.Erasure); err != nil {
					return err
				}
				if o.json {
					return printJSON(g.out, t)
				}
				printTransfer(g.out, &t, o.out)
				return nil
			})
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().IntVar(&o.wait, "wait", 10, "`SECONDS` to wait for the recipients to confirm, at most 45")
	o.eraseFlags(cmd)
	return cmd
}

func printTransfer(w io.Writer, t *control.Transfer, out string) {
	_, _ = fmt.Fprintf(w, "Hand-over sheet\n\n")
	printErasure(w, &t.Erasure, out)
	defer func() { // what is for the next owner stands alone, to be cut off
		_, _ = fmt.Fprintf(w, "\n%s\n\n", strings.Repeat("-", width))
		printSheet(w, &t.Sheet)
	}()
	for _, p := range t.Papers {
		_, _ = fmt.Fprintln(w)
		paragraph(w, "", fmt.Sprintf("%s has not confirmed that stream %s is deleted. Whoever sends it these bytes, decoded, has it deleted there:", p.Recipient, p.Stream))
		if p.URL != "" {
			paragraph(w, "POST to    ", strings.TrimRight(p.URL, "/")+"/deletions")
		}
		lines(w, "request    ", base64.StdEncoding.EncodeToString(p.Request))
	}
}
