package wire

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
)

// WriteDiagnostic writes any message, signed or a bare payload, for a person
// to read: what it is, its items in CBOR diagnostic notation (RFC 8949 section
// 8), and for a batch its rows. Nothing is verified, and it says so. Rows are
// values of a person's life: the output is theirs and belongs in no log. The
// secret of a deletion request is left out.
//
// A message that can't be read is shown as far as it is CBOR, and the error
// says what is wrong. Errors of w come back as they are.
func WriteDiagnostic(w io.Writer, data []byte) error {
	out := bufio.NewWriter(w)
	err := writeDiagnostic(out, data)
	return errors.Join(err, out.Flush())
}

func writeDiagnostic(w *bufio.Writer, data []byte) error {
	payload, err := SignedPayload(data)
	signed := err == nil
	if !signed {
		payload = data
	}
	m, err := decodeAny(payload)
	if err != nil && !signed {
		fmt.Fprintf(w, "not a message of this format, or a sealed one: %d bytes\n", len(data))
	}
	if signed {
		fmt.Fprintf(w, "signed: %d bytes, COSE_Sign1, Ed25519, signature not verified\n", len(data))
	}
	if d, secret := m.(*Deletion); secret {
		fmt.Fprintf(w, "deletion request\n  stream %s, epoch %d, capability not shown\n", d.Stream, d.Epoch)
		return nil
	}
	switch m := m.(type) {
	case *Announcement:
		writeAnnouncement(w, m, AnnouncementDigest(payload))
	case *Batch:
		writeBatch(w, m, len(payload))
	case *DeletionAnswer:
		fmt.Fprintf(w, "deletion answer\n  stream %s, epoch %d, erased on %s from %s\n", m.Stream, m.Epoch, day(m.Day), strings.Join(m.Stores, ", "))
		for i, n := range m.Counts {
			fmt.Fprintf(w, "  %s: %d\n", m.Stores[i], n)
		}
	case *Freshness:
		fmt.Fprintf(w, "freshness question\n  stream %s, epoch %d\n", m.Stream, m.Epoch)
	case *FreshnessAnswer:
		fmt.Fprintf(w, "freshness answer\n  stream %s, epoch %d, last sequence %d, withdrawn %t\n", m.Stream, m.Epoch, m.Last, m.Withdrawn)
	case *Test:
		fmt.Fprintf(w, "test\n")
	}
	return errors.Join(err, writeItems(w, payload))
}

// decodeAny finds out what a payload is. The kinds differ in the keys they
// have or in the types under them, so no payload is two of them. The error is
// that of the kind whose keys come closest.
func decodeAny(payload []byte) (any, error) {
	var kept error
	for _, decode := range [...]func([]byte) (any, error){
		decoder(DecodeBatch), decoder(DecodeAnnouncement), decoder(DecodeDeletionAnswer),
		decoder(DecodeFreshnessAnswer), decoder(DecodeTest),
	} {
		m, err := decode(payload)
		if err == nil {
			return m, nil
		}
		var e *Error
		if kept == nil || errors.As(err, &e) && e.Fault != ErrUnknownKey && e.Fault != ErrMissingKey && e.Fault != ErrType {
			kept = err
		}
	}
	// A deletion and a freshness question have the same keys: 32 bytes or 16.
	if m, err := DecodeFreshness(payload); err == nil {
		return m, nil
	}
	if m, err := DecodeDeletion(payload); err == nil {
		return m, nil
	}
	return nil, kept
}

func decoder[M any](f func([]byte) (*M, error)) func([]byte) (any, error) {
	return func(payload []byte) (any, error) { return f(payload) }
}

// writeItems writes the payload in CBOR diagnostic notation.
func writeItems(w *bufio.Writer, payload []byte) error {
	text, err := notation(payload)
	if err != nil {
		return fmt.Errorf("wire: not well-formed CBOR: %w", err)
	}
	fmt.Fprintf(w, "items:\n  %s\n", text)
	return nil
}

func day(n uint32) string {
	return time.Unix(int64(n)*86400, 0).UTC().Format(time.DateOnly)
}

func writeAnnouncement(w *bufio.Writer, a *Announcement, digest [16]byte) {
	fmt.Fprintf(w, "announcement %x\n", digest)
	fmt.Fprintf(w, "  stream %s, epoch %d, key %x\n", a.Stream, a.Epoch, []byte(a.Key))
	fmt.Fprintf(w, "  purpose %q for %q, access by %s, use by %s\n", a.Purpose, a.Recipient, a.Access, a.Basis)
	fmt.Fprintf(w, "  kept %d days; upload of %d rows, %d bytes (0: not fixed)\n", a.RetentionDays, a.Rows, a.Size)
	fmt.Fprintf(w, "  finest time %s; plan %x\n", micros(a.Tick), a.Plan)
	fmt.Fprintf(w, "  consent of %s to policy %d, notice %x in %s\n", day(a.Receipt.GrantDay), a.Receipt.PolicyVersion, a.Receipt.Notice, a.Receipt.Language)
	for i := range a.Groups {
		g := &a.Groups[i]
		fmt.Fprintf(w, "  group %d: %q", i, g.Source)
		if g.Window > 0 {
			fmt.Fprintf(w, ", windows of %s", micros(g.Window))
		}
		fmt.Fprintln(w)
		for j := range g.Fields {
			f := &g.Fields[j]
			fmt.Fprintf(w, "    %s: %s", f.Name, f.Type)
			if f.Type == Number {
				fmt.Fprintf(w, " in %q, steps of %s from %s to %s", f.Unit, plain(f.Step, f.Scale), plain(f.Min, f.Scale), plain(f.Max, f.Scale))
			}
			for _, l := range f.Labels {
				fmt.Fprintf(w, " %q", l)
			}
			fmt.Fprintln(w)
		}
	}
}

func micros(n int64) string { return plain(n, microsecond) + " s" }

func plain(n int64, scale int) string { return string(appendDecimal(nil, n, scale)) }

func writeBatch(w *bufio.Writer, b *Batch, size int) {
	fmt.Fprintf(w, "batch %d of announcement %x\n", b.Seq, b.Announcement)
	fmt.Fprintf(w, "  %d bytes, %d rows, to be deleted by %s\n", size, b.Rows(), day(b.DeleteBy))
	if c := &b.Clock; c.Untrusted {
		fmt.Fprintf(w, "  times count from boot %x; cut at tick %d", c.Boot, c.Base)
		if c.Anchored {
			fmt.Fprintf(w, ", about tick %d since 1970, give or take %d", c.Wall, c.Error)
		}
		fmt.Fprintln(w)
	}
	for _, l := range b.Losses {
		fmt.Fprintf(w, "  lost: %d rows, %s\n", l.Count, l.Reason)
	}
	for i := range b.Groups {
		g := &b.Groups[i]
		fmt.Fprintf(w, "  group %d, %d rows: tick", g.Group, len(g.Time))
		if g.Coverage != nil {
			fmt.Fprint(w, ", coverage")
		}
		for j := range g.Columns {
			fmt.Fprintf(w, ", column %d", j)
		}
		fmt.Fprintln(w)
		for row, t := range g.Time {
			fmt.Fprintf(w, "    %d", t)
			if g.Coverage != nil {
				fmt.Fprintf(w, " %d/4", g.Coverage[row])
			}
			for j := range g.Columns {
				fmt.Fprintf(w, " %s", g.Columns[j].show(row))
			}
			fmt.Fprintln(w)
		}
	}
}

// show is one value: a number as sent, a token as text where it is one.
func (c *Column) show(row int) string {
	switch {
	case !c.Has(row):
		return "-"
	case c.Tokens == nil:
		return fmt.Sprint(c.Nums[row])
	}
	t := c.Tokens[row]
	for _, r := range t {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return hex.EncodeToString([]byte(t))
		}
	}
	return fmt.Sprintf("%q", t)
}
