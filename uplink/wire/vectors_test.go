package wire

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/vectors anew")

// vector is one entry of a file in testdata/vectors. FORMAT.md describes it.
type vector struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"`          // as Kind.String
	Signed bool   `json:"signed"`        // Hex is a signed message, else a payload
	Key    string `json:"key,omitempty"` // public key, hexadecimal, of a signed one
	Hex    string `json:"hex"`
	Fault  string `json:"fault,omitempty"`   // the text of the fault, of an invalid one
	Means  any    `json:"message,omitempty"` // of a valid one
}

// open does what a receiver does: verify, decode, and say what it means.
func (v *vector) open(data []byte) (any, error) {
	kind := kindOf(v.Kind)
	if v.Signed {
		key, err := hex.DecodeString(v.Key)
		if err != nil {
			return nil, err
		}
		if data, err = OpenSigned(kind, key, data); err != nil {
			return nil, err
		}
	}
	switch kind {
	case KindBatch:
		b, err := DecodeBatch(data)
		if err != nil {
			return nil, err
		}
		return batchMeaning(b), nil
	case KindAnnouncement:
		a, err := DecodeAnnouncement(data)
		if err != nil {
			return nil, err
		}
		return announcementMeaning(a), nil
	case KindDeletion:
		d, err := DecodeDeletion(data)
		if err != nil {
			return nil, err
		}
		return map[string]any{"stream": d.Stream.String(), "epoch": d.Epoch, "capability": hex.EncodeToString(d.Capability[:])}, nil
	case KindDeletionAnswer:
		d, err := DecodeDeletionAnswer(data)
		if err != nil {
			return nil, err
		}
		means := map[string]any{"stream": d.Stream.String(), "epoch": d.Epoch, "day": d.Day, "stores": d.Stores}
		if d.Counts != nil {
			means["counts"] = d.Counts
		}
		return means, nil
	case KindFreshness:
		f, err := DecodeFreshness(data)
		if err != nil {
			return nil, err
		}
		return map[string]any{"stream": f.Stream.String(), "epoch": f.Epoch, "nonce": hex.EncodeToString(f.Nonce[:])}, nil
	case KindFreshnessAnswer:
		f, err := DecodeFreshnessAnswer(data)
		if err != nil {
			return nil, err
		}
		return map[string]any{"stream": f.Stream.String(), "epoch": f.Epoch, "nonce": hex.EncodeToString(f.Nonce[:]),
			"last": f.Last, "withdrawn": f.Withdrawn}, nil
	}
	p, err := DecodeTest(data)
	if err != nil {
		return nil, err
	}
	return map[string]any{"nonce": hex.EncodeToString(p.Nonce[:]), "key": hex.EncodeToString(p.Key[:])}, nil
}

func kindOf(name string) Kind {
	k := KindBatch
	for k < KindTest && k.String() != name {
		k++
	}
	return k
}

func batchMeaning(b *Batch) any {
	m := map[string]any{"announcement": hex.EncodeToString(b.Announcement[:]), "seq": b.Seq, "delete_by": b.DeleteBy}
	if c := b.Clock; c.Untrusted {
		clock := map[string]any{"boot": hex.EncodeToString(c.Boot[:]), "base": c.Base}
		if c.Anchored {
			clock["wall"], clock["error"] = c.Wall, c.Error
		}
		m["clock"] = clock
	}
	losses := []any{}
	for _, l := range b.Losses {
		losses = append(losses, []any{l.Reason, l.Count})
	}
	groups := []any{}
	for _, g := range b.Groups {
		var columns []any
		for i := range g.Columns {
			columns = append(columns, columnMeaning(&g.Columns[i], len(g.Time)))
		}
		groups = append(groups, map[string]any{"group": g.Group, "time": g.Time, "coverage": g.Coverage, "columns": columns})
	}
	m["losses"], m["groups"] = losses, groups
	return m
}

// columnMeaning is a list of numbers, hexadecimal tokens and nulls.
func columnMeaning(c *Column, n int) any {
	var out []any
	for row := range n {
		switch {
		case !c.Has(row):
			out = append(out, nil)
		case c.Tokens != nil:
			out = append(out, hex.EncodeToString([]byte(c.Tokens[row])))
		default:
			out = append(out, c.Nums[row])
		}
	}
	return out
}

func announcementMeaning(a *Announcement) any {
	var groups []any
	for _, g := range a.Groups {
		var fields []any
		for _, f := range g.Fields {
			m := map[string]any{"name": f.Name, "type": f.Type.String()}
			switch f.Type {
			case Number:
				m["unit"], m["scale"], m["step"], m["min"], m["max"] = f.Unit, f.Scale, f.Step, f.Min, f.Max
			case Label:
				m["labels"] = f.Labels
			}
			fields = append(fields, m)
		}
		groups = append(groups, map[string]any{"source": g.Source, "window": g.Window, "fields": fields})
	}
	x := func(b []byte) string { return hex.EncodeToString(b) }
	return map[string]any{
		"stream": a.Stream.String(), "epoch": a.Epoch, "key": x(a.Key), "purpose": a.Purpose, "recipient": a.Recipient,
		"plan": x(a.Plan[:]), "tick": a.Tick, "groups": groups, "access": a.Access.String(), "basis": a.Basis.String(),
		"retention_days": a.RetentionDays, "size": a.Size, "rows": a.Rows, "consent": x(a.Consent[:]), "erase": x(a.Erase[:]),
		"receipt": map[string]any{"notice": x(a.Receipt.Notice[:]), "language": a.Receipt.Language,
			"policy_version": a.Receipt.PolicyVersion, "grant_day": a.Receipt.GrantDay},
	}
}

func TestVectors(t *testing.T) {
	if *update {
		writeVectors(t, "valid.json", validVectors(t))
		writeVectors(t, "invalid.json", invalidVectors(t))
	}
	for _, v := range readVectors(t, "valid.json") {
		data := mustHex(t, v.Hex)
		got, err := v.open(data)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		if !sameJSON(t, got, v.Means) {
			t.Errorf("%s: means %+v, want %+v", v.Name, got, v.Means)
		}
		for n := range data {
			if _, err := v.open(data[:n]); !errors.Is(err, ErrTruncated) {
				t.Errorf("%s cut at %d of %d: %v", v.Name, n, len(data), err)
			}
		}
		if _, err := v.open(append(data, 0)); !errors.Is(err, ErrTrailing) {
			t.Errorf("%s with a byte more: %v", v.Name, err)
		}
	}
	for _, v := range readVectors(t, "invalid.json") {
		_, err := v.open(mustHex(t, v.Hex))
		if f := fault(err); f == 0 || f.Error() != v.Fault {
			t.Errorf("%s: %v, want %s", v.Name, err, v.Fault)
		}
	}
}

// TestVectorsAreCurrent: what this encoder writes today is what the files
// hold. A better column choice may change it; then run with -update.
func TestVectorsAreCurrent(t *testing.T) {
	for file, want := range map[string][]vector{"valid.json": validVectors(t), "invalid.json": invalidVectors(t)} {
		got := readVectors(t, file)
		if len(got) != len(want) {
			t.Errorf("%s has %d vectors, want %d; run with -update", file, len(got), len(want))
			continue
		}
		for i := range want {
			if got[i].Hex != want[i].Hex || got[i].Name != want[i].Name || got[i].Fault != want[i].Fault {
				t.Errorf("%s: %s is not current; run with -update", file, want[i].Name)
			}
		}
	}
}

func sameJSON(t *testing.T, a, b any) bool {
	t.Helper()
	var parsed [2]any
	for i, v := range []any{a, b} {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		if err := d.Decode(&parsed[i]); err != nil {
			t.Fatal(err)
		}
	}
	return reflect.DeepEqual(parsed[0], parsed[1])
}

func mustHex(t testing.TB, s string) []byte {
	t.Helper()
	data, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func vectorPath(name string) string { return filepath.Join("testdata", "vectors", name) }

func readVectors(t testing.TB, name string) []vector {
	t.Helper()
	data, err := os.ReadFile(vectorPath(name))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var vs []vector
	if err := d.Decode(&vs); err != nil {
		t.Fatal(err)
	}
	return vs
}

func writeVectors(t *testing.T, name string, vs []vector) {
	t.Helper()
	var out bytes.Buffer
	out.WriteString("[")
	for i, v := range vs {
		if i > 0 {
			out.WriteString(",")
		}
		line, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString("\n")
		out.Write(line)
	}
	out.WriteString("\n]\n")
	if err := os.MkdirAll(vectorPath(""), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(vectorPath(name), out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// valid makes a vector of a payload and says what it means.
func valid(t testing.TB, name string, kind Kind, payload []byte) vector {
	t.Helper()
	v := vector{Name: name, Kind: kind.String(), Hex: hex.EncodeToString(payload)}
	var err error
	if v.Means, err = v.open(payload); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// signed is the same inside a signature.
func signed(t testing.TB, name string, kind Kind, payload []byte) vector {
	v := valid(t, name, kind, payload)
	key := testKey(1)
	v.Signed, v.Key = true, hex.EncodeToString(key.Public().(ed25519.PublicKey))
	v.Hex = hex.EncodeToString(AppendSigned(nil, SignWith(key), kind, payload))
	return v
}
