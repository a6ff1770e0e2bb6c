//go:build linux && (amd64 || arm64)

package simulation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/uplink/receive"
)

// life is one object from its first start on, with its disk, its network, its recipient, and the people around it.
type life struct {
	t    *testing.T
	s    *script
	dir  string
	disk *disk
	net  *network
	peer *recipient
	pace pace

	agent       *agent.Agent
	stop        context.CancelFunc
	stopped     chan error
	starts      int
	begun       time.Time
	wall        wall
	backups     []backup
	everLied    bool          // it was
	transferred bool          // what an earlier owner's requests for deletion came to is not known
	setBack     time.Duration // when the clock was set to what it says
	backAtStart bool          // the last start was with a clock that says an earlier time than the object has seen
	based       time.Duration // when counting of bytes began
	out         []string      // what was counted since: for whoever looks for a fault
	oddNow      bool          // the wall clock lies now
	illegible   bool          // the policy file
	brokenFrom  time.Duration
	rotten      bool // files have rotted since the last start
	damaged     bool // something was damaged or older once: the ledger may say so
	random      *randomness

	mu        sync.Mutex // guards what follows
	model     model
	mood      mood
	unsure    map[string]bool // a decision that the power cut: either answer is right
	mayEnd    map[string]bool // an older state may take the deletion of a period at the recipient for that of all
	returns   []comeback      // oldest first
	ghost     map[string]*yes // an old card came back: the object takes for granted what was taken back, until the recipient tells it
	repeat    map[string]bool // she says no once more if it is still given
	lying     bool            // what the recipient says is altered on its way
	maybeYes  map[string]*yes // the yes that it may have been
	quiet     bool            // the page says that nothing leaves
	truthLine string
	lit       bool
	sick      bool          // the disk is, or was a moment ago
	healed    time.Duration // when the disk was mended last
	stuck     bool          // the agent was started on a disk that took no writing: it says so, and lets nothing out before its next start
	sure      int64         // bytes that the recipient has heard and answered
	maybe     int64         // bytes of which the object can't know
	booked    int64         // bytes in the ledger when counting began
	countable bool          // nothing kept the object from booking since
	told      int           // rows that uploads say are lost
	tally     *tally
}

// tally counts what happened.
type tally struct {
	Days       int            `json:"days"`
	Looks      int            `json:"looks"`
	Rows       int            `json:"rows"`
	Calls      int64          `json:"calls"`
	Faults     map[string]int `json:"faults"`
	Checks     map[string]int `json:"checks"`
	Due        int            `json:"due"` // rows that had to arrive
	Heap       []uint64       `json:"heap,omitempty"`
	Disk       int64          `json:"disk"`
	Violations []string       `json:"violations,omitempty"`
}

func newTally() *tally { return &tally{Faults: map[string]int{}, Checks: map[string]int{}} }

// add adds another's numbers.
func (t *tally) add(o *tally) {
	t.Days, t.Looks, t.Rows, t.Calls, t.Due, t.Disk = t.Days+o.Days, t.Looks+o.Looks, t.Rows+o.Rows, t.Calls+o.Calls, t.Due+o.Due, max(t.Disk, o.Disk)
	for k, v := range o.Faults {
		t.Faults[k] += v
	}
	for k, v := range o.Checks {
		t.Checks[k] += v
	}
	t.Violations = append(t.Violations, o.Violations...)
}

// violate notes that a promise was broken. l.mu is held.
func (l *life) violate(promise, format string, args ...any) {
	if len(l.tally.Violations) < 5 {
		l.tally.Violations = append(l.tally.Violations, fmt.Sprintf("%s: at %v: ", promise, l.now())+fmt.Sprintf(format, args...))
	}
}

func (l *life) broken() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.tally.Violations) > 0
}

// now is the time since the life began.
func (l *life) now() time.Duration { return time.Since(l.begun) }

// live plays a script in dir and says what came of it.
func live(t *testing.T, dir string, d *disk, s *script) *tally {
	l := &life{t: t, s: s, dir: dir, disk: d, mood: fine, unsure: map[string]bool{}, maybeYes: map[string]*yes{}, ghost: map[string]*yes{}, mayEnd: map[string]bool{}, repeat: map[string]bool{}, tally: newTally()}
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(d.root, 0o700)); err != nil {
		t.Fatal(err)
	}
	d.set(healthy)
	d.disarm()
	d.dead.Store(false)
	synctest.Test(t, func(t *testing.T) {
		cryptotest.SetGlobalRandom(t, s.Seed)
		time.Sleep(time.Until(time.Date(2027, 3, 1, 7, 0, 0, 0, time.UTC)) + time.Duration(s.Seed%86400)*time.Second) // bubbles begin in 2000
		l.begun, l.wall.booted = time.Now(), time.Now()
		l.wall.synced.Store(true)
		l.model.steps = []stepAt{{0, s.Step}}
		l.random = &randomness{seed: s.Seed, start: l.begun, drawn: map[[32]byte]uint64{}}
		l.peer = newRecipient(l)
		h, err := receive.NewHandler(receive.Config{Streams: l.peer, Sink: l.peer, Log: slog.New(slog.DiscardHandler), Now: time.Now, Workers: 2, Bodies: 8})
		if err != nil {
			t.Fatal(err)
		}
		l.net = newNetwork(l, h)
		hangUp := l.net.serve()
		l.play()
		hangUp()
		time.Sleep(5 * time.Minute) // for what hangs to come back
	})
	l.tally.Days, l.tally.Looks, l.tally.Rows, l.tally.Calls = s.Days, len(l.model.truths), l.peer.rows, d.counted()
	return l.tally
}

// start opens and runs the object's agent. It says so when the object can't be opened.
func (l *life) start() error {
	l.starts++
	cfg, err := agent.LoadConfig(filepath.Join(l.dir, "candor.toml"))
	if err != nil {
		l.t.Fatal(err)
	}
	var log io.Writer = io.Discard
	if os.Getenv("CANDOR_LOG") != "" {
		log = os.Stderr
	}
	a, err := agent.Open(cfg, agent.Options{Clock: l.pace, Kernel: l.wall.kernel(), Rand: l.random, Dial: l.net.dial,
		Sending: func(on bool) { l.mu.Lock(); defer l.mu.Unlock(); l.lit = on }, Detached: true, Sources: []sensors.Source{l.source()},
		Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.stuck = l.disk.is(readOnly)
	l.mu.Unlock()
	l.agent = a
	l.rebase()
	ctx, stop := context.WithCancel(context.Background())
	l.agent, l.stop, l.stopped = a, stop, make(chan error, 1)
	stopped := l.stopped
	go func() { stopped <- a.Run(ctx) }()
	synctest.Wait()
	return nil
}

// halt ends the agent in good order, as far as the disk lets it.
func (l *life) halt() {
	if l.agent == nil {
		return
	}
	l.stop()
	<-l.stopped
	_ = l.agent.Close() // its trouble is the disk's, and is looked for afterwards
	l.agent = nil
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lit = false
}

// moodNow is how the sensor is.
func (l *life) moodNow() mood {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mood
}

// policy is what the maker asks.
func (l *life) policy(step int64) string {
	purpose := func(id, rest string) string {
		return fmt.Sprintf("[[purpose]]\nid = %q\ntitle = { fr = \"x\", en = \"x\" }\naccess = \"consent\"\nbasis = \"consent\"\nrecipient = \"acme\"\nretention = \"30d\"\nexpires = \"%dd\"\n%s\n", id, int(expires.Hours()/24), rest)
	}
	rule := func(field, rest string) string { return fmt.Sprintf("[[purpose.rule]]\nfield = %q\n%s\n", field, rest) }
	room := ""
	if l.s.Room {
		room = "room = { rows = 40, bytes = 1024 }\n"
	}
	return "version = 1\n[controller]\nname = \"Acme\"\ncountry = \"FR\"\n[[recipient]]\nid = \"acme\"\nname = \"Acme\"\ncountry = \"FR\"\nrole = \"controller\"\n" +
		purpose("air", "time = \"15m\"\nupload = \"6h\"\n"+room+rule("hall.light", "action = \"keep\"")+rule("hall.co2", fmt.Sprintf("action = \"round\"\nround = %d", step/100))) +
		purpose("trends", "time = \"1h\"\nupload = \"12h\"\n"+rule("hall.temperature", "action = \"mean\"\nwindow = \"1h\"\nround = 0.5")+rule("hall.first", "action = \"min\"\nwindow = \"1h\"")+rule("hall.last", "action = \"max\"\nwindow = \"1h\"")) +
		purpose("card", "time = \"1h\"\nupload = \"6h\"\nepoch = \"30d\"\n"+rule("hall.badge", "action = \"pseudonym\"")+rule("hall.light", "action = \"keep\"")) +
		purpose("who", "time = \"15m\"\nupload = \"6h\"\n"+rule("hall.motion", "action = \"keep\""))
}

func (l *life) write(name, text string) {
	if err := os.WriteFile(filepath.Join(l.dir, name), []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

// configure lays out the object's files.
func (l *life) configure() {
	l.write("policy.toml", l.policy(l.s.Step))
	l.write("candor.toml", fmt.Sprintf("[device]\nstate = \"disk/state\"\n[keys]\ndir = \"disk/keys\"\n[buffer]\nflush = %q\nmax_size = \"4MiB\"\nreserve = \"1MiB\"\n[policy]\nfile = \"policy.toml\"\n[[route]]\nrecipient = \"acme\"\nurl = \"http://127.0.0.1:1/v1\"\n", flush))
}

// states are where the purposes stand, as the object says.
func (l *life) states() map[string]control.PurposeStatus {
	status, err := l.agent.Status(context.Background())
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		if !l.foul(err) {
			l.violate("page", "the object can't say how it is: %v", err)
		}
		return nil
	}
	l.truth(&status)
	out := map[string]control.PurposeStatus{}
	for _, p := range status.Purposes {
		out[p.ID] = p
	}
	return out
}

// truth holds the sentence at the top of the page against what is true.
func (l *life) truth(s *control.Status) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tally.Checks["sentences"]++
	l.truthLine = s.Truth
	l.quiet = strings.HasPrefix(s.Truth, "Nothing leaves") || strings.HasPrefix(s.Truth, "Paused")
	paused := len(l.model.pauses) > 0 && l.model.pauses[len(l.model.pauses)-1].to == 0
	telling := !strings.Contains(s.Truth, "takes no writing") // else it tells nothing of a pause
	if says := strings.HasPrefix(s.Truth, "Paused"); telling && paused != says && l.unsure["pause"] {
		if paused = says; says {
			l.model.pauses = append(l.model.pauses, span{l.now(), 0})
		} else {
			l.model.pauses[len(l.model.pauses)-1].to = l.now()
		}
	}
	if telling && paused != strings.HasPrefix(s.Truth, "Paused") {
		l.violate("page", "it says %q, and it is paused: %v", s.Truth, paused)
	}
	l.model.lapse(l.now())
	for _, purpose := range purposeNames() {
		y := l.model.open(purpose)
		if l.ghost[purpose] != nil || l.model.lapses(purpose, l.now()) {
			continue
		}
		named := strings.Contains(strings.NewReplacer(":", " ", ",", " ", ".", " ").Replace(s.Truth)+" ", " "+purpose+" ")
		if l.quiet || l.free(purpose) || l.model.broken {
			continue
		}
		if named != (y != nil) {
			l.violate("page", "it says %q, and %s is granted: %v", s.Truth, purpose, y != nil)
		}
	}
}

// settle makes the model agree with what the object says where a power cut left it open, and holds it to the rest.
func (l *life) settle() {
	states := l.states()
	if states == nil {
		return
	}
	for _, purpose := range purposeNames() {
		given := states[purpose].State == consent.Given
		if l.ghostly(purpose) {
			l.mu.Lock()
			maybe := l.maybeYes[purpose] != nil
			delete(l.maybeYes, purpose)
			l.mu.Unlock()
			l.mu.Lock()
			if !given && !l.model.broken { // it has heard that it is over; without a policy it says so of all
				delete(l.ghost, purpose)
			}
			l.mu.Unlock()
			if given && maybe { // whether the old card's yes counts or the new one can't be told: she takes it back
				l.withdraw(purpose)
			}
			continue
		}
		l.mu.Lock()
		if l.model.broken { // what holds shows when there is a policy again
			l.mu.Unlock()
			continue
		}
		l.settleOne(purpose, given, states[purpose])
		ask := given && (l.repeat[purpose] || l.maybeYes[purpose] != nil && l.maybeYes[purpose] != l.model.open(purpose))
		delete(l.repeat, purpose)
		delete(l.unsure, purpose)
		delete(l.maybeYes, purpose)
		l.mu.Unlock()
		if ask { // it is back, or whether the old yes or the wider one counts can't be told: she takes it back
			l.withdraw(purpose)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !strings.Contains(l.truthLine, "takes no writing") { // the next start tells
		delete(l.unsure, "pause")
		l.model.resuming = false
	}
	l.tally.Checks["decisions after a start"]++
}

// ghostly tells whether a purpose is one of which the recipient has to tell the object that it was taken back.
func (l *life) ghostly(purpose string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ghost[purpose] != nil
}

// free tells whether a yes may be over without the person's doing. l.mu is held.
func (l *life) free(purpose string) bool {
	y := l.model.open(purpose)
	return l.unsure[purpose] || l.mayEnd[purpose] || l.model.mayLapse || l.lying || y != nil && l.model.mayBeOver(y, l.now())
}

// settleOne is settle for one purpose. l.mu is held.
func (l *life) settleOne(purpose string, given bool, s control.PurposeStatus) {
	l.model.lapse(l.now())
	y := l.model.open(purpose)
	switch {
	case given == (y != nil) || l.model.lapses(purpose, l.now()):
		delete(l.ghost, purpose)
	case given && l.ghost[purpose] != nil:
	case given && l.unsure[purpose] && l.maybeYes[purpose] != nil:
		l.model.yeses = append(l.model.yeses, l.maybeYes[purpose])
	case given && l.unsure[purpose]: // a no that the disk did not take, which was said: the yes is back
		for i := len(l.model.yeses) - 1; i >= 0; i-- {
			if y := l.model.yeses[i]; y.purpose == purpose {
				l.lose(y.to, l.now())
				y.to = 0
				break
			}
		}
	case given:
		l.violate("decisions", "%s is granted and nobody said so", purpose)
	case l.free(purpose):
		y.lapsed = l.now() >= y.from+expires-26*time.Hour
		l.model.end(y, l.now())
	default:
		l.violate("decisions", "the yes to %s of %v is gone: %s %s", purpose, y.from, s.State, s.Reason)
	}
}
