package control

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/candor-edge/candor/store/consent"
)

// metrics is the text of GET /metrics, in the exposition format of Prometheus (version 0.0.4). Families come one after the
// other, each with its help, as that format wants it.
type metrics struct {
	strings.Builder
}

// family begins a family; kind is gauge or counter.
func (m *metrics) family(name, kind, help string) {
	m.WriteString("# HELP candor_" + name + " " + help + "\n# TYPE candor_" + name + " " + kind + "\n")
}

// sample is one line of the family; labels are pairs of name and value.
func (m *metrics) sample(name string, v int64, labels ...string) {
	m.WriteString("candor_" + name)
	for i := 0; i+1 < len(labels); i += 2 {
		sep := byte(',')
		if i == 0 {
			sep = '{'
		}
		m.WriteByte(sep)
		m.WriteString(labels[i] + `="` + labelText(labels[i+1]) + `"`)
	}
	if len(labels) > 1 {
		m.WriteByte('}')
	}
	m.WriteString(" " + strconv.FormatInt(v, 10) + "\n")
}

// one is a family with one sample.
func (m *metrics) one(name, kind, help string, v int64, labels ...string) {
	m.family(name, kind, help)
	m.sample(name, v, labels...)
}

// labelText escapes what would end a label.
func labelText(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s)
}

func truth(on bool) int64 {
	if on {
		return 1
	}
	return 0
}

// metricsText is the metrics of a status. What depends on what happened in the home is in it for the person only: a
// collector that runs as root carries it off the object, and nobody agreed to that.
func metricsText(s *Status, h *Health, role Role) string {
	var m metrics
	if role != Person && !s.Limited {
		*s = s.ForTechnician()
	}
	m.one("info", "gauge", "The program.", 1, "version", s.Version)
	m.one("start_time_seconds", "gauge", "When the agent started, in seconds since 1970.", s.Since.Unix())
	m.one("healthy", "gauge", "Whether data flows.", truth(h.OK))
	m.one("sensing", "gauge", "Whether every source is read in time.", truth(h.Sensing))
	m.one("sending", "gauge", "Whether the buffer takes rows and no way has failed for long.", truth(h.Sending))
	m.family("part_healthy", "gauge", "Whether a part does its work.")
	for _, p := range h.Parts {
		m.sample("part_healthy", truth(p.OK), "kind", p.Kind, "name", p.Name)
	}
	m.one("policy_in_force", "gauge", "Whether a policy is in force, and which.", truth(s.Policy.State == "ok"),
		"version", strconv.FormatUint(s.Policy.Version, 10), "signed", strconv.FormatBool(s.Policy.Signed))
	m.family("route_failures", "gauge", "Failures in a row on the way to a recipient.")
	for _, r := range s.Routes {
		m.sample("route_failures", int64(r.Failures), "recipient", r.Recipient)
	}
	m.one("buffer_max_bytes", "gauge", "What the buffer may take.", s.Buffer.MaxBytes)
	if role == Person {
		m.person(s)
	}
	return m.String()
}

// person adds what only the person may see.
func (m *metrics) person(s *Status) {
	m.one("paused", "gauge", "Whether a pause keeps everything from leaving.", truth(s.Paused != time.Time{}))
	m.one("buffer_bytes", "gauge", "What the buffer has on disk.", s.Buffer.Bytes)
	m.one("buffer_waiting_rows", "gauge", "Rows in memory that are not on disk yet.", int64(s.Buffer.Waiting))
	m.one("buffer_written_bytes_total", "counter", "Written to the file system since the start.", s.Buffer.Written)
	m.family("purpose_granted", "gauge", "Whether a purpose has a yes.")
	for i := range s.Purposes {
		m.sample("purpose_granted", truth(s.Purposes[i].State == consent.Given), "purpose", s.Purposes[i].ID)
	}
	for _, f := range []struct {
		name, kind, help string
		of               func(*PurposeStatus) int64
	}{
		{"purpose_buffered_rows", "gauge", "Rows that are kept and not cut yet.", func(p *PurposeStatus) int64 { return int64(p.Buffered) }},
		{"purpose_outgoing_batches", "gauge", "Uploads on their way.", func(p *PurposeStatus) int64 { return int64(p.Outgoing) }},
		{"purpose_parked_batches", "gauge", "Uploads that the recipient refused.", func(p *PurposeStatus) int64 { return int64(p.Parked) }},
		{"purpose_sent_rows_total", "counter", "Rows that a recipient has accepted.", func(p *PurposeStatus) int64 { return int64(p.Sent.Rows) }},
		{"purpose_sent_bytes_total", "counter", "Bytes that went out, every try counted.", func(p *PurposeStatus) int64 { return int64(p.Sent.WireBytes) }},
	} {
		m.family(f.name, f.kind, f.help)
		for i := range s.Purposes {
			m.sample(f.name, f.of(&s.Purposes[i]), "purpose", s.Purposes[i].ID)
		}
	}
}

// plain is an answer that is text and no JSON.
type plain string

func (s *server) metrics(r *http.Request) (any, error) {
	if err := noQuery(r); err != nil {
		return nil, err
	}
	status, err := s.backend.Status(r.Context())
	if err != nil {
		return nil, err
	}
	health, err := s.backend.Health(r.Context())
	return plain(metricsText(&status, &health, roleOf(r.Context()))), err
}
