package main

import (
	"bytes"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

func loaded(t *testing.T, name string) *set {
	t.Helper()
	for _, s := range recordings() {
		if s.name == name {
			if err := s.load("../data"); err != nil {
				t.Fatal(err)
			}
			return &s
		}
	}
	t.Fatal("no such set")
	return nil
}

// The peers' encodings are as large as the same rows were when others measured them (the format's notes: JSON with gzip 10.8,
// SenML-CBOR 119.9, OTLP with gzip 24.2 bytes a reading), so ours is held against the real thing.
func TestPeersAreWhatTheyAre(t *testing.T) {
	s := loaded(t, "env")
	want := map[string]float64{"JSON, gzip": 10.8, "SenML-CBOR, rows": 119.9, "OTLP, gzip": 24.2}
	for _, p := range peers() {
		each, err := p.perReading(s, 60)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %.2f bytes a reading", p.name, each)
		if w := want[p.name]; w > 0 && math.Abs(each-w)/w > 0.1 {
			t.Errorf("%s: %.2f bytes a reading, others measured %.1f", p.name, each, w)
		}
	}
}

// Every set is read whole, and what is written of it is what was read.
func TestSetsAreWhole(t *testing.T) {
	for name, want := range map[string]int{"env": 8143, "imu": 13514, "gps": 513, "events": 1108} {
		s := loaded(t, name)
		if len(s.rows) != want {
			t.Errorf("%s: %d readings, want %d", name, len(s.rows), want)
		}
		rows := 0
		for _, g := range s.batch(10, 60).Groups {
			rows += len(g.Time)
		}
		if rows != 60 {
			t.Errorf("%s: a batch of 60 has %d rows", name, rows)
		}
		packed, err := asSenMLCBOR(s, 10, 60)
		if err != nil {
			t.Fatal(err)
		}
		var back []senml
		if err := cbor.Unmarshal(packed, &back); err != nil || len(back) != 60*len(s.rows[10].values) {
			t.Errorf("%s: %d records, %v", name, len(back), err)
		}
	}
}

// The table says of each goal whether it holds, and a recording that can't be read says where.
func TestEncodingsTable(t *testing.T) {
	b := bench{options: options{data: "../data"}, log: io.Discard}
	s := loaded(t, "gps")
	if err := b.beside(s, 60); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := b.out.write(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "OTLP, gzip") || !strings.Contains(out.String(), "at most 0.60 times") {
		t.Errorf("the table:\n%s", out.String())
	}
	bad := set{name: "env", tick: 1, wide: true, fields: s.fields}
	if err := bad.read(strings.NewReader("t_ms,lat\n1000,1.5\n2000,x\n")); err == nil || !strings.Contains(err.Error(), "occupancy-env.csv.gz:3:") {
		t.Errorf("a bad cell: %v", err)
	}
}
