package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
)

// fault is an error of the network in words of one line, which hold nothing secret and nothing a stranger could use to
// forge a line of a log.
type fault struct {
	text  string
	cause error
	left  bool
}

func (f *fault) Error() string { return f.text }
func (f *fault) Unwrap() error { return f.cause }

// Left tells whether, given the error of Send or Control, something of the message may have left this object. It has not
// when no connection could be made.
func Left(err error) bool {
	var f *fault
	return !errors.As(err, &f) || f.left
}

// plain takes the method and URL off an error of a client: the recipient's name says it better. left tells whether the
// message was begun to be written.
func plain(host string, err error, left bool) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	f := &fault{cause: err, left: left, text: oneLine(err.Error())}
	var timeout net.Error
	var operation *net.OpError
	switch {
	case errors.Is(err, context.Canceled):
		f.cause, f.text = context.Canceled, context.Canceled.Error()
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		f.text = fmt.Sprintf("%s did not answer in time", host)
	case errors.As(err, &operation): // names the address and the cause
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		f.text = fmt.Sprintf("%s closed the connection without an answer", host)
	case strings.Contains(f.text, "malformed") || strings.Contains(f.text, "net/http: "): // may quote what was answered
		f.text = fmt.Sprintf("what %s answers is not HTTP, or not over TLS", host)
	}
	return f
}

// oneLine keeps printable text of a bearable length: certificates, for one, say whatever their maker likes.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return '?'
		}
		return r
	}, text)
	return text[:min(len(text), 300)]
}

// onlyHere makes a dialer whose connections end on this machine, whatever a name was resolved to.
func onlyHere(dial Dialer) Dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if to, ok := conn.RemoteAddr().(*net.TCPAddr); ok && !to.IP.IsLoopback() {
			_ = conn.Close()
			return nil, fmt.Errorf("%s is not on this machine, and http is for this machine only", address)
		}
		return conn, nil
	}
}
