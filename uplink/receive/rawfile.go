package receive

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/candor-edge/candor/uplink/wire"
)

// A signed message is of one form (FORMAT.md section 7), so that its length
// can be read off its beginning: 7 bytes, the payload with its head, and 66 of
// the signature.
const (
	signedHead = 7
	signedTail = 2 + 64
)

// eachSigned hands over the committed messages of a file of signed messages,
// numbered from 0. The bytes are good until the next.
func eachSigned(path string, committed int64, each func(i int, signed []byte) error) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	defer f.Close()
	in := bufio.NewReaderSize(io.LimitReader(f, committed), 64<<10)
	var buf []byte
	for i, at := 0, int64(0); at < committed; i++ {
		head, err := in.Peek(signedHead + 5)
		n, ok := signedLength(head)
		if err != nil || !ok {
			return &DamageError{path, at, "no signed message begins here"}
		}
		if cap(buf) < n {
			buf = make([]byte, n)
		}
		buf = buf[:n]
		if _, err := io.ReadFull(in, buf); err != nil {
			return &DamageError{path, at, "a signed message is cut"}
		}
		if err := each(i, buf); err != nil {
			return err
		}
		at += int64(n)
	}
	return nil
}

// signedLength reads the length of a signed message off its first bytes.
func signedLength(head []byte) (n int, ok bool) {
	if len(head) < signedHead+5 {
		return 0, false
	}
	payload, first := 0, head[signedHead]
	switch rest := head[signedHead+1:]; {
	case first >= 0x40 && first < 0x58:
		payload = 1 + int(first-0x40)
	case first == 0x58:
		payload = 2 + int(rest[0])
	case first == 0x59:
		payload = 3 + int(binary.BigEndian.Uint16(rest))
	case first == 0x5a && binary.BigEndian.Uint32(rest) <= wire.MaxMessage:
		payload = 5 + int(binary.BigEndian.Uint32(rest))
	default:
		return 0, false
	}
	return signedHead + payload + signedTail, true
}

// storedBatch decodes a signed batch that was verified when it came.
func storedBatch(signed []byte) (*wire.Batch, error) {
	payload, err := wire.SignedPayload(signed)
	if err != nil {
		return nil, fmt.Errorf("receive: a stored batch: %w", err)
	}
	b, err := wire.DecodeBatch(payload)
	if err != nil {
		return nil, fmt.Errorf("receive: a stored batch: %w", err)
	}
	return b, nil
}

// Export hands the batches of a stream over, see [Exporter]. A deletion that
// runs meanwhile takes the name of the file away and not what is being read:
// then the export ends early, with what an access before the deletion gives.
func (s *DirSink) Export(ctx context.Context, id wire.StreamID, each func(signed []byte) error) error {
	s.mu.RLock()
	m := s.st.streams[id]
	committed := int64(0)
	if m != nil && !m.withdrawn {
		committed = m.raw
	}
	s.mu.RUnlock()
	if committed == 0 {
		return nil
	}
	err := eachSigned(s.at.raw(id), committed, func(i int, signed []byte) error {
		if i == 0 {
			return ctx.Err()
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return each(signed)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("receive: the signed messages of a stream are gone: %w", err)
	}
	return err
}
