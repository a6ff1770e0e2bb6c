package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/fxamacker/cbor/v2"

	"github.com/candor-edge/candor/uplink/wire"
)

// eachMessage splits a CBOR sequence (RFC 8742) and calls visit with each item, counted from 1, and the byte it begins at. It holds
// one message in memory, however long the sequence. It returns how many there were.
func eachMessage(r io.Reader, name string, visit func(n int, at int64, data []byte) error) (int, error) {
	mode, err := cbor.DecOptions{MaxNestedLevels: 16, MaxArrayElements: 1 << 20, MaxMapPairs: 1 << 16}.DecMode()
	if err != nil {
		return 0, fmt.Errorf("can't set up the decoder: %w", err)
	}
	in := bufio.NewReaderSize(r, wire.MaxMessage+1)
	at := int64(0)
	for n := 1; ; n++ {
		data, err := next(in, mode)
		switch {
		case errors.Is(err, io.EOF):
			return n - 1, nil
		case errors.As(err, new(*fs.PathError)):
			return n - 1, fileError(err)
		case err != nil:
			return n - 1, failf("", "%s: no message at byte %d: %w", name, at, err)
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

// next returns the item at the front of in, without taking it. It is valid until the next read. io.EOF is a clean end.
func next(in *bufio.Reader, mode cbor.DecMode) ([]byte, error) {
	// First what is there already: filling the buffer each time would move a megabyte for every small message.
	for _, want := range []int{in.Buffered(), in.Size()} {
		data, readErr := in.Peek(want)
		if want == 0 {
			continue
		}
		if len(data) == 0 {
			return nil, readErr
		}
		var item cbor.RawMessage
		rest, err := mode.UnmarshalFirst(data, &item)
		if err == nil {
			return data[:len(data)-len(rest)], nil
		}
		if want < in.Size() {
			continue
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("it is no CBOR, or sealed: %w", err)
		}
		if readErr == nil {
			return nil, fmt.Errorf("longer than a message can be, %d bytes", wire.MaxMessage)
		}
		if !errors.Is(readErr, io.EOF) {
			return nil, readErr
		}
		return nil, errors.New("the message is cut off")
	}
	return nil, io.EOF
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
