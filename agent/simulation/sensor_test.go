//go:build linux && (amd64 || arm64)

package simulation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// mood is how the sensor is: fine, or a way to fail out of the supervisor's table.
type mood string

// The moods.
const (
	fine        mood = "fine"
	absentMood  mood = "a value absent"
	outside     mood = "a value out of range"
	brokenValue mood = "a value that is a fault"
	deadMood    mood = "all zero"
	hangs       mood = "hangs"
	late        mood = "takes almost too long"
	panics      mood = "panics"
	unknownPart mood = "another part answers"
)

// moods are all of them; every kind of fault is one.
func moods() []mood {
	out := []mood{absentMood, outside, brokenValue, deadMood, hangs, late, panics, unknownPart}
	for _, k := range sensors.FaultKinds() {
		out = append(out, mood(k.String()))
	}
	return out
}

// part is the object's one sensor, behind the real supervisor.
type part struct {
	l    *life
	last int // how many looks there were after its last one; 0 before its first. Guarded by l.mu.
}

// fields are what it measures. Three of them are the light, so that three purposes can say which look a row is of.
func fields() (out []sensors.Field) {
	for _, f := range [][2]string{{"light", "illuminance"}, {"first", "illuminance"}, {"last", "illuminance"}, {"temperature", "temperature"}, {"co2", "co2"}, {"badge", "badge"}, {"motion", "motion"}} {
		k, ok := sensors.KindNamed(f[1])
		if !ok {
			panic("no kind " + f[1])
		}
		out = append(out, sensors.NewField("hall", f[0], k))
	}
	return out
}

// source is the sensor as the agent has it.
func (l *life) source() sensors.Source {
	return sensors.Supervise(sensors.SuperviseOptions{Clock: l.pace, RetryLongest: every,
		Parts: []sensors.Supervised{{Name: "hall", Driver: "simulated", Fields: fields(), Part: &part{l: l}, Every: every}}})[0]
}

// Identify implements [sensors.Part]. What was measured right before is of a part that nobody knew: after a failure it is read before it is
// asked who it is, and nothing of that may go further.
func (p *part) Identify(ctx context.Context) error {
	p.l.mu.Lock()
	if n := p.last; n > 0 && p.l.now()-p.l.model.truths[n-1].at < time.Second {
		p.l.model.truths[n-1].unknown = true
	}
	p.l.mu.Unlock()
	switch m := p.l.moodNow(); m {
	case unknownPart:
		return &sensors.FaultError{Kind: sensors.WrongPart, Operation: "identify"}
	case hangs:
		time.Sleep(2 * time.Minute)
		return errors.New("it came back")
	default:
		return fault(m)
	}
}

// fault is the error of a mood that is a kind of fault; nil for others.
func fault(m mood) error {
	for _, k := range sensors.FaultKinds() {
		if m == mood(k.String()) {
			return &sensors.FaultError{Kind: k, Operation: "read", Cause: errors.New("simulated")}
		}
	}
	return nil
}

// Sense implements [sensors.Part].
func (p *part) Sense(ctx context.Context, values []sensors.Value) error {
	m := p.l.moodNow()
	switch m {
	case hangs:
		time.Sleep(2 * time.Minute)
		return errors.New("it came back")
	case late:
		time.Sleep(900 * time.Millisecond)
	case panics:
		panic("the driver has a fault")
	case deadMood:
		for i := range values {
			values[i] = sensors.Number(0)
		}
		return nil
	}
	if err := fault(m); err != nil {
		return err
	}
	l := p.l
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.disk.dead.Load() {
		return errors.New("there is no power")
	}
	n := len(l.model.truths)
	t := truth{at: l.now(), temp: 15_000 + int64(n*37%9000) - int64(n%5)*4000, co2: 400_00 + int64(n*977%90_000), badge: fmt.Sprintf("badge-%d@home", n%7), okTemp: true, okCO2: true, okBadge: true, clock: time.Now()}
	v := light(n)
	values[0], values[1], values[2] = sensors.Number(v), sensors.Number(v), sensors.Number(v)
	values[3], values[4], values[5], values[6] = sensors.Number(t.temp), sensors.Number(t.co2), sensors.Token(t.badge), sensors.Number(int64(n%2))
	switch m {
	case absentMood:
		values[4], t.okCO2 = sensors.Value{}, false
	case outside:
		values[3], t.okTemp = sensors.Number(900_000), false
	case brokenValue:
		values[5], t.okBadge = sensors.Value{Quality: sensors.Fault}, false
	}
	l.model.truths = append(l.model.truths, t)
	p.last = len(l.model.truths)
	return nil
}
