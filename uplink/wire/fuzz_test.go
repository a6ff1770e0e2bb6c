package wire

import (
	"bytes"
	"crypto/ed25519"
	"io"
	"reflect"
	"testing"
)

// seedVectors gives the payloads and messages of all vectors of a kind.
func seedVectors(f *testing.F, want func(*vector) bool) {
	for _, file := range []string{"valid.json", "invalid.json"} {
		for _, v := range readVectors(f, file) {
			data := mustHex(f, v.Hex)
			if !want(&v) {
				continue
			}
			f.Add(data)
			if payload, err := SignedPayload(data); err == nil {
				f.Add(payload)
			}
		}
	}
}

// FuzzDecodeBatch: whatever decodes can be encoded again and means the same.
func FuzzDecodeBatch(f *testing.F) {
	seedVectors(f, func(v *vector) bool { return v.Kind == "batch" })
	f.Fuzz(func(t *testing.T, payload []byte) {
		b, err := DecodeBatch(payload)
		if err != nil {
			return
		}
		if id, seq, err := PeekBatch(payload); err != nil || id != b.Announcement || seq != b.Seq {
			t.Fatalf("peeked %x %d, %v", id, seq, err)
		}
		again, err := new(Encoder).AppendBatch(nil, b, 0)
		if err != nil {
			t.Fatalf("decoded, but can't be encoded: %v", err)
		}
		back, err := DecodeBatch(again)
		if err != nil || !reflect.DeepEqual(b, back) {
			t.Fatalf("encoded again it means %+v, %v, not %+v", back, err, b)
		}
		if err := WriteDiagnostic(io.Discard, again); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzDecodeAnnouncement: whatever decodes encodes to the same bytes, keys of
// a later time aside.
func FuzzDecodeAnnouncement(f *testing.F) {
	seedVectors(f, func(v *vector) bool { return v.Kind == "announcement" })
	f.Fuzz(func(t *testing.T, payload []byte) {
		a, err := DecodeAnnouncement(payload)
		if err != nil {
			return
		}
		again, err := AppendAnnouncement(nil, a)
		if err != nil {
			t.Fatalf("decoded, but can't be encoded: %v", err)
		}
		if payload[0] == again[0] && !bytes.Equal(payload, again) {
			t.Fatalf("%x encodes to %x", payload, again)
		}
	})
}

// FuzzOpenSigned: nothing opens that was not signed, and everything that has
// the form has one form.
func FuzzOpenSigned(f *testing.F) {
	seedVectors(f, func(v *vector) bool { return v.Signed })
	stranger := testKey(99).Public().(ed25519.PublicKey)
	f.Fuzz(func(t *testing.T, data []byte) {
		for kind := KindBatch; kind <= KindTest; kind++ {
			if _, err := OpenSigned(kind, stranger, data); err == nil {
				t.Fatal("opened without having been signed")
			}
		}
		payload, err := SignedPayload(data)
		if err != nil {
			return
		}
		signature := data[len(data)-signatureSize:]
		again := AppendSigned(nil, func([]byte) []byte { return signature }, KindBatch, payload)
		if !bytes.Equal(again, data) {
			t.Fatalf("%x has another form %x", data, again)
		}
	})
}

// FuzzControl reads anything as each control message.
func FuzzControl(f *testing.F) {
	seedVectors(f, func(v *vector) bool { return v.Kind != "batch" && v.Kind != "announcement" })
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, m := range controlMessages() {
			if _, err := m.decode(payload); err == nil && len(payload) > MaxMessage {
				t.Fatalf("%s of %d bytes", m.name, len(payload))
			}
		}
		_ = WriteDiagnostic(io.Discard, payload) // must return, error or not
	})
}

// FuzzColumn: whatever column decodes can be encoded again and is the same.
func FuzzColumn(f *testing.F) {
	for _, nums := range [][]int64{{1}, {1, 2, 3}, {0, 0, 0, 9}, {5, -5, 5, 1 << 40}} {
		for _, how := range []uint64{0, 2, 3, 6, 8, 18, 27, 66} {
			f.Add(forced(nums, how), len(nums))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		if n < 1 || n > 4096 {
			return
		}
		nums, set, err := (&reader{data: data}).column(n, true)
		if err != nil {
			return
		}
		var present, absent []int64
		for i, v := range nums {
			if set == nil || set[i] {
				present = append(present, v)
			} else {
				absent = append(absent, int64(i))
			}
		}
		var c columns
		r := &reader{data: c.append(nil, present, absent)}
		back, backSet, err := r.column(n, true)
		if err != nil || r.left() > 0 || !reflect.DeepEqual(nums, back) || !reflect.DeepEqual(set, backSet) {
			t.Fatalf("%v %v came back as %v %v, %v", nums, set, back, backSet, err)
		}
	})
}

// FuzzSenML: whatever parses is announced, and goes out and back the same.
func FuzzSenML(f *testing.F) {
	a := testAnnouncement()
	b := testBatch(f, a)
	text, err := AppendSenMLJSON(nil, a, b)
	if err != nil {
		f.Fatal(err)
	}
	data, err := AppendSenMLCBOR(nil, a, b)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(data)
	f.Fuzz(func(t *testing.T, pack []byte) {
		for _, form := range []struct {
			parse  func(*Announcement, []byte) (*Batch, error)
			append func([]byte, *Announcement, *Batch) ([]byte, error)
		}{{ParseSenMLJSON, AppendSenMLJSON}, {ParseSenMLCBOR, AppendSenMLCBOR}} {
			b, err := form.parse(a, pack)
			if err != nil {
				continue
			}
			again, err := form.append(nil, a, b)
			if err != nil {
				t.Fatalf("parsed, but can't be written: %v", err)
			}
			back, err := form.parse(a, again)
			if err != nil || !reflect.DeepEqual(b, back) {
				t.Fatalf("written again it means %+v, %v, not %+v", back, err, b)
			}
		}
	})
}
