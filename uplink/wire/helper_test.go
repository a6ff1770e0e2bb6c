package wire

import (
	"bytes"
	"crypto/ed25519"
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// testKey is a stream's key that is the same in every run.
func testKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func fill32(b byte) (a [32]byte) {
	for i := range a {
		a[i] = b
	}
	return a
}

func fill16(b byte) (a [16]byte) {
	for i := range a {
		a[i] = b
	}
	return a
}

// testAnnouncement announces three groups: readings, hourly windows, events.
func testAnnouncement() *Announcement {
	key := testKey(1)
	return &Announcement{
		Stream: StreamID(fill16(0xa1)), Epoch: 3, Key: key.Public().(ed25519.PublicKey),
		Purpose: "trends", Recipient: "acme", Plan: fill32(0x11), Tick: 1000000,
		Groups: []Group{
			{Source: "hall", Fields: []FieldSpec{
				{Name: "hall.temperature", Unit: "Cel", Scale: 2, Step: 5, Min: -4000, Max: 8500},
				{Name: "hall.humidity", Unit: "%RH", Scale: 2, Step: 1, Min: 0, Max: 10000},
				{Name: "hall.light", Unit: "lx", Step: 1, Min: 0, Max: 200000},
			}},
			{Source: "meter", Window: 3600000000, Fields: []FieldSpec{
				{Name: "meter.power", Unit: "W", Scale: 1, Step: 10, Min: 0, Max: 120000},
			}},
			{Source: "door", Fields: []FieldSpec{
				{Name: "door.open", Type: Boolean, Step: 1, Max: 1},
				{Name: "badge.id", Type: Pseudonym},
				{Name: "door.state", Type: Label, Labels: []string{"locked", "shut", "ajar"}},
			}},
		},
		Access: GroundConsent, Basis: GroundConsent, RetentionDays: 395, Size: 512, Rows: 60,
		Consent: fill32(0x22), Erase: Capability(fill32(0x33)).Digest(),
		Receipt: Receipt{Notice: fill32(0x44), Language: "fr", PolicyVersion: 7, GrantDay: 20740},
	}
}

// testBatch has every kind of column, with and without absent rows.
func testBatch(t testing.TB, a *Announcement) *Batch {
	t.Helper()
	digest, err := a.Digest()
	if err != nil {
		t.Fatal(err)
	}
	const hour = 3600
	start := int64(497000 * hour)
	return &Batch{
		Announcement: digest, Seq: 12, DeleteBy: 21135,
		Losses: []Loss{{LossSensorFault, 3}, {LossDamaged, 1}},
		Groups: []Rows{
			{Group: 0, Time: []int64{start, start + 60, start + 121, start + 180}, Columns: []Column{
				{Nums: []int64{2105, 2110, 2115, 2110}},
				{Nums: []int64{4512, 0, 0, 4498}, Set: []bool{true, false, false, true}},
				{},
			}},
			{Group: 1, Time: []int64{start, start + hour}, Coverage: []int64{3, 4}, Columns: []Column{
				{Nums: []int64{2310, 2310}},
			}},
			{Group: 2, Time: []int64{start + 7, start + 7, start + 9}, Columns: []Column{
				{Nums: []int64{1, 0, 0}, Set: []bool{true, false, true}},
				{Tokens: []string{"", string(bytes.Repeat([]byte{0xee}, 16)), ""}, Set: []bool{false, true, false}},
				{Tokens: []string{"ajar", "shut", "ajar"}},
			}},
		},
	}
}

// readCSV returns the columns of a file of integers.
func readCSV(t testing.TB, name string) [][]int64 {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	cols := make([][]int64, len(records[0]))
	for _, r := range records[1:] {
		for i, text := range r {
			v, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			cols[i] = append(cols[i], v)
		}
	}
	return cols
}

// cut makes a batch of n rows from the columns of readCSV.
func cut(cols [][]int64, start, n int) *Batch {
	g := Rows{Time: cols[0][start : start+n]}
	for _, c := range cols[1:] {
		g.Columns = append(g.Columns, Column{Nums: c[start : start+n]})
	}
	return &Batch{Announcement: fill16(7), Seq: 300, DeleteBy: 20454, Groups: []Rows{g}}
}

func mustEncode(t testing.TB, b *Batch, size int) []byte {
	t.Helper()
	payload, err := new(Encoder).AppendBatch(nil, b, size)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}
