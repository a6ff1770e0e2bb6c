package cli

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/ledger"
)

func newLedger(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "see what was answered and done, and that nothing of it was changed",
		Example: `  candor ledger show
  candor ledger verify`,
	}
	cmd.AddCommand(newLedgerShow(g), newLedgerVerify(g))
	group(cmd)
	return cmd
}

type ledgerOptions struct {
	export string
	file   string
	key    string
	heads  []string
	json   bool
}

func newLedgerShow(g *global) *cobra.Command {
	o := &ledgerOptions{}
	cmd := &cobra.Command{
		Use:   "show",
		Short: "list every entry of the ledger",
		Long: `Lists every yes, no and withdrawal, every pause, erasure and privileged act, oldest
first. With --json also the receipts in full, under the names of ISO/IEC TS 27560.

With --export it writes the whole chain to a file, which anybody can verify with
this object's public key and nothing else. The file holds what the receipts say.`,
		Example: `  candor ledger show
  candor ledger show --json
  candor ledger show --export ledger.cbor`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.with(cmd.Context(), func(s *session) error {
				if o.export != "" {
					return g.exportLedger(cmd.Context(), s, o)
				}
				list, err := s.Ledger(cmd.Context())
				if err != nil {
					return err
				}
				if o.json {
					return printJSON(g.out, list)
				}
				printLedger(g.out, list)
				return nil
			})
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&o.export, "export", "", "write the chain to `FILE`, which must not exist yet")
	jsonFlag(cmd, &o.json)
	return cmd
}

func (g *global) exportLedger(ctx context.Context, s *session, o *ledgerOptions) error {
	done := g.slow("exporting")
	e, err := s.ExportLedger(ctx)
	done()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(o.export, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		_, err = f.Write(e.Export)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return failf("name a file that does not exist yet", "can't write the export: %w", err)
	}
	if o.json {
		e.Export = nil
		return printJSON(g.out, e)
	}
	paragraph(g.out, "", fmt.Sprintf("%s: %d bytes. Verify it anywhere with: candor ledger verify --file %s --key %s", o.export, len(e.Export), o.export, e.PublicKey))
	paragraph(g.out, "head  ", e.Head)
	return nil
}

func printLedger(w io.Writer, list []control.LedgerEntry) {
	tw := newTable(w)
	for i := range list {
		e := &list[i]
		what, who := e.Text, e.Role
		if e.Erased {
			what = "(erased)"
		}
		if e.Grant != 0 {
			what = joined(e.Purpose, fmt.Sprintf("grant %d", e.Grant), what)
		} else {
			what = joined(e.Purpose, what)
		}
		if e.OnBehalf != "" {
			who += " for " + e.OnBehalf
		}
		row(tw, fmt.Sprint(e.Entry), moment(e.Time), e.Kind, clean(what), clean(who))
	}
	_ = tw.Flush()
}

func newLedgerVerify(g *global) *cobra.Command {
	o := &ledgerOptions{}
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "check that nothing of the ledger was changed, removed or added",
		Long: `Reads the whole ledger and checks every number, link, signature and text. A tail that
was cut off is found by the head kept with the keys, and by one that you wrote down
earlier: give it with --head. Much of the file is room that is kept free for
withdrawals, and no part of the ledger: what is changed there changes nothing. The
print is the fingerprint of the object's key, as its hand-over sheet has it.

With --file it verifies an export instead, on any machine: --key is the public key
of the object the export comes from. Without --key it only says that the export is
consistent.`,
		Example: `  candor ledger verify
  candor ledger verify --head 0000…
  candor ledger verify --file ledger.cbor --key 5f3a…`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.key != "" && o.file == "" {
				return usagef(cmd, "--key is for an export: name it with --file")
			}
			if o.file != "" {
				return g.verifyFile(o)
			}
			return g.with(cmd.Context(), func(s *session) error {
				done := g.slow("verifying")
				r, err := s.VerifyLedger(cmd.Context(), o.heads)
				done()
				if err != nil {
					return err
				}
				return g.reportLedger(o, &r)
			})
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringArrayVar(&o.heads, "head", nil, "a `HEAD` that was written down earlier; may be given again")
	cmd.Flags().StringVar(&o.file, "file", "", "verify the export `FILE` instead")
	cmd.Flags().StringVar(&o.key, "key", "", "the object's public `KEY` in hexadecimal, for --file")
	jsonFlag(cmd, &o.json)
	return cmd
}

// verifyFile verifies an export without any object.
func (g *global) verifyFile(o *ledgerOptions) error {
	var heads []ledger.Head
	for _, text := range o.heads {
		h, err := ledger.ParseHead(text)
		if err != nil {
			return &failure{fmt.Errorf("--head: %w", err), exitWrongUse, "candor ledger verify --help"}
		}
		heads = append(heads, h)
	}
	var key ed25519.PublicKey
	if o.key != "" {
		b, err := hex.DecodeString(o.key)
		if err != nil || len(b) != ed25519.PublicKeySize {
			return &failure{fmt.Errorf("--key: a public key has %d hexadecimal digits", 2*ed25519.PublicKeySize), exitWrongUse, "candor ledger verify --help"}
		}
		key = b
	}
	f, err := os.Open(o.file)
	if err != nil {
		return failf("check the name", "can't read the export: %w", err)
	}
	defer func() { _ = f.Close() }()
	done := g.slow("verifying")
	r, err := ledger.VerifyExport(f, key, heads...)
	done()
	if err != nil && !errors.Is(err, ledger.ErrBroken) {
		return failf("candor ledger show --export FILE", "%s: %w", o.file, err)
	}
	view := agent.ReportView(r, key)
	return g.reportLedger(o, &view)
}

// reportLedger prints a report; a ledger that does not verify is a failure.
func (g *global) reportLedger(o *ledgerOptions, r *control.LedgerReport) error {
	if o.json {
		if err := printJSON(g.out, r); err != nil {
			return err
		}
	} else {
		printReport(g.out, r)
	}
	if !r.Verified {
		return failf("keep a copy of state and keys, and ask who had access to the object", "the ledger does not verify: %s", count(len(r.Problems), "problem", "problems"))
	}
	return nil
}

func printReport(w io.Writer, r *control.LedgerReport) {
	text := count(r.Entries, "entry", "entries")
	if r.Lines > 0 {
		text = joined(text, count(r.Lines, "line", "lines")+" about what left")
	}
	if r.Erased > 0 {
		text = joined(text, fmt.Sprintf("%d erased, as entries say", r.Erased))
	}
	if r.Lost > 0 {
		text = joined(text, fmt.Sprintf("%d can't be read since the keys are new", r.Lost))
	}
	if r.Verified {
		paragraph(w, "", "Nothing was changed, removed or added: "+text+".")
	} else {
		paragraph(w, "", "This ledger was changed: "+text+".")
	}
	for _, p := range r.Problems {
		paragraph(w, "  - ", p)
	}
	paragraph(w, "head  ", r.Head)
	if r.PublicKey != "" {
		paragraph(w, "key   ", r.PublicKey)
		if key, err := hex.DecodeString(r.PublicKey); err == nil { // as the hand-over sheet has it
			paragraph(w, "print ", control.Fingerprint(key))
		}
	}
}

// slow says on standard error that long work is under way; the result ends it.
func (g *global) slow(what string) (done func()) {
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		start := time.Now()
		for {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Second):
				_, _ = fmt.Fprintf(g.env.Stderr, "candor: %s, %s so far\n", what, time.Since(start).Round(time.Second))
			}
		}
	}()
	return func() { close(stop); <-ended }
}
