package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/candor-edge/candor/agent/control"
)

// script is a life before it is lived. It is a function of its seed; Events may be fewer, when the shortest history is looked for.
type script struct {
	Seed   uint64  `json:"seed"`
	Days   int     `json:"days"`
	Step   int64   `json:"step"` // of co2 that the policy asks at first
	Room   bool    `json:"room"` // uploads of air have one size
	Events []event `json:"events"`
}

// event is one thing that happens.
type event struct {
	At   time.Duration `json:"at"`
	What string        `json:"what"`
	With string        `json:"with,omitempty"` // a purpose, a weather, a mood …
	Seed uint64        `json:"seed"`           // of what is drawn while it happens
	For  time.Duration `json:"for,omitempty"`
}

func (e event) String() string {
	text := fmt.Sprintf("%v %s %s", e.At, e.What, e.With)
	if e.For > 0 {
		text += fmt.Sprintf(" for %v", e.For)
	}
	return strings.TrimSpace(text)
}

// faults are what can happen and how often, in a thousand.
func faults() []struct {
	what   string
	weight int
} {
	return []struct {
		what   string
		weight int
	}{
		{"cut", 180}, {"cut at rest", 30}, {"restart", 60}, {"weather", 200}, {"mood", 120}, {"grant", 200}, {"withdraw", 60}, {"pause", 30},
		{"forget", 15}, {"forget some", 15}, {"disk", 50}, {"policy", 40},
		{"rot", 20}, {"backup", 30}, {"old card", 10}, {"old state", 10}, {"transfer", 10}, {"erase", 20}, {"clock", 40}, {"no policy", 10}, {"mine", 20}, {"outage", 4}, {"snatch", 60},
	}
}

// write makes the script of a seed.
func write(seed uint64, days, perMonth int) *script {
	random := rand.New(rand.NewPCG(seed, 9))
	s := &script{Seed: seed, Days: days, Step: steps()[random.IntN(3)], Room: random.IntN(2) == 0}
	life := time.Duration(days) * 24 * time.Hour
	add := func(e event) { s.Events = append(s.Events, e) }
	for i, purpose := range purposeNames() {
		add(event{At: time.Duration(random.IntN(6*3600))*time.Second + time.Duration(i+1)*137*time.Millisecond, What: "grant", With: purpose, Seed: random.Uint64()})
	}
	total, all := 0, faults()
	for i := range all {
		if slices.Contains(strings.Split(os.Getenv("FOCUS"), ","), strings.ReplaceAll(all[i].what, " ", "_")) {
			all[i].weight *= 20 // what a seeded bug needs to show
		}
		total += all[i].weight
	}
	for range days * perMonth / 30 {
		at := time.Duration(random.Int64N(int64(life))).Truncate(time.Millisecond) + 333*time.Microsecond
		draw := random.IntN(total)
		for _, f := range all {
			if draw -= f.weight; draw < 0 {
				if !s.spares(f.what) {
					s.add(at, f.what, random)
				}
				break
			}
		}
	}
	slices.SortStableFunc(s.Events, func(a, b event) int { return int(a.At - b.At) })
	return s
}

// spares tells what does not happen in a life. In one of three nothing comes that may cost more than a power cut does: in it all
// that was agreed to is owed to the end.
func (s *script) spares(what string) bool {
	return s.Seed%3 == 0 && os.Getenv("FOCUS") == "" && slices.Contains([]string{"rot", "old card", "old state", "transfer", "erase", "clock", "no policy"}, what)
}

func steps() []int64 { return []int64{50_00, 100_00, 200_00} }

// add adds an event with what belongs to it.
func (s *script) add(at time.Duration, what string, random *rand.Rand) {
	e := event{At: at, What: what, Seed: random.Uint64()}
	hours := func(most int) time.Duration { return time.Duration(1+random.IntN(most*60)) * time.Minute }
	switch what {
	case "grant", "withdraw", "snatch":
		e.With = purposeNames()[random.IntN(3)]
		if what != "snatch" && random.IntN(4) == 0 { // with the power cut in the middle of it
			e.For = 1
		}
	case "weather":
		e.With, e.For = string(weathers()[random.IntN(len(weathers()))]), hours(72)
	case "mood":
		e.With, e.For = string(moods()[random.IntN(len(moods()))]), hours(24)
	case "pause":
		e.For = hours(48)
	case "disk":
		e.With, e.For = []string{"full", "read-only", "failing"}[random.IntN(3)], hours(24)
	case "rot":
		e.With = []string{"at rest", "under it"}[random.IntN(2)]
	case "erase":
		e.With = []string{"", "there too"}[random.IntN(2)]
	case "clock":
		e.With, e.For = []string{"hour back", "hour ahead", "stands still", "not set", "1970", "years ahead", "minutes off", "days back"}[random.IntN(8)], hours(48)
		if e.With == "years ahead" && s.Seed%3 == 1 {
			e.With = "hour ahead"
		}
	case "no policy":
		e.For = hours(30)
	case "mine":
		e.With = []string{"yes", "yes", "no"}[random.IntN(3)]
	case "outage":
		e.What, e.With, e.For = "weather", string(down), hours(20*24)
	case "policy":
		e.With = fmt.Sprint(steps()[random.IntN(3)])
	}
	s.Events = append(s.Events, e)
	if end := map[string]string{"weather": "fair", "mood": "fine", "pause": "resume", "disk": "healthy", "clock": "clock right", "outage": "fair"}[what]; end != "" {
		s.Events = append(s.Events, event{At: at + e.For, What: end, Seed: random.Uint64()})
	}
	if what == "no policy" {
		s.Events = append(s.Events, event{At: at + e.For, What: "policy", With: fmt.Sprint(steps()[random.IntN(3)]), Seed: random.Uint64()})
	}
}

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
			l.deep()
		}
		l.happen(&e)
	}
	if !l.broken() {
		l.finish(&look)
	}
	l.halt()
}

func faultDetail(e *event) string {
	switch e.What {
	case "weather", "mood", "disk", "rot", "erase", "clock", "mine":
		return e.With
	case "grant", "withdraw":
		if e.For == 1 {
			return "with a cut"
		}
	}
	return ""
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
			l.mu.Lock()
			stuck := l.stuck
			l.mu.Unlock()
			if err := <-l.stopped; !stuck && !l.rotten {
				l.mu.Lock()
				l.violate("start", "it ended: %v", err)
				l.mu.Unlock()
			}
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
	case "forget some":
		l.peer.forgetSome()
	case "rot":
		l.rot(random, e.With == "under it")
	case "backup":
		l.backups = append(l.backups, backup{look(l.disk.root), l.now()})
		l.backups = l.backups[max(0, len(l.backups)-3):]
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

// storm changes the weather. A recipient whose words are altered on their way may be understood to say that a yes was taken back;
// what the object makes of that counts.
func (l *life) storm(w weather, random *rand.Rand) {
	l.net.set(w, random)
	l.mu.Lock()
	lied := l.lying && w != lying
	l.lying = l.lying || w == lying
	l.everLied = l.everLied || w == lying
	l.mu.Unlock()
	if lied {
		l.settle()
		l.mu.Lock()
		l.lying = false
		l.mu.Unlock()
	}
}

// decide is what people do.
func (l *life) decide(e *event, random *rand.Rand) {
	if e.For == 1 {
		l.disk.arm(1+random.IntN(40), random)
	}
	switch e.What {
	case "grant":
		l.grant(e.With)
	case "withdraw":
		l.withdraw(e.With)
	case "snatch":
		l.snatch(e.With, random)
	case "pause", "resume":
		l.pause(e.What == "pause")
	case "policy":
		l.change(e.With)
	case "no policy":
		l.write("policy.toml", "version = \"none\"\n[[purpose")
		l.illegible = true
		_ = l.agent.Reload() // the last good one stays in force
	case "transfer":
		l.transfer(random.IntN(45))
	case "erase":
		l.erase(random, e.With != "")
	case "mine":
		l.keepMine(e.With == "yes")
	}
	if l.disk.dead.Load() {
		l.rebirth()
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

// grant is the person's yes.
func (l *life) grant(purpose string) {
	l.mu.Lock()
	now, step := l.now(), l.model.steps[len(l.model.steps)-1].step
	l.quiet = false
	was := l.unsure[purpose]
	l.unsure[purpose] = true
	l.mu.Unlock()
	d, err := l.agent.Grant(context.Background(), purpose, control.Person, control.Decision{})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unsure[purpose] = was
	y := l.model.open(purpose)
	fresh := &yes{purpose: purpose, id: d.Grant, from: now, step: step}
	switch {
	case l.disk.dead.Load():
		l.unsure[purpose], l.maybeYes[purpose] = true, fresh
	case err != nil && !l.sick && !l.stuck && !l.rotten && !l.model.broken:
		l.violate("decisions", "a yes to %s is not taken: %v", purpose, err)
	case err != nil, y != nil && y.id == d.Grant, l.ghost[purpose] && l.known(purpose, d.Grant):
	default:
		l.model.end(y, now)
		l.model.yeses = append(l.model.yeses, fresh)
	}
}

// snatch is a no while something is on its way, over a network that takes its time.
func (l *life) snatch(purpose string, random *rand.Rand) {
	was, _ := l.net.now(1)
	l.net.set(slow, random)
	for range 7 * 3600 { // an upload comes in six hours or twelve
		time.Sleep(time.Second)
		l.mu.Lock()
		lit := l.lit
		l.mu.Unlock()
		if lit || l.disk.dead.Load() || len(l.stopped) > 0 {
			break
		}
	}
	if !l.disk.dead.Load() && len(l.stopped) == 0 {
		l.withdraw(purpose)
		for _, p := range purposeNames() { // what it is she can't see: half of the time she takes everything back
			if p != purpose && random.IntN(2) == 0 {
				l.withdraw(p)
			}
		}
		time.Sleep(15 * time.Second)
	}
	l.net.set(was, random)
}

// known tells whether a number is that of an earlier yes. l.mu is held.
func (l *life) known(purpose string, id uint32) bool {
	return slices.ContainsFunc(l.model.yeses, func(y *yes) bool { return y.purpose == purpose && y.id == id })
}

// withdraw is the person's no. It holds whatever the disk says.
func (l *life) withdraw(purpose string) {
	before := l.now()
	l.mu.Lock()
	was := l.unsure[purpose]
	l.unsure[purpose] = true // while it is under way either answer is right
	l.mu.Unlock()
	_, err := l.agent.Withdraw(context.Background(), purpose, control.Person, control.Decision{})
	l.mu.Lock()
	defer l.mu.Unlock()
	if took := l.now() - before; took > grace && !l.disk.dead.Load() {
		l.violate("withdrawal", "it took %v", took)
	}
	l.unsure[purpose] = was
	switch {
	case l.disk.dead.Load():
		l.unsure[purpose], l.repeat[purpose] = true, true
	case err != nil && !l.sick && !l.stuck && !l.rotten && !l.model.broken:
		l.violate("withdrawal", "that of %s fails: %v", purpose, err)
	case err != nil: // it holds in memory, and a restart before the disk is well brings the yes back, as was said
		l.unsure[purpose], l.maybeYes[purpose], l.repeat[purpose] = true, nil, true
		fallthrough
	default:
		l.model.end(l.model.open(purpose), before)
		l.tally.Checks["withdrawals"]++
	}
}

// pause begins or ends a pause.
func (l *life) pause(on bool) {
	l.mu.Lock()
	now := l.now()
	if !on {
		l.quiet = false
	}
	failed := false
	if n := len(l.model.pauses); !on && n > 0 && l.model.pauses[n-1].to == 0 {
		l.model.pauses[n-1].to = now // what is granted leaves again while this is under way
		defer func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			if failed {
				l.model.pauses[n-1].to = 0
			}
		}()
	}
	l.mu.Unlock()
	var err error
	if on {
		_, err = l.agent.Pause(context.Background(), control.Person, control.Decision{})
	} else {
		_, err = l.agent.Resume(context.Background(), control.Person, control.Decision{})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	open := len(l.model.pauses) > 0 && l.model.pauses[len(l.model.pauses)-1].to == 0
	switch {
	case l.disk.dead.Load():
		l.unsure["pause"], failed = true, true
	case err != nil && !l.sick && !l.stuck && !l.rotten:
		l.violate("decisions", "a pause (%v) is not taken: %v", on, err)
	case on && !open:
		l.unsure["pause"] = err != nil // a restart ends it, as was said
		l.model.dropOpen(now)
		l.model.pauses = append(l.model.pauses, span{now, 0})
	case !on && err != nil:
		failed = true
	}
}

// change is a policy that asks for another step.
func (l *life) change(step string) {
	var s int64
	_, _ = fmt.Sscan(step, &s)
	l.mu.Lock()
	now := l.now()
	last := l.model.steps[len(l.model.steps)-1].step
	if s != last {
		l.model.steps = append(l.model.steps, stepAt{now, s})
		for _, y := range l.model.yeses { // what is buffered in another form is dropped
			if y.purpose == "air" && y.to == 0 && max(y.step, s) != max(y.step, last) {
				l.model.reformed = append(l.model.reformed, span{0, now})
			}
		}
	}
	l.quiet = false
	was := l.model.broken
	if l.illegible = false; was {
		l.model.broken = false
		l.lose(l.brokenFrom, now)
	}
	l.mu.Unlock()
	l.write("policy.toml", l.policy(s))
	if err := l.agent.Reload(); err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.violate("policy", "a policy is not read: %v", err)
		return
	}
	if was && !l.disk.dead.Load() {
		l.settle()
		l.rebase()
	}
}

// look holds the object against what must be true at any time.
func (l *life) look() {
	if l.agent == nil {
		return
	}
	l.states()
	status, err := l.agent.Status(context.Background())
	if err != nil {
		return
	}
	size := look(l.disk.root).size()
	l.mu.Lock()
	defer l.mu.Unlock()
	if doubts := strings.Contains(strings.Join(status.Warnings, " "), "clock can't be relied on"); l.backAtStart && !doubts && !l.damaged {
		l.violate("clock", "it was started with a clock that says an earlier time than it has seen, and relies on it")
	}
	l.tally.Disk = max(l.tally.Disk, size)
	if size > 16<<20 {
		l.violate("disk", "%d bytes", size)
	}
	if booked := wireBytes(&status) - l.booked; l.countable && !l.sick && (booked < l.sure || booked > l.sure+l.maybe) {
		l.violate("wire", "the ledger has %d bytes, %d to %d went out since %v: %v", booked, l.sure, l.sure+l.maybe, l.based, l.out)
	}
	l.tally.Checks["bytes"]++
}

// deep are the checks that take longer.
func (l *life) deep() {
	if l.agent == nil {
		return
	}
	report, err := l.agent.VerifyLedger(context.Background(), nil)
	var found map[sealed][]string
	if !l.damaged {
		found = nonces(l.t, l.disk.root)
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tally.Checks["ledgers"]++
	heap := m.HeapAlloc - uint64(cap(l.model.truths))*uint64(unsafe.Sizeof(truth{})) // what the test itself knows grows with the life
	for _, b := range l.backups {
		heap -= uint64(b.image.size())
	}
	l.tally.Heap = append(l.tally.Heap, heap)
	if heap > 16<<20 || len(l.tally.Heap) > 2 && heap > l.tally.Heap[1]+6<<20 {
		l.violate("memory", "%d bytes are in use, a month after the first it was %d", heap, l.tally.Heap[min(1, len(l.tally.Heap)-1)])
	}
	l.reused(found)
	if (err != nil || !report.Verified) && !l.damaged {
		l.violate("ledger", "it does not verify: %v %v", err, report.Problems)
	}
}

// finish makes all well, gives it time, and wants all that was promised to have arrived.
func (l *life) finish(next *time.Duration) {
	end := time.Duration(l.s.Days) * 24 * time.Hour
	for _, until := range []time.Duration{end, end + 24*time.Hour, end + 3*24*time.Hour} {
		for ; *next < until && !l.broken(); *next += 6*time.Hour + 7*time.Minute {
			l.wait(*next)
			l.look()
		}
		l.wait(until)
		if l.disk.disarm() && l.broken() {
			return
		}
		l.heal()
		l.storm(fair, rand.New(rand.NewPCG(1, 1)))
		l.mu.Lock()
		l.mood = fine
		l.mu.Unlock()
		if l.agent == nil {
			return
		}
		if len(l.model.pauses) > 0 {
			l.pause(false)
		}
		if l.illegible {
			l.change(fmt.Sprint(steps()[0]))
		}
		l.clock(&event{What: "clock right"}, nil)
		if until == end {
			l.restart() // what a recipient refused is offered once more after a start
		}
	}
	l.deep()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, y := range l.model.yeses { // whatever came between, the recipients were asked to delete what was taken back
		if y.to != 0 && y.streams > 0 && !l.damaged && !l.model.mayLapse && !l.everLied && !l.transferred && l.kept(y) {
			l.violate("deletion", "nobody confirmed that of %s, taken back at %v", y.purpose, y.to)
		}
	}
	missing, due := l.model.missing(end)
	l.tally.Due += due
	if len(missing) > l.told {
		l.violate("lost", "%d rows of %d are missing and %d were told: %s …", len(missing), due, l.told, strings.Join(missing[:min(len(missing), 6)], ", "))
	}
}

// kept tells whether a stream of a yes was never deleted at the recipient. l.mu is held.
func (l *life) kept(y *yes) bool {
	for _, known := range l.peer.ever {
		if known.yes == y && !known.erased {
			return true
		}
	}
	return false
}

// fastDir is a directory in memory where the machine has one: what is tested here is not the disk.
func fastDir() (string, error) {
	if dir, err := os.MkdirTemp("/dev/shm", "candor-simulation-"); err == nil {
		return dir, nil
	}
	dir, err := os.MkdirTemp("", "candor-simulation-")
	return filepath.Clean(dir), err
}
