package export

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"

	"github.com/candor-edge/candor/agent/control"
)

// flat is one record of a pack as both formats must say it.
type flat struct{ name, unit, value, time string }

func jsonRecords(t *rapid.T, pack []byte) (out []flat, told string) {
	dec := json.NewDecoder(bytes.NewReader(pack))
	dec.UseNumber()
	var records []map[string]any
	if err := dec.Decode(&records); err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if m, ok := r["candor"]; ok {
			b, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			told = string(b)
			continue
		}
		f := flat{name: r["n"].(string), time: exact(t, r["t"])}
		f.unit, _ = r["u"].(string)
		switch {
		case r["vb"] != nil:
			f.value = fmt.Sprint("bool ", r["vb"])
		case r["vs"] != nil:
			f.value = fmt.Sprint("text ", r["vs"])
		default:
			f.value = exact(t, r["v"])
		}
		out = append(out, f)
	}
	return out, told
}

func cborRecords(t *rapid.T, pack []byte) (out []flat, told string) {
	var records []map[any]any
	if err := cbor.Unmarshal(pack, &records); err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if m, ok := r["candor"]; ok {
			told = string(asJSON(t, m))
			continue
		}
		f := flat{name: r[uint64(0)].(string), time: exact(t, r[uint64(6)])}
		f.unit, _ = r[uint64(1)].(string)
		switch {
		case r[uint64(4)] != nil:
			f.value = fmt.Sprint("bool ", r[uint64(4)])
		case r[uint64(3)] != nil:
			f.value = fmt.Sprint("text ", r[uint64(3)])
		default:
			f.value = exact(t, r[uint64(2)])
		}
		out = append(out, f)
	}
	return out, told
}

// asJSON says what CBOR says, with the keys of maps in order.
func asJSON(t *rapid.T, v any) []byte {
	var plain func(v any) any
	plain = func(v any) any {
		switch v := v.(type) {
		case map[any]any:
			m := map[string]any{}
			for k, x := range v {
				m[k.(string)] = plain(x)
			}
			return m
		case []any:
			for i := range v {
				v[i] = plain(v[i])
			}
		}
		return v
	}
	b, err := json.Marshal(plain(v))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// exact is a number of either format as a fraction.
func exact(t *rapid.T, v any) string {
	r := new(big.Rat)
	switch v := v.(type) {
	case json.Number:
		if _, ok := r.SetString(v.String()); !ok {
			t.Fatalf("%q is no number", v)
		}
	case uint64:
		r.SetInt(new(big.Int).SetUint64(v))
	case int64:
		r.SetInt64(v)
	case cbor.Tag:
		parts := v.Content.([]any)
		e, _ := new(big.Rat).SetString(exact(t, parts[0]))
		m, _ := new(big.Rat).SetString(exact(t, parts[1]))
		ten := new(big.Int).Exp(big.NewInt(10), new(big.Int).Neg(e.Num()), nil)
		r.Quo(m, new(big.Rat).SetInt(ten))
	default:
		t.Fatalf("%T is no number", v)
	}
	return r.RatString()
}

// The pack in JSON and the one in CBOR say the same of any export: every number exactly, and the same metadata.
func TestExportSaysTheSameInJSONAndCBOR(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var j, c bytes.Buffer
		jw, cw := bufio.NewWriter(&j), bufio.NewWriter(&c)
		forms := []Form{JSON(jw), CBOR(cw)}
		m := newMetadata(&control.ExportQuery{What: "raw"})
		var want []flat
		for i := range rapid.IntRange(0, 5).Draw(t, "fields") {
			s := control.ExportSeries{Name: fmt.Sprintf("f%d.x", i), Type: rapid.SampledFrom([]string{"number", "boolean", "text"}).Draw(t, "type"), Scale: rapid.IntRange(0, 9).Draw(t, "scale"), Sampling: "every 10s"}
			if s.Type == "number" {
				s.Unit = rapid.SampledFrom([]string{"", "Cel", "%RH"}).Draw(t, "unit")
			}
			m.add(&control.ExportPiece{Series: &s})
			for range rapid.IntRange(0, 5).Draw(t, "points") {
				p := control.ExportPoint{Series: i, At: rapid.Int64Range(1, 1<<53-1).Draw(t, "t"), Num: rapid.Int64Range(math.MinInt64, math.MaxInt64).Draw(t, "n"), Text: rapid.String().Draw(t, "v")}
				for _, f := range forms {
					if err := f.Point(&s, &p); err != nil {
						t.Fatal(err)
					}
				}
				m.counted(i, &p)
				w := flat{name: s.Name, unit: s.Unit, time: big.NewRat(p.At, 1_000_000).RatString()}
				switch s.Type {
				case "boolean":
					w.value = fmt.Sprint("bool ", p.Num != 0)
				case "text":
					w.value = "text " + p.Text
				default:
					w.value = new(big.Rat).SetFrac(big.NewInt(p.Num), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(s.Scale)), nil)).RatString()
				}
				want = append(want, w)
			}
		}
		for _, f := range forms {
			if err := f.End(m); err != nil {
				t.Fatal(err)
			}
		}
		_, _ = jw.Flush(), cw.Flush()
		fromJSON, toldJSON := jsonRecords(t, j.Bytes())
		fromCBOR, toldCBOR := cborRecords(t, c.Bytes())
		if fmt.Sprint(fromJSON) != fmt.Sprint(want) || fmt.Sprint(fromCBOR) != fmt.Sprint(want) {
			t.Fatalf("JSON %v\nCBOR %v\nwant %v", fromJSON, fromCBOR, want)
		}
		if toldJSON != toldCBOR || toldJSON == "" {
			t.Fatalf("metadata in JSON %s\nin CBOR %s", toldJSON, toldCBOR)
		}
	})
}

// A spreadsheet runs no cell of a text, and no number is changed for that.
func TestNoTextIsAFormula(t *testing.T) {
	for _, text := range []string{"=1+1", "+33 6", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "\u00a0=1", "＝1", "|x", "%0"} {
		if got := Guarded(text); got != "'"+text {
			t.Errorf("%q became %q", text, got)
		}
	}
	for _, text := range []string{"", "kitchen", "a=b", "'=1", "21.5"} {
		if got := Guarded(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	for n, want := range map[int64]string{-1500: "-1.5", -5: "-0.005", 0: "0", 21000: "21", math.MinInt64: "-9223372036854775.808"} {
		if got := Decimal(n, 3); got != want {
			t.Errorf("%d at scale 3 is %s, want %s", n, got, want)
		}
	}
}

// The table of the page says every value of an export once, with its unit, and no line of it can be run by a spreadsheet.
func TestTable(t *testing.T) {
	pieces := []control.ExportPiece{
		{Series: &control.ExportSeries{Name: "=hall.temperature", Unit: "Cel", Scale: 3, Type: "number", Class: "environment", Sampling: "every 10 s"}},
		{Series: &control.ExportSeries{Name: "hall.label", Type: "text"}},
		{Points: []control.ExportPoint{{Series: 0, At: 1_000_000, Num: -1500}, {Series: 1, At: 2_000_000, Text: "=1+1, \"x\"\n"}}},
		{Receipt: &control.ExportReceipt{ID: "r1", Title: "@title", Fields: []string{"a", "b"}}},
	}
	source := func(_ context.Context, _ control.ExportQuery, emit func(control.ExportPiece) error) error {
		for _, p := range pieces {
			if err := emit(p); err != nil {
				return err
			}
		}
		return nil
	}
	table := func(receipts bool) [][]string {
		var b bytes.Buffer
		w := bufio.NewWriter(&b)
		if err := Collect(t.Context(), control.ExportQuery{What: "all"}, source, Table(w, receipts), nil); err != nil {
			t.Fatal(err)
		}
		_ = w.Flush()
		rows, err := csv.NewReader(&b).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	want := [][]string{{"time", "field", "value", "unit", "type", "class", "sampling"},
		{"1970-01-01T00:00:01Z", "'=hall.temperature", "-1.5", "Cel", "number", "environment", "every 10 s"},
		{"1970-01-01T00:00:02Z", "hall.label", "'=1+1, \"x\"\n", "", "text", "", ""}}
	if got := table(false); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("values are %q, want %q", got, want)
	}
	if got := table(true); len(got) != 2 || got[1][0] != "r1" || got[1][4] != "'@title" || got[1][17] != "a; b" {
		t.Errorf("receipts are %q", got)
	}
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	if err := Collect(t.Context(), control.ExportQuery{What: "all"}, source, Facts(w), nil); err != nil {
		t.Fatal(err)
	}
	_ = w.Flush()
	var told Metadata
	if err := json.Unmarshal(b.Bytes(), &told); err != nil || len(told.Fields) != 2 || told.Fields[0].Values != 1 || told.Fields[0].Resolution != "0.001" || len(told.Receipts) != 1 {
		t.Errorf("the facts are %s, %v", b.Bytes(), err)
	}
}
