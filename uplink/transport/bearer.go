package transport

import (
	"fmt"
	"sync"

	"github.com/candor-edge/candor/tinyconf"
)

// bearer is the bearer token of a route. It is read again once it was refused: whoever renews the file renews the token,
// and nothing has to be restarted.
type bearer struct {
	from tinyconf.Secret
	env  tinyconf.Env
	mu   sync.Mutex
	text string
}

// newBearer reads the token of a route; one without has an empty one.
func newBearer(r *Route, env Env) (*bearer, error) {
	t := &bearer{from: r.Auth, env: env.Secrets}
	if !r.Auth.IsSet() {
		return t, nil
	}
	var err error
	if t.text, err = r.Auth.ReadText(env.Secrets); err != nil {
		return nil, fmt.Errorf("route to %s: auth: %w", r.Recipient, err)
	}
	return t, nil
}

// now is the token to show.
func (t *bearer) now() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text
}

// refused says that a token was not accepted. What can't be read leaves the old one.
func (t *bearer) refused(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.from.IsSet() || t.text != text {
		return
	}
	if fresh, err := t.from.ReadText(t.env); err == nil {
		t.text = fresh
	}
}
