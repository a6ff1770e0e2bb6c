//go:build linux && (amd64 || arm64)

package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/candor-edge/candor/agent/control"
)

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
	l.model.lapse(now)
	y := l.model.open(purpose)
	fresh := &yes{purpose: purpose, id: d.Grant, from: now, step: step}
	switch {
	case l.disk.dead.Load():
		l.unsure[purpose], l.maybeYes[purpose] = true, fresh
	case err != nil && !l.sick && !l.stuck && !l.foul(err) && !l.model.broken:
		l.violate("decisions", "a yes to %s is not taken: %v", purpose, err)
	case err != nil, y != nil && y.id == d.Grant, l.ghost[purpose] != nil && l.ghost[purpose].id == d.Grant:
	default:
		if y != nil {
			y.to, y.replaced = now, true
		}
		l.model.yeses = append(l.model.yeses, fresh)
		delete(l.ghost, purpose)
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
	case err != nil && !l.sick && !l.stuck && !l.foul(err) && !l.model.broken:
		l.violate("withdrawal", "that of %s fails: %v", purpose, err)
	case err != nil: // it holds in memory, and a restart before the disk is well brings the yes back, as was said
		l.unsure[purpose], l.maybeYes[purpose], l.repeat[purpose] = true, nil, true
		fallthrough
	default:
		l.model.lapse(before)
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
		l.model.dropOpen(now)        // a look in the very moment is in a window that the end of the pause begins anew
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
		l.unsure["pause"], l.model.resuming, failed = true, !on, true
	case err != nil && !l.sick && !l.stuck && !l.foul(err):
		l.violate("decisions", "a pause (%v) is not taken: %v", on, err)
	case on && !open:
		l.unsure["pause"] = err != nil // a restart ends it, as was said
		l.model.dropOpen(now)
		l.model.pauses = append(l.model.pauses, span{now, 0})
		if n := len(l.model.truths); n > 0 && l.model.truths[n-1].at == now { // as at a start in this very moment
			l.model.truths[n-1].tie = true
		}
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
