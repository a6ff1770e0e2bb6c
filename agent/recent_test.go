package agent

import (
	"bytes"
	"testing"

	"github.com/candor-edge/candor/store/ledger"
)

// The last uploads can be read, within bounds, until the yes they left under ends; then their bytes are overwritten.
func TestRecentUploads(t *testing.T) {
	var r recent
	a, b := &ledger.Stream{Grant: 1, Name: [16]byte{1}, Announcement: []byte("a")}, &ledger.Stream{Grant: 2, Name: [16]byte{2}, Announcement: []byte("b")}
	text := func(n int) []byte { return bytes.Repeat([]byte{byte(n)}, 100) }
	given := text(1)
	r.add(a, 1, [][]byte{given, text(2)})
	clear(given) // it is the cutter's memory
	r.add(b, 1, [][]byte{text(3)})
	if signed, announcement := r.find(a.Name, 1); !bytes.Equal(signed, text(1)) || string(announcement) != "a" {
		t.Errorf("%v %s", signed, announcement)
	}
	if signed, _ := r.find(b.Name, 2); signed != nil {
		t.Error("an upload that never was is found")
	}
	inside := r.list[0].signed
	r.drop(1)
	if signed, _ := r.find(a.Name, 1); signed != nil || !bytes.Equal(inside, make([]byte, 100)) || r.bytes != 100 {
		t.Errorf("it outlives the yes: %v, %d bytes", signed, r.bytes)
	}
	if signed, _ := r.find(b.Name, 1); !bytes.Equal(signed, text(3)) {
		t.Error("another yes lost its own")
	}
	var many [][]byte
	for i := range 3 * recentUploads {
		many = append(many, text(i))
	}
	r.add(a, 10, many)
	if signed, _ := r.find(a.Name, 10+3*recentUploads-1); signed == nil || len(r.list) != recentUploads || r.bytes != 100*recentUploads {
		t.Errorf("%d uploads, %d bytes", len(r.list), r.bytes)
	}
	r.add(b, 5, [][]byte{make([]byte, recentBytes-50)})
	if len(r.list) != 1 || r.bytes > recentBytes {
		t.Errorf("%d uploads, %d bytes", len(r.list), r.bytes)
	}
	r.add(b, 6, [][]byte{make([]byte, recentBytes+1)})
	if signed, _ := r.find(b.Name, 6); signed != nil {
		t.Error("more is kept than there may be")
	}
	if r.drop(0); len(r.list) != 0 || r.bytes != 0 {
		t.Errorf("%d uploads, %d bytes", len(r.list), r.bytes)
	}
}
