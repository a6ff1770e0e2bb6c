package control

import (
	"context"
	"net/http"
	"time"
)

// Looker looks at sensors for whoever has to mend them.
type Looker interface {
	// Look tells how each of the named sensors is, or all with none named; a name that is not there is an [ErrNotFound].
	// Values are in it only while nobody has ever agreed to anything on this object.
	Look(ctx context.Context, names []string) (Looks, error)

	// Scan asks the known addresses of one I2C bus, or of all with "", who is there. Addresses that a sensor of the
	// configuration or a driver of the kernel has are not asked. It shows no value.
	Scan(ctx context.Context, bus string) (Scan, error)
}

// Looks is what `sensor read` prints.
type Looks struct {
	Workshop bool   `json:"workshop"` // nobody has agreed to anything yet: live values are shown
	Sensors  []Look `json:"sensors"`
}

// NotAllowed is the state of a sensor that the agent's user may not read; the error names the group that may.
const NotAllowed = "not allowed"

// Look is how one sensor is.
type Look struct {
	Name      string      `json:"name"`
	Driver    string      `json:"driver"`
	Simulated bool        `json:"simulated"`
	State     string      `json:"state"`
	Error     string      `json:"error,omitempty"`
	Fault     string      `json:"fault,omitempty"` // in which way it failed last: "no answer", "wrong part", "timeout" …; "" while all is well
	Age       string      `json:"age,omitempty"`   // of the last good look; "" when it would tell of an event, or there was none
	Fields    []FieldLook `json:"fields"`
}

// FieldLook is how one field is, in verdicts. Of a field that tells of people only what its part is like is told.
type FieldLook struct {
	Name    string `json:"name"`
	Unit    string `json:"unit,omitempty"`
	Present string `json:"present"`         // yes, no, not told
	InRange string `json:"in_range"`        // yes, no, not told
	Moving  string `json:"moving"`          // yes, no, not known yet, not told: over this hour and the last
	Spread  string `json:"spread"`          // none, small, normal, wide, not known yet, not told: of the same
	Value   string `json:"value,omitempty"` // in the workshop only
}

// Scan is what `sensor scan` prints.
type Scan struct {
	At    time.Time `json:"at"`
	Buses []string  `json:"buses"` // that were asked, branches of muxes among them
	Found []Found   `json:"found"`
	Notes []string  `json:"notes,omitempty"` // what was not asked, and why
}

// Found is who is at one address.
type Found struct {
	Bus     string   `json:"bus"`
	Address string   `json:"address"` // "0x76"
	State   string   `json:"state"`   // identified, unidentified, kernel, configured, mux, failed
	Parts   []string `json:"parts"`   // drivers: the one it is, or those that it may be
	Words   string   `json:"words"`
	Config  string   `json:"config,omitempty"` // lines for candor.toml
}

func (s *server) look(r *http.Request) (any, error) {
	if err := noQuery(r, "name"); err != nil {
		return nil, err
	}
	looks, err := s.backend.Look(r.Context(), r.URL.Query()["name"])
	if looks.Workshop {
		s.tell(roleOf(r.Context()), "see live values in the workshop", false)
	}
	looks.Sensors = list(looks.Sensors)
	for i := range looks.Sensors {
		looks.Sensors[i].Fields = list(looks.Sensors[i].Fields)
	}
	return looks, err
}

func (s *server) scan(r *http.Request) (any, error) {
	if err := noQuery(r, "bus"); err != nil {
		return nil, err
	}
	scan, err := s.backend.Scan(r.Context(), r.URL.Query().Get("bus"))
	return scan.Listed(), err
}

// Listed is the scan with lists that are never null.
func (s Scan) Listed() Scan {
	s.Buses, s.Found = list(s.Buses), list(s.Found)
	for i := range s.Found {
		s.Found[i].Parts = list(s.Found[i].Parts)
	}
	return s
}

// Look asks how sensors are.
func (c *Client) Look(ctx context.Context, names []string) (Looks, error) {
	var l Looks
	err := c.do(ctx, http.MethodGet, withQuery("/v1/sensor/read", "name", names...), nil, &l)
	return l, err
}

// Scan asks who is on the buses.
func (c *Client) Scan(ctx context.Context, bus string) (Scan, error) {
	var s Scan
	err := c.do(ctx, http.MethodGet, withQuery("/v1/sensor/scan", "bus", bus), nil, &s)
	return s, err
}
