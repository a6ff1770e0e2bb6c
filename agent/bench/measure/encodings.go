package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"math"
	"runtime"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/candor-edge/candor/uplink/wire"
)

// encoding is one way to write n readings of a set.
type encoding struct {
	name   string
	encode func(s *set, from, n int) ([]byte, error)
}

// ours is the format of uplink/wire, signed; it is the only one here that says for what the data may be used, and proves it.
func ours() encoding {
	signer := wire.SignWith(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	var e wire.Encoder
	return encoding{"ours, signed", func(s *set, from, n int) ([]byte, error) {
		payload, err := e.AppendBatch(nil, s.batch(from, n), 0)
		return wire.AppendSigned(nil, signer, wire.KindBatch, payload), err
	}}
}

// columnsOnly is the same without header and signature, to be set beside the limit.
func columnsOnly() encoding {
	var e wire.Encoder
	return encoding{"ours, columns alone", func(s *set, from, n int) ([]byte, error) {
		_, err := e.AppendBatch(nil, s.batch(from, n), 0)
		return make([]byte, e.ColumnBytes()), err
	}}
}

// peers are the encodings of others: each carries a device name, a number and the values, no purpose, no signature.
func peers() []encoding {
	return []encoding{
		{"JSON, gzip", zipped(asJSON)},
		{"SenML-CBOR, rows", asSenMLCBOR},
		{"SenML-CBOR, gzip", zipped(asSenMLCBOR)},
		{"OTLP, gzip", zipped(asOTLP)},
	}
}

// zipped is gzip at its usual level over an encoding.
func zipped(encode func(s *set, from, n int) ([]byte, error)) func(s *set, from, n int) ([]byte, error) {
	return func(s *set, from, n int) ([]byte, error) {
		plain, err := encode(s, from, n)
		if err != nil {
			return nil, err
		}
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		if _, err := z.Write(plain); err != nil {
			return nil, err
		}
		if err := z.Close(); err != nil {
			return nil, err
		}
		return out.Bytes(), nil
	}
}

// asJSON is an object a reading: of a wide set with the field names as keys, of a long one with channel and value.
func asJSON(s *set, from, n int) ([]byte, error) {
	rows := make([]map[string]any, n)
	for i, r := range s.rows[from : from+n] {
		row := map[string]any{"t": float64(r.at) / float64(s.tick)}
		if f := &s.fields[r.field]; !s.wide {
			row["channel"], row["value"] = f.name, f.value(r.values[0])
		}
		for j := 0; s.wide && j < len(r.values); j++ {
			row[s.fields[j].name] = s.fields[j].value(r.values[j])
		}
		rows[i] = row
	}
	return json.Marshal(map[string]any{"device": s.device, "seq": from/n + 1, "readings": rows})
}

// senml is a record of RFC 8428 with the labels of its table 6.
type senml struct {
	BaseName string   `cbor:"-2,keyasint,omitempty"`
	BaseTime float64  `cbor:"-3,keyasint,omitempty"`
	Name     string   `cbor:"0,keyasint,omitempty"`
	Unit     string   `cbor:"1,keyasint,omitempty"`
	Value    *float64 `cbor:"2,keyasint,omitempty"`
	Time     float64  `cbor:"6,keyasint,omitempty"`
}

// asSenMLCBOR is a record a value in the order of the readings, names and units in each, as a pack that rows are appended to has them.
func asSenMLCBOR(s *set, from, n int) ([]byte, error) {
	mode, err := senmlMode()
	if err != nil {
		return nil, err
	}
	return mode.Marshal(senmlRecords(s, from, n))
}

// senmlMode writes each number as short as it can be.
func senmlMode() (cbor.EncMode, error) {
	return cbor.EncOptions{ShortestFloat: cbor.ShortestFloat16}.EncMode()
}

func senmlRecords(s *set, from, n int) []senml {
	var out []senml
	base := s.rows[from].at
	for _, r := range s.rows[from : from+n] {
		for j, v := range r.values {
			f := &s.fields[j]
			if !s.wide {
				f = &s.fields[r.field]
			}
			value := f.value(v)
			out = append(out, senml{Name: f.name, Unit: f.unit, Value: &value, Time: float64(r.at-base) / float64(s.tick)})
		}
	}
	out[0].BaseName, out[0].BaseTime = s.device+":", float64(base)/float64(s.tick)
	return out
}

// asOTLP is a metrics export request of OpenTelemetry protocol 1: a gauge a field with a data point a reading. The field
// numbers are those of opentelemetry/proto/metrics/v1/metrics.proto.
func asOTLP(s *set, from, n int) ([]byte, error) {
	var metrics []byte
	for f := range s.fields {
		var gauge []byte
		for _, r := range s.rows[from : from+n] {
			if !s.wide && r.field != f {
				continue
			}
			v := r.values[0]
			if s.wide {
				v = r.values[f]
			}
			point := fixed64(nil, 3, uint64(r.at)*uint64(1_000_000_000/s.tick)) // time_unix_nano
			point = fixed64(point, 4, math.Float64bits(s.fields[f].value(v)))   // as_double
			gauge = message(gauge, 1, point)
		}
		if len(gauge) == 0 {
			continue
		}
		metric := message(nil, 1, []byte(s.fields[f].name))
		metric = message(metric, 3, []byte(s.fields[f].unit))
		metrics = message(metrics, 2, message(metric, 5, gauge))
	}
	attribute := message(message(nil, 1, []byte("device.id")), 2, message(nil, 1, []byte(s.device)))
	number := message(message(nil, 1, []byte("seq")), 2, varintField(nil, 3, uint64(from/n+1)))
	resource := message(message(nil, 1, attribute), 1, number)
	return message(nil, 1, message(message(nil, 1, resource), 2, metrics)), nil
}

// message appends a field of wire type 2 of protocol buffers.
func message(dst []byte, field uint64, body []byte) []byte {
	dst = uvarint(uvarint(dst, field<<3|2), uint64(len(body)))
	return append(dst, body...)
}

func varintField(dst []byte, field, v uint64) []byte { return uvarint(uvarint(dst, field<<3), v) }

func fixed64(dst []byte, field, v uint64) []byte {
	dst = uvarint(dst, field<<3|1)
	for i := range 8 {
		dst = append(dst, byte(v>>(8*i)))
	}
	return dst
}

func uvarint(dst []byte, v uint64) []byte {
	for ; v >= 0x80; v >>= 7 {
		dst = append(dst, byte(v)|0x80)
	}
	return append(dst, byte(v))
}

// perReading is the mean size of a reading in batches of n over the last nine tenths of the set, in up to 24 batches spread over them.
func (e *encoding) perReading(s *set, n int) (float64, error) {
	first := len(s.rows) / 10
	batches := (len(s.rows) - first) / n
	if batches == 0 {
		return 0, nil
	}
	some := min(batches, 24)
	total := 0
	for i := range some {
		b, err := e.encode(s, first+i*batches/some*n, n)
		if err != nil {
			return 0, fmt.Errorf("%s, %s: %w", s.name, e.name, err)
		}
		total += len(b)
	}
	return float64(total) / float64(some*n), nil
}

// limits are the smallest sizes anybody found for each set as a whole, bytes a reading: the best of xz -9e, zstd --ultra
// -22, bzip2 -9, brotli 11 and an adaptive range coder over the delta columns (FORMAT.md tells how).
func limits() map[string]float64 {
	return map[string]float64{"env": 1.50, "imu": 5.93, "gps": 7.01, "events": 0.83}
}

// encodings sets our format beside the others on the same rows, in one run.
func (b *bench) encodings(context.Context) error {
	for _, s := range recordings() {
		if err := s.load(b.data); err != nil {
			return err
		}
		for _, n := range []int{60, 1000} {
			if len(s.rows)*9/10 < n {
				continue
			}
			if err := b.beside(&s, n); err != nil {
				return err
			}
		}
		if err := b.speed(&s); err != nil {
			return err
		}
	}
	return nil
}

// bounds are the goals of the format's design for one set: signed, bytes a reading; columns against the limit; signed
// against unsigned JSON with gzip. 0 is no goal.
type bounds struct{ signed, limit, json float64 }

func goals(set string, n int) bounds {
	return map[string]map[int]bounds{
		"env":    {60: {5.8, 2.3, 0.60}, 1000: {2.3, 1.7, 0.30}},
		"imu":    {60: {0, 2.3, 0.60}, 1000: {8.4, 1.7, 0.45}},
		"gps":    {60: {0, 2.3, 0.60}},
		"events": {60: {0, 0, 0.70}},
	}[set][n]
}

func (b *bench) beside(s *set, n int) error {
	b.out.heading("%s: %d fields, %d readings a batch, bytes a reading", s.name, len(s.fields), n)
	goal := goals(s.name, n)
	our, columns := ours(), columnsOnly()
	signed, err := our.perReading(s, n)
	if err != nil {
		return err
	}
	bare, err := columns.perReading(s, n)
	if err != nil {
		return err
	}
	b.out.maybe(our.name, signed, goal.signed, "%.2f")
	b.out.only(columns.name, bare, "%.2f")
	b.out.maybe("  to the limit", bare/limits()[s.name], goal.limit, "%.2f times")
	for _, p := range peers() {
		each, err := p.perReading(s, n)
		if err != nil {
			return err
		}
		b.out.only(p.name, each, "%.2f")
		bound := 0.0
		if p.name == "JSON, gzip" {
			bound = goal.json
		}
		b.out.maybe("  ours to it", signed/each, bound, "%.2f times")
	}
	return nil
}

// speed compares encoding and decoding a batch of 100 with SenML-CBOR by the library of that trade, in this process.
func (b *bench) speed(s *set) error {
	const n = 100
	from := len(s.rows) / 2
	batch := s.batch(from, n)
	records := senmlRecords(s, from, n)
	mode, err := senmlMode()
	if err != nil {
		return err
	}
	theirs, err := mode.Marshal(records)
	if err != nil {
		return err
	}
	var e wire.Encoder
	payload, err := e.AppendBatch(nil, batch, 0)
	if err != nil {
		return err
	}
	scratch := make([]byte, 0, 2*len(payload))
	var failed error
	note := func(err error) {
		if err != nil {
			failed = err
		}
	}
	costs := timed(
		func() { _, err := e.AppendBatch(scratch, batch, 0); note(err) },
		func() { _, err := mode.Marshal(records); note(err) },
		func() { _, err := wire.DecodeBatch(payload); note(err) },
		func() { var out []senml; note(cbor.Unmarshal(theirs, &out)) },
	)
	encodes, theirEncodes, decodes, theirDecodes := costs[0], costs[1], costs[2], costs[3]
	if failed != nil {
		return failed
	}
	b.out.heading("%s: a batch of %d, ours to SenML-CBOR in the same process", s.name, n)
	b.out.only("encode, ours", encodes.nanoseconds/n, "%.0f ns a reading")
	b.out.atMost("  to SenML-CBOR", encodes.nanoseconds/theirEncodes.nanoseconds, 1, "%.2f times")
	b.out.atMost("  allocations", encodes.allocations/n, 0.3, "%.2f a reading")
	b.out.only("decode, ours", decodes.nanoseconds/n, "%.0f ns a reading")
	b.out.atMost("  to SenML-CBOR", decodes.nanoseconds/theirDecodes.nanoseconds, 0.25, "%.2f times")
	return nil
}

// cost is what one call takes.
type cost struct{ nanoseconds, allocations float64 }

// rounds is how often calls are timed, each for at least two milliseconds.
const rounds = 60

// timed is the least of many short rounds of each of some calls, in turns: other work on the machine only makes one longer, and
// it hits all of them alike.
func timed(fs ...func()) []cost {
	best, calls := make([]cost, len(fs)), make([]int, len(fs))
	for i, f := range fs {
		best[i].nanoseconds = math.Inf(1)
		for calls[i] = 1; took(f, calls[i]) < 2*time.Millisecond; calls[i] *= 2 {
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		took(f, calls[i])
		runtime.ReadMemStats(&after)
		best[i].allocations = float64(after.Mallocs-before.Mallocs) / float64(calls[i])
	}
	for range rounds {
		for i, f := range fs {
			best[i].nanoseconds = min(best[i].nanoseconds, float64(took(f, calls[i]).Nanoseconds())/float64(calls[i]))
		}
	}
	return best
}

func took(f func(), calls int) time.Duration {
	began := time.Now()
	for range calls {
		f()
	}
	return time.Since(began)
}
