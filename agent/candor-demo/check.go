package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/candor-edge/candor/agent/control"
)

// sentStream is what the ledger says that left in one stream.
type sentStream struct {
	purpose      string
	rows         int
	batches      int
	bytes        int // of batches and announcement
	announcement int // of these, of the announcement
	deletion     int // length of the deletion request
	deleted      bool
	fields       map[string]bool
}

// tally adds the ledger's lines up by stream.
func tally(sent []control.Sent) map[string]*sentStream {
	out := map[string]*sentStream{}
	for _, l := range sent {
		s := out[l.Stream]
		if s == nil {
			s = &sentStream{purpose: l.Purpose, fields: map[string]bool{}}
			out[l.Stream] = s
		}
		switch l.Control {
		case "":
			s.rows += l.Rows
			s.batches++
			s.bytes += l.WireBytes
			for _, f := range l.Fields {
				s.fields[f] = true
			}
		case "announcement":
			s.bytes += l.WireBytes
			s.announcement += l.WireBytes
		case "deletion":
			s.deletion += l.WireBytes
			s.deleted = true
		}
	}
	return out
}

func purposesOf[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// differences compares the receiver's files with what the ledger says, stream by stream, and says where they differ.
// withdrawn are the purposes of which the receiver must have nothing.
func differences(ledger map[string]*sentStream, t *tail, withdrawn map[string]bool) []string {
	var out []string
	differ := func(purpose, format string, args ...any) {
		out = append(out, purpose+": "+fmt.Sprintf(format, args...))
	}
	seen := map[string]bool{}
	for _, stream := range purposesOf(ledger) {
		s := ledger[stream]
		var has streamCount
		if f := t.files[s.purpose]; f != nil && f.streams[stream] != nil {
			has = *f.streams[stream]
		}
		seen[stream] = true
		raw := int(t.rawSize(stream))
		switch {
		case s.deleted && (has.rows > 0 || raw > s.announcement+s.deletion):
			differ(s.purpose, "the receiver confirmed a deletion and still has %s and %d bytes", rows(has.rows), raw)
		case s.deleted:
		case withdrawn[s.purpose]:
			differ(s.purpose, "it was withdrawn, and the receiver has not confirmed the deletion of %s", rows(has.rows))
		case has.rows != s.rows || len(has.seqs) != s.batches || raw != s.bytes:
			differ(s.purpose, "the ledger says %s in %s (%d bytes) were sent, the receiver has %d in %d (%d bytes)",
				rows(s.rows), counted(s.batches, "batch", "batches"), s.bytes, has.rows, len(has.seqs), raw)
		}
	}
	for _, purpose := range purposesOf(t.files) {
		for stream, has := range t.files[purpose].streams {
			if !seen[stream] {
				differ(purpose, "the receiver has %s in %s of which the ledger knows nothing", rows(has.rows), counted(len(has.seqs), "batch", "batches"))
			}
		}
	}
	return out
}

// checked is the sentence for files and a ledger that agree.
func checked(ledger map[string]*sentStream) string {
	var left, batches, size, gone int
	for _, s := range ledger {
		if s.deleted {
			gone += s.rows
			continue
		}
		left, batches, size = left+s.rows, batches+s.batches, size+s.bytes
	}
	text := fmt.Sprintf("checked: the receiver's files hold exactly the %s in %s (%s bytes) that the agent's ledger says were sent and not taken back",
		rows(left), counted(batches, "batch", "batches"), count(uint64(size)))
	if gone > 0 {
		text += fmt.Sprintf(", and none of the %s that were taken back", rows(gone))
	}
	return text + "."
}

// unequal is the error for files and a ledger that don't agree.
func unequal(diffs []string) error {
	return fmt.Errorf("the receiver's files and the agent's ledger don't agree:\n  %s", strings.Join(diffs, "\n  "))
}
