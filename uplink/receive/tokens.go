package receive

import (
	"bufio"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
)

// minToken is the shortest bearer token taken, in characters.
const minToken = 16

// Kinds of credentials.
const (
	fleetKind  = "fleet"  // one for many objects (L2): says that the sender belongs to them and not which it is
	deviceKind = "device" // one for one object (L0, L1): whoever issued it can tell which object announced a stream
)

// Tokens are the bearer tokens (RFC 6750) of those who may send. Only digests
// are kept, so they can't be printed. They don't change; replace them to
// change them.
type Tokens struct{ list []credential }

// credential is a token and what it is good for.
type credential struct {
	digest   [sha256.Size]byte
	kind     string
	purposes []string // nil: all
}

// may says whether streams of a purpose may be sent under the credential. No
// credential at all is one that may everything: then none is asked for.
func (c *credential) may(purpose string) bool {
	return c == nil || c.purposes == nil || slices.Contains(c.purposes, purpose)
}

// ReadTokens reads a token a line; blank lines and those that begin with # are
// passed over. After a token may stand its kind, fleet (the default) or device,
// and purposes with commas between, to which it is then limited. A device's
// token has to name its purposes, so that none of those that promise not to
// know the object can come under it. No token is in the error.
func ReadTokens(r io.Reader) (*Tokens, error) {
	t := new(Tokens)
	lines := bufio.NewScanner(io.LimitReader(r, 1<<20))
	for n := 1; lines.Scan(); n++ {
		words := strings.Fields(lines.Text())
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		c, err := readCredential(words)
		if err != nil {
			return nil, fmt.Errorf("receive: line %d: %w", n, err)
		}
		t.list = append(t.list, c)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("receive: read tokens: %w", err)
	}
	if len(t.list) == 0 {
		return nil, errors.New("receive: no token; write one on a line of its own")
	}
	return t, nil
}

func readCredential(words []string) (credential, error) {
	c := credential{digest: sha256.Sum256([]byte(words[0])), kind: fleetKind}
	if len(words[0]) < minToken {
		return c, fmt.Errorf("a token has at least %d characters; `openssl rand -hex 32` makes one", minToken)
	}
	if len(words) > 1 {
		c.kind = words[1]
	}
	if len(words) > 2 {
		c.purposes = strings.Split(words[2], ",")
	}
	for _, p := range c.purposes {
		if !validPurpose(p) {
			return c, errors.New("purposes have 1 to 32 of a-z, 0-9 and hyphens, and commas between them")
		}
	}
	switch {
	case len(words) > 3 || c.kind != fleetKind && c.kind != deviceKind:
		return c, errors.New("a token holds no blanks; after it may stand fleet or device, and purposes with commas between")
	case c.kind == deviceKind && c.purposes == nil:
		return c, errors.New("a device's token names its purposes: TOKEN device PURPOSE,PURPOSE")
	}
	return c, nil
}

// Allow says whether an Authorization header holds one of the tokens. It takes
// as long for a wrong one as for a right one.
func (t *Tokens) Allow(authorization string) bool { return t.find(authorization) != nil }

func (t *Tokens) find(authorization string) (found *credential) {
	scheme, token, ok := strings.Cut(authorization, " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	for i := range t.list {
		if subtle.ConstantTimeCompare(sum[:], t.list[i].digest[:]) == 1 {
			found = &t.list[i]
		}
	}
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	return found
}

// LogValue hides even the digests.
func (t *Tokens) LogValue() slog.Value { return slog.StringValue("[hidden]") }
