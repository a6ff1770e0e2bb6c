package uplink

import (
	"crypto/ed25519"
	"fmt"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
	"github.com/candor-edge/candor/uplink/wire"
)

// Measure encodes rows of one purpose as its uploads would be, signed and padded, and stores and sends nothing: for
// `policy simulate`. It uses the encoder that cuts batches, so that its sizes are the real ones. Not safe for concurrent use.
type Measure struct {
	cut          cutter
	announcement int
	seq          uint64
}

// NewMeasure begins a stream that nobody will see. An error says why the purpose can't be announced.
func NewMeasure(p *consent.Purpose) (*Measure, error) {
	a, err := announcement(p, &ledger.Stream{Name: [16]byte{1}}, ledger.Answer{Language: "en"})
	if err != nil {
		return nil, err
	}
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) // it signs nothing that leaves; only lengths matter
	a.Key = key.Public().(ed25519.PublicKey)
	payload, err := wire.AppendAnnouncement(nil, a)
	if err != nil {
		return nil, fmt.Errorf("announcement: %w", err)
	}
	return &Measure{announcement: wire.SignedSize(len(payload)), seq: 1, cut: cutter{
		encoder: &wire.Encoder{}, signer: wire.SignWith(key), announcement: a, digest: wire.AnnouncementDigest(payload),
		deleteBy: deleteBy(int64(p.Retention), p.Tick, func() sensors.Micros { return 0 }),
		complete: func(int) int64 { return consent.Forever },
	}}, nil
}

// Announcement is the size of the stream's announcement on the wire.
func (m *Measure) Announcement() int { return m.announcement }

// Empty is the size of an upload with nothing in it; 0 for a purpose without a room, which sends none.
func (m *Measure) Empty() int {
	if m.cut.announcement.Size == 0 {
		return 0
	}
	return wire.PaddedSize(int(m.cut.announcement.Size))
}

// Encode makes the uploads of these rows, which it sorts.
func (m *Measure) Encode(rows []store.Row) ([]store.Upload, error) {
	uploads, left, err := m.cut.encode(store.Lot{Seq: m.seq, Rows: rows})
	if err == nil && len(left) > 0 {
		if err = m.cut.misfit; err == nil {
			err = fmt.Errorf("%d rows are left over", len(left))
		}
	}
	m.seq += uint64(len(uploads))
	return uploads, err
}
