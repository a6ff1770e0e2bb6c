package agent

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/uplink"
)

// SimulatedPurpose is what one purpose would let out.
type SimulatedPurpose struct {
	ID       string        `json:"id"`
	State    consent.State `json:"state"` // given, or refused: then nothing leaves
	Reason   string        `json:"reason,omitempty"`
	Fields   []string      `json:"fields"` // each with its form in short
	Rows     int           `json:"rows"`
	Uploads  int           `json:"uploads"`
	Columns  int           `json:"column_bytes"`
	Bytes    int           `json:"wire_bytes"`    // signed and padded, with the announcement
	BitsDay  *int64        `json:"bits_a_day"`    // upper bound; null: nothing bounds it
	Presence *int64        `json:"presence_bits"` // of these, about who is at home
	Room     *ProposedRoom `json:"room"`          // null where nothing left

	purpose *consent.Purpose
	measure *uplink.Measure
	bare    *uplink.Measure // the same without a room, for the proposal
	rows    []store.Row
	slot    int64
	slots   int64 // uploads the schedule has between the first and the last row
	most    int   // rows in one slot
	largest int   // bytes of an upload without padding
}

// ProposedRoom is the constant size that would hold the fullest upload of the recording.
type ProposedRoom struct {
	Rows  int `json:"rows"`
	Bytes int `json:"bytes"`
}

// throwaway gives keys for pseudonyms that nobody will see.
type throwaway struct{}

// PseudonymKey implements consent.KeyMaker.
func (throwaway) PseudonymKey(g consent.GrantID, epoch uint64, class sensors.Class) ([]byte, error) {
	h := hmac.New(sha256.New, []byte("candor simulation"))
	_, _ = fmt.Fprintf(h, "%d %d %s", g, epoch, class)
	return h.Sum(nil), nil
}

// simulate plays the recordings, in the order of their time, under one policy.
func simulate(ctx context.Context, path string, policy *consent.Policy, charter consent.Charter, sources []*SimulatedSource) (*Simulation, error) {
	fields := fieldsOf(sources)
	plan, findings := consent.Compile(consent.Inputs{Charter: charter, Policy: policy, Sources: fields, Answers: yesToAll(policy, charter, fields)})
	out := &Simulation{Policy: path}
	for _, f := range findings {
		out.Findings = append(out.Findings, f.String())
	}
	index := map[*consent.Purpose]int{}
	for i, p := range plan.Purposes() {
		entry, err := newSimulatedPurpose(p)
		if err != nil {
			return nil, fmt.Errorf("purpose %s: it can't be announced: %w", p.ID, err)
		}
		index[p] = i
		out.Purposes = append(out.Purposes, entry)
	}
	w := consent.NewWindows(throwaway{})
	var rows []consent.Cleared
	take := func() error {
		for i := range rows {
			if err := out.Purposes[index[rows[i].Purpose()]].add(&rows[i]); err != nil {
				return err
			}
		}
		return nil
	}
	days := map[int64]bool{}
	for _, s := range sources {
		err := s.source.Run(ctx, func(r sensors.Reading) error {
			r.Taken = r.Time // the recording's clock is the only one there is
			days[r.Time.DayNumber()] = true
			rows = plan.Clear(w, &r, rows[:0])
			return take()
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.File, err)
		}
		rows = plan.CloseSource(w, s.Name, rows[:0])
		if err := take(); err != nil {
			return nil, err
		}
		out.Sources = append(out.Sources, *s)
	}
	out.Days, out.Withheld = int64(len(days)), w.Withheld()
	for i := range out.Purposes {
		if err := out.Purposes[i].finish(); err != nil {
			return nil, err
		}
	}
	for _, s := range plan.Shares() {
		share := SimulatedShare{Recipient: s.Recipient, Level: string(s.Level), Why: s.Why}
		if s.Bits.Known {
			share.BitsDay = &s.Bits.Day
		}
		out.Shares = append(out.Shares, share)
	}
	return out, nil
}

func newSimulatedPurpose(p *consent.Purpose) (SimulatedPurpose, error) {
	out := SimulatedPurpose{ID: p.ID, State: p.State, Reason: p.Reason, Fields: p.FieldsInWords(), purpose: p}
	if out.Fields == nil {
		out.Fields = []string{}
	}
	if p.Bits.Known {
		out.BitsDay, out.Presence = &p.Bits.Day, &p.Bits.Presence
	}
	if p.State != consent.Given || len(p.Groups) == 0 {
		return out, nil
	}
	var err error
	if out.measure, err = uplink.NewMeasure(p); err != nil {
		return out, err
	}
	bare := *p
	bare.RoomRows, bare.RoomBytes = 0, 0
	out.bare, err = uplink.NewMeasure(&bare)
	return out, err
}

// add takes one row; rows of one upload slot are encoded together.
func (s *SimulatedPurpose) add(c *consent.Cleared) error {
	at := sensors.Micros(c.Time()) * s.purpose.Tick
	slot := int64(at.Floor(s.purpose.Upload) / s.purpose.Upload)
	if s.Rows == 0 {
		s.slot, s.slots = slot, 1
	}
	if slot > s.slot {
		if err := s.upload(); err != nil {
			return err
		}
		s.slots += slot - s.slot
		s.slot = slot
	}
	s.Rows++
	s.rows = append(s.rows, store.Row{Group: c.Group(), Time: c.Time(), Coverage: c.Coverage(), Cells: slices.Clone(c.Cells()), Day: c.Day()})
	if len(s.rows) >= uplink.MaxCut-1 { // with more, the encoder would wait for the rest of a bucket
		return s.upload()
	}
	return nil
}

// upload encodes what has come together.
func (s *SimulatedPurpose) upload() error {
	if len(s.rows) == 0 {
		return nil
	}
	s.most = max(s.most, len(s.rows))
	uploads, err := s.measure.Encode(s.rows)
	if err != nil {
		return fmt.Errorf("purpose %s: %w", s.ID, err)
	}
	for i := range uploads {
		s.Uploads++
		s.Columns += uploads[i].ColumnBytes
		s.Bytes += len(uploads[i].Bytes)
	}
	if uploads, err = s.bare.Encode(s.rows); err != nil {
		return fmt.Errorf("purpose %s: %w", s.ID, err)
	}
	for i := range uploads {
		s.largest = max(s.largest, len(uploads[i].Bytes))
	}
	s.rows = s.rows[:0]
	return nil
}

// finish encodes the rest, counts the empty uploads that a room brings, and proposes a room.
func (s *SimulatedPurpose) finish() error {
	if s.measure == nil {
		return nil
	}
	if err := s.upload(); err != nil {
		return err
	}
	if empty := s.measure.Empty(); empty > 0 && int64(s.Uploads) < s.slots {
		s.Bytes += int(s.slots-int64(s.Uploads)) * empty
		s.Uploads = int(s.slots)
	}
	if s.Rows == 0 {
		return nil
	}
	s.Bytes += s.measure.Announcement()
	const step, least, most, mostRows = 64, 256, 65536, 1000
	bytes := min(max((s.largest+step-1)/step*step, least), most)
	s.Room = &ProposedRoom{Rows: min(s.most, mostRows), Bytes: bytes}
	return nil
}
