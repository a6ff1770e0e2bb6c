package transport

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Refusal is an answer of the recipient that is no acceptance.
type Refusal struct {
	Status     int           // HTTP status
	Code       string        // the recipient's own word for it, at most 64 characters of a-z, 0-9 and -; "" when it gave none
	RetryAfter time.Duration // what it asked to be waited; 0 when it did not
}

// Error says what the recipient answered, in words a technician can use.
func (r *Refusal) Error() string {
	text := fmt.Sprintf("the recipient answered %d %s", r.Status, http.StatusText(r.Status))
	if r.Code != "" {
		text += " (" + r.Code + ")"
	}
	switch r.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		text += "; check auth of its [[route]]"
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		text += "; check url of its [[route]]"
	}
	return text
}

// ErrNoProof is an answer that looks like success but does not name what it accepts: a captive portal, a proxy, a body
// cut short. The upload counts as not accepted.
var ErrNoProof = errors.New("the answer does not say what it accepted; something between answers for the recipient, or the answer was cut")

// Verdict is what an error of Send means for the upload.
type Verdict int

// The verdicts.
const (
	Retry   Verdict = iota // try again later, the same bytes
	Poison                 // the recipient will never take these bytes: park them
	Unknown                // the announcement is not known there: send it, then again
	Gone                   // the recipient has forgotten this stream on request: never again
	Clash                  // the recipient has something else under this number or name: park them, go on under a fresh name
)

// goneCode is the recipient's word for a stream whose deletion request it has had (PROTOCOL.md).
const goneCode = "withdrawn"

// Judge says what an error of Send means. A nil error is not for it.
func Judge(err error) Verdict {
	var r *Refusal
	if !errors.As(err, &r) {
		return Retry
	}
	switch r.Status {
	case http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return Poison
	case http.StatusConflict:
		return Clash
	case http.StatusPreconditionRequired:
		return Unknown
	case http.StatusGone:
		if r.Code == goneCode { // a proxy's 410 ends nobody's yes
			return Gone
		}
	}
	return Retry
}

// maxRetryAfter bounds what a recipient can make the object wait: a day.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads a Retry-After header (RFC 9110 §10.2.3), seconds or a date. What it can't read is 0.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if header != "" && strings.Trim(header, "0123456789") == "" {
		s, err := strconv.ParseInt(header, 10, 64)
		if err != nil || s > int64(maxRetryAfter/time.Second) { // more than fits is still a wish to wait long
			return maxRetryAfter
		}
		return time.Duration(s) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}

// cleanCode keeps a recipient's word for an error only when it is one: nothing that a stranger sends is printed as is.
func cleanCode(code string) string {
	if len(code) > 64 {
		return ""
	}
	for i := 0; i < len(code); i++ {
		if c := code[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return ""
		}
	}
	return code
}
