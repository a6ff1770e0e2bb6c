package wire

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

// TestSizes holds the budgets of the format on real data: bytes a reading,
// with the announcement by reference, the columns alone and signed.
func TestSizes(t *testing.T) {
	for _, tc := range []struct {
		file            string
		rows            int
		columns, signed float64
	}{
		{"env-q.csv", 60, 3.4, 5.8},
		{"env-q.csv", 1000, 2.3, 2.3},
		{"imu-q.csv", 1000, 8.4, 8.4},
	} {
		cols := readCSV(t, tc.file)
		var e Encoder
		rows, columns, signed := 0, 0, 0
		for start := 0; start+tc.rows <= len(cols[0]); start += tc.rows {
			b := cut(cols, start, tc.rows)
			payload, err := e.AppendBatch(nil, b, 0)
			if err != nil {
				t.Fatal(err)
			}
			message := AppendSigned(nil, SignWith(testKey(1)), KindBatch, payload)
			rows, columns, signed = rows+tc.rows, columns+e.ColumnBytes(), signed+len(message)
			back, err := DecodeBatch(payload)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(b, back) {
				t.Fatalf("%s from row %d: not the rows that were encoded", tc.file, start)
			}
		}
		c, s := float64(columns)/float64(rows), float64(signed)/float64(rows)
		t.Logf("%s, %d rows a batch: columns %.2f, signed %.2f bytes a reading", tc.file, tc.rows, c, s)
		if c > tc.columns || s > tc.signed {
			t.Errorf("%s, %d rows a batch: columns %.2f, signed %.2f bytes a reading; the budget is %.2f and %.2f",
				tc.file, tc.rows, c, s, tc.columns, tc.signed)
		}
	}
}

// TestCoarseTime has sixty rows in one hour, whose times must cost nothing.
func TestCoarseTime(t *testing.T) {
	b := &Batch{Seq: 1, Groups: []Rows{{Time: make([]int64, 60), Columns: []Column{{Nums: make([]int64, 60)}}}}}
	for i := range 60 {
		b.Groups[0].Time[i] = 497000
		b.Groups[0].Columns[0].Nums[i] = 2000 + int64(i/20)*50 // sorted within the bucket
	}
	var e Encoder
	if _, err := e.AppendBatch(nil, b, 0); err != nil {
		t.Fatal(err)
	}
	if e.ColumnBytes() > 32 {
		t.Errorf("60 rows in one hour take %d bytes, want at most 32", e.ColumnBytes())
	}
}

// TestPadding asks for every size near the places where a length grows by a
// byte and more, and for a spread of others.
func TestPadding(t *testing.T) {
	var e Encoder
	b := &Batch{Announcement: fill16(9), Seq: 5, DeleteBy: 20000}
	signer := SignWith(testKey(1))
	sizes := []int{1000, 4096, 65536, 100000, MaxMessage}
	for n := 130; n < 700; n++ {
		sizes = append(sizes, n)
	}
	for n := 65600; n < 65700; n++ {
		sizes = append(sizes, n)
	}
	exceptions := map[int]int{331: 330, 65612: 65611, 65613: 65611}
	for _, size := range sizes {
		want := size
		if w, ok := exceptions[size]; ok {
			want = w
		}
		if got := PaddedSize(size); got != want {
			t.Fatalf("PaddedSize(%d) = %d, want %d", size, got, want)
		}
		payload, err := e.AppendBatch(nil, b, size)
		if err != nil {
			t.Fatalf("size %d: %v", size, err)
		}
		if got := len(AppendSigned(nil, signer, KindBatch, payload)); got != want {
			t.Fatalf("size %d: signed message has %d bytes, want %d", size, got, want)
		}
		if got := SignedSize(len(payload)); got != want {
			t.Fatalf("SignedSize(%d) = %d, want %d", len(payload), got, want)
		}
		back, err := DecodeBatch(payload)
		if err != nil || !reflect.DeepEqual(b, back) {
			t.Fatalf("size %d: decoded %+v, %v", size, back, err)
		}
	}
	// One byte of the padding that is not zero is a hidden channel.
	payload := mustEncode(t, b, 300)
	payload[len(payload)-1] = 1
	if _, err := DecodeBatch(payload); !errors.Is(err, ErrValue) {
		t.Errorf("padding that is not zero: %v, want %v", err, ErrValue)
	}
}

// TestTooLarge looks for the edge: a batch fits from one size on, and the
// error names that size.
func TestTooLarge(t *testing.T) {
	a := testAnnouncement()
	b := testBatch(t, a)
	var e Encoder
	_, err := e.AppendBatch(nil, b, 150)
	var large *TooLargeError
	if !errors.As(err, &large) || !errors.Is(err, ErrTooLarge) || large.Size != 150 {
		t.Fatalf("room of 150 bytes: %v", err)
	}
	for size := 100; size < 500; size++ {
		prefix := []byte("kept")
		out, err := e.AppendBatch(prefix, b, size)
		if fits := err == nil; fits != (PaddedSize(size) >= large.Need) {
			t.Fatalf("size %d, need %d: %v", size, large.Need, err)
		}
		if err != nil && !bytes.Equal(out, prefix) {
			t.Fatalf("size %d: dst was changed", size)
		}
	}
	if _, err := e.AppendBatch(nil, b, MaxMessage+1); !errors.Is(err, ErrLimit) {
		t.Errorf("a size above the limit: %v", err)
	}
}

// TestSteadyEncoderDoesNotAllocate: what encodes for years must not feed the
// garbage collector.
func TestSteadyEncoderDoesNotAllocate(t *testing.T) {
	a := testAnnouncement()
	small, large := testBatch(t, a), cut(readCSV(t, "env-q.csv"), 0, 600)
	var e Encoder
	var buf []byte
	encode := func() {
		for _, b := range []*Batch{small, large} {
			var err error
			if buf, err = e.AppendBatch(buf[:0], b, 8192); err != nil {
				t.Fatal(err)
			}
		}
	}
	encode()
	if n := testing.AllocsPerRun(20, encode); n != 0 {
		t.Errorf("%v allocations a run, want none", n)
	}
}

func BenchmarkEncode(b *testing.B) {
	batch := cut(readCSV(b, "env-q.csv"), 0, 100)
	var e Encoder
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = e.AppendBatch(buf[:0], batch, 0)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/reading")
}

func BenchmarkDecode(b *testing.B) {
	payload := mustEncode(b, cut(readCSV(b, "env-q.csv"), 0, 100), 0)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeBatch(payload); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/reading")
}
