package store_test

import (
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"sync"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/consent"
)

const policyText = `
version = 1
[controller]
name = "Acme"
country = "FR"
[[recipient]]
id = "acme"
name = "Acme"
country = "FR"
role = "controller"
[[purpose]]
id = "trends"
title = { fr = "Tendances", en = "Trends" }
access = "consent"
basis = "consent"
recipient = "acme"
retention = "30d"
time = "1m"
[[purpose.rule]]
field = "room.temperature"
action = "round"
round = 0.5
[[purpose.rule]]
field = "room.humidity"
action = "keep"
`

// oneKey is a keyring of one key, and the numbers of the streams: the epoch.
type oneKey struct {
	mu   sync.Mutex
	aead cipher.AEAD
}

func (k *oneKey) Sealer(consent.GrantID, int64) (cipher.AEAD, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.aead == nil {
		k.aead, _ = chacha20poly1305.New(make([]byte, 32))
	}
	return k.aead, nil
}
func (k *oneKey) Opener(consent.GrantID, int64) (cipher.AEAD, bool)       { return k.aead, k.aead != nil }
func (k *oneKey) Discard(consent.GrantID, int64) error                    { return nil }
func (k *oneKey) Stream(p *consent.Purpose, epoch uint64) (uint32, error) { return uint32(epoch), nil }
func (k *oneKey) PseudonymKey(consent.GrantID, uint64, sensors.Class) ([]byte, error) {
	return make([]byte, 32), nil
}

// Rows that a real plan cleared arrive as they were cleared.
func TestClearedRowsArrive(t *testing.T) {
	policy, err := consent.ParsePolicy("policy.toml", []byte(policyText))
	if err != nil {
		t.Fatal(err)
	}
	temperature, _ := sensors.KindNamed("temperature")
	humidity, _ := sensors.KindNamed("humidity")
	in := consent.Inputs{Policy: policy, Sources: []consent.SourceFields{{Name: "room", Fields: []sensors.Field{
		sensors.NewField("room", "temperature", temperature), sensors.NewField("room", "humidity", humidity)}}}}
	asked, _ := consent.Compile(in)
	p := asked.Purpose("trends")
	in.Answers = []consent.Answer{{State: consent.Given, Grant: consent.Grant{ID: 1, Purpose: p.ID, Extent: p.Extent}}}
	plan, _ := consent.Compile(in)
	k := &oneKey{}
	s, err := store.Open(store.Options{Dir: t.TempDir(), Keys: k, Streams: k, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	windows := consent.NewWindows(k)
	var rows []consent.Cleared
	var want []string
	at := 20_000 * sensors.Day
	for i := range 200 {
		when := at + sensors.Micros(i)*sensors.Minute
		r := &sensors.Reading{Source: "room", Time: when, Taken: when,
			Values: []sensors.Value{sensors.Number(int64(21_000 + i*37)), sensors.Number(int64(40_00 + i))}}
		rows = plan.Clear(windows, r, rows[:0])
		for _, c := range rows {
			want = append(want, show(c.Group(), c.Time(), c.Coverage(), c.Cells()))
		}
		if err := s.Append(rows, store.Mark{Grant: 1, Recording: "rec", Position: uint64(i + 1)}); err != nil {
			t.Fatal(err)
		}
	}
	if len(want) != 200 {
		t.Fatalf("%d rows were cleared", len(want))
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, id := range s.Streams() {
		if err := s.Peek(id, 1000, func(rows []store.Row) error {
			for _, r := range rows {
				got = append(got, show(r.Group, r.Time, r.Coverage, r.Cells))
				if r.Day != 20_000 {
					t.Errorf("day %d", r.Day)
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || s.Position(1, "rec") != 200 {
		t.Errorf("%d rows arrived of %d, or not as they were", len(got), len(want))
	}
}

func show(group int, time int64, coverage int8, cells []consent.Cell) string {
	text := fmt.Sprint(group, time, coverage)
	for _, c := range cells {
		text += fmt.Sprint(" ", c.Num, c.Token, c.Set)
	}
	return text
}
