package jetstream

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"pgregory.net/rapid"

	"github.com/candor-edge/candor/uplink/receive"
	"github.com/candor-edge/candor/uplink/wire"
)

// A whole life before one server, through two receivers in turn: what one
// answered the other knows.
func TestLifeThroughTwoReceivers(t *testing.T) {
	srv := startServer(t, nil)
	sinks := []*Sink{open(t, srv.ClientURL(), 0), open(t, srv.ClientURL(), 0)}
	a, b := newHandler(t, sinks[0]), newHandler(t, sinks[1])
	o, other := newObject(t, 1, nil), newObject(t, 2, nil)
	one, two := o.batch(1, today()+9, 20000, 21000), o.batch(2, today()+9, 22000)
	want(t, a, "/batches", one, 428)
	want(t, a, "/announcements", o.signed, 202)
	want(t, b, "/announcements", o.signed, 200)
	want(t, b, "/announcements", other.signed, 202)
	want(t, b, "/announcements", newObject(t, 1, func(a *wire.Announcement) { a.RetentionDays++ }).signed, 409)
	want(t, b, "/batches", two, 202)
	want(t, a, "/batches", one, 202)
	want(t, b, "/batches", one, 202)
	want(t, a, "/batches", two, 202)
	want(t, a, "/batches", o.batch(1, today()+9, 20001), 409)
	want(t, b, "/batches", o.batch(2, today()+9, 20001), 409)
	want(t, b, "/batches", other.batch(1, today()+9, 7), 202)
	if st, err := sinks[0].ByID(context.Background(), o.a.Stream); err != nil || st.Last != 2 || st.Withdrawn {
		t.Fatalf("%+v %v", st, err)
	}
	rows := want(t, b, "/access", o.access(), 200).Body.String()
	if strings.Count(rows, "\n") != 3 || strings.Contains(rows, other.a.Stream.String()) {
		t.Errorf("access gives\n%s", rows)
	}
	for range 2 {
		var answer struct {
			Accepted struct{ Erased []receive.Erased }
		}
		must(t, json.Unmarshal(want(t, b, "/deletions", o.deletion(), 202).Body.Bytes(), &answer))
		if got := fmt.Sprint(answer.Accepted.Erased); got != "[{jetstream rows 3} {jetstream signed messages 2}]" {
			t.Errorf("erased %s", got)
		}
	}
	for _, h := range []*receive.Handler{a, b} {
		want(t, h, "/batches", one, 410)
		want(t, h, "/batches", o.batch(3, today()+9, 1), 410)
		want(t, h, "/announcements", o.signed, 410)
		want(t, h, "/access", o.access(), 410)
	}
	if found := contents(t, sinks[0]); len(found) != 1 || found[other.a.Stream.String()+" 1"] != 1 {
		t.Errorf("left: %v", found)
	}
	// Who had taken rows is told, with the request as proof.
	gone, err := sinks[0].get(context.Background(), StreamName, lookup{Last: subject(o.a) + ".gone"})
	if err != nil || !bytes.Equal(gone.Data, o.deletion()) {
		t.Errorf("the end is not told: %v", err)
	}
}

// Many receivers, the same batches from all sides at once: each is there once
// and everybody hears yes; other content under a number hears no.
func TestManyReceiversAtOnce(t *testing.T) {
	srv := startServer(t, nil)
	const receivers, streams, batches = 3, 4, 20
	var all sync.WaitGroup
	var sinks []*Sink
	for range receivers {
		sinks = append(sinks, open(t, srv.ClientURL(), 0))
	}
	for r := range receivers {
		h := newHandler(t, sinks[r])
		for n := range streams {
			all.Go(func() {
				o := newObject(t, uint32(n), nil)
				if w := post(h, "/announcements", o.signed); w.Code != 202 && w.Code != 200 {
					t.Error(w.Code, w.Body)
				}
				for i := range uint64(batches) {
					seq := (i*7+uint64(r)*3)%batches + 1
					if w := post(h, "/batches", o.batch(seq, today()+9, int64(seq))); w.Code != 202 {
						t.Error(w.Code, w.Body)
					}
					if w := post(h, "/batches", o.batch(seq, today()+9, int64(seq), int64(r))); w.Code != 409 {
						t.Error(w.Code, w.Body)
					}
				}
			})
		}
	}
	all.Wait()
	found := contents(t, sinks[0])
	if len(found) != streams*batches {
		t.Errorf("%d batches, want %d", len(found), streams*batches)
	}
	for name, n := range found {
		if n != 1 {
			t.Errorf("%s is there %d times", name, n)
		}
	}
}

// Past the duplicate window the sequence check alone holds.
func TestReplayPastTheWindow(t *testing.T) {
	srv := startServer(t, nil)
	s, err := Open(context.Background(), Options{URL: srv.ClientURL(), Window: 100 * time.Millisecond, Log: quiet()})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	h, o := newHandler(t, s), newObject(t, 1, nil)
	want(t, h, "/announcements", o.signed, 202)
	for seq := range uint64(5) {
		want(t, h, "/batches", o.batch(seq+1, today()+9, 1), 202)
	}
	time.Sleep(400 * time.Millisecond)
	late := newHandler(t, open(t, srv.ClientURL(), 0)) // remembers nothing
	for seq := range uint64(5) {
		want(t, late, "/batches", o.batch(seq+1, today()+9, 1), 202)
		want(t, h, "/batches", o.batch(seq+1, today()+9, 2), 409)
	}
	if found := contents(t, s); len(found) != 5 {
		t.Errorf("%d batches, want 5", len(found))
	}
}

// A withdrawal beside a load: nothing of the stream is there once it was
// answered, whichever receiver the batches went to.
func TestWithdrawalBesideALoad(t *testing.T) {
	srv := startServer(t, nil)
	a, b := open(t, srv.ClientURL(), 0), open(t, srv.ClientURL(), 0)
	o := newObject(t, 1, nil)
	ha, hb := newHandler(t, a), newHandler(t, b)
	want(t, ha, "/announcements", o.signed, 202)
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { // until it is told to stop: a load that ends by itself would let anybody through
		for seq := range uint64(5000) {
			if w := post(ha, "/batches", o.batch(seq+1, today()+9, 1)); w.Code == 410 {
				return
			} else if w.Code != 202 {
				t.Error(w.Code, w.Body)
			}
		}
		t.Error("5000 batches went through beside a withdrawal")
	})
	time.Sleep(10 * time.Millisecond)
	want(t, hb, "/deletions", o.deletion(), 202)
	if found := contents(t, b); len(found) != 0 {
		t.Errorf("%d batches right after the answer", len(found))
	}
	all.Wait()
	if found := contents(t, b); len(found) != 0 {
		t.Errorf("%d batches in the end", len(found))
	}
}

// Withdrawn before it was announced: a late announcement finds the request,
// and a forged one stops nobody.
func TestDeletionBeforeAnnouncement(t *testing.T) {
	s := open(t, startServer(t, nil).ClientURL(), 0)
	h := newHandler(t, s)
	o, free := newObject(t, 1, nil), newObject(t, 2, nil)
	want(t, h, "/deletions", o.deletion(), 202)
	want(t, h, "/deletions", o.deletion(), 202)
	forged := *newObject(t, 3, nil)
	forged.a = &wire.Announcement{Stream: free.a.Stream, Epoch: free.a.Epoch}
	want(t, h, "/deletions", forged.deletion(), 202)
	for n := range byte(maxPendingStream) {
		forged.capability[0] = n + 1
		code := 202
		if n == maxPendingStream-1 {
			code = 503
		}
		want(t, h, "/deletions", forged.deletion(), code)
	}
	want(t, h, "/announcements", o.signed, 410)
	want(t, h, "/batches", o.batch(1, today()+9, 1), 410)
	want(t, h, "/announcements", free.signed, 202)
	want(t, h, "/batches", free.batch(1, today()+9, 1), 202)
}

// A receiver that is killed right behind the end of a stream leaves rows there. Whoever looks next removes them, and the
// answer to the object counts them all the same.
func TestKilledBehindTheEnd(t *testing.T) {
	s := open(t, startServer(t, nil).ClientURL(), 0)
	h, o := newHandler(t, s), newObject(t, 1, nil)
	want(t, h, "/announcements", o.signed, 202)
	want(t, h, "/batches", o.batch(1, today()+9, 20000, 21000), 202)
	end := nats.NewMsg(subject(o.a))
	end.Data = o.deletion()
	end.Header.Set(headKind, kindWithdrawn)
	if _, err := s.write(context.Background(), end); err != nil {
		t.Fatal(err)
	}
	want(t, h, "/batches", o.batch(2, today()+9, 1), 410)
	if _, err := s.Forget(context.Background(), today()); err != nil {
		t.Fatal(err)
	}
	if found := contents(t, s); len(found) != 0 {
		t.Errorf("left: %v", found)
	}
	got, err := s.Withdraw(context.Background(), &receive.Withdrawal{Stream: o.a.Stream, Signed: o.deletion()})
	if err != nil || fmt.Sprint(got) != "[{jetstream rows 2} {jetstream signed messages 1}]" {
		t.Errorf("erased %v, %v", got, err)
	}
}

// Rows go on their day, and what went is not stored again.
func TestForgetsOnTheDay(t *testing.T) {
	s := open(t, startServer(t, nil).ClientURL(), 0)
	h, o := newHandler(t, s), newObject(t, 1, nil)
	want(t, h, "/announcements", o.signed, 202)
	due, due2, later := o.batch(1, today(), 1), o.batch(2, today(), 2), o.batch(3, today()+1, 3)
	for _, m := range [][]byte{due, later, due2} { // one that is due is the last of its subject
		want(t, h, "/batches", m, 202)
	}
	forget := func(day uint32, batches, left int) {
		t.Helper()
		n, err := s.Forget(context.Background(), day)
		if found := contents(t, s); err != nil || n != batches || len(found) != left {
			t.Fatalf("%d went, %v are left: %v", n, found, err)
		}
	}
	forget(today()-1, 0, 3)
	forget(today(), 2, 1)
	want(t, h, "/batches", due, 202)
	want(t, h, "/batches", due2, 202)
	want(t, newHandler(t, open(t, s.nc.ConnectedUrl(), 0)), "/batches", due, 202)
	want(t, h, "/batches", o.batch(2, today()+9, 4), 409)
	want(t, h, "/batches", o.batch(4, today()+9, 4), 202)
	late := o.batch(5, today()-1, 5) // after the day's pass
	want(t, h, "/batches", late, 202)
	forget(today(), 1, 2)
	forget(today()+1, 1, 1)
	if st, err := s.ByID(context.Background(), o.a.Stream); err != nil || st.Last != 5 {
		t.Errorf("%+v %v", st, err)
	}
}

// What is not JetStream's to take is refused with its reason, and a server
// that is away is a reason to come again, never to announce anew.
func TestRefusals(t *testing.T) {
	srv := startServer(t, nil)
	s := open(t, srv.ClientURL(), 0)
	h, o := newHandler(t, s), newObject(t, 1, nil)
	want(t, h, "/announcements", newObject(t, 2, func(a *wire.Announcement) { a.Recipient = "acme.>" }).signed, 422)
	want(t, h, "/announcements", newObject(t, 3, func(a *wire.Announcement) { a.Purpose = "*" }).signed, 422)
	want(t, h, "/announcements", o.signed, 202)
	for i := range uint64(maxRanges) {
		want(t, h, "/batches", o.batch(2*i+1, today()+9, 1), 202)
	}
	want(t, h, "/batches", o.batch(2*maxRanges+1, today()+9, 1), 409)
	want(t, h, "/batches", o.batch(2, today()+9, 1), 202)
	srv.Shutdown()
	srv.WaitForShutdown()
	for end := time.Now().Add(time.Minute); s.Err() == nil && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
	}
	for path, body := range map[string][]byte{"/batches": o.batch(4, today()+9, 1), "/announcements": o.signed, "/deletions": o.deletion()} {
		if w := want(t, h, path, body, 503); w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", path)
		}
	}
	if s.Err() == nil {
		t.Error("it says that all is well")
	}
}

// After a deletion the files of the server hold nothing of what was deleted.
func TestDeletedIsNotInTheFiles(t *testing.T) {
	srv := startServer(t, nil)
	s := open(t, srv.ClientURL(), 0)
	h, o, other := newHandler(t, s), newObject(t, 1, nil), newObject(t, 2, nil)
	want(t, h, "/announcements", o.signed, 202)
	want(t, h, "/announcements", other.signed, 202)
	gone, kept := o.batch(1, today()+9, 1, 70, 20000), other.batch(1, today()+9, 1, 70, 20000)
	want(t, h, "/batches", gone, 202)
	want(t, h, "/batches", kept, 202)
	want(t, h, "/deletions", o.deletion(), 202)
	dir := srv.JetStreamConfig().StoreDir
	srv.Shutdown()
	srv.WaitForShutdown()
	if n := filesWith(t, dir, kept); n != 1 {
		t.Fatalf("the batch that is kept is in %d files", n)
	}
	if n := filesWith(t, dir, gone[len(gone)-100:]); n != 0 {
		t.Errorf("the batch that was deleted is in %d files", n)
	}
}

// filesWith counts the files under a directory that hold some bytes.
func filesWith(t *testing.T, dir string, what []byte) (n int) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, what) {
			n++
		}
		return err
	}))
	return n
}

// Numbers behave as a set does, written and read.
func TestNumbersAreASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, n := map[uint64]bool{}, numbers(nil)
		for _, seq := range rapid.SliceOfN(rapid.Uint64Range(1, 60), 0, 50).Draw(t, "seqs") {
			if n.has(seq) != set[seq] {
				t.Fatalf("has(%d) of %s", seq, n)
			}
			if !set[seq] {
				n = n.with(seq)
				set[seq] = true
			}
		}
		back, err := parseNumbers(n.String())
		if err != nil || back.String() != n.String() {
			t.Fatalf("%s reads as %s: %v", n, back, err)
		}
		last, count := uint64(0), 0
		for seq := range set {
			last = max(last, seq)
			if !back.has(seq) {
				t.Fatalf("%d is missing in %s", seq, back)
			}
		}
		for _, s := range back {
			count += int(s.last - s.first + 1)
		}
		if back.last() != last || count != len(set) {
			t.Fatalf("%s for %d numbers up to %d", back, len(set), last)
		}
	})
	for _, bad := range []string{"0", "2-1", "1,1", "1,2", "1-", "x", "1,,3"} {
		if _, err := parseNumbers(bad); err == nil {
			t.Errorf("%q reads", bad)
		}
	}
}

// Consumers find the batch, whole, under its subject, and its headers.
func TestWhatAConsumerSees(t *testing.T) {
	srv := startServer(t, nil)
	h, o := newHandler(t, open(t, srv.ClientURL(), 0)), newObject(t, 1, nil)
	nc, err := nats.Connect(srv.ClientURL())
	must(t, err)
	defer nc.Close()
	sub, err := nc.SubscribeSync("candor.acme.trends.*")
	must(t, err)
	must(t, nc.Flush())
	m := o.batch(1, today()+9, 1, 2)
	want(t, h, "/announcements", o.signed, 202)
	want(t, h, "/batches", m, 202)
	got, err := sub.NextMsg(5 * time.Second)
	must(t, err)
	if !bytes.Equal(got.Data, m) || got.Subject != "candor.acme.trends."+o.a.Stream.String() || got.Header.Get(headRows) != "2" || got.Header.Get(headSeq) != "1" {
		t.Errorf("%s %v", got.Subject, got.Header)
	}
}

// BenchmarkForget looks once through what is kept, where nothing is due.
func BenchmarkForget(b *testing.B) {
	const each, streams = 250, 20
	s := open(b, startServer(b, nil).ClientURL(), 0)
	h := newHandler(b, s)
	for n := range uint32(streams) {
		o := newObject(b, n, nil)
		want(b, h, "/announcements", o.signed, 202)
		for seq := range uint64(each) {
			want(b, h, "/batches", o.batch(seq+1, today()+30, 1), 202)
		}
	}
	for day := today(); b.Loop(); day-- { // a day has one pass
		if _, err := s.Forget(context.Background(), day); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*each*streams)/b.Elapsed().Seconds(), "messages/s")
}
