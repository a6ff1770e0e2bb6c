package uplink

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/uplink/wire"
)

// testAnnouncement has a group of readings with one field of each form, and a group of hourly windows.
func testAnnouncement(rows, size int) *wire.Announcement {
	return &wire.Announcement{
		Stream: wire.StreamID{1}, Purpose: "trends", Recipient: "acme", Tick: 60_000_000, Access: wire.GroundConsent, Basis: wire.GroundConsent,
		RetentionDays: 30, Rows: uint32(rows), Size: uint32(wire.PaddedSize(size)), Receipt: wire.Receipt{Language: "en"},
		Groups: []wire.Group{
			{Source: "room", Fields: []wire.FieldSpec{
				{Name: "room.temperature", Type: wire.Number, Unit: "Cel", Scale: 3, Step: 1, Min: -50_000, Max: 100_000},
				{Name: "room.motion", Type: wire.Boolean},
				{Name: "room.badge", Type: wire.Pseudonym},
				{Name: "room.mode", Type: wire.Label, Labels: []string{"eco", "comfort", strings.Repeat("long", 16)}},
			}},
			{Source: "hall", Window: 3_600_000_000, Fields: []wire.FieldSpec{
				{Name: "hall.temperature", Type: wire.Number, Unit: "Cel", Scale: 3, Step: 500, Min: -50_000, Max: 100_000},
			}},
		},
	}
}

func testCutter(a *wire.Announcement) *cutter {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	a.Key = key.Public().(ed25519.PublicKey)
	return &cutter{encoder: &wire.Encoder{}, signer: wire.SignWith(key), announcement: a, digest: [16]byte{9},
		deleteBy: func(day int64) uint32 { return uint32(max(day, 1000)) + a.RetentionDays },
		complete: func(int) int64 { return consent.Forever }}
}

func cells(num int64) []consent.Cell {
	return []consent.Cell{{Num: num, Set: true}, {Num: num & 1, Set: true}, {Token: fmt.Sprintf("%016d", num%7), Set: true}, {Token: "eco", Set: true}}
}

// row is a reading's row at a minute.
func row(at, num int64) store.Row {
	return store.Row{Group: 0, Time: at, Coverage: -1, Day: 1000, Cells: cells(num)}
}

// window is an hour's row.
func window(hour, num int64) store.Row {
	return store.Row{Group: 1, Time: hour * 60, Coverage: 4, Day: 1000, Cells: []consent.Cell{{Num: num * 500, Set: true}}}
}

// text tells all of a row, so that rows can be counted.
func text(r *store.Row) string {
	var b strings.Builder
	fmt.Fprint(&b, r.Group, "@", r.Time, "/", r.Coverage)
	for _, c := range r.Cells {
		fmt.Fprintf(&b, " %t:%d:%s", c.Set, c.Num, c.Token)
	}
	return b.String()
}

// open decodes an upload and checks it against the announcement.
func (c *cutter) open(t rapid.TB, u store.Upload) *wire.Batch {
	payload, err := wire.OpenSigned(wire.KindBatch, c.announcement.Key, u.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	b, err := wire.DecodeBatch(payload)
	if err == nil {
		err = c.announcement.Check(b)
	}
	if err != nil {
		t.Fatal(err)
	}
	if b.Rows() != u.Rows {
		t.Fatalf("%d rows in an upload that says %d", b.Rows(), u.Rows)
	}
	return b
}

// rowsOf gives the rows of a batch back in the store's form.
func rowsOf(b *wire.Batch) (out []store.Row) {
	for _, g := range b.Groups {
		for i := range g.Time {
			r := store.Row{Group: g.Group, Time: g.Time[i], Coverage: -1}
			if g.Coverage != nil {
				r.Coverage = int8(g.Coverage[i])
			}
			for _, col := range g.Columns {
				cell := consent.Cell{Set: col.Has(i)}
				if cell.Set && col.Nums != nil {
					cell.Num = col.Nums[i]
				} else if cell.Set {
					cell.Token = col.Tokens[i]
				}
				r.Cells = append(r.Cells, cell)
			}
			out = append(out, r)
		}
	}
	return out
}

func texts(rows []store.Row) (out []string) {
	for i := range rows {
		out = append(out, text(&rows[i]))
	}
	slices.Sort(out)
	return out
}

// rowGen draws rows of both groups whose stamps are few, so that buckets have company.
func rowGen() *rapid.Generator[store.Row] {
	return rapid.Custom(func(t *rapid.T) store.Row {
		if rapid.IntRange(0, 4).Draw(t, "group") == 0 {
			return window(rapid.Int64Range(0, 3).Draw(t, "hour"), rapid.Int64Range(-5, 5).Draw(t, "mean"))
		}
		r := row(rapid.Int64Range(0, 12).Draw(t, "minute"), rapid.Int64Range(0, 40).Draw(t, "value"))
		r.Day += rapid.Int64Range(0, 2).Draw(t, "day")
		for i := range r.Cells[1:] {
			if rapid.Bool().Draw(t, "absent") {
				r.Cells[i+1] = consent.Cell{}
			}
		}
		if rapid.IntRange(0, 9).Draw(t, "long") == 0 {
			r.Cells[3] = consent.Cell{Token: strings.Repeat("long", 16), Set: true}
		}
		return r
	})
}

// Whatever the order in which rows come, the uploads have the same bytes.
func TestArrivalTellsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rowGen(), 0, 60).Draw(t, "rows")
		room := rapid.IntRange(0, 20).Draw(t, "room")
		size := 0
		if room > 0 {
			size = rapid.IntRange(256, 1500).Draw(t, "bytes")
		}
		var first []store.Upload
		for range 3 {
			mixed := slices.Clone(rows)
			r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
			r.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
			uploads, _, err := testCutter(testAnnouncement(room, size)).encode(store.Lot{Seq: 1, Rows: mixed})
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = uploads
			}
			if len(uploads) != len(first) {
				t.Fatalf("%d uploads, then %d", len(first), len(uploads))
			}
			for i := range uploads {
				if !bytes.Equal(uploads[i].Bytes, first[i].Bytes) {
					t.Fatalf("upload %d depends on the order of arrival", i)
				}
			}
		}
	})
}

// Every row is in one upload or handed back, once; every upload has the announced size; no bucket is in two uploads
// that had room for it.
func TestNoRowIsLostOrTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rowGen(), 0, 80).Draw(t, "rows")
		room := rapid.IntRange(1, 20).Draw(t, "room")
		size := rapid.IntRange(256, 1500).Draw(t, "bytes")
		c := testCutter(testAnnouncement(room, size))
		due := rapid.IntRange(1, 12).Draw(t, "due")
		if c.cover = rapid.Bool().Draw(t, "cover"); c.cover || rapid.Bool().Draw(t, "bounded") {
			c.rooms = func(uint64) int64 { return int64(due) }
		}
		before := rapid.Int64Range(0, 14).Draw(t, "complete")
		c.complete = func(g int) int64 { return before * int64(1+59*g) }
		want := texts(rows)
		uploads, carry, err := c.encode(store.Lot{Seq: 7, Rows: slices.Clone(rows)})
		if err != nil {
			t.Fatal(err)
		}
		if c.cover && len(uploads) != due || c.rooms != nil && len(uploads) > due {
			t.Fatalf("%d uploads where %d are due", len(uploads), due)
		}
		got := slices.Clone(carry)
		for i, u := range uploads {
			if len(u.Bytes) != wire.PaddedSize(size) {
				t.Fatalf("upload %d has %d bytes, announced are %d", i, len(u.Bytes), wire.PaddedSize(size))
			}
			b := c.open(t, u)
			if b.Seq != 7+uint64(i) || b.Rows() > room {
				t.Fatalf("upload %d: number %d, %d rows", i, b.Seq, b.Rows())
			}
			for _, r := range rowsOf(b) {
				if r.Time >= c.complete(r.Group) {
					t.Fatal("a row of a bucket that may get company left")
				}
				got = append(got, r)
			}
		}
		if g := texts(got); !slices.Equal(g, want) {
			t.Fatalf("went in:\n%s\ncame out:\n%s", strings.Join(want, "\n"), strings.Join(g, "\n"))
		}
	})
}

// buckets tells how many rows each upload has of each minute, "3×0 1×5" for instance.
func buckets(t testing.TB, c *cutter, uploads []store.Upload) (out []string) {
	t.Helper()
	for _, u := range uploads {
		var parts []string
		for at, n := int64(-1), 0; ; at++ {
			n = 0
			for _, r := range rowsOf(c.open(t, u)) {
				if r.Time == at {
					n++
				}
			}
			if n > 0 {
				parts = append(parts, fmt.Sprintf("%d×%d", n, at))
			}
			if at > 100 {
				break
			}
		}
		out = append(out, strings.Join(parts, " "))
	}
	return out
}

func TestBatchesAreSplitAtBuckets(t *testing.T) {
	tests := []struct {
		name   string
		room   int
		counts []int // rows at minute 0, 1, 2 …
		want   []string
	}{
		{"all fit", 10, []int{3, 3, 3}, []string{"3×0 3×1 3×2"}},
		{"the third would be cut in two", 8, []int{3, 3, 3}, []string{"3×0 3×1", "3×2"}},
		{"full to the last row", 6, []int{3, 3, 3}, []string{"3×0 3×1", "3×2"}},
		{"one alone is larger than the room", 4, []int{1, 9, 2}, []string{"1×0", "4×1", "4×1", "1×1 2×2"}},
		{"one a batch", 1, []int{1, 1}, []string{"1×0", "1×1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := testCutter(testAnnouncement(tt.room, 4096))
			var rows []store.Row
			for at, n := range tt.counts {
				for i := range n {
					rows = append(rows, row(int64(at), int64(n-i)))
				}
			}
			uploads, carry, err := c.encode(store.Lot{Seq: 1, Rows: rows})
			if err != nil || len(carry) > 0 {
				t.Fatal(err, len(carry))
			}
			if got := buckets(t, c, uploads); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Where the bytes don't suffice, a batch takes fewer buckets, still whole ones.
func TestTooFewBytes(t *testing.T) {
	c := testCutter(testAnnouncement(100, 256))
	var rows []store.Row
	for at := range int64(50) {
		rows = append(rows, row(at, at*at*37%9973), row(at, at*at*53%9973))
	}
	uploads, carry, err := c.encode(store.Lot{Seq: 1, Rows: rows})
	if err != nil || len(carry) > 0 || c.misfit != nil {
		t.Fatal(err, len(carry), c.misfit)
	}
	if len(uploads) < 2 {
		t.Fatalf("%d uploads: the bytes were not the limit", len(uploads))
	}
	for i, b := range buckets(t, c, uploads) {
		if strings.Contains(" "+b, " 1×") {
			t.Errorf("upload %d has half a bucket: %s", i, b)
		}
	}
}

// A row that no upload can carry stays, says why, and stops nobody.
func TestARowThatFitsNowhere(t *testing.T) {
	long := row(5, 1)
	long.Cells[3].Token = strings.Repeat("long", 16)
	wrong := row(6, 1)
	wrong.Cells[0].Num = 1_000_000 // beyond the announced range
	shape := row(7, 1)
	shape.Cells = shape.Cells[:2]
	group := row(8, 1)
	group.Group = 4
	tests := []struct {
		name string
		size int
		bad  store.Row
		is   error
	}{
		{"too long for the room", 190, long, wire.ErrTooLarge},
		{"not in the announced alphabet", 512, wrong, wire.ErrAlphabet},
		{"of another shape", 512, shape, nil},
		{"of a group that is not announced", 512, group, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := testCutter(testAnnouncement(4, tt.size))
			var rows []store.Row
			for at := range int64(12) {
				r := row(at, at)
				r.Cells[2], r.Cells[3] = consent.Cell{}, consent.Cell{}
				rows = append(rows, r)
			}
			uploads, carry, err := c.encode(store.Lot{Seq: 1, Rows: append(rows, tt.bad)})
			if err != nil || c.misfit == nil || tt.is != nil && !errors.Is(c.misfit, tt.is) {
				t.Fatalf("%v, misfit %v", err, c.misfit)
			}
			if len(carry) != 1 || text(&carry[0]) != text(&tt.bad) {
				t.Errorf("%d rows kept, want the one that does not fit", len(carry))
			}
			n := 0
			for _, u := range uploads {
				n += c.open(t, u).Rows()
			}
			if n != 12 {
				t.Errorf("%d of the other 12 rows left", n)
			}
		})
	}
}

func TestARoomTooSmallForAnything(t *testing.T) {
	c := testCutter(testAnnouncement(4, 90))
	c.cover, c.rooms = true, func(uint64) int64 { return 1 }
	if _, _, err := c.encode(store.Lot{Seq: 1}); !errors.Is(err, wire.ErrTooLarge) {
		t.Errorf("an empty upload of 90 bytes: %v", err)
	}
}

func TestLossesAreToldOnce(t *testing.T) {
	losses := []store.Loss{{Reason: store.BufferFull, Rows: 3}, {Reason: store.Damaged, Rows: 2}}
	want := []wire.Loss{{Reason: wire.LossBufferFull, Count: 3}, {Reason: wire.LossDamaged, Count: 2}}
	var many []store.Row
	for at := range int64(10) {
		many = append(many, row(at, at))
	}
	for name, rows := range map[string][]store.Row{"with rows": many, "alone": nil} {
		c := testCutter(testAnnouncement(4, 0))
		uploads, _, err := c.encode(store.Lot{Seq: 1, Rows: rows, Losses: losses})
		if err != nil || len(uploads) == 0 {
			t.Fatal(name, err, len(uploads))
		}
		for i, u := range uploads {
			b := c.open(t, u)
			if i == 0 && !slices.Equal(b.Losses, want) || i > 0 && b.Losses != nil {
				t.Errorf("%s: upload %d tells %v", name, i, b.Losses)
			}
		}
	}
	if uploads, _, err := testCutter(testAnnouncement(4, 0)).encode(store.Lot{Seq: 1}); err != nil || len(uploads) != 0 {
		t.Errorf("nothing to tell and no room: %d uploads, %v", len(uploads), err)
	}
}

// Losses and a row that fit one by one but not together take two uploads.
func TestLossesLeaveNoRoom(t *testing.T) {
	losses := []store.Loss{{Reason: store.BufferFull, Rows: 1 << 50}, {Reason: store.Damaged, Rows: 1 << 50}}
	found := false
	for size := 120; size < 300 && !found; size++ {
		alone, _, err := testCutter(testAnnouncement(4, size)).encode(store.Lot{Seq: 1, Rows: []store.Row{row(5, 1)}})
		if err != nil || len(alone) != 1 {
			continue // not even the row fits
		}
		c := testCutter(testAnnouncement(4, size))
		uploads, carry, err := c.encode(store.Lot{Seq: 1, Rows: []store.Row{row(5, 1)}, Losses: losses})
		if err != nil || len(carry) != 0 {
			t.Fatal(err, len(carry))
		}
		if len(uploads) == 2 {
			found = true
			if first, second := c.open(t, uploads[0]), c.open(t, uploads[1]); len(first.Losses) != 2 || first.Rows() != 0 || second.Rows() != 1 || second.Losses != nil {
				t.Errorf("losses %v rows %d, then losses %v rows %d", first.Losses, first.Rows(), second.Losses, second.Rows())
			}
		}
	}
	if !found {
		t.Error("no size at which losses and row do not fit together: the test shows nothing")
	}
}

func TestWhatABatchHolds(t *testing.T) {
	c := testCutter(testAnnouncement(0, 0))
	full, part := row(5, 3), row(5, 4)
	part.Cells = []consent.Cell{{}, {Num: 0, Set: true}, {}, {Token: "comfort", Set: true}}
	part.Day = 998
	uploads, _, err := c.encode(store.Lot{Seq: 1, Rows: []store.Row{window(1, 41), part, full}})
	if err != nil || len(uploads) != 1 {
		t.Fatal(err, len(uploads))
	}
	b := c.open(t, uploads[0])
	if got, want := texts(rowsOf(b)), texts([]store.Row{full, part, window(1, 41)}); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if b.DeleteBy != 1000+30 { // the test's deleteBy never goes below day 1000
		t.Errorf("delete by %d", b.DeleteBy)
	}
	if got := uploads[0].Fields; !slices.Equal(got, []string{"room.temperature", "room.motion", "room.badge", "room.mode", "hall.temperature"}) {
		t.Errorf("fields %v", got)
	}
	part.Cells[1] = consent.Cell{}
	uploads, _, err = c.encode(store.Lot{Seq: 2, Rows: []store.Row{part}})
	if err != nil {
		t.Fatal(err)
	}
	if got := uploads[0].Fields; !slices.Equal(got, []string{"room.mode"}) {
		t.Errorf("fields %v, want only what has a value", got)
	}
}

func TestDeleteByIsOfTheOldestRow(t *testing.T) {
	c := testCutter(testAnnouncement(0, 0))
	c.deleteBy = func(day int64) uint32 { return uint32(day) + 30 }
	rows := []store.Row{row(1, 1), row(2, 2), row(3, 3)}
	rows[1].Day = 990
	uploads, _, err := c.encode(store.Lot{Seq: 1, Rows: rows})
	if err != nil {
		t.Fatal(err)
	}
	if b := c.open(t, uploads[0]); b.DeleteBy != 1020 {
		t.Errorf("delete by %d, want 30 days after day 990", b.DeleteBy)
	}
}

// Of more rows than one cut looks at, the newest bucket waits, unless it is the only one.
func TestMoreRowsThanACutLooksAt(t *testing.T) {
	lot := func(at func(i int) int64) (rows []store.Row) {
		for i := range MaxCut {
			rows = append(rows, row(at(i), int64(i%1000)))
		}
		return rows
	}
	c := testCutter(testAnnouncement(0, 0))
	_, carry, err := c.encode(store.Lot{Seq: 1, Rows: lot(func(i int) int64 { return int64(i / 1000) })})
	if err != nil || len(carry) != MaxCut-8000 {
		t.Errorf("%d rows wait, want the %d of the newest bucket (%v)", len(carry), MaxCut-8000, err)
	}
	uploads, carry, err := c.encode(store.Lot{Seq: 1, Rows: lot(func(int) int64 { return 3 })})
	if err != nil || len(carry) != 0 {
		t.Errorf("%d rows of a bucket that is too large wait for ever (%v)", len(carry), err)
	}
	last := int64(-1 << 62)
	for _, u := range uploads {
		for _, r := range rowsOf(c.open(t, u)) {
			if r.Cells[0].Num < last {
				t.Fatal("a large bucket is not sorted by value")
			}
			last = r.Cells[0].Num
		}
	}
	c.cover, c.rooms = true, func(uint64) int64 { return 32 }
	if uploads, _, err = c.encode(store.Lot{Seq: 1, Rows: lot(func(i int) int64 { return int64(i / 8000) })}); err != nil || len(uploads) != 8 {
		t.Errorf("%d uploads (%v): empty ones before the rest of the rows was looked at", len(uploads), err)
	}
}

// Rows that are alike but for the day they were taken on stand in one order too: it decides each batch's delete-by day.
func TestTheDayOfEqualRows(t *testing.T) {
	late, early := row(1, 1), row(1, 1)
	early.Day = 990
	for _, rows := range [][]store.Row{{late, early}, {early, late}} {
		c := testCutter(testAnnouncement(1, 0))
		c.deleteBy = func(day int64) uint32 { return uint32(day) }
		uploads, _, err := c.encode(store.Lot{Seq: 1, Rows: rows})
		if err != nil || len(uploads) != 2 || c.open(t, uploads[0]).DeleteBy != 990 || c.open(t, uploads[1]).DeleteBy != 1000 {
			t.Errorf("%d uploads, %v; the older row does not come first", len(uploads), err)
		}
	}
}
