package main

import (
	"crypto/ed25519"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/candor-edge/candor/uplink/wire"
)

// person is who must be found nowhere in what a receiver keeps.
type person struct{ mail, phone, serial string }

// Each name of a person holds one of these; nothing else a fleet sends does.
const (
	mailMark   = "@people.example"
	phoneMark  = "+33 6 12 "
	serialMark = "SN-FLEET-"
)

func personOf(device int) person {
	n := [5]byte{}
	for i, d := 4, device; i >= 0; i, d = i-1, d/10 {
		n[i] = '0' + byte(d%10)
	}
	s := string(n[:])
	return person{mail: "p" + s + mailMark, phone: phoneMark + s[:2] + " " + s[2:], serial: serialMark + s}
}

// stream is a stream that an object opened. Its secrets are drawn from the
// seed, so that a run can be repeated; those of an object are not.
type stream struct {
	key        ed25519.PrivateKey
	capability wire.Capability
	id         wire.StreamID
	epoch      uint64
	signed     []byte // the announcement
	digest     [16]byte
	seq        uint64 // the last that was made
	rows       uint64 // in all that was accepted
	withdrawn  bool
}

func draw(r *rand.Rand, to []byte) {
	for len(to) > 0 {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], r.Uint64())
		to = to[copy(to, word[:]):]
	}
}

// openStream makes a stream; with a leak its announcement has what names a
// person among its labels, as a maker's mistake would.
func openStream(r *rand.Rand, p *purpose, epoch uint64, at time.Time, leak *person) (*stream, error) {
	s := &stream{epoch: epoch}
	var seed [ed25519.SeedSize]byte
	draw(r, seed[:])
	draw(r, s.id[:])
	draw(r, s.capability[:])
	s.key = ed25519.NewKeyFromSeed(seed[:])
	fields := p.fields
	if leak != nil {
		fields = append([]wire.FieldSpec{{Name: "object.owner", Type: wire.Label, Labels: []string{leak.mail, leak.phone}}}, fields...)
	}
	a := &wire.Announcement{
		Stream: s.id, Epoch: epoch, Key: s.key.Public().(ed25519.PublicKey), Purpose: p.id, Recipient: "acme", Tick: p.window.Microseconds(),
		Groups: []wire.Group{{Source: "object", Window: p.window.Microseconds(), Fields: fields}},
		Access: p.access, Basis: wire.GroundConsent, RetentionDays: p.retention, Size: p.size, Rows: p.rows, Erase: s.capability.Digest(),
		Receipt: wire.Receipt{Language: "fr", PolicyVersion: 7, GrantDay: uint32(at.Unix() / 86400)},
	}
	draw(r, a.Plan[:4]) // a handful of policies are in use
	clear(a.Plan[1:])
	draw(r, a.Consent[:])
	payload, err := wire.AppendAnnouncement(nil, a)
	if err != nil {
		return nil, err
	}
	s.signed, s.digest = s.sign(wire.KindAnnouncement, payload), wire.AnnouncementDigest(payload)
	return s, nil
}

func (s *stream) sign(kind wire.Kind, payload []byte) []byte {
	return wire.AppendSigned(nil, wire.SignWith(s.key), kind, payload)
}

// batch makes the batch of a number, with the rows of one upload before at.
func (s *stream) batch(r *rand.Rand, enc *wire.Encoder, p *purpose, seq uint64, at time.Time) (signed []byte, rows int, err error) {
	rows = int(p.upload / p.window)
	g := wire.Rows{Columns: make([]wire.Column, len(p.fields))}
	last := at.UnixMicro() / p.window.Microseconds()
	for i := range rows {
		g.Time = append(g.Time, last-int64(rows)+int64(i))
		g.Coverage = append(g.Coverage, 4)
	}
	for i := range p.fields {
		f, c := &p.fields[i], &g.Columns[i]
		least := (f.Min + f.Step - 1) / max(f.Step, 1) * f.Step
		most := (f.Max - least) / max(f.Step, 1)
		level := r.Int64N(most + 1)
		for range rows {
			if f.Type == wire.Label {
				c.Tokens = append(c.Tokens, f.Labels[r.IntN(len(f.Labels))])
				continue
			}
			level = min(max(level+r.Int64N(5)-2, 0), most)
			c.Nums = append(c.Nums, least+level*f.Step)
		}
	}
	b := &wire.Batch{Announcement: s.digest, Seq: seq, DeleteBy: uint32(at.Unix()/86400) + p.retention, Groups: []wire.Rows{g}}
	payload, err := enc.AppendBatch(nil, b, int(p.size))
	if err != nil {
		return nil, 0, err
	}
	return s.sign(wire.KindBatch, payload), rows, nil
}

func (s *stream) deletion() ([]byte, error) {
	payload, err := wire.AppendDeletion(nil, &wire.Deletion{Stream: s.id, Epoch: s.epoch, Capability: s.capability})
	return s.sign(wire.KindDeletion, payload), err
}

func (s *stream) question(nonce [16]byte) ([]byte, error) {
	payload, err := wire.AppendFreshness(nil, &wire.Freshness{Stream: s.id, Epoch: s.epoch, Nonce: nonce})
	return s.sign(wire.KindFreshness, payload), err
}
