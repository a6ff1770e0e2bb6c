package simulated

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/candor-edge/candor/sensors"
)

// FuzzReplay plays any bytes: it ends, every value has a field and a legal form, nothing is kept, what was not a value
// is counted, and after Resume the rest is what it was.
func FuzzReplay(f *testing.F) {
	for _, seed := range []string{
		"t_ms,temp,door,badge,gx\n1,2,1,a,5\n1,x,true,\"b\",6\n\n2,,,\n",
		"t_us,channel,value\n1,temp,2\n1,door,1\n1,door,0\n2,gx,1\n2,badge,z\n",
		"\xef\xbb\xbfT_MS , temp \r\n1e3 , -0.0001\r\n\"1\",\"2\"\"\"\r\n",
		zipped("t_ms,temp\n1,2\n2,3\n"),
		"t_ms\n", "\x1f\x8b", "t_ms,temp\n1,1e999999999999\n99999999999999999999,1\n",
	} {
		f.Add([]byte(seed))
	}
	excerpts, err := filepath.Glob("testdata/*.csv")
	if err != nil || len(excerpts) == 0 {
		f.Fatal("there are no excerpts", err)
	}
	for _, name := range excerpts {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text[:min(len(text), 2000)])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		source, err := tape(string(data))
		if err != nil {
			return
		}
		all, values := replayAll(t, source)
		var bad uint64
		for _, fault := range source.(sensors.Counting).Faults() {
			if fault.What == badCell {
				bad += fault.Count
			}
		}
		if bad != values {
			t.Fatalf("%d values are faults, and %d bad cells are counted", values, bad)
		}
		if len(all) < 2 {
			return
		}
		again, err := tape(string(data))
		if err != nil {
			t.Fatal("opened once and not twice: ", err)
		}
		again.(sensors.Resuming).Resume(all[0].Position)
		if rest, _ := replayAll(t, again); !reflect.DeepEqual(rest, all[1:]) {
			t.Fatal("after the first reading the others are not the ones that followed")
		}
	})
}

// replayAll plays source to its end, or to where it can't be read, and returns the readings and how many of the values
// are faults.
func replayAll(t *testing.T, source sensors.Source) (all []sensors.Reading, faults uint64) {
	fields := source.Fields()
	_ = source.Run(context.Background(), func(r sensors.Reading) error { // it may be cut off: that is an error
		if len(r.Values) != len(fields) {
			t.Fatalf("%d values for %d fields", len(r.Values), len(fields))
		}
		for i, v := range r.Values {
			if v.Quality == sensors.Fault {
				faults++
			}
			if v.Quality > sensors.Fault || v.Quality == sensors.OK && fields[i].Kind.Check(v) != v {
				t.Fatalf("field %d has quality %v and another form", i, v.Quality)
			}
		}
		r.Values = slices.Clone(r.Values)
		all = append(all, r)
		return nil
	})
	return all, faults
}
