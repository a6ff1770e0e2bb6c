package jetstream

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/candor-edge/candor/uplink/receive"
)

var (
	errMoved = errors.New("jetstream: other receivers write to this stream all the time, try again")
	errHoles = &receive.Refusal{Code: receive.CodeConflict, Text: "the numbers of this stream have more than 64 holes; it is closed"}
	errLarge = &receive.Refusal{Code: receive.CodeTooLarge, Text: "a message of this length does not go through this receiver's store; send smaller batches"}
)

// headRoom is what the headers of a batch take at most, in bytes.
const headRoom = 8 << 10

// Store keeps a batch, see [receive.Sink].
func (s *Sink) Store(ctx context.Context, d *receive.Delivery) error {
	if int64(len(d.Signed)+headRoom) > s.nc.MaxPayload() {
		return errLarge
	}
	id := d.Announcement.Stream
	s.writing[id[0]].Lock()
	defer s.writing[id[0]].Unlock()
	c, err := s.copyOf(ctx, d.Batch.Announcement)
	if err != nil {
		return err
	}
	t := s.tailCopy(c)
	if t != nil && t.accepted.has(d.Batch.Seq) {
		t = nil // a yes without a write is not confirmed by one: the stream may have ended
	}
	for range attempts {
		if t == nil {
			if t, err = s.readTail(ctx, d.Announcement); err != nil {
				return err
			}
		}
		switch {
		case t.kind == kindWithdrawn:
			return receive.ErrWithdrawn
		case t.accepted.has(d.Batch.Seq):
			return s.again(ctx, d, t)
		}
		accepted := t.accepted.with(d.Batch.Seq)
		if len(accepted) > maxRanges {
			return errHoles
		}
		m := batchMessage(d, accepted)
		at, moved, err := s.append(ctx, m, batchID(d), t)
		if err != nil {
			// It may have been written all the same; the next one looks.
			s.setTail(c, nil)
			return err
		}
		if !moved {
			t, err = tailOf(at, m.Header)
			s.setTail(c, t)
			if err == nil && due(d) {
				err = s.cameLate(ctx)
			}
			return err
		}
		s.setTail(c, nil)
		t = nil
	}
	return errMoved
}

// batchID is the message id: what makes a batch one of a kind.
func batchID(d *receive.Delivery) string {
	return fmt.Sprintf("%s.%d.%d.%s", d.Announcement.Stream, d.Announcement.Epoch, d.Batch.Seq, hex.EncodeToString(d.Digest[:]))
}

// due says whether the day of a batch has come.
func due(d *receive.Delivery) bool { return int64(d.Batch.DeleteBy) <= time.Now().Unix()/86400 }

// again decides about a number that was accepted before: nil when it was this
// very batch.
func (s *Sink) again(ctx context.Context, d *receive.Delivery, t *tail) error {
	want := hex.EncodeToString(d.Digest[:])
	digest, found := t.digest, t.kind == kindBatch && t.seq == d.Batch.Seq
	if !found {
		err := s.eachHead(ctx, subject(d.Announcement), func(m *stored) error {
			if m.tail.kind == kindBatch && m.tail.seq == d.Batch.Seq {
				digest, found = m.tail.digest, true
				return errEnough
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	switch {
	case found && digest == want:
		return nil
	case !found && due(d):
		// Forgotten since its day had come, as this one's has: there is
		// nothing to keep, whether it is the same or not.
		return nil
	}
	return receive.ErrSeq
}
