package wire

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"
)

// anyBatch draws a batch that obeys the rules told at Batch.
func anyBatch(t *rapid.T) *Batch {
	b := &Batch{
		Seq:      rapid.Uint64Range(1, MaxValue).Draw(t, "seq"),
		DeleteBy: rapid.Uint32().Draw(t, "day"),
	}
	copy(b.Announcement[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "announcement"))
	if rapid.Bool().Draw(t, "untrusted") {
		b.Clock = Clock{Untrusted: true, Base: rapid.Int64Range(0, MaxValue).Draw(t, "base")}
		copy(b.Clock.Boot[:], rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "boot"))
		if rapid.Bool().Draw(t, "anchored") {
			b.Clock.Anchored, b.Clock.Wall = true, rapid.Int64Range(0, MaxValue).Draw(t, "wall")
			b.Clock.Error = rapid.Int64Range(0, MaxValue).Draw(t, "error")
		}
	}
	for r := range LossReason(lossReasons) {
		if rapid.Bool().Draw(t, "lost") {
			b.Losses = append(b.Losses, Loss{r, rapid.Uint64Range(1, MaxValue).Draw(t, "count")})
		}
	}
	index := -1
	for range rapid.IntRange(0, 3).Draw(t, "groups") {
		index += rapid.IntRange(1, 20).Draw(t, "skip")
		b.Groups = append(b.Groups, anyRows(t, index))
	}
	return b
}

func anyRows(t *rapid.T, index int) Rows {
	n := rapid.IntRange(1, 20).Draw(t, "n")
	ticks := rapid.Int64Range(0, 1<<40)
	g := Rows{Group: index, Time: rapid.SliceOfN(ticks, n, n).Draw(t, "time")}
	if rapid.Bool().Draw(t, "windowed") {
		g.Coverage = rapid.SliceOfN(rapid.Int64Range(0, 4), n, n).Draw(t, "coverage")
	}
	// The first column has a value in every row, so that every row has one.
	g.Columns = []Column{{Nums: rapid.SliceOfN(rapid.Int64Range(-MaxValue, MaxValue), n, n).Draw(t, "nums")}}
	for range rapid.IntRange(0, 3).Draw(t, "more") {
		g.Columns = append(g.Columns, anyColumn(t, n))
	}
	return g
}

func anyColumn(t *rapid.T, n int) (c Column) {
	set := rapid.SliceOfN(rapid.Bool(), n, n).Draw(t, "set")
	present := 0
	for _, ok := range set {
		if ok {
			present++
		}
	}
	if present == 0 {
		return c
	}
	if present < n {
		c.Set = set
	}
	if rapid.Bool().Draw(t, "tokens") {
		c.Tokens = make([]string, n)
		for i := range n {
			if set[i] {
				c.Tokens[i] = rapid.SampledFrom([]string{"a", "b", "open", strings.Repeat("\xff", MaxToken), "\x00"}).Draw(t, "token")
			}
		}
		return c
	}
	c.Nums = make([]int64, n)
	for i := range n {
		if set[i] {
			c.Nums[i] = rapid.Int64Range(-100, 100).Draw(t, "num")
		}
	}
	return c
}

func TestBatchRoundTrip(t *testing.T) {
	var e Encoder // one for all, so that left-over scratch shows
	rapid.Check(t, func(t *rapid.T) {
		b := anyBatch(t)
		size := rapid.SampledFrom([]int{0, 20000}).Draw(t, "size")
		payload, err := e.AppendBatch([]byte("before"), b, size)
		if err != nil {
			t.Fatal(err)
		}
		payload = payload[len("before"):]
		back, err := DecodeBatch(payload)
		if err != nil {
			t.Fatalf("%x: %v", payload, err)
		}
		if !reflect.DeepEqual(b, back) {
			t.Fatalf("%x:\n got %+v\nwant %+v", payload, back, b)
		}
		if id, seq, err := PeekBatch(payload); err != nil || id != b.Announcement || seq != b.Seq {
			t.Fatalf("peeked %x %d, %v", id, seq, err)
		}
		again, err := e.AppendBatch(nil, back, size)
		if err != nil || string(again) != string(payload) {
			t.Fatalf("the same batch gave other bytes: %v", err)
		}
		deterministic(t, payload)
	})
}

// deterministic asks another library whether the bytes are core deterministic
// CBOR: decoded to any and encoded again, they must be the same.
func deterministic(t rapid.TB, payload []byte) {
	t.Helper()
	enc, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := cbor.Unmarshal(payload, &v); err != nil {
		t.Fatalf("another CBOR library: %v", err)
	}
	again, err := enc.Marshal(v)
	if err != nil || string(again) != string(payload) {
		t.Fatalf("another CBOR library writes it as %x, %v; we as %x", again, err, payload)
	}
}

func TestBatchThatCannotBeWritten(t *testing.T) {
	ok := func() *Batch {
		return &Batch{Seq: 1, Groups: []Rows{{Time: []int64{5, 6}, Columns: []Column{{Nums: []int64{1, 2}}}}}}
	}
	for _, tc := range []struct {
		name  string
		spoil func(*Batch)
		want  Fault
	}{
		{"sequence zero", func(b *Batch) { b.Seq = 0 }, ErrValue},
		{"sequence too large", func(b *Batch) { b.Seq = MaxValue + 1 }, ErrValue},
		{"boot with a trusted clock", func(b *Batch) { b.Clock.Boot[0] = 1 }, ErrValue},
		{"wall time without anchor", func(b *Batch) { b.Clock = Clock{Untrusted: true, Wall: 5} }, ErrValue},
		{"negative base", func(b *Batch) { b.Clock = Clock{Untrusted: true, Base: -1} }, ErrLimit},
		{"loss twice", func(b *Batch) { b.Losses = []Loss{{0, 1}, {0, 1}} }, ErrValue},
		{"loss of nothing", func(b *Batch) { b.Losses = []Loss{{0, 0}} }, ErrValue},
		{"unknown loss", func(b *Batch) { b.Losses = []Loss{{3, 1}} }, ErrValue},
		{"group twice", func(b *Batch) { b.Groups = append(b.Groups, b.Groups[0]) }, ErrValue},
		{"group beyond the limit", func(b *Batch) { b.Groups[0].Group = MaxColumns }, ErrValue},
		{"group without rows", func(b *Batch) { b.Groups[0].Time = nil }, ErrValue},
		{"group without columns", func(b *Batch) { b.Groups[0].Columns = nil }, ErrValue},
		{"too many rows", func(b *Batch) { b.Groups[0].Time = make([]int64, MaxRows+1) }, ErrLimit},
		{"too many columns", func(b *Batch) { b.Groups[0].Columns = make([]Column, MaxColumns+1) }, ErrLimit},
		{"too many values", func(b *Batch) {
			b.Groups[0].Time, b.Groups[0].Columns = make([]int64, MaxRows), make([]Column, 17)
		}, ErrLimit},
		{"negative time", func(b *Batch) { b.Groups[0].Time[1] = -1 }, ErrLimit},
		{"coverage of another length", func(b *Batch) { b.Groups[0].Coverage = []int64{1} }, ErrValue},
		{"five quarters", func(b *Batch) { b.Groups[0].Coverage = []int64{1, 5} }, ErrValue},
		{"column too short", func(b *Batch) { b.Groups[0].Columns[0].Nums = []int64{1} }, ErrValue},
		{"set too short", func(b *Batch) { b.Groups[0].Columns[0].Set = []bool{true} }, ErrValue},
		{"numbers and tokens", func(b *Batch) { b.Groups[0].Columns[0].Tokens = []string{"a", "b"} }, ErrValue},
		{"number too large", func(b *Batch) { b.Groups[0].Columns[0].Nums[1] = MaxValue + 1 }, ErrLimit},
		{"empty token", func(b *Batch) { b.Groups[0].Columns[0] = Column{Tokens: []string{"a", ""}} }, ErrLimit},
		{"long token", func(b *Batch) {
			b.Groups[0].Columns[0] = Column{Tokens: []string{"a", strings.Repeat("x", MaxToken+1)}}
		}, ErrLimit},
		{"row that says nothing", func(b *Batch) { b.Groups[0].Columns[0].Set = []bool{true, false} }, ErrValue},
	} {
		b := ok()
		tc.spoil(b)
		out, err := new(Encoder).AppendBatch([]byte("dst"), b, 0)
		if fault(err) != tc.want || string(out) != "dst" {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
}

// TestValuesNeverInErrors: an error ends in a log, so it may say where and
// not what.
func TestValuesNeverInErrors(t *testing.T) {
	b := &Batch{Seq: 1, Groups: []Rows{{Time: []int64{5}, Columns: []Column{{Tokens: []string{strings.Repeat("Q", 99)}}}}}}
	_, err := new(Encoder).AppendBatch(nil, b, 0)
	if err == nil || strings.Contains(err.Error(), "QQ") {
		t.Errorf("the token is in %v", err)
	}
	b.Groups[0].Columns[0] = Column{Nums: []int64{9223372036854771111}}
	_, err = new(Encoder).AppendBatch(nil, b, 0)
	if err == nil || strings.Contains(err.Error(), "71111") {
		t.Errorf("the number is in %v", err)
	}
}

// TestUnknownKeys: keys below 32 belong to later versions, others to nobody.
func TestUnknownKeys(t *testing.T) {
	b := &Batch{Seq: 1, DeleteBy: 2}
	payload := mustEncode(t, b, 0)
	payload[0]++ // one more pair
	for _, tc := range []struct {
		name string
		pair []byte
		want Fault
	}{
		{"reserved", []byte{7, 0x40}, ErrUnknownKey},
		{"below the one before", []byte{1, 0x40}, ErrForm},
		{"free", []byte{0x18, 32, 0x40}, 0},
		{"free, nested", []byte{0x18, 40, 0xa2, 1, 0x82, 0xf5, 0xc1, 0, 0x61, 'x', 0xfb, 0, 0, 0, 0, 0, 0, 0, 0}, 0},
		{"free, keys inside out of order", []byte{0x18, 40, 0xa2, 2, 0, 1, 0}, ErrForm},
		{"free, indefinite", []byte{0x18, 40, 0x9f, 0xff}, ErrForm},
		{"free, too deep", append([]byte{0x18, 40}, []byte(strings.Repeat("\x81", 12)+"\x00")...), ErrLimit},
		{"free, text not UTF-8", []byte{0x18, 40, 0x61, 0xff}, ErrForm},
		{"text key", []byte{0x61, 'a', 0}, ErrType},
	} {
		got, err := DecodeBatch(append(payload[:len(payload):len(payload)], tc.pair...))
		if fault(err) != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
		if tc.want == 0 && !reflect.DeepEqual(got, b) {
			t.Errorf("%s: decoded %+v", tc.name, got)
		}
	}
}

// TestSmallInputsStaySmall: sixty bytes may claim a million values, which is
// the limit, and one more is refused before anything is reserved.
func TestSmallInputsStaySmall(t *testing.T) {
	claim := func(columns int) []byte {
		p := appendHead(nil, majorMap, 5)
		p = appendUint(appendUint(p, 0), Version)
		p = appendBytes(appendUint(p, keyAnnouncement), make([]byte, 16))
		p = appendUint(appendUint(p, keyDeleteBy), 0)
		p = appendUint(appendUint(p, keySeq), 1)
		p = appendArray(appendArray(appendUint(p, keyGroups), 1), 5)
		p = appendUint(appendUint(p, 0), MaxRows)
		p = append(append(p, 0x81, 0), itemNull)
		p = appendArray(p, columns)
		for range columns {
			p = append(p, 0x81, 0)
		}
		return p
	}
	if _, err := DecodeBatch(claim(MaxCells / MaxRows)); err != nil {
		t.Errorf("a batch at the limit: %v", err)
	}
	over := claim(MaxCells/MaxRows + 1)
	if _, err := DecodeBatch(over); !errors.Is(err, ErrLimit) {
		t.Errorf("a batch over the limit: %v", err)
	}
	// The time column of 65,536 rows is read before the columns are counted.
	result := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = DecodeBatch(over)
		}
	})
	if got := result.AllocedBytesPerOp(); got > 8*MaxRows+4096 {
		t.Errorf("refusing it took %d bytes of memory", got)
	}
}

func TestWallTick(t *testing.T) {
	trusted := Clock{}
	if tick, off, ok := trusted.WallTick(77); tick != 77 || off != 0 || !ok {
		t.Errorf("trusted: %d %d %t", tick, off, ok)
	}
	c := Clock{Untrusted: true, Base: 100, Anchored: true, Wall: 5000, Error: 3}
	if tick, off, ok := c.WallTick(90); tick != 4990 || off != 3 || !ok {
		t.Errorf("anchored: %d %d %t", tick, off, ok)
	}
	c.Wall = 5
	if _, _, ok := c.WallTick(90); ok {
		t.Error("a time before 1970 was given out")
	}
	c.Anchored = false
	if _, _, ok := c.WallTick(100); ok {
		t.Error("a time was given out without an anchor")
	}
}
