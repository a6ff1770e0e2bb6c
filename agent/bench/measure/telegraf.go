package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// telegraf is Telegraf with http_listener_v2, the template and round processors and the http output: its usual build has them. Its
// buffer is on the disk; it answers before a reading is there.
func telegraf() peer {
	return peer{name: "Telegraf", variable: "TELEGRAF", path: "/telegraf", kind: "text/plain",
		files: func(h house) map[string]string { return map[string]string{"telegraf.conf": telegrafConfig(h)} },
		args:  func(h house) []string { return []string{"--config", h.dir + "/telegraf.conf", "--quiet"} },
		body:  lineProtocol, read: readMetrics}
}

func telegrafConfig(h house) string {
	return fmt.Sprintf(`[agent]
  interval = "1s"
  flush_interval = "1s"
  metric_batch_size = 1000
  metric_buffer_limit = 10000000
  buffer_strategy = "disk"
  buffer_directory = %q
  omit_hostname = true
[[inputs.http_listener_v2]]
  service_address = "tcp://%s"
  data_format = "influx"
  tagexclude = ["email"]
[[processors.template]]
  tag = "device"
  template = '{{ sha256sum (print "0123456789abcdef0123456789abcdef" (.Tag "device")) }}'
[[processors.round]]
  precision = 2
  include_fields = ["latitude", "longitude"]
[[outputs.http]]
  url = "http://%s/"
  content_encoding = "gzip"
  data_format = "json"
  json_timestamp_units = "1ms"
`, h.dir+"/queue", h.in, h.sink)
}

// lineProtocol is a request of lines as Telegraf and InfluxDB take them.
func lineProtocol(batch []spoken) ([]byte, error) {
	var b strings.Builder
	for _, r := range batch {
		_, _ = fmt.Fprintf(&b, "room,device=%s,email=%s temperature=%v,humidity=%v,light=%v,co2=%v,occupancy=%v,latitude=%v,longitude=%v %d\n",
			r.Device, r.Email, r.Temperature, r.Humidity, r.Light, r.CO2, r.Occupancy, r.Latitude, r.Longitude, r.Time)
	}
	return []byte(b.String()), nil
}

// readMetrics reads what the http output sends.
func readMetrics(upload []byte, take func(arrived)) error {
	type metric struct {
		Fields struct {
			Temperature float64 `json:"temperature"`
			Latitude    float64 `json:"latitude"`
			Longitude   float64 `json:"longitude"`
		} `json:"fields"`
		Time int64 `json:"timestamp"` // milliseconds
	}
	var batch struct {
		Metrics []metric `json:"metrics"`
	}
	if err := json.Unmarshal(upload, &batch); err != nil {
		return err
	}
	if batch.Metrics == nil { // one alone has no list around it
		batch.Metrics = make([]metric, 1)
		if err := json.Unmarshal(upload, &batch.Metrics[0]); err != nil {
			return err
		}
	}
	for _, m := range batch.Metrics {
		take(arrived{m.Time * 1_000_000, m.Fields.Temperature, m.Fields.Latitude, m.Fields.Longitude})
	}
	return nil
}
