//go:build linux && (amd64 || arm64)

package simulation

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing/synctest"
	"time"
)

// play lives the script.
func (l *life) play() {
	l.configure()
	if err := l.start(); err != nil {
		l.t.Fatal(err)
	}
	look, month := 6*time.Hour, 0
	for _, e := range l.s.Events {
		for ; look < e.At && !l.broken(); look += 6*time.Hour + 7*time.Minute {
			l.wait(look)
			l.look()
		}
		if l.broken() {
			break
		}
		l.wait(e.At)
		l.tally.Faults[strings.TrimSpace(e.What+" "+faultDetail(&e))]++
		if n := int(e.At / (30 * 24 * time.Hour)); n > month {
			month = n
			l.deep(false)
		}
		l.happen(&e)
	}
	if !l.broken() {
		l.finish(&look)
	}
	l.halt()
}

// wait sleeps until a moment of the life. Where a power cut is due it looks out for it.
func (l *life) wait(until time.Duration) {
	for left := until - l.now(); left > 0; left = until - l.now() {
		if l.disk.dead.Load() {
			l.rebirth()
		}
		if l.disk.waits() {
			left = min(left, 10*time.Second)
		}
		time.Sleep(left)
		synctest.Wait()
		if l.disk.dead.Load() {
			l.rebirth()
		} else if l.agent != nil && len(l.stopped) > 0 { // it ended by itself: what keeps it running starts it anew
			err := <-l.stopped
			l.mu.Lock()
			if !l.stuck && (err == nil || !l.foul(err)) {
				l.violate("start", "it ended: %v", err)
			}
			l.mu.Unlock()
			l.tally.Faults["start anew when the disk took writing again"]++
			l.stopped <- nil
			l.restart()
		}
	}
}

// rebirth is the start after a power cut: what the disk kept, a fresh agent on it, and the old one unheard.
func (l *life) rebirth() {
	l.halt()
	l.tally.Faults["power cut"]++
	now := l.now()
	l.mu.Lock()
	l.lose(now-flush-10*time.Second, now)
	l.quiet = false
	l.mu.Unlock()
	if err := l.disk.restore(); err != nil {
		l.t.Fatal(err)
	}
	l.wall.boot++
	l.wall.booted = time.Now()
	l.begin()
}

// begin starts the agent and holds it to what was decided before. What it can't be started with is the disk's trouble.
func (l *life) begin() {
	if l.disk.is(healthy) {
		l.heal() // it was started on a disk that took no writing, and is not now
	}
	l.mu.Lock()
	l.wall.mu.Lock()
	l.backAtStart = l.wall.off <= -3*time.Hour && l.now() > 6*time.Hour && l.wall.frozen.IsZero()
	l.wall.mu.Unlock()
	if l.illegible && !l.model.broken {
		l.model.broken, l.brokenFrom = true, l.now()
	}
	l.mu.Unlock()
	if err := l.start(); err != nil {
		l.cantStart(err)
	} else {
		l.settle()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rotten = false; l.model.excused != nil {
		l.right(l.now() + time.Second)
	}
}

// cantStart is an object that can't be opened: with a sick disk it is tried again when that is well.
func (l *life) cantStart(err error) {
	l.disk.set(healthy)
	l.mu.Lock()
	sick := l.sick || l.damaged
	l.sick = false
	l.mu.Unlock()
	again := l.start()
	if again != nil && l.damaged {
		again = l.replace(again)
	}
	if again != nil && l.damaged { // this process has not let go of what it could not read: the next would go on
		l.tally.Faults["a damaged object given up"]++
		return
	}
	if again != nil || !sick {
		l.mu.Lock()
		l.violate("start", "it does not start: %v, and then: %v", err, again)
		l.mu.Unlock()
		if again != nil {
			return
		}
	}
	l.settle()
}

// lose says that readings of a stretch may be lost. l.mu is held.
func (l *life) lose(from, to time.Duration) {
	if to > 0 {
		to++ // a look in the very moment is one of them
	}
	l.model.excused = append(l.model.excused, span{from, to})
	l.model.windows = append(l.model.windows, span{l.model.windowAt(from), to + time.Hour})
}

// happen does what an event says.
func (l *life) happen(e *event) {
	random := rand.New(rand.NewPCG(l.s.Seed, e.Seed))
	if l.agent == nil {
		return
	}
	switch e.What {
	case "cut":
		l.disk.arm(1+random.IntN(60), random)
	case "cut at rest":
		l.disk.cut(random)
		l.rebirth()
	case "restart":
		l.restart()
	case "weather", "fair":
		w := fair
		if e.What == "weather" {
			w = weather(e.With)
		}
		l.storm(w, random)
	case "mood", "fine":
		l.mu.Lock()
		if l.mood = fine; e.What == "mood" {
			l.mood = mood(e.With)
		}
		l.mu.Unlock()
	case "disk":
		l.sicken(map[string]trouble{"full": full, "read-only": readOnly, "failing": failing}[e.With])
	case "healthy":
		l.heal()
	case "forget":
		l.peer.forget()
		l.untold()
	case "forget some":
		l.peer.forgetSome()
	case "rot":
		l.rot(random, e.With == "under it")
	case "backup":
		l.backups = append(l.backups, backup{look(l.disk.root), l.now(), maps.Clone(l.ghost)})
		l.backups = slices.Clone(l.backups[max(0, len(l.backups)-3):]) // else the array would hold the others for good
	case "old card", "old state":
		if len(l.backups) > 0 {
			l.old(l.backups[random.IntN(len(l.backups))], e.What == "old card")
		}
	case "clock", "clock right":
		l.clock(e, random)
	default:
		l.decide(e, random)
	}
}

// untold is that the recipient has forgotten the end of a yes that an old card takes for granted, or that its words are altered on their way:
// nobody can tell the object any more. It holds until she takes it back, at the next start.
func (l *life) untold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, y := range l.model.yeses {
		if l.ghost[y.purpose] != y {
			continue
		}
		l.lose(y.to, l.now())
		y.to, l.unsure[y.purpose], l.repeat[y.purpose] = 0, true, true
		delete(l.ghost, y.purpose)
		l.tally.Faults["an old card whose withdrawal no recipient knew"]++
	}
}

// storm changes the weather. A recipient whose words are altered on their way may be understood to say that a yes was taken back;
// what the object makes of that counts.
func (l *life) storm(w weather, random *rand.Rand) {
	l.net.set(w, random)
	l.mu.Lock()
	lied := l.lying && w != lying
	l.lying = l.lying || w == lying
	l.everLied = l.everLied || w == lying
	l.mu.Unlock()
	if w == lying {
		l.untold()
	}
	if lied {
		l.wait(l.now() + 2*time.Minute) // for what was altered and is on its way
		if l.agent != nil {
			l.settle()
		}
		l.mu.Lock()
		l.lying = false
		l.mu.Unlock()
	}
}

// restart is an end in good order and a start. Open windows lie in memory only.
func (l *life) restart() {
	l.halt()
	if l.disk.dead.Load() {
		l.rebirth()
		return
	}
	now := l.now()
	l.mu.Lock()
	l.model.dropOpen(now)
	l.quiet = false
	l.mu.Unlock()
	l.begin()
}

// sicken gives the disk a trouble. What is read from now on waits in memory, and what has not been written does too.
func (l *life) sicken(t trouble) {
	l.disk.set(t)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sick, l.countable = true, false
	l.lose(max(l.now()-flush-10*time.Second, 0), 0)
}

// heal mends the disk; what waits is written within a flush.
func (l *life) heal() {
	l.disk.set(healthy)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.healed = l.now()
	if !l.sick || l.stuck && l.agent != nil {
		return
	}
	l.sick = false
	l.right(l.now() + flush + time.Minute)
}

// right ends what is excused until all is right again, if it is. l.mu is held.
func (l *life) right(at time.Duration) {
	if l.sick || l.oddNow || l.rotten {
		return
	}
	for i := range l.model.excused {
		if s := &l.model.excused[i]; s.to == 0 {
			s.to = at
			l.model.windows = append(l.model.windows, span{l.model.windowAt(s.from), s.to + time.Hour})
		}
	}
}

// fastDir is a directory in memory where the machine has one: what is tested here is not the disk.
func fastDir() (string, error) {
	if dir, err := os.MkdirTemp("/dev/shm", "candor-simulation-"); err == nil {
		return dir, nil
	}
	dir, err := os.MkdirTemp("", "candor-simulation-")
	return filepath.Clean(dir), err
}
