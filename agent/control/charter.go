package control

import (
	"context"
	"net/http"

	"github.com/candor-edge/candor/store/consent/charter"
)

// Teller says what the object does with a person's data.
type Teller interface {
	// Charter is all that holds now, in French and in English, and what could not be said. It holds no measured value. It is
	// there without a policy as well, and then says little.
	Charter(ctx context.Context) (charter.Document, error)
}

func (s *server) charter(r *http.Request) (any, error) {
	if err := noQuery(r); err != nil {
		return nil, err
	}
	d, err := s.backend.Charter(r.Context())
	d.Fragments, d.Refused = list(d.Fragments), list(d.Refused)
	return d, err
}

// Charter asks for all that the object says of itself, in both languages.
func (c *Client) Charter(ctx context.Context) (charter.Document, error) {
	var d charter.Document
	err := c.do(ctx, http.MethodGet, "/v1/charter", nil, &d)
	return d, err
}
