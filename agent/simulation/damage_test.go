//go:build linux && (amd64 || arm64)

package simulation

import (
	"context"
	"encoding/binary"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
)

// backup is the whole card as it was.
type backup struct {
	image *image
	at    time.Duration
	ghost map[string]*yes // what the object took for granted then, and was over
}

// forgive says that the memory of all so far may be gone or older. What was taken back stays so all the same. l.mu is held.
func (l *life) forgive() {
	l.damaged, l.model.lax = true, true
	l.lose(0, l.now())
	for _, purpose := range purposeNames() {
		l.unsure[purpose] = l.model.open(purpose) != nil
	}
	l.unsure["pause"] = true
}

// rot changes bits of a file, between two runs or under the running agent.
func (l *life) rot(random *rand.Rand, under bool) {
	if !under {
		l.halt()
	}
	if l.disk.dead.Load() {
		l.rebirth()
		return
	}
	var files []string
	_ = filepath.WalkDir(l.disk.root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && d.Name() != "lock" {
			files = append(files, path)
		}
		return nil
	})
	if len(files) > 0 {
		name := files[random.IntN(len(files))]
		if b, err := os.ReadFile(name); err == nil && len(b) > 0 {
			for range 1 + random.IntN(8) {
				b[random.IntN(len(b))] ^= 1 << random.IntN(8)
			}
			if random.IntN(4) == 0 { // a page that reads as zeros
				at := random.IntN(len(b)) / 4096 * 4096
				clear(b[at:min(at+4096, len(b))])
			}
			if f, err := os.OpenFile(name, os.O_WRONLY, 0); err == nil { // in place: it is open
				_, _ = f.Write(b)
				_ = f.Close()
			}
		}
	}
	l.mu.Lock()
	l.forgive()
	l.rotten = true
	if under {
		l.model.excused[len(l.model.excused)-1].to = 0 // until its next start
		l.countable = false
	}
	l.mu.Unlock()
	if !under {
		l.begin()
	}
}

// foul tells whether an error may be of rot: that of a page shows when the page is read again. Nothing holds then until the next start.
// l.mu is held.
func (l *life) foul(err error) bool {
	if !l.rotten && l.damaged && strings.Contains(err.Error(), "damaged") {
		l.forgive()
		l.rotten, l.countable = true, false
		l.model.excused[len(l.model.excused)-1].to = 0
	}
	return l.rotten
}

// replace is what somebody does whose object does not start: the file that can't be read is moved away, as the error says.
func (l *life) replace(cause error) error {
	for range 3 {
		name := filepath.Join(l.disk.root, "keys", "keys")
		if strings.Contains(cause.Error(), "ledger") {
			name = filepath.Join(l.disk.root, "state", "ledger.db")
		}
		if !strings.Contains(cause.Error(), "move") {
			return cause
		}
		if err := os.Rename(name, filepath.Join(l.dir, "aside")); err != nil {
			return err
		}
		l.tally.Faults["a damaged file moved away"]++
		if cause = l.start(); cause == nil {
			return nil
		}
	}
	return cause
}

// old has the card of an earlier day come back: all of it, or the state with the keys as they are.
func (l *life) old(b backup, whole bool) {
	l.halt()
	if l.disk.dead.Load() {
		l.rebirth()
		return
	}
	kept := look(l.disk.root)
	image := newImage()
	for dir, names := range b.image.dirs {
		if whole || !strings.HasPrefix(dir, filepath.Join(l.disk.root, "keys")) {
			image.dirs[dir] = names
		}
	}
	for ino, bytes := range b.image.files {
		image.files[ino] = bytes
	}
	if !whole {
		dir := filepath.Join(l.disk.root, "keys")
		image.dirs[dir] = map[string]uint64{}
		for name, ino := range kept.dirs[dir] {
			image.dirs[dir][name] = ino + 1<<60
			image.files[ino+1<<60] = kept.files[ino]
		}
	}
	l.disk.dead.Store(true) // what is wrong with the disk is not wrong with the card
	err := image.write(l.disk.root)
	l.disk.exchanged()
	l.disk.dead.Store(false)
	if err != nil {
		l.t.Fatal(err)
	}
	l.peer.mu.Lock()
	l.mu.Lock()
	l.quiet = false // what the page said was of the other card
	l.forgive()
	l.model.comesBack(b.at, whole)
	for _, purpose := range purposeNames() {
		l.revive(purpose, &b, whole)
	}
	for _, known := range l.peer.ever { // the copy may not know that she had a period deleted there: what she hears is that the yes is over
		if known.alone && known.yes.to == 0 && known.at < b.at {
			l.mayEnd[known.yes.purpose] = true
		}
	}
	l.model.returned, l.returns = true, append(l.returns, comeback{l.now(), b.at})
	l.mu.Unlock()
	l.peer.mu.Unlock()
	l.begin()
}

// comeback is that the state was put back to what it had been before.
type comeback struct{ at, to time.Duration }

// remembers tells whether the state of a moment knows of what was announced at another: what lies between a copy and its
// return it does not.
func (l *life) remembers(moment, announced time.Duration) bool {
	for i := len(l.returns) - 1; i >= 0; i-- {
		if r := l.returns[i]; r.at <= moment && announced < r.at {
			moment = r.to
		}
	}
	return announced < moment
}

// revive says what the design promises of a yes that was in force when the card was copied and was taken back since: with the keys
// of now it stays over, and so it does with the old ones where the recipient knows of the deletion of the newest stream that the old
// card knows too. Else nobody could tell. l.mu and peer.mu are held.
func (l *life) revive(purpose string, b *backup, whole bool) {
	if whole {
		delete(l.ghost, purpose) // what an older card took for granted is not on this one
	}
	for i := len(l.model.yeses) - 1; i >= 0 && whole; i-- {
		y := l.model.yeses[i]
		if ghost := b.ghost[purpose]; y.purpose != purpose || ghost != y && (ghost != nil || !y.covers(b.at)) {
			continue
		}
		if y.to == 0 || y.lapsed && !l.model.odd {
			return // it is in force still, or lapses at the start by itself: the card knows nothing else
		}
		told, newest := false, time.Duration(-1) // the object asks about the newest that was heard of: more would tie its epochs together
		for id, known := range l.peer.ever {
			if known.yes != y || !l.remembers(b.at, known.at) || known.at < newest {
				continue
			}
			s := l.peer.streams[id]
			told, newest = !known.alone && s != nil && s.withdrawn, known.at
		}
		if told && !l.lying { // else it may not understand what it is told
			l.ghost[purpose] = y
			l.model.end(l.model.open(purpose), l.now()) // the old card does not know it
			return
		}
		y.loose = true
		l.tally.Faults["an old card whose withdrawal no recipient knew"]++
		l.model.end(l.model.open(purpose), l.now()) // the old card does not know it
		l.unsure[purpose], l.repeat[purpose] = true, true
		return // one that covered the moment too was replaced by this one before
	}
}

// clock changes what the machine says the time is.
func (l *life) clock(e *event, random *rand.Rand) {
	w := &l.wall
	w.mu.Lock()
	w.off, w.frozen = 0, time.Time{}
	switch e.With {
	case "hour back":
		w.off = -time.Hour
	case "hour ahead":
		w.off = time.Hour
	case "minutes off":
		w.off = time.Duration(random.IntN(20)-10) * time.Minute
	case "days back":
		w.off = -time.Duration(1+random.IntN(20)) * 24 * time.Hour
	case "years ahead":
		w.off = time.Duration(1+random.IntN(800)) * 24 * time.Hour
	case "1970":
		w.off = -time.Since(time.Unix(0, 0))
	case "stands still":
		w.frozen = time.Now()
	}
	w.mu.Unlock()
	l.mu.Lock()
	l.backAtStart, l.setBack = false, l.now()
	l.mu.Unlock()
	w.synced.Store(e.With != "not set" && e.With != "1970")
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.What == "clock" {
		l.model.odd = true
		l.oddNow = true
		l.model.mayLapse = l.model.mayLapse || w.off > 24*time.Hour
		since := 2 * time.Hour
		if w.off > 24*time.Hour { // what waits, for 30 days at the most, may be past its time by such a clock
			since = 32 * 24 * time.Hour
		}
		l.lose(max(0, l.now()-since), 0)
	} else if l.oddNow {
		l.oddNow = false
		l.right(l.now() + 26*time.Hour)
	}
}

// transfer makes the object ready for another owner, who finds nothing of this one's.
func (l *life) transfer(wait int) {
	before := l.now()
	l.mu.Lock()
	for _, purpose := range purposeNames() {
		l.unsure[purpose] = true
	}
	l.unsure["pause"], l.transferred = true, true
	l.countable = false
	l.mu.Unlock()
	_, err := l.agent.Transfer(context.Background(), control.Person, control.TransferRequest{Wait: wait})
	l.mu.Lock()
	dead := l.disk.dead.Load()
	if err != nil && !dead && !l.sick && !l.stuck && !l.foul(err) {
		l.violate("transfer", "it fails: %v", err)
	}
	if err == nil && !dead {
		for _, purpose := range purposeNames() {
			l.model.end(l.model.open(purpose), before)
			delete(l.unsure, purpose)
			delete(l.ghost, purpose)
		}
		l.backups = nil
	}
	if err != nil { // what has reached the disk of it, or a recipient, is over; she says no once more to the rest
		for _, purpose := range purposeNames() {
			l.repeat[purpose] = true
		}
	}
	l.quiet = false
	l.mu.Unlock()
	if !dead {
		l.restart()
	}
}

// erase destroys what is kept of some days, and asks the recipients too where she wants that.
func (l *life) erase(random *rand.Rand, there bool) {
	now := time.Now().UTC()
	day := now.Truncate(24 * time.Hour)
	from, to := day.AddDate(0, 0, -random.IntN(4)-1), day.AddDate(0, 0, -random.IntN(2))
	if to.Before(from) {
		to = from
	}
	r := control.ErasureRequest{From: from.Format(time.DateOnly), To: to.Format(time.DateOnly), RecipientToo: there}
	l.mu.Lock()
	l.model.erasedThere = l.model.erasedThere || there
	l.mu.Unlock()
	_, err := l.agent.Erase(context.Background(), control.Person, r)
	l.mu.Lock()
	defer l.mu.Unlock()
	dead := l.disk.dead.Load()
	if err != nil && !dead && !l.sick && !l.stuck && !l.foul(err) && !l.model.odd {
		l.violate("erasure", "it fails: %v", err)
	}
	// An upload that waits and may reach into the period is erased whole, and holds what has waited since before.
	oldest := from.Sub(l.begun) - 2*time.Hour
	if at, some := l.model.oldestOwed(l.now()); some {
		oldest = min(oldest, at)
	}
	l.lose(max(0, oldest), max(l.now(), to.Sub(l.begun)+26*time.Hour))
	if there {
		l.lose(0, l.now()) // what waited in a stream that is deleted is given up
	}
	if err == nil && !dead && !l.model.odd {
		l.model.erased = append(l.model.erased, erasure{span{max(0, from.Sub(l.begun)), min(l.now(), to.AddDate(0, 0, 1).Sub(l.begun))}, l.now()})
	}
}

// keepMine has the person keep a history on the object, or not any more.
func (l *life) keepMine(on bool) {
	var err error
	if on {
		_, err = l.agent.Grant(context.Background(), consent.MineID, control.Person, control.Decision{})
	} else {
		_, err = l.agent.Withdraw(context.Background(), consent.MineID, control.Person, control.Decision{})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil && !l.disk.dead.Load() && !l.sick && !l.stuck && !l.foul(err) {
		l.violate("decisions", "the history (%v): %v", on, err)
	}
}

// sealed names one record of a buffer by key and nonce.
type sealed struct {
	grant, day uint32
	nonce      [12]byte
}

// nonces reads the nonces of all records that lie in the buffer, and which of them stand for two records. The layout is in the
// store's package comment.
func nonces(t *testing.T, root string) map[sealed][]string {
	found := map[sealed][]string{}
	files, _ := filepath.Glob(filepath.Join(root, "state", "*", "*.db"))
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		f := filepath.Join(filepath.Dir(root), "copy.db") // bbolt would take the lock of the file itself
		if err := os.WriteFile(f, b, 0o600); err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() { _ = recover() }() // a file that has rotted
			db, err := bolt.Open(f, 0o600, &bolt.Options{ReadOnly: true})
			if err != nil {
				return
			}
			defer func() { _ = db.Close() }()
			_ = db.View(func(tx *bolt.Tx) error {
				bucket := tx.Bucket([]byte("r"))
				if bucket == nil {
					return nil
				}
				return bucket.ForEach(func(k, v []byte) error {
					if len(k) == 13 && len(v) > 45 && k[0] != 0xff {
						s := sealed{binary.BigEndian.Uint32(v[1:]), binary.BigEndian.Uint32(v[5:]), [12]byte(v[33:45])}
						found[s] = append(found[s], fmt.Sprintf("%s %x", filepath.Base(filepath.Dir(name)), k))
					}
					return nil
				})
			})
		}()
	}
	return found
}

// reused is a violation when one nonce was used twice under one key. l.mu is held.
func (l *life) reused(found map[sealed][]string) {
	l.tally.Checks["nonces"] += len(found)
	for s, where := range found {
		if len(where) > 1 && where[0] != where[1] && !l.damaged {
			l.violate("nonce", "records %v of grant %d and day %d have one nonce", where, s.grant, s.day)
			return
		}
	}
}
