package ledger

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// noGrowth has every growth of the file fail, as on a full disk.
func noGrowth(l *Ledger) { l.db.MaxSize = 1 }

func TestAFullDiskLeavesRoomForWithdrawals(t *testing.T) {
	l, keys := openNew(t)
	var grants []consent.GrantID
	for i := range 10 {
		a := give(t, l, fmt.Sprint("purpose", i), start)
		grants = append(grants, a.ID)
		for epoch := range uint64(24) { // two years of epochs
			n, err := l.AddStream(Stream{Grant: a.ID, Purpose: a.Purpose, Recipient: "acme", Epoch: epoch, Announcement: make([]byte, 700), Deletion: make([]byte, 200)})
			must(t, err)
			must(t, l.SetAnnounced(n, start))
		}
	}
	noGrowth(l)
	full := false
	for seq := uint64(0); seq < 40_000 && !full; seq += 50 {
		var lines []Sent
		for i := range uint64(50) {
			lines = append(lines, batch(uint32(1+i%7), seq+i, start))
		}
		err := l.RecordSent(lines)
		full = errors.Is(err, ErrNoRoom)
		if err != nil && !full {
			t.Fatal(err)
		}
	}
	if !full {
		t.Fatal("the file never filled up")
	}
	if _, err := l.Give(answerTo("another", start), 0); !errors.Is(err, ErrNoRoom) {
		t.Fatalf("a yes on a full disk: %v", err)
	}
	size, err := l.Size()
	must(t, err)
	for _, id := range grants {
		must(t, l.Withdraw(id, start+minute, "person", ""))
	}
	for number := range uint32(240) {
		must(t, l.SetDeletionDone(number+1, nil, start+2*minute))
	}
	if after, _ := l.Size(); after != size {
		t.Fatalf("the file grew from %d to %d bytes", size, after)
	}
	l = reopen(t, l, keys)
	for _, s := range l.Streams() {
		if !s.DeletionDue || !s.DeletionDone {
			t.Fatalf("stream %d: due %v, done %v", s.Number, s.DeletionDue, s.DeletionDone)
		}
	}
	if _, err := l.Verify(); err != nil {
		t.Fatal(err)
	}
	give(t, l, "another", start+3*minute) // there is disk again
}

// A commit that fails leaves memory as it was, and the next change goes on from what the file says.
func TestAFailedCommitIsRecovered(t *testing.T) {
	l, keys := openNew(t)
	a := give(t, l, "trends", start)
	noGrowth(l)
	var err error
	for i := 0; err == nil && i < 10_000; i++ {
		if err = l.change(always, func(c *change) error {
			return c.add(start, Gap, 0, &body{Text: string(bytes.Repeat([]byte("x"), 4_000))})
		}); err == nil && i == 9_999 {
			t.Fatal("the file never filled up")
		}
	}
	before := l.Head()
	failed := l.Withdraw(a.ID, start+minute, "person", "")
	if _, ok := l.Current("trends"); ok {
		t.Fatal("in force although it was withdrawn")
	}
	if failed != nil && l.Head() != before {
		t.Fatal("the head moved although nothing was written")
	}
	l.db.MaxSize = 0
	must(t, l.Withdraw(a.ID, start+minute, "person", ""))
	must(t, l.Withdraw(a.ID, start+minute, "person", ""))
	if _, err := l.Verify(); err != nil {
		t.Fatal(err)
	}
	l = reopen(t, l, keys)
	if got, _ := l.Answer(a.ID); got.Ending != Withdrawn {
		t.Fatal("not withdrawn in the file")
	}
}

// A power cut between operations is a copy of the file; the head may be the newest or an older one.
func TestCopiesOfAnyMomentOpen(t *testing.T) {
	l, keys := openNew(t)
	var a Answer
	steps := []func() error{
		func() (err error) { a, err = l.Give(answerTo("trends", start), 0); return err },
		func() error {
			_, err := l.AddStream(Stream{Grant: a.ID, Purpose: "trends", Announcement: []byte("x")})
			return err
		},
		func() error { return l.SetAnnounced(1, start) },
		func() error { return l.RecordSent([]Sent{batch(1, 1, start), batch(1, 2, start)}) },
		func() error { return l.Refuse(answerTo("relation", start)) },
		func() error { return l.Withdraw(a.ID, start+minute, "person", "") },
		func() error { return l.Erase([]uint64{2, 3, 4}, start+2*minute, "object") },
		func() error { return l.Prune(start + 1) },
	}
	older := *newKeeper(1)
	for i, step := range steps {
		must(t, step())
		for _, head := range []*keeper{{key: keys.key, seal: keys.seal, count: keys.count, hash: keys.hash}, {key: keys.key, seal: keys.seal, count: older.count, hash: older.hash}} {
			dir := t.TempDir()
			copyFile(t, filepath.Join(l.dir, fileName), filepath.Join(dir, fileName))
			must(t, os.WriteFile(filepath.Join(dir, tempName), []byte("left behind"), 0o600))
			again := openAt(t, dir, head)
			if _, err := again.Verify(); err != nil {
				t.Fatalf("after step %d: %v", i, err)
			}
			if fmt.Sprint(again.Answers()) != fmt.Sprint(l.Answers()) || fmt.Sprint(collect(t, again)) != fmt.Sprint(collect(t, l)) {
				t.Fatalf("after step %d the copy says something else", i)
			}
			must(t, again.Close())
		}
		older.count, older.hash = keys.count, keys.hash
	}
}

func TestDamagedFiles(t *testing.T) {
	l, keys := sample(t)
	_, err := l.AddStream(Stream{Grant: 1, Purpose: "trends", Announcement: []byte("x")})
	must(t, err)
	must(t, l.RecordSent([]Sent{batch(1, 1, start)}))
	must(t, l.Close())
	good := image(t, l)
	used := 0
	for at := 0; at < len(good); at += pageSize {
		if !bytes.Equal(good[at:at+pageSize], make([]byte, pageSize)) {
			used = at
		}
	}
	table := map[string][]byte{
		"empty": {}, "one page": good[:pageSize], "three pages": good[:3*pageSize], "half": good[:len(good)/2],
		"garbage":     bytes.Repeat([]byte("garbage!"), 8*pageSize/8),
		"no metas":    append(make([]byte, 2*pageSize), good[2*pageSize:]...),
		"other metas": append(append([]byte{}, good[pageSize:2*pageSize]...), good[pageSize:]...),
	}
	for at := 0; at <= used; at += pageSize {
		for name, fill := range map[string]byte{"zeros": 0, "ones": 0xff} {
			bad := bytes.Clone(good)
			copy(bad[at:], bytes.Repeat([]byte{fill}, pageSize))
			table[fmt.Sprintf("page %d %s", at/pageSize, name)] = bad
		}
	}
	opened, refused := 0, 0
	for name, bad := range table {
		dir := t.TempDir()
		path := filepath.Join(dir, fileName)
		must(t, os.WriteFile(path, bad, 0o600))
		l, err := Open(Options{Dir: dir, Keys: &keeper{key: keys.key, seal: keys.seal, count: keys.count, hash: keys.hash}, Rand: rand.Reader, When: start})
		if err != nil {
			if refused++; !errors.Is(err, ErrDamaged) {
				t.Errorf("%s: %v is no DamagedError", name, err)
			}
			if now, _ := os.ReadFile(path); len(now) == 0 && len(bad) > 0 {
				t.Errorf("%s: the damaged file was emptied", name)
			}
			continue
		}
		opened++
		// What opens has lost nothing that counts, or says so; and nothing panics.
		if _, err := l.Verify(); err == nil {
			if a, ok := l.Answer(1); !ok || a.Ending != Withdrawn {
				t.Errorf("%s: verified, and the withdrawal is gone", name)
			}
		}
		_ = l.Sent(func(Sent) error { return nil })
		_ = l.RecordSent([]Sent{batch(1, 2, start)})
		_, _ = l.Record(Event{Kind: Act, Time: start, Text: "x"})
		_ = l.Close()
	}
	if opened < 10 || refused < 10 {
		t.Errorf("%d damaged files opened and %d were refused: the table is not what it should be", opened, refused)
	}
}

func TestOnlyOneProcess(t *testing.T) {
	l, keys := openNew(t)
	if _, err := Open(Options{Dir: l.dir, Keys: keys, Rand: rand.Reader, When: start}); !errors.Is(err, ErrInUse) {
		t.Fatalf("a second process got %v", err)
	}
	must(t, l.Close())
	if err := l.Close(); !errors.Is(err, ErrClosed) {
		t.Fatalf("second Close: %v", err)
	}
	_, err := l.Record(Event{Kind: Act, Time: start})
	for _, err := range []error{err, l.Sent(nil), l.RecordSent([]Sent{batch(1, 1, start)}), l.Prune(start)} {
		if !errors.Is(err, ErrClosed) {
			t.Fatalf("after Close: %v", err)
		}
	}
}

func TestNoSecretInTheFile(t *testing.T) {
	l, keys := sample(t)
	if bytes.Contains(image(t, l), keys.key.Seed()) {
		t.Fatal("the ledger key is in the ledger")
	}
}

func TestManyAtOnce(t *testing.T) {
	l, _ := openNew(t)
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			for i := range 10 {
				when := start + sensors.Micros(i)
				a, err := l.Give(answerTo(fmt.Sprint("purpose", worker), when), 0)
				if err != nil {
					t.Error(err)
					return
				}
				n, err := l.AddStream(Stream{Grant: a.ID, Purpose: a.Purpose})
				if err == nil {
					err = l.RecordSent([]Sent{batch(n, uint64(i), when)})
				}
				if err == nil {
					err = l.Withdraw(a.ID, when, "person", "")
				}
				if err == nil && i == 5 {
					err = l.Erase([]uint64{a.Entry}, when, "object")
				}
				if err == nil {
					_, err = l.Verify()
				}
				if err == nil {
					err = l.Sent(func(Sent) error { return nil })
				}
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = l.Answers(), l.Streams()
			}
		})
	}
	wait.Wait()
	if r, err := l.Verify(); err != nil || r.Lines != 40 || r.Erased != 4 {
		t.Fatalf("%+v, %v", r, err)
	}
}

func TestWriteLeavesNothingInTheRoom(t *testing.T) {
	l, keys := openNew(t)
	must(t, l.db.Update(func(tx *bolt.Tx) error { return tx.Bucket([]byte(roomBucket)).Put([]byte{0}, make([]byte, 1<<16)) }))
	l = reopen(t, l, keys) // a power cut came between filling and emptying
	if read(t, l, roomBucket, []byte{0}) != nil {
		t.Fatal("the filler is still there")
	}
	if free := l.db.Stats().FreePageN; free < leastPages {
		t.Fatalf("only %d free pages", free)
	}
}

// Damage that shows only while running is an error for good: bbolt panicked, and may keep its locks.
func TestDamageWhileRunning(t *testing.T) {
	l, _ := sample(t)
	var lines []Sent
	for seq := range uint64(2_000) {
		lines = append(lines, batch(1, seq, start))
	}
	must(t, l.RecordSent(lines))
	f, err := os.OpenFile(filepath.Join(l.dir, fileName), os.O_WRONLY, 0)
	must(t, err)
	info, err := f.Stat()
	must(t, err)
	_, err = f.WriteAt(bytes.Repeat([]byte{0xff}, int(info.Size())-2*pageSize), 2*pageSize)
	must(t, err)
	must(t, f.Close())

	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := l.Sent(func(Sent) error { return nil }); !errors.Is(err, ErrDamaged) {
			t.Errorf("Sent: %v", err)
		}
		if _, err := l.Record(Event{Kind: Act, Time: start, Text: "x"}); !errors.Is(err, ErrDamaged) {
			t.Errorf("Record: %v", err)
		}
		if _, err := l.Verify(); !errors.Is(err, ErrDamaged) {
			t.Errorf("Verify: %v", err)
		}
		if len(l.Answers()) != 1 {
			t.Error("what is in memory is gone")
		}
		_ = l.Close()
	}()
	select {
	case <-done:
	case <-time.After(2 * time.Minute):
		t.Fatal("a damaged file holds everything up")
	}
}

func TestDamageWhileWriting(t *testing.T) {
	l, _ := sample(t)
	must(t, l.db.Update(func(*bolt.Tx) error { return nil }))
	f, err := os.OpenFile(filepath.Join(l.dir, fileName), os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt(bytes.Repeat([]byte{0xff}, 40*pageSize), 2*pageSize)
	must(t, err)
	must(t, f.Close())
	done := make(chan error, 1)
	go func() {
		_, err := l.Record(Event{Kind: Act, Time: start, Text: "x"})
		_ = l.Close()
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil {
			t.Fatal("an entry was written into a damaged file")
		}
	case <-time.After(2 * time.Minute):
		t.Fatal("a damaged file holds everything up")
	}
}
