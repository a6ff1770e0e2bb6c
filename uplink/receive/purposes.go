package receive

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/candor-edge/candor/uplink/wire"
)

// purposes.json stands beside the rows and tells those who use them what the
// numbers mean and what they can't say. It is made from the announcements
// alone and nothing is lost with it.

// maxMeanings bounds how many meanings of one purpose are told.
const maxMeanings = 64

// meaning is what the rows of a purpose under one plan mean.
type meaning struct {
	Plan      string                `json:"plan"`
	Recipient string                `json:"recipient"`
	Access    string                `json:"access"` // ePrivacy ground
	Basis     string                `json:"basis"`  // GDPR art. 6 ground
	Retention uint32                `json:"retention_days"`
	Time      json.RawMessage       `json:"time_seconds"`
	Fields    map[string]fieldSense `json:"fields"`
	CantSay   []string              `json:"cannot_say"`
}

type fieldSense struct {
	Source string          `json:"source"`
	Type   string          `json:"type"`
	Unit   string          `json:"unit,omitempty"`
	Step   json.RawMessage `json:"step,omitempty"` // nothing finer exists
	Min    json.RawMessage `json:"min,omitempty"`
	Max    json.RawMessage `json:"max,omitempty"`
	Labels []string        `json:"labels,omitempty"`
	Window json.RawMessage `json:"window_seconds,omitempty"` // the value sums this span up
}

// Meaning returns what the rows of an announced purpose mean and what they
// can't say, as the JSON that purposes.json has of it.
func Meaning(a *wire.Announcement) ([]byte, error) {
	text, err := json.Marshal(meaningOf(a))
	if err != nil {
		return nil, fmt.Errorf("receive: describe a purpose: %w", err)
	}
	return text, nil
}

func meaningOf(a *wire.Announcement) *meaning {
	m := &meaning{
		Plan: hex.EncodeToString(a.Plan[:]), Recipient: a.Recipient, Access: a.Access.String(), Basis: a.Basis.String(),
		Retention: a.RetentionDays, Time: seconds(a.Tick), Fields: make(map[string]fieldSense),
		CantSay: []string{
			"When within time_seconds a row happened, or in which order rows of the same time did.",
			"Who or which object it was: a stream is a random name, and nothing joins it to another stream or epoch.",
			"Why a value or row is missing: it may not have been agreed to, measured or kept. Missing is never zero.",
			"Anything finer than step: it was rounded on the object and is nowhere else.",
		},
	}
	for _, g := range a.Groups {
		for _, f := range g.Fields {
			s := fieldSense{Source: g.Source, Type: f.Type.String(), Unit: f.Unit, Labels: f.Labels}
			if f.Type == wire.Number {
				s.Step = appendDecimal(nil, f.Step, f.Scale)
				s.Min, s.Max = appendDecimal(nil, f.Min, f.Scale), appendDecimal(nil, f.Max, f.Scale)
			}
			if g.Window > 0 {
				s.Window = seconds(g.Window)
			}
			m.Fields[f.Name] = s
		}
	}
	return m
}

func seconds(micros int64) json.RawMessage { return appendDecimal(nil, micros, 6) }

// meanings collects what is told, by purpose; each is the JSON of a meaning.
type meanings map[string][]json.RawMessage

// add reports whether the announcement told something new.
func (m meanings) add(a *wire.Announcement) (bool, error) {
	text, err := Meaning(a)
	if err != nil {
		return false, err
	}
	list := m[a.Purpose]
	i, known := slices.BinarySearchFunc(list, text, func(a json.RawMessage, b []byte) int { return bytes.Compare(a, b) })
	if known || len(list) >= maxMeanings {
		return false, nil
	}
	m[a.Purpose] = slices.Insert(list, i, json.RawMessage(text))
	return true, nil
}

// write puts the file in its place.
func (m meanings) write(at layout) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("receive: describe the purposes: %w", err)
	}
	path := filepath.Join(at.dir, "purposes.json")
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, append(text, '\n')) {
		return nil
	}
	temp := filepath.Join(at.indexDir(), "purposes"+tempSuffix)
	err = writeSynced(temp, func(f *os.File) error {
		_, err := f.Write(append(text, '\n'))
		return err
	})
	if err == nil {
		err = os.Rename(temp, path)
	}
	return err
}

// describe adds announcements to purposes.json. Rows are worth keeping without
// it, so a failure is told and stops nothing.
func (s *DirSink) describe(list ...*wire.Announcement) {
	changed := false
	for _, a := range list {
		added, err := s.told.add(a)
		if err != nil {
			s.log.Warn("a purpose is not described", "error", err)
		}
		changed = changed || added
	}
	if !changed {
		return
	}
	if err := s.told.write(s.at); err != nil {
		s.log.Warn("purposes.json is not up to date", "error", err)
	}
}
