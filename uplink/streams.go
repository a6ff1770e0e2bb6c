package uplink

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"io"
	"sync"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/keyring"
	"github.com/candor-edge/candor/store/ledger"
	"github.com/candor-edge/candor/uplink/wire"
)

// Streams opens a stream for each grant, epoch and set of rules, and remembers it in the ledger. It implements
// store.Streams. Safe for concurrent use.
type Streams struct {
	ledger *ledger.Ledger
	keys   *keyring.Ring
	rand   io.Reader
	mu     sync.Mutex
	clock  sensors.Clock // nil before an uplink uses it: then streams don't say when they were opened
}

// NewStreams makes the opener. rand gives the stream names.
func NewStreams(l *ledger.Ledger, k *keyring.Ring, rand io.Reader) *Streams {
	return &Streams{ledger: l, keys: k, rand: rand}
}

// tell gives the opener the clock.
func (s *Streams) tell(clock sensors.Clock) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = clock
}

// Stream returns the number of the open stream for the purpose's grant, epoch and rules, opening one when there is
// none: a fresh random name and key, the signed announcement, and the signed deletion request, which lies ready from
// the first moment so that a withdrawal needs nothing but the ledger.
func (s *Streams) Stream(p *consent.Purpose, epoch uint64) (uint32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.ledger.FindStream(p.Grant.ID, epoch, p.Digest); ok && !known.Closed {
		return known.Number, nil
	}
	record := ledger.Stream{Grant: p.Grant.ID, Purpose: p.ID, Recipient: p.Recipient.ID, Epoch: epoch, Plan: p.Digest, Form: p.Form}
	if s.clock != nil {
		record.OpenedAt = sensors.Micros(s.clock.Now().UnixMicro())
	}
	if _, err := io.ReadFull(s.rand, record.Name[:]); err != nil {
		return 0, fmt.Errorf("purpose %s: no random name for a stream: %w", p.ID, err)
	}
	if err := s.sign(p, &record); err != nil {
		return 0, fmt.Errorf("purpose %s: %w", p.ID, err)
	}
	return s.ledger.AddStream(record)
}

func (s *Streams) sign(p *consent.Purpose, record *ledger.Stream) error {
	key, err := s.keys.StreamKey(p.Grant.ID, record.Name)
	if err != nil {
		return err
	}
	erase, err := s.keys.EraseCapability(p.Grant.ID, record.Name)
	if err != nil {
		return err
	}
	blind, err := s.keys.Blind(p.Grant.ID, record.Name)
	if err != nil {
		return err
	}
	answer, _ := s.ledger.Answer(p.Grant.ID)
	a, err := announcement(p, record, answer)
	if err != nil {
		return err
	}
	a.Key = key.Public().(ed25519.PublicKey)
	a.Erase = sha256.Sum256(erase[:])
	commit := sha256.New()
	commit.Write(answer.Receipt[:])
	commit.Write(blind[:])
	commit.Sum(a.Consent[:0])
	payload, err := wire.AppendAnnouncement(nil, a)
	if err != nil {
		return fmt.Errorf("announcement: %w", err)
	}
	signer := wire.SignWith(key)
	record.Announcement = wire.AppendSigned(nil, signer, wire.KindAnnouncement, payload)
	request, err := wire.AppendDeletion(nil, &wire.Deletion{Stream: record.Name, Epoch: record.Epoch, Capability: erase})
	if err != nil {
		return fmt.Errorf("deletion request: %w", err)
	}
	record.Deletion = wire.AppendSigned(nil, signer, wire.KindDeletion, request)
	return nil
}

// Announceable tells whether a purpose can be said on the wire; nil when it can, or when nothing of it can be sensed.
// Ask before anybody is asked for a yes: rows of a purpose that can't be announced are refused.
func Announceable(p *consent.Purpose) error {
	if len(p.Groups) == 0 {
		return nil
	}
	a, err := announcement(p, &ledger.Stream{Name: [16]byte{1}}, ledger.Answer{Language: "en"})
	if err != nil {
		return err
	}
	a.Key = make(ed25519.PublicKey, ed25519.PublicKeySize)
	_, err = wire.AppendAnnouncement(nil, a)
	return err
}

// announcement maps a compiled purpose to what its batches will mean on the wire.
func announcement(p *consent.Purpose, record *ledger.Stream, answer ledger.Answer) (*wire.Announcement, error) {
	a := &wire.Announcement{
		Stream: record.Name, Epoch: record.Epoch, Purpose: p.ID, Recipient: p.Recipient.ID,
		Plan: p.Digest, Tick: int64(p.Tick), RetentionDays: uint32(p.Retention),
		Size: uint32(wire.PaddedSize(p.RoomBytes)), Rows: uint32(p.RoomRows),
		Receipt: wire.Receipt{Notice: answer.Notice, Language: answer.Language, PolicyVersion: answer.PolicyVersion, GrantDay: uint32(max(p.Grant.From.DayNumber(), 0))},
	}
	var err error
	if a.Access, err = wire.ParseGround(p.Access); err != nil {
		return nil, err
	}
	if a.Basis, err = wire.ParseGround(p.Basis); err != nil {
		return nil, err
	}
	for _, g := range p.Groups {
		group := wire.Group{Source: g.Source, Window: int64(g.Window)}
		for _, f := range g.Fields {
			group.Fields = append(group.Fields, fieldSpec(f))
		}
		a.Groups = append(a.Groups, group)
	}
	return a, nil
}

func fieldSpec(f consent.FieldForm) wire.FieldSpec {
	s := wire.FieldSpec{Name: f.Field, Unit: f.Unit, Scale: f.Scale, Step: f.Step, Min: f.Min, Max: f.Max}
	switch f.Type {
	case consent.FormBoolean:
		s.Type = wire.Boolean
	case consent.FormPseudonym:
		return wire.FieldSpec{Name: f.Field, Type: wire.Pseudonym}
	case consent.FormLabel:
		return wire.FieldSpec{Name: f.Field, Type: wire.Label, Labels: f.Labels}
	default:
		s.Type = wire.Number
	}
	return s
}
