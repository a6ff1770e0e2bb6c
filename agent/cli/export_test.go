package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strings"
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
		forms := []form{&jsonForm{w: jw}, &cborForm{w: cw}}
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
					if err := f.point(&s, &p); err != nil {
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
			if err := f.end(m); err != nil {
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
		if got := guarded(text); got != "'"+text {
			t.Errorf("%q became %q", text, got)
		}
	}
	for _, text := range []string{"", "kitchen", "a=b", "'=1", "21.5"} {
		if got := guarded(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	for n, want := range map[int64]string{-1500: "-1.5", -5: "-0.005", 0: "0", 21000: "21", math.MinInt64: "-9223372036854775.808"} {
		if got := decimalText(n, 3); got != want {
			t.Errorf("%d at scale 3 is %s, want %s", n, got, want)
		}
	}
}

func TestFileNamesOfAnExport(t *testing.T) {
	w, err := newCSVForm(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, name := range []string{"hall.temperature", "../../etc/passwd", "a/b", "a-b", "acme/trends/x"} {
		got := w.fileName(&control.ExportSeries{Name: name, Sent: strings.Count(name, "/") == 2})
		if seen[got] || strings.ContainsAny(got, "/\\") || strings.HasPrefix(got, ".") {
			t.Errorf("%q gives %q", name, got)
		}
		seen[got] = true
	}
}
