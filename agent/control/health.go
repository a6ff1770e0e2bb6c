package control

import (
	"context"
	"net/http"
)

// Health says whether data flows. It holds no value and nothing that depends on what happens in the home: anyone with a
// role may see it.
type Health struct {
	OK      bool         `json:"ok"`      // both that follow
	Sensing bool         `json:"sensing"` // every source is read in time
	Sending bool         `json:"sending"` // the buffer takes rows, and no way has failed for long
	Parts   []PartHealth `json:"parts"`
}

// PartHealth is whether one part does its work.
type PartHealth struct {
	Kind string `json:"kind"` // agent, sensor, buffer, route
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Why  string `json:"why,omitempty"` // what is wrong, in words
}

// add puts a part to the rest; why is "" when it does its work. Routes and the buffer send, everything else senses.
func (h *Health) add(kind, name, why string) {
	h.Parts = append(h.Parts, PartHealth{Kind: kind, Name: name, OK: why == "", Why: why})
	if why == "" {
		return
	}
	if kind == "route" || kind == "buffer" {
		h.Sending = false
	} else {
		h.Sensing = false
	}
	h.OK = false
}

// NewHealth is the health of parts; each is a kind, a name and what is wrong with it, "" for nothing.
func NewHealth(parts ...[3]string) Health {
	h := Health{OK: true, Sensing: true, Sending: true, Parts: []PartHealth{}}
	for _, p := range parts {
		h.add(p[0], p[1], p[2])
	}
	return h
}

// Medic says whether data flows. It answers at once and writes nothing, so a watchdog may ask it often.
type Medic interface {
	Health(ctx context.Context) (Health, error)
}

// Health asks whether data flows.
func (c *Client) Health(ctx context.Context) (Health, error) {
	var h Health
	err := c.do(ctx, http.MethodGet, "/v1/health", nil, &h)
	return h, err
}

func (s *server) health(r *http.Request) (any, error) {
	if err := noQuery(r); err != nil {
		return nil, err
	}
	h, err := s.backend.Health(r.Context())
	h.Parts = list(h.Parts)
	return h, err
}
