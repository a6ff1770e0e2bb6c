package control

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
)

// Sheet is what a hand-over sheet for the person is made of: who answers for the object, and how to know it again. It
// names nobody who lives with it.
type Sheet struct {
	Language    string   `json:"language"`
	Controller  string   `json:"controller,omitempty"` // name and country; "" while no policy is in force
	Contact     string   `json:"contact,omitempty"`
	Authority   string   `json:"authority,omitempty"` // to whom to complain
	Purposes    []string `json:"purposes"`            // titles of what is asked
	Fingerprint string   `json:"fingerprint"`         // of the key that signs the object's receipts
	Page        string   `json:"page,omitempty"`      // address of the page on the object; "" when it serves none
}

// Presenter introduces the object to the person.
type Presenter interface {
	// Sheet is what the hand-over sheet says, in a language; "" is the object's own.
	Sheet(ctx context.Context, language string) (Sheet, error)
}

// Fingerprint is a short name of a public key, to be compared by eye: the first 16 bytes of its SHA-256 in groups of four
// hexadecimal digits.
func Fingerprint(key []byte) string {
	sum := sha256.Sum256(key)
	digits := hex.EncodeToString(sum[:16])
	var groups []string
	for i := 0; i < len(digits); i += 4 {
		groups = append(groups, digits[i:i+4])
	}
	return strings.Join(groups, " ")
}

// Sheet asks for what the hand-over sheet says.
func (c *Client) Sheet(ctx context.Context, language string) (Sheet, error) {
	var a Sheet
	err := c.do(ctx, http.MethodGet, withQuery("/v1/sheet", "language", language), nil, &a)
	return a, err
}

func (s *server) sheet(r *http.Request) (any, error) {
	if err := noQuery(r, "language"); err != nil {
		return nil, err
	}
	lang := r.URL.Query().Get("language")
	if err := checkLanguage(lang); err != nil {
		return nil, err
	}
	a, err := s.backend.Sheet(r.Context(), lang)
	a.Purposes = list(a.Purposes)
	return a, err
}
