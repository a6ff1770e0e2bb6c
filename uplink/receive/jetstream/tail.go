package jetstream

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/candor-edge/candor/uplink/receive"
	"github.com/candor-edge/candor/uplink/wire"
)

// Headers of the messages. Consumers may use those without a comment; the
// others are between receivers.
const (
	headKind     = "Candor-Kind" // batch, forgotten, withdrawn
	headSeq      = "Candor-Seq"
	headEpoch    = "Candor-Epoch"
	headPlan     = "Candor-Plan"
	headDeleteBy = "Candor-Delete-By" // 2006-01-02
	headRows     = "Candor-Rows"
	headDigest   = "Candor-Digest"   // of the signed bytes, 16 bytes in hexadecimal
	headAccepted = "Candor-Accepted" // the numbers accepted up to here, this one included
	headBatches  = "Candor-Batches"  // of withdrawn: how many batches went
)

const (
	kindBatch     = "batch"
	kindForgotten = "forgotten" // stands for batches whose day had come, when they were the last
	kindWithdrawn = "withdrawn" // the end of a stream; its data is the deletion request
)

// tail is the last message of a stream's subject.
type tail struct {
	at       uint64 // its sequence in JetStream, 0 when there is none
	kind     string
	seq      uint64 // of a batch
	digest   string
	accepted numbers
	rows     uint64 // of withdrawn: how many went
	batches  uint64
	counted  bool // an end that says what is before it
}

func tailOf(at uint64, h nats.Header) (*tail, error) {
	t := &tail{at: at, kind: h.Get(headKind), digest: h.Get(headDigest), counted: h.Get(headBatches) != ""}
	var err error
	if t.accepted, err = parseNumbers(h.Get(headAccepted)); err != nil {
		return nil, err
	}
	for head, to := range map[string]*uint64{headSeq: &t.seq, headRows: &t.rows, headBatches: &t.batches} {
		if text := h.Get(head); text != "" {
			if *to, err = strconv.ParseUint(text, 10, 64); err != nil {
				return nil, fmt.Errorf("jetstream: the header %s of message %d: %w", head, at, err)
			}
		}
	}
	return t, nil
}

// subject is where a stream's batches are. Recipient and purpose were checked
// to be tokens of a subject when the stream was announced.
func subject(a *wire.Announcement) string {
	return "candor." + a.Recipient + "." + a.Purpose + "." + a.Stream.String()
}

// token says whether a name may be part of a subject here: 1 to 32 of a-z, 0-9
// and hyphens, as with files.
func token(name string) bool {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return len(name) >= 1 && len(name) <= 32
}

// message is what the leader of a stream has stored.
type message struct {
	Sequence uint64 `json:"seq"`
	Subject  string `json:"subject"`
	Data     []byte `json:"data"`
	Head     []byte `json:"hdrs"`
}

func (m *message) header() (nats.Header, error) {
	if len(m.Head) == 0 {
		return nats.Header{}, nil
	}
	return nats.DecodeHeadersMsg(m.Head)
}

var errNoMessage = errors.New("jetstream: no such message")

// lookup asks for a message; its zero fields are left out.
type lookup struct {
	Last  string `json:"last_by_subj,omitempty"`
	From  uint64 `json:"seq,omitempty"`
	First string `json:"next_by_subj,omitempty"` // the first of a subject at or after From
}

// get asks the stream's leader. The ordinary reads of JetStream may be answered
// by a replica that is behind, which would tell an object to announce anew, or
// take a stream for unknown that is to be deleted.
func (s *Sink) get(ctx context.Context, stream string, q lookup) (*message, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	answer, err := s.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, body)
	if err != nil {
		return nil, fmt.Errorf("jetstream: read %s: %w", stream, err)
	}
	var a struct {
		Message *message            `json:"message"`
		Error   *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(answer.Data, &a); err != nil {
		return nil, fmt.Errorf("jetstream: read %s: %w", stream, err)
	}
	switch {
	case a.Error != nil && a.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return nil, errNoMessage
	case a.Error != nil:
		return nil, fmt.Errorf("jetstream: read %s: %w", stream, a.Error)
	case a.Message == nil:
		return nil, fmt.Errorf("jetstream: read %s: an answer without a message", stream)
	}
	return a.Message, nil
}

// readTail reads the last message of a stream's subject.
func (s *Sink) readTail(ctx context.Context, a *wire.Announcement) (*tail, error) {
	m, err := s.get(ctx, StreamName, lookup{Last: subject(a)})
	if errors.Is(err, errNoMessage) {
		return new(tail), nil
	}
	if err != nil {
		return nil, err
	}
	h, err := m.header()
	if err != nil {
		return nil, fmt.Errorf("jetstream: the headers of message %d: %w", m.Sequence, err)
	}
	return tailOf(m.Sequence, h)
}

// append writes a message behind the tail it was made for. moved is true when
// there is another tail by now, or JetStream has seen the id before: then
// nothing was written.
func (s *Sink) append(ctx context.Context, m *nats.Msg, id string, after *tail) (at uint64, moved bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	options := []jetstream.PublishOpt{jetstream.WithExpectLastSequencePerSubject(after.at), jetstream.WithExpectStream(StreamName)}
	if id != "" {
		options = append(options, jetstream.WithMsgID(id))
	}
	ack, err := s.js.PublishMsg(ctx, m, options...)
	switch {
	case wrongLast(err):
		return 0, true, nil
	case err != nil:
		return 0, false, fmt.Errorf("jetstream: write: %w", err)
	}
	return ack.Sequence, ack.Duplicate, nil
}

// write writes a message whatever the tail is.
func (s *Sink) write(ctx context.Context, m *nats.Msg) (*tail, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	ack, err := s.js.PublishMsg(ctx, m, jetstream.WithExpectStream(StreamName))
	if err != nil {
		return nil, fmt.Errorf("jetstream: write: %w", err)
	}
	return tailOf(ack.Sequence, m.Header)
}

// wrongLast says whether a write was refused because its condition did not hold.
func wrongLast(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) &&
		(api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// batchMessage is how a batch is stored.
func batchMessage(d *receive.Delivery, accepted numbers) *nats.Msg {
	m := nats.NewMsg(subject(d.Announcement))
	m.Data = d.Signed
	m.Header.Set(headKind, kindBatch)
	m.Header.Set(headSeq, strconv.FormatUint(d.Batch.Seq, 10))
	m.Header.Set(headEpoch, strconv.FormatUint(d.Announcement.Epoch, 10))
	m.Header.Set(headPlan, hex.EncodeToString(d.Announcement.Plan[:]))
	m.Header.Set(headDeleteBy, time.Unix(int64(d.Batch.DeleteBy)*86400, 0).UTC().Format(time.DateOnly))
	m.Header.Set(headRows, strconv.Itoa(d.Batch.Rows()))
	m.Header.Set(headDigest, hex.EncodeToString(d.Digest[:]))
	m.Header.Set(headAccepted, accepted.String())
	return m
}
