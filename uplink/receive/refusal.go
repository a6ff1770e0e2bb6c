package receive

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// Code names a refusal in the error body of an answer. Codes are part of the
// protocol and do not change.
type Code string

// The codes, each with one HTTP status (PROTOCOL.md says what to do on each).
const (
	CodeBadRequest   Code = "bad-request"            // 400: the body was cut or the request is not HTTP as it should be
	CodeUnauthorized Code = "unauthorized"           // 401: no credential, or an unknown one
	CodeForbidden    Code = "forbidden"              // 403: this credential may not send this purpose
	CodeNotFound     Code = "not-found"              // 404: no such path
	CodeMethod       Code = "method-not-allowed"     // 405
	CodeSlow         Code = "too-slow"               // 408: the body did not come in time
	CodeConflict     Code = "conflict"               // 409: the number or the stream is taken by other content
	CodeWithdrawn    Code = "withdrawn"              // 410: the person withdrew; nothing of the stream is taken again
	CodeTooLarge     Code = "too-large"              // 413
	CodeMediaType    Code = "unsupported-media-type" // 415: content type or encoding, or sealed to nobody here
	CodeMalformed    Code = "malformed"              // 422: not a message of this format
	CodeSeal         Code = "seal"                   // 422: sealed to another key, or altered
	CodeSignature    Code = "signature"              // 422: signed by another key, as another kind, or altered
	CodeAlphabet     Code = "alphabet"               // 422: a value that was not announced, or finer
	CodeContact      Code = "contact"                // 422: looks like an address or a number of a person
	CodeTime         Code = "time"                   // 422: a time no calendar has
	CodeRetention    Code = "retention"              // 422: to be kept longer than announced
	CodeSize         Code = "size"                   // 422: not of the announced length
	CodePurpose      Code = "purpose"                // 422: a purpose or recipient this receiver does not take
	CodeErase        Code = "erase"                  // 422: the deletion does not hold the erase capability
	CodeUnknown      Code = "unknown-announcement"   // 428: send the announcement first
	CodeBusy         Code = "busy"                   // 503 with Retry-After
	CodeStorage      Code = "storage"                // 503 with Retry-After: it could not be made durable
)

func (c Code) status() int {
	switch c {
	case CodeBadRequest:
		return http.StatusBadRequest
	case CodeUnauthorized:
		return http.StatusUnauthorized
	case CodeForbidden:
		return http.StatusForbidden
	case CodeNotFound:
		return http.StatusNotFound
	case CodeMethod:
		return http.StatusMethodNotAllowed
	case CodeSlow:
		return http.StatusRequestTimeout
	case CodeConflict:
		return http.StatusConflict
	case CodeWithdrawn:
		return http.StatusGone
	case CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case CodeMediaType:
		return http.StatusUnsupportedMediaType
	case CodeUnknown:
		return http.StatusPreconditionRequired
	case CodeBusy, CodeStorage:
		return http.StatusServiceUnavailable
	}
	return http.StatusUnprocessableEntity
}

// Refusal is an answer other than yes. Its text goes to the object's
// technician and into logs, so it names places and reasons and never a value.
type Refusal struct {
	Code  Code
	Text  string
	After time.Duration // when to try again; zero except with CodeBusy and CodeStorage
	Cause error         // for the receiver's log only, may be nil
}

// Error returns code, text and cause in one line.
func (r *Refusal) Error() string {
	s := "receive: " + string(r.Code) + ": " + r.Text
	if r.Cause != nil {
		s += ": " + r.Cause.Error()
	}
	return s
}

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Cause }

// Status returns the HTTP status the refusal is answered with.
func (r *Refusal) Status() int { return r.Code.status() }

// retryAfter is the header's value: whole seconds, rounded up.
func (r *Refusal) retryAfter() string {
	return strconv.FormatInt(int64((r.After+time.Second-1)/time.Second), 10)
}

// The refusals every sink gives. They are shared and must not be changed.
var (
	ErrUnknown   = refuse(CodeUnknown, "the announcement of this stream is not known; send it first")
	ErrWithdrawn = refuse(CodeWithdrawn, "this stream was withdrawn; nothing of it is taken again")
	ErrStream    = refuse(CodeConflict, "this stream was announced with other content")
	ErrSeq       = refuse(CodeConflict, "another batch was accepted under this number")
	errForbidden = refuse(CodeForbidden, "this credential may not send this purpose")
	ErrPurpose   = refuse(CodePurpose, "a purpose here has 1 to 32 of a-z, 0-9 and hyphens")
)

// IsCode says whether an error is a refusal with this code.
func IsCode(err error, code Code) bool {
	var r *Refusal
	return errors.As(err, &r) && r.Code == code
}

func refuse(code Code, text string) *Refusal { return &Refusal{Code: code, Text: text} }

// asRefusal turns any error into a refusal; one that is none came from storage.
func asRefusal(err error) *Refusal {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	if errors.Is(err, context.Canceled) {
		return &Refusal{Code: CodeBadRequest, Text: "nobody waits for the answer any more", Cause: err}
	}
	return &Refusal{Code: CodeStorage, Text: "it could not be stored, try again", After: retryStorage, Cause: err}
}

// How long an object is asked to wait. Short when it is load, longer when
// somebody has to look at a disk.
const (
	retryBusy    = 2 * time.Second
	retryStorage = 30 * time.Second
)
