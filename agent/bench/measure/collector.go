package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// collector is an OpenTelemetry Collector with the OTLP receiver and exporter, the transform processor and the file storage
// extension: the contrib distribution has them, and so has any that is built of these four. Readings are log records, since a
// record keeps the fields of one reading together; the queue is on the disk and synced, and batches of 1,000 are made from it.
func collector() peer {
	return peer{name: "OpenTelemetry Collector", variable: "OTELCOL", path: "/v1/logs", kind: "application/json",
		files: func(h house) map[string]string { return map[string]string{"collector.yaml": collectorConfig(h)} },
		args:  func(h house) []string { return []string{"--config", "file:" + h.dir + "/collector.yaml"} },
		body:  logRecords, read: readLogs}
}

func collectorConfig(h house) string {
	return fmt.Sprintf(`receivers:
  otlp: {protocols: {http: {endpoint: %q}}}
processors:
  transform:
    error_mode: propagate
    log_statements:
      - context: log
        statements:
          - delete_key(attributes, "email")
          - set(attributes["device"], SHA256(Concat(["0123456789abcdef0123456789abcdef", attributes["device"]], "")))
          - set(attributes["latitude"], Double(Int(attributes["latitude"] * 100.0)) / 100.0)
          - set(attributes["longitude"], Double(Int(attributes["longitude"] * 100.0)) / 100.0)
exporters:
  otlphttp:
    endpoint: "http://%s"
    compression: gzip
    sending_queue:
      storage: file_storage
      sizer: items
      queue_size: 10000000
      block_on_overflow: true
      batch: {sizer: items, flush_timeout: 1s, min_size: 1000, max_size: 1000}
extensions:
  file_storage: {directory: %q, fsync: true}
service:
  extensions: [file_storage]
  telemetry: {metrics: {level: none}}
  pipelines:
    logs: {receivers: [otlp], processors: [transform], exporters: [otlphttp]}
`, h.in, h.sink, h.dir+"/queue")
}

// logRecords is a request of OTLP in JSON: opentelemetry-proto, logs/v1 and collector/logs/v1.
func logRecords(batch []spoken) ([]byte, error) {
	type value map[string]any
	type attribute struct {
		Key   string `json:"key"`
		Value value  `json:"value"`
	}
	type record struct {
		Time       string      `json:"timeUnixNano"`
		Attributes []attribute `json:"attributes"`
	}
	records := make([]record, 0, len(batch))
	for _, r := range batch {
		attributes := []attribute{{"device", value{"stringValue": r.Device}}, {"email", value{"stringValue": r.Email}}, {"occupancy", value{"boolValue": r.Occupancy}}}
		for _, f := range []struct {
			key string
			v   float64
		}{{"temperature", r.Temperature}, {"humidity", r.Humidity}, {"light", r.Light}, {"co2", r.CO2}, {"latitude", r.Latitude}, {"longitude", r.Longitude}} {
			attributes = append(attributes, attribute{f.key, value{"doubleValue": f.v}})
		}
		records = append(records, record{strconv.FormatInt(r.Time, 10), attributes})
	}
	return json.Marshal(map[string]any{"resourceLogs": []any{map[string]any{"scopeLogs": []any{map[string]any{"logRecords": records}}}}})
}

// protoField is one field of a message in the encoding of Protocol Buffers: its number, and its value as a number or as bytes.
type protoField struct {
	number int
	value  uint64
	bytes  []byte
}

// eachField gives each field of a message to take (protobuf.dev, Encoding).
func eachField(b []byte, take func(protoField) error) error {
	for len(b) > 0 {
		key, n := binary.Uvarint(b)
		if n <= 0 {
			return errors.New("a field has no number")
		}
		b = b[n:]
		m := protoField{number: int(key >> 3)}
		switch key & 7 {
		case 0:
			if m.value, n = binary.Uvarint(b); n <= 0 {
				return errors.New("a number is cut off")
			}
		case 1, 5:
			n = map[uint64]int{1: 8, 5: 4}[key&7]
			if len(b) < n {
				return errors.New("a number is cut off")
			}
			if n == 8 {
				m.value = binary.LittleEndian.Uint64(b)
			}
		case 2:
			size, k := binary.Uvarint(b)
			if k <= 0 || size > uint64(len(b)-k) {
				return errors.New("a field is cut off")
			}
			m.bytes, n = b[k:k+int(size)], k+int(size)
		default:
			return fmt.Errorf("wire type %d", key&7)
		}
		if err := take(m); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// readLogs reads what the exporter sends: ExportLogsServiceRequest, field 1 resource_logs, 2 scope_logs, 2 log_records.
func readLogs(upload []byte, take func(arrived)) error {
	path := []int{1, 2, 2}
	var into func(b []byte, depth int) error
	into = func(b []byte, depth int) error {
		if depth == len(path) {
			return readRecord(b, take)
		}
		return eachField(b, func(m protoField) error {
			if m.number != path[depth] {
				return nil
			}
			return into(m.bytes, depth+1)
		})
	}
	return into(upload, 0)
}

// readRecord reads a LogRecord: field 1 is its time, 6 its attributes.
func readRecord(b []byte, take func(arrived)) error {
	var a arrived
	numbers := map[string]*float64{"temperature": &a.temperature, "latitude": &a.latitude, "longitude": &a.longitude}
	err := eachField(b, func(m protoField) error {
		switch m.number {
		case 1:
			a.at = int64(m.value)
		case 6:
			key, v, err := attribute(m.bytes)
			if to := numbers[key]; to != nil {
				*to = v
			}
			return err
		}
		return nil
	})
	if err == nil {
		take(a)
	}
	return err
}

// attribute reads a KeyValue: field 1 is its key, 2 an AnyValue, of which field 4 is a double.
func attribute(b []byte) (key string, v float64, err error) {
	err = eachField(b, func(m protoField) error {
		switch m.number {
		case 1:
			key = string(m.bytes)
		case 2:
			return eachField(m.bytes, func(x protoField) error {
				if x.number == 4 {
					v = math.Float64frombits(x.value)
				}
				return nil
			})
		}
		return nil
	})
	return key, v, err
}
