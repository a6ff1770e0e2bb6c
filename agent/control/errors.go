package control

import (
	"errors"
	"fmt"
	"net/http"
)

// Code says what kind of thing went wrong. It is an error of its own, to be used with [errors.Is]; a [Backend] returns
// an [*Error], or any error that wraps a Code.
type Code string

// The codes. They are part of the API: scripts may compare them.
const (
	ErrBadRequest  Code = "bad-request" // 400: the request itself is wrong
	ErrNotAllowed  Code = "not-allowed" // 403: this role may not do that
	ErrNotFound    Code = "not-found"   // 404: no such path or purpose
	ErrMethod      Code = "bad-method"  // 405: the path is there, with another method
	ErrConflict    Code = "conflict"    // 409: the state forbids it, as a purpose the charter refuses
	ErrInternal    Code = "internal"    // 500: anything else
	ErrUnavailable Code = "unavailable" // 503: can't be done now, may be later
)

// ErrNoDaemon is what [Dial] returns, wrapped, when nothing answers at the socket: there is none, or the daemon that made it
// is gone.
const ErrNoDaemon Code = "no-daemon"

// ErrInUse is what [Serve] returns, wrapped, when a living daemon answers at the socket.
const ErrInUse Code = "in-use"

// Error returns the code itself.
func (c Code) Error() string { return string(c) }

// status is the HTTP status a code travels with.
func (c Code) status() int {
	switch c {
	case ErrBadRequest:
		return http.StatusBadRequest
	case ErrNotAllowed:
		return http.StatusForbidden
	case ErrNotFound:
		return http.StatusNotFound
	case ErrMethod:
		return http.StatusMethodNotAllowed
	case ErrConflict:
		return http.StatusConflict
	case ErrUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// Error is a failure as the API tells it. Text and Hint are for the person who reads them and hold no measured value.
type Error struct {
	Code  Code   // kind; decides the HTTP status and the exit code of the command line
	Text  string // what failed, one sentence without a full stop
	Hint  string // what to do next, often a command to type; "" when there is nothing to do
	Cause error  // what lies behind it; stays on this side of the socket
}

// Error returns the text.
func (e *Error) Error() string { return e.Text }

// Is makes errors.Is(err, ErrNotFound) and the like work, whatever the cause.
func (e *Error) Is(target error) bool { return target == error(e.Code) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Errorf makes an [*Error] with a hint; format and args make the text, and an operand of %w becomes the cause.
func Errorf(code Code, hint, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Text: err.Error(), Hint: hint, Cause: errors.Unwrap(err)}
}

// asError finds or makes the [*Error] of err: a wrapped one keeps its code and hint and gets the text of the whole.
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		if error(e) == err {
			return e
		}
		return &Error{Code: e.Code, Text: err.Error(), Hint: e.Hint, Cause: err}
	}
	var c Code
	if errors.As(err, &c) {
		return &Error{Code: c, Text: err.Error(), Cause: err}
	}
	return &Error{Code: ErrInternal, Text: err.Error(), Cause: err}
}

// errorBody is how an error looks on the socket.
type errorBody struct {
	Error errorText `json:"error"`
}

// errorText is an [Error] as it travels.
type errorText struct {
	Code Code   `json:"code"`
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
}

// error is the error at the other end.
func (t errorText) error() *Error { return &Error{Code: t.Code, Text: t.Text, Hint: t.Hint} }
