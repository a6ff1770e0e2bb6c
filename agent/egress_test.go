package agent_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent/control"
)

// Whatever the recipient does, what arrived there and what the ledger says left are the same number of bytes, message by
// message, deletion requests included.
func TestBytesOnTheWireAreBytesInTheLedger(t *testing.T) {
	out := t.TempDir()
	handler, stop := newReceiver(t, out)
	defer stop()
	var mu sync.Mutex
	captured, requests, refused := map[string]int{}, 0, 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("a body broke off: %v", err)
		}
		mu.Lock()
		requests++
		n := requests
		captured[r.URL.Path] += len(body)
		mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		switch {
		case n%5 == 1:
			refused++
			w.WriteHeader(http.StatusServiceUnavailable)
		case n%5 == 3:
			refused++
			cutAnswer(w, r, handler)
		default:
			handler.ServeHTTP(w, r)
		}
	}))
	defer srv.Close()
	o := newObject(t, srv.URL, 3000)
	if err := o.once(30*time.Second, "air", "trends"); err != nil {
		t.Fatal(err)
	}
	a := o.open()
	if _, err := a.Withdraw(t.Context(), "air", control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	if err := o.once(30 * time.Second); err != nil {
		t.Fatal(err)
	}
	a = o.open()
	defer func() { _ = a.Close() }()
	total := uint64(0)
	for _, x := range a.Book().Totals() {
		total += x.WireBytes
		if x.Open != 0 {
			t.Errorf("%s: %d batches count as not accepted at last", x.Purpose, x.Open)
		}
	}
	sum := 0
	for _, n := range captured {
		sum += n
	}
	if uint64(sum) != total || refused < 3 || len(captured) < 3 {
		t.Errorf("%d bytes arrived on %d paths, the ledger says %d left; %d of %d requests were refused or cut", sum, len(captured), total, refused, requests)
	}
}
