package receive

import (
	"bufio"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// minToken is the shortest bearer token taken, in characters.
const minToken = 16

// Tokens are the bearer tokens (RFC 6750) of those who may send. Only digests
// are kept, so they can't be printed. They don't change; replace them to
// change them.
type Tokens struct{ digests [][sha256.Size]byte }

// ReadTokens reads a token a line; blank lines and those that begin with # are
// passed over. No token is in the error.
func ReadTokens(r io.Reader) (*Tokens, error) {
	t := new(Tokens)
	lines := bufio.NewScanner(io.LimitReader(r, 1<<20))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case len(line) < minToken:
			return nil, fmt.Errorf("receive: line %d: a token has at least %d characters; `openssl rand -hex 32` makes one", n, minToken)
		case strings.ContainsAny(line, " \t"):
			return nil, fmt.Errorf("receive: line %d: a token holds no blanks", n)
		default:
			t.digests = append(t.digests, sha256.Sum256([]byte(line)))
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("receive: read tokens: %w", err)
	}
	if len(t.digests) == 0 {
		return nil, errors.New("receive: no token; write one on a line of its own")
	}
	return t, nil
}

// Allow says whether an Authorization header holds one of the tokens. It takes
// as long for a wrong one as for a right one.
func (t *Tokens) Allow(authorization string) bool {
	scheme, token, ok := strings.Cut(authorization, " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	match := 0
	for i := range t.digests {
		match |= subtle.ConstantTimeCompare(sum[:], t.digests[i][:])
	}
	return match == 1 && ok && strings.EqualFold(scheme, "Bearer")
}

// LogValue hides even the digests.
func (t *Tokens) LogValue() slog.Value { return slog.StringValue("[hidden]") }
