package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// appendField appends a field of a message that has bytes.
func appendField(b []byte, number int, content []byte) []byte {
	b = append(b, byte(number<<3|2))
	return append(binary.AppendUvarint(b, uint64(len(content))), content...)
}

// exported is an ExportLogsServiceRequest with one record for each reading.
func exported(readings ...spoken) []byte {
	var records []byte
	for _, r := range readings {
		record := binary.LittleEndian.AppendUint64([]byte{1<<3 | 1}, uint64(r.Time))
		for key, v := range map[string]float64{"temperature": r.Temperature, "latitude": r.Latitude, "longitude": r.Longitude} {
			value := binary.LittleEndian.AppendUint64([]byte{4<<3 | 1}, math.Float64bits(v))
			record = appendField(record, 6, appendField(appendField(nil, 1, []byte(key)), 2, value))
		}
		text := appendField(nil, 1, []byte(r.Device))
		record = appendField(record, 6, appendField(appendField(nil, 1, []byte("device")), 2, text))
		records = appendField(records, 2, record)
	}
	return appendField(nil, 1, appendField(nil, 2, records))
}

// metrics is what Telegraf's http output sends of readings.
func metrics(t *testing.T, readings ...spoken) []byte {
	t.Helper()
	var list []any
	for _, r := range readings {
		list = append(list, map[string]any{"name": "room", "tags": map[string]string{"device": r.Device}, "timestamp": r.Time / 1e6,
			"fields": map[string]any{"temperature": r.Temperature, "latitude": r.Latitude, "longitude": r.Longitude}})
	}
	b, err := json.Marshal(map[string]any{"metrics": list})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// coarse is a reading as the policy lets it out.
func coarse(r spoken) spoken {
	r.Latitude, r.Longitude = math.Floor(r.Latitude*100)/100, math.Floor(r.Longitude*100)/100
	r.Device, r.Email = strings.Repeat("a", 64), ""
	return r
}

// A sink counts what arrives, what arrives again, and what should not have: for the uploads of both peers.
func TestSinkOfPeers(t *testing.T) {
	w := newWorkload()
	first, second, third := w.next(), w.next(), w.next()
	wrong := coarse(third)
	wrong.Temperature++
	fine := coarse(third)
	fine.Latitude += 0.001
	named := coarse(third)
	named.Device = third.Device
	beyond := coarse(third)
	beyond.Time += 1e18
	for name, form := range map[string]struct {
		read func([]byte, func(arrived)) error
		body func(...spoken) []byte
	}{
		"collector": {readLogs, exported},
		"telegraf":  {readMetrics, func(r ...spoken) []byte { return metrics(t, r...) }},
	} {
		t.Run(name, func(t *testing.T) {
			for _, bad := range []spoken{wrong, fine, named, beyond} {
				s := newSink(form.read, 3, "")
				var zipped bytes.Buffer
				z := gzip.NewWriter(&zipped)
				_, _ = z.Write(form.body(coarse(first), coarse(second)))
				_ = z.Close()
				if err := s.take(zipped.Bytes(), true); err != nil {
					t.Fatal(err)
				}
				if s.first.Load() != 2 || s.again.Load() != 0 || s.wrong.Load() != 0 || s.bytes.Load() != int64(zipped.Len()) {
					t.Fatalf("first %d, again %d, wrong %d, %d bytes", s.first.Load(), s.again.Load(), s.wrong.Load(), s.bytes.Load())
				}
				if err := s.take(form.body(coarse(first), bad), false); err != nil {
					t.Fatal(err)
				}
				if s.again.Load() != 1 || s.wrong.Load() != 1 {
					t.Errorf("%+v: again %d, wrong %d, want one of each", bad, s.again.Load(), s.wrong.Load())
				}
			}
			if err := form.read([]byte("\x0a\xff"), func(arrived) {}); err == nil {
				t.Error("what is cut off is read")
			}
		})
	}
}

// What is posted is what the workload has, in the forms that the peers take.
func TestBodiesForPeers(t *testing.T) {
	for _, p := range allPeers() {
		bodies, err := requestsAs(p.body, 250, 100)
		if err != nil || len(bodies) != 3 {
			t.Fatalf("%s: %d requests, %v", p.name, len(bodies), err)
		}
		if n := bytes.Count(bytes.Join(bodies, nil), []byte("@home.example")); n != 250 {
			t.Errorf("%s: %d readings are posted", p.name, n)
		}
		for name, text := range p.files(house{dir: "/d", in: "127.0.0.1:1", sink: "127.0.0.1:2"}) {
			for _, want := range []string{"127.0.0.1:1", "127.0.0.1:2", "/d/queue", "email"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s: %s lacks %s", p.name, name, want)
				}
			}
		}
	}
}
