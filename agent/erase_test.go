package agent_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
)

// confirmed checks the signature on an erasure and that it says what was printed.
func confirmed(t *testing.T, e *control.Erasure) {
	t.Helper()
	key, err := hex.DecodeString(e.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	statement, err := ledger.OpenConfirmation(key, e.Confirmation)
	if err != nil {
		t.Fatal(err)
	}
	var said control.Erasure
	if err := json.Unmarshal(statement, &said); err != nil || said.What != e.What || len(said.Destroyed) != len(e.Destroyed) || said.Assurance != "software" {
		t.Fatalf("the confirmation says %s, %v", statement, err)
	}
}

// buffered is an object with rows of two grants on the disk that nothing took.
func buffered(t *testing.T) *object {
	t.Helper()
	o := newObject(t, "http://127.0.0.1:1", 300)
	_ = o.once(10*time.Millisecond, "air", "trends")
	return o
}

func waits(t *testing.T, a *agent.Agent, purpose string) int {
	p := stateOf(t, a, purpose)
	return p.Buffered + p.Outgoing
}

func TestErasePeriod(t *testing.T) {
	o := buffered(t)
	a := o.open()
	if waits(t, a, "air") == 0 {
		t.Fatal("nothing is buffered: the test is empty")
	}
	for _, r := range []control.ErasureRequest{{From: "yesterday"}, {From: "2026-02-30"}, {From: "2999-01-01", To: "2998-01-01"}} {
		if _, err := a.Erase(t.Context(), control.Person, r); err == nil {
			t.Errorf("%+v was accepted", r)
		}
	}
	day := func(d int) string { return time.Now().UTC().AddDate(0, 0, d).Format("2006-01-02") }
	before, err := a.Erase(t.Context(), control.Person, control.ErasureRequest{From: "2001-01-01", To: day(-2)})
	if err != nil {
		t.Fatal(err)
	}
	confirmed(t, &before)
	if waits(t, a, "air") == 0 {
		t.Fatal("another period was erased than was asked for")
	}
	e, err := a.Erase(t.Context(), control.Person, control.ErasureRequest{From: day(-1)})
	if err != nil {
		t.Fatal(err)
	}
	confirmed(t, &e)
	if !strings.HasPrefix(e.Destroyed[0], "day keys: ") || strings.HasPrefix(e.Destroyed[0], "day keys: 0") {
		t.Errorf("destroyed %v", e.Destroyed)
	}
	for range 2 {
		for _, p := range []string{"air", "trends"} {
			if n := waits(t, a, p); n != 0 {
				t.Errorf("%s: %d rows are still buffered", p, n)
			}
			if s := stateOf(t, a, p); s.State != consent.Given {
				t.Errorf("%s is %s: a period ends no yes", p, s.State)
			}
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		a = o.open()
	}
	_ = a.Close()
}

func TestErasePurposeAndAll(t *testing.T) {
	o := buffered(t)
	a := o.open()
	defer func() { _ = a.Close() }()
	if _, err := a.Erase(t.Context(), control.Person, control.ErasureRequest{Purpose: "trend"}); err == nil {
		t.Error("a purpose that is none was erased")
	}
	e, err := a.Erase(t.Context(), control.Person, control.ErasureRequest{Purpose: "air"})
	if err != nil {
		t.Fatal(err)
	}
	confirmed(t, &e)
	if s := stateOf(t, a, "air"); s.State != consent.Withdrawn || waits(t, a, "air") != 0 {
		t.Errorf("%+v", s)
	}
	if s := stateOf(t, a, "trends"); s.State != consent.Given {
		t.Errorf("%+v", s)
	}
	if e, err = a.Erase(t.Context(), control.Person, control.ErasureRequest{All: true}); err != nil {
		t.Fatal(err)
	}
	confirmed(t, &e)
	if s := stateOf(t, a, "trends"); s.State != consent.Withdrawn {
		t.Errorf("%+v", s)
	}
	entries, err := a.Ledger(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	destroyed := 0
	for _, x := range entries {
		if x.Kind == "destroyed" {
			destroyed++
		}
	}
	if destroyed != 2 {
		t.Errorf("%d entries about erasures", destroyed)
	}
	if r, err := a.VerifyLedger(t.Context(), nil); err != nil || !r.Verified {
		t.Errorf("%+v, %v", r, err)
	}
}

// After a hand-over the object is as new; what a recipient has not deleted yet goes on being asked for.
func TestTransferIsDayOne(t *testing.T) {
	url, dir := receiver(t)
	o := newObject(t, url, 100)
	if err := o.once(20*time.Second, "air", "who"); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join(o.dir, "candor.toml"))
	if err != nil {
		t.Fatal(err)
	}
	o.write("candor.toml", strings.Replace(string(config), url, "http://127.0.0.1:1", 1))
	a := o.open()
	if _, err := a.Pause(t.Context(), control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	sheet, err := a.Transfer(t.Context(), control.Person, control.TransferRequest{Wait: 1})
	if err != nil {
		t.Fatal(err)
	}
	confirmed(t, &sheet.Erasure)
	if len(sheet.Papers) != 2 || len(sheet.Papers[0].Request) == 0 {
		t.Fatalf("papers %+v", sheet.Papers)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	o.write("candor.toml", string(config))
	a = o.open()
	s, err := a.Status(t.Context())
	if err != nil || !s.Paused.IsZero() || s.Buffer.Gaps != nil {
		t.Fatalf("%+v, %v", s.Buffer, err)
	}
	for _, p := range s.Purposes {
		if p.State != consent.Asked || p.Sent.Batches != 0 || p.Deletion != "" || p.Buffered+p.Outgoing != 0 {
			t.Errorf("day one shows %+v", p)
		}
	}
	if now, err := a.Sheet(t.Context(), ""); err != nil || now.Fingerprint != sheet.Sheet.Fingerprint || now.Language != "en" || len(now.Purposes) != 3 {
		t.Errorf("the sheet said %+v, and the object is %+v, %v", sheet.Sheet, now, err)
	}
	entries, err := a.Ledger(t.Context())
	if err != nil || len(entries) != 2 || entries[0].Kind != "began" || entries[1].Kind != "act" {
		t.Fatalf("%+v, %v", entries, err)
	}
	if sent, err := a.Sent(t.Context()); err != nil || len(sent) != 0 {
		t.Errorf("%d lines of the last owner, %v", len(sent), err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if len(rows(t, dir, "air")) == 0 {
		t.Fatal("nothing to delete: the test is empty")
	}
	if err := o.once(10 * time.Second); err != nil { // the requests go on their way
		t.Fatal(err)
	}
	if n := len(rows(t, dir, "air")) + len(rows(t, dir, "who")); n != 0 {
		t.Errorf("%d rows of the last owner are still there", n)
	}
}

// A daemon that is handed over ends.
func TestTransferEndsTheDaemon(t *testing.T) {
	o := newObject(t, "http://127.0.0.1:1", 10)
	a := o.open()
	done := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	go func() { done <- a.Run(ctx) }()
	for range 3000 {
		if s, err := a.Status(ctx); err == nil && s.Daemon {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if _, err := a.Transfer(ctx, control.Person, control.TransferRequest{}); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the daemon goes on")
	}
	_ = a.Close()
}

// A yes after a withdrawal has nothing in common with the one before, although everything was left on the object.
func TestARegrantStartsAnew(t *testing.T) {
	url, dir := receiver(t)
	o := newObject(t, url, 50)
	if err := o.once(20*time.Second, "air"); err != nil {
		t.Fatal(err)
	}
	pseudonyms := func() map[string]bool {
		out := map[string]bool{}
		for _, r := range rows(t, dir, "air") {
			for name, v := range r.Values {
				if s, ok := v.(string); ok && strings.HasSuffix(name, "badge") {
					out[s] = true
				}
			}
		}
		return out
	}
	old := pseudonyms()
	a := o.open()
	oldStreams := a.Book().Streams()
	if _, err := a.Withdraw(t.Context(), "air", control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	if err := o.once(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(o.dir, "room.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(o.dir, "room.csv")); err != nil {
		t.Fatal(err)
	}
	o.write("again.csv", string(text)) // the same life once more, as another recording
	config, err := os.ReadFile(filepath.Join(o.dir, "candor.toml"))
	if err != nil {
		t.Fatal(err)
	}
	o.write("candor.toml", strings.Replace(string(config), "room.csv", "again.csv", 1))
	if err := o.once(20*time.Second, "air"); err != nil {
		t.Fatal(err)
	}
	fresh := pseudonyms()
	if len(old) == 0 || len(fresh) != len(old) {
		t.Fatalf("%d and %d pseudonyms: the test is empty", len(old), len(fresh))
	}
	for p := range fresh {
		if old[p] {
			t.Errorf("pseudonym %s is the same under both", p)
		}
	}
	a = o.open()
	defer func() { _ = a.Close() }()
	for _, s := range a.Book().Streams()[len(oldStreams):] {
		for _, was := range oldStreams {
			if s.Name == was.Name || s.Grant == was.Grant || bytes.Equal(s.Announcement, was.Announcement) {
				t.Errorf("streams %d and %d have something in common", was.Number, s.Number)
			}
		}
	}
}

// What was copied before a withdrawal can't be opened with any 32 bytes that are left on the object.
func TestNothingLeftOpensACopy(t *testing.T) {
	o := buffered(t)
	copied := copyObject(t, o)
	keysBefore, err := os.ReadFile(filepath.Join(o.dir, "state-keys", "keys"))
	if err != nil {
		t.Fatal(err)
	}
	a := o.open()
	sealed := sealedRecords(t, copied)
	if n := opened(keysBefore, sealed); n == 0 {
		t.Fatal("not even the keys of before open the copy: the test is wrong")
	}
	for _, p := range []string{"air", "trends"} {
		if _, err := a.Withdraw(t.Context(), p, control.Person, control.Decision{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range filesOf(t, o.dir) {
		try := sealed
		switch {
		case strings.HasPrefix(name, "state/buffer"):
			continue // it holds what is sealed
		case !strings.HasPrefix(name, "state-keys"):
			try = sealed[:1] // half a megabyte of the ledger for one of them
		}
		if n := opened(content, try); n != 0 {
			t.Errorf("%d records of the copy open with what is left in %s", n, name)
		}
	}
	findLeaks(t, "after", filepath.Join(o.dir, "state"), filepath.Join(o.dir, "state-keys"))
}

func filesOf(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, pattern := range []string{"*", "*/*", "*/*/*"} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
				continue
			}
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			rel, _ := filepath.Rel(dir, path)
			out[rel] = content
		}
	}
	return out
}

// recordLabel is store's sealLabel.
const recordLabel = "candor buffer record 1\x00"

// record is a sealed record of a segment, taken apart as store/record.go puts it together.
type record struct{ aad, nonce, sealed []byte }

// sealedRecords lists one record of each grant and day, the shortest.
func sealedRecords(t *testing.T, o *object) []record {
	t.Helper()
	const head, nonce = 33, 12
	shortest := map[string]record{}
	paths, err := filepath.Glob(filepath.Join(o.dir, "state", "buffer", "*.db"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no segments: %v", err)
	}
	for _, path := range paths {
		db, err := bolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = db.View(func(tx *bolt.Tx) error {
			return tx.ForEach(func(_ []byte, b *bolt.Bucket) error {
				return b.ForEach(func(k, v []byte) error {
					if len(k) != 13 || len(v) < head+nonce+16 {
						return nil
					}
					r := record{append(append([]byte(recordLabel), k...), v[:head]...), bytes.Clone(v[head : head+nonce]), bytes.Clone(v[head+nonce:])}
					id := string(v[1:9])
					if old, ok := shortest[id]; !ok || len(r.sealed) < len(old.sealed) {
						shortest[id] = r
					}
					return nil
				})
			})
		})
		_ = db.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	var out []record
	for _, r := range shortest {
		out = append(out, r)
	}
	return out
}

// opened counts the records that some 32 bytes of a file open.
func opened(content []byte, records []record) (n int) {
	zero := make([]byte, chacha20poly1305.KeySize)
	for _, r := range records {
		for at := 0; at+len(zero) <= len(content); at++ {
			key := content[at : at+len(zero)]
			if bytes.Equal(key[:8], zero[:8]) && bytes.Equal(key, zero) {
				continue
			}
			aead, err := chacha20poly1305.New(key)
			if err != nil {
				continue
			}
			if _, err := aead.Open(nil, r.nonce, r.sealed, r.aad); err == nil {
				n++
				break
			}
		}
	}
	return n
}

// A period that recipients are asked about has its streams deleted there, and the yes goes on under a fresh name.
func TestErasePeriodAtTheRecipientToo(t *testing.T) {
	url, dir := receiver(t)
	o := newObject(t, url, 100)
	if err := o.once(20*time.Second, "air"); err != nil {
		t.Fatal(err)
	}
	if len(rows(t, dir, "air")) == 0 {
		t.Fatal("nothing was sent: the test is empty")
	}
	a := o.open()
	day := func(d int) string { return time.Now().UTC().AddDate(0, 0, d).Format("2006-01-02") }
	e, err := a.Erase(t.Context(), control.Person, control.ErasureRequest{To: day(-2), RecipientToo: true})
	if err != nil || e.Asked != 0 {
		t.Fatalf("another period: %d requests, %v", e.Asked, err)
	}
	if e, err = a.Erase(t.Context(), control.Person, control.ErasureRequest{From: day(-1), RecipientToo: true}); err != nil || e.Asked != 1 {
		t.Fatalf("%d requests, %v", e.Asked, err)
	}
	_ = a.Close()
	if err := o.once(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	if n := len(rows(t, dir, "air")); n != 0 {
		t.Errorf("%d rows are still there", n)
	}
	a = o.open()
	if s := stateOf(t, a, "air"); s.State != consent.Given {
		t.Errorf("the yes is %s", s.State)
	}
	_ = a.Close()
	text, err := os.ReadFile(filepath.Join(o.dir, "room.csv"))
	if err != nil {
		t.Fatal(err)
	}
	o.write("more.csv", strings.ReplaceAll(string(text), "\n17", "\n18")) // another recording, years later
	config, err := os.ReadFile(filepath.Join(o.dir, "candor.toml"))
	if err != nil {
		t.Fatal(err)
	}
	o.write("candor.toml", replaceOnce(t, string(config), "room.csv", "more.csv"))
	if err := o.once(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	if len(rows(t, dir, "air")) == 0 {
		t.Error("nothing arrives under the fresh name")
	}
}

// A hand-over that is killed when the keys are new leaves nothing of the last owner that can be read, but the requests that
// recipients have not answered: they are sent at the next start.
func TestTransferThatIsKilled(t *testing.T) {
	url, dir := receiver(t)
	o := newObject(t, url, 300)
	if err := o.once(20*time.Second, "air", "who"); err != nil {
		t.Fatal(err)
	}
	if len(rows(t, dir, "air")) == 0 {
		t.Fatal("nothing to delete: the test is empty")
	}
	config, err := os.ReadFile(filepath.Join(o.dir, "candor.toml"))
	if err != nil {
		t.Fatal(err)
	}
	o.write("candor.toml", replaceOnce(t, string(config), url, "http://127.0.0.1:1"))
	a := o.open()
	var killed *object
	a.OnStep(func(step string) {
		if step == "keys new" {
			killed = copyObject(t, o)
		}
	})
	if _, err := a.Transfer(t.Context(), control.Person, control.TransferRequest{}); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	b := killed.open()
	for _, p := range []string{"air", "who"} {
		if s := stateOf(t, b, p); s.State != consent.Asked || s.Buffered+s.Outgoing != 0 {
			t.Errorf("%+v", s)
		}
	}
	if len(b.Book().Answers()) != 0 {
		t.Error("receipts of the last owner can be read")
	}
	if r, err := b.VerifyLedger(t.Context(), nil); err != nil || !r.Verified || r.Lost != 0 || r.Entries != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	_ = b.Close()
	killed.write("candor.toml", string(config))
	if err := killed.once(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	if n := len(rows(t, dir, "air")) + len(rows(t, dir, "who")); n != 0 {
		t.Errorf("%d rows of the last owner are still there", n)
	}
}
