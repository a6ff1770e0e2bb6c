package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/candor-edge/candor/store/consent"
)

func TestStreamsComeBack(t *testing.T) {
	l, keys := openNew(t)
	plan := consent.Digest{5}
	var numbers []uint32
	for i := range uint64(3) {
		n, err := l.AddStream(Stream{Number: 77, Grant: 4, Purpose: "trends", Recipient: "acme", Epoch: i, Name: [16]byte{byte(i)},
			Plan: plan, OpenedAt: start, Announcement: []byte{'a', byte(i)}, Deletion: []byte{'d', byte(i)}, Closed: true})
		must(t, err)
		numbers = append(numbers, n)
	}
	if fmt.Sprint(numbers) != "[1 2 3]" {
		t.Fatalf("numbers %v", numbers)
	}
	must(t, l.SetAnnounced(1, start+minute))
	must(t, l.SetAnnounced(1, start+2*minute)) // again: the first time stays
	must(t, l.CloseStream(1, start+3*minute))
	must(t, l.MarkDeletionDue(4, start+4*minute))
	must(t, l.MarkDeletionDue(4, start+5*minute))
	must(t, l.SetDeletionDone(1, []byte("proof"), start+6*minute))
	want := Stream{Number: 1, Grant: 4, Purpose: "trends", Recipient: "acme", Plan: plan, OpenedAt: start,
		Announcement: []byte{'a', 0}, Deletion: []byte{'d', 0}, Proof: []byte("proof"), Offered: true, Announced: true,
		AnnouncedAt: start + minute, Closed: true, ClosedAt: start + 3*minute, DeletionDue: true,
		DeletionDueAt: start + 4*minute, DeletionDone: true, DeletedAt: start + 6*minute}
	for range 2 {
		got, ok := l.Stream(1)
		if !ok || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %#v\nwant %#v", fields(got), fields(want))
		}
		second, _ := l.Stream(2)
		if !second.Closed || second.DeletionDue {
			t.Fatal("a stream that met no network has nothing to delete, and is closed")
		}
		if len(l.Streams()) != 3 {
			t.Fatalf("%d streams", len(l.Streams()))
		}
		l = reopen(t, l, keys)
	}
	if n, err := l.AddStream(Stream{Purpose: "x"}); err != nil || n != 4 {
		t.Fatalf("number %d, %v", n, err)
	}
	for _, err := range []error{l.SetAnnounced(9, 1), l.CloseStream(9, 1), l.SetDeletionDone(9, nil, 1)} {
		if !errors.Is(err, ErrUnknown) {
			t.Fatalf("an unknown stream: %v", err)
		}
	}
	if _, err := l.AddStream(Stream{Announcement: make([]byte, MaxPaper+1)}); err == nil {
		t.Fatal("too long a message was accepted")
	}
}

// fields shows a stream in spite of its Format.
func fields(s Stream) string {
	type plain Stream
	return fmt.Sprintf("%+v", plain(s))
}

func TestFindStream(t *testing.T) {
	l, _ := openNew(t)
	add := func(grant consent.GrantID, epoch uint64, plan byte) uint32 {
		n, err := l.AddStream(Stream{Grant: grant, Purpose: "p", Epoch: epoch, Plan: consent.Digest{plan}})
		must(t, err)
		return n
	}
	a := add(1, 1, 1)
	add(1, 2, 1)
	add(1, 1, 2)
	add(2, 1, 1)
	if s, ok := l.FindStream(1, 1, consent.Digest{1}); !ok || s.Number != a {
		t.Fatalf("found %d, %v", s.Number, ok)
	}
	must(t, l.CloseStream(a, start))
	if _, ok := l.FindStream(1, 1, consent.Digest{1}); ok {
		t.Fatal("found a closed stream")
	}
	b := add(1, 1, 1)
	if s, ok := l.FindStream(1, 1, consent.Digest{1}); !ok || s.Number != b {
		t.Fatalf("found %d, %v", s.Number, ok)
	}
}

func TestWithdrawalMarksDeletions(t *testing.T) {
	l, keys := openNew(t)
	a := give(t, l, "trends", start)
	b := give(t, l, "service", start)
	for i, grant := range []consent.GrantID{a.ID, a.ID, b.ID} {
		_, err := l.AddStream(Stream{Grant: grant, Purpose: "p", Epoch: uint64(i)})
		must(t, err)
	}
	// Something of stream 1 went out, though no answer came; stream 2 never met the network.
	must(t, l.RecordSent([]Sent{{Stream: 1, Purpose: "trends", Control: "announcement", Result: ResultCancelled, SentAt: start}}))
	must(t, l.SetAnnounced(3, start))
	must(t, l.Withdraw(a.ID, start+minute, "person", ""))
	for range 2 {
		for number, want := range map[uint32][2]bool{1: {true, true}, 2: {true, false}, 3: {false, false}} {
			s, _ := l.Stream(number)
			if got := [2]bool{s.Closed, s.DeletionDue}; got != want {
				t.Fatalf("stream %d: closed and due are %v, want %v", number, got, want)
			}
		}
		l = reopen(t, l, keys)
	}
}

func TestStreamsAreNotShown(t *testing.T) {
	s := Stream{Number: 3, Name: [16]byte{0xca, 0xfe, 0xca, 0xfe}, Deletion: []byte("capability"), Announcement: []byte("words")}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", s)
		fmt.Fprintf(&out, verb+"\n", []Stream{s})
		fmt.Fprintf(&out, verb+"\n", &s)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "s", s)
	for _, trace := range []string{"capability", "words", "cafe", "202 254", "6361706162", fmt.Sprint([]byte("capab"))[1:10]} {
		if strings.Contains(out.String(), trace) {
			t.Errorf("%q is shown", trace)
		}
	}
	if !strings.Contains(out.String(), "stream 3") {
		t.Error("nothing was printed")
	}
}

func TestFlippedStreamsAndPapersAreFound(t *testing.T) {
	l, keys := openNew(t)
	_, err := l.AddStream(Stream{Grant: 1, Purpose: "trends", Announcement: []byte("announcement"), Deletion: []byte("deletion")})
	must(t, err)
	must(t, l.RecordSent([]Sent{{Stream: 1, Purpose: "trends", Seq: 4, Rows: 60, Result: ResultAccepted, SentAt: start, Fields: []string{"a.b"}}}))
	type place struct {
		bucket string
		key    []byte
	}
	for _, p := range []place{
		{streamBucket, key32(1)},
		{paperBucket, append(key32(1), announcementPaper)},
		{paperBucket, append(key32(1), deletionPaper)},
		{contextBucket, key32(1)},
		{totalBucket, key32(1)},
		{sentBucket, key64(1)},
		{seenBucket, append(key32(1), key64(0)...)},
	} {
		good := read(t, l, p.bucket, p.key)
		if len(good) == 0 {
			t.Fatalf("nothing in %s", p.bucket)
		}
		for at := range good {
			bad := bytes.Clone(good)
			bad[at] ^= 1 << (at % 8)
			tamper(t, l, p.bucket, func(b *bolt.Bucket) error { return b.Put(p.key, bad) })
			wantBroken(t, l, "%s, byte %d", p.bucket, at)
		}
		tamper(t, l, p.bucket, func(b *bolt.Bucket) error { return b.Put(p.key, good) })
	}
	if _, err := l.Verify(); err != nil {
		t.Fatal(err)
	}
	tamper(t, l, streamBucket, func(b *bolt.Bucket) error { return b.Put(key32(1), []byte("nonsense")) })
	must(t, l.Close())
	if _, err := Open(Options{Dir: l.dir, Keys: keys, Rand: zeros{}, When: start}); !errors.Is(err, ErrDamaged) {
		t.Fatalf("opened with a stream that can't be read: %v", err)
	}
}

// zeros is a source of bytes for tests that write nothing.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
