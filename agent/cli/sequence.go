package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/candor-edge/candor/uplink/wire"
)

// eachMessage splits a CBOR sequence (RFC 8742) and calls visit with each item, counted from 1, and the byte it begins at. It holds
// one message in memory, however long the sequence. It returns how many there were.
func eachMessage(r io.Reader, name string, visit func(n int, at int64, data []byte) error) (int, error) {
	in := bufio.NewReaderSize(r, usualMessage)
	at := int64(0)
	for n := 1; ; n++ {
		data, more, err := next(in)
		in = more
		switch {
		case errors.Is(err, io.EOF):
			return n - 1, nil
		case errors.As(err, new(*fs.PathError)):
			return n - 1, fileError(err)
		case err != nil:
			return n - 1, failf("candor decode --help", "%s: no message at byte %d: %w", name, at, err)
		}
		if err := visit(n, at, data); err != nil {
			return n, err
		}
		at += int64(len(data))
		if _, err := in.Discard(len(data)); err != nil {
			return n, fmt.Errorf("%s: %w", name, err)
		}
	}
}

// usualMessage is the buffer that most messages fit into, bytes.
const usualMessage = 64 << 10

// next returns the item at the front of in, without taking it, and the reader to go on with: a larger one once a message
// needs it. The item is valid until the next read. io.EOF is a clean end.
func next(in *bufio.Reader) ([]byte, *bufio.Reader, error) {
	// First what is there already: filling the buffer each time would move all of it for every small message.
	want := max(in.Buffered(), 1)
	for {
		data, readErr := in.Peek(want)
		if len(data) == 0 {
			return nil, in, readErr
		}
		n, err := wire.ItemLength(data)
		switch {
		case err == nil:
			return data[:n], in, nil
		case !errors.Is(err, wire.ErrTruncated):
			return nil, in, fmt.Errorf("it is no CBOR, or sealed: %w", err)
		case errors.Is(readErr, io.EOF):
			return nil, in, errors.New("the message is cut off")
		case readErr != nil:
			return nil, in, readErr
		case want < in.Size():
			want = in.Size()
		case in.Size() <= wire.MaxMessage:
			in = bufio.NewReaderSize(in, wire.MaxMessage+1)
			want = in.Size()
		default:
			return nil, in, fmt.Errorf("longer than a message can be, %d bytes", wire.MaxMessage)
		}
	}
}

// fileError puts a file's error in words that begin with its name.
func fileError(err error) error {
	var p *fs.PathError
	if !errors.As(err, &p) {
		return err
	}
	code := exitFailed
	if errors.Is(err, fs.ErrPermission) {
		code = exitNotAllowed
	}
	return &failure{fmt.Errorf("%s: %w", p.Path, p.Err), code, ""}
}
