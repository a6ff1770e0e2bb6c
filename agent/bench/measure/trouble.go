package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// troubled is how many readings an agent takes in each trouble.
const troubled = 50_000

// Waiting for a sink that was down. A collector tries again after half a minute at the latest, by its own default.
const (
	patience = 45 * time.Second // until the first comes
	leisure  = 2 * time.Minute  // after the last, for one that says that there is more
	settling = 2 * time.Second  // from the last answer until what waits is on the disk
)

// subject is an agent that takes the workload over HTTP and is put into trouble: a peer, or ours with the sensor of the bench.
type subject struct {
	queue     string // the directory of what waits to be sent
	url, kind string // where readings are posted, and their content type
	form      func([]spoken) ([]byte, error)
	start     func(context.Context) (*process, error) // gives it when it takes readings
	up        func(context.Context) error             // the sink, which is down before that
	down      func()
	rows      func() int64                        // that have arrived so far, the same one twice counted twice
	count     func() (fate, error)                // of what has arrived
	waits     func(context.Context) (bool, error) // whether it knows of more to send; nil: it can't be asked
}

// fate is what became of readings that were answered.
type fate struct {
	unstarted          bool // it did not start
	lost, again, wrong int
}

func (f fate) String() string {
	if f.unstarted {
		return "it does not start"
	}
	return fmt.Sprintf("%d lost, %d twice, %d wrong", f.lost, f.again, f.wrong)
}

// ordeal is what came of all of it.
type ordeal struct {
	resident, waiting, drained float64 // MB; bytes a reading on the disk; readings a second
	backlog, killed            fate
	damaged                    []fate // in the order of harms
}

// harm is one way in which a file rots while nobody has it open.
type harm struct {
	name string
	do   func([]byte) []byte
}

func harms() []harm {
	return []harm{
		{"a byte of its largest file flipped", func(b []byte) []byte { return flip(b, 1) }},
		{"256 bytes of it flipped", func(b []byte) []byte { return flip(b, 256) }},
		{"it cut in half", func(b []byte) []byte { return b[:len(b)/2] }},
	}
}

// flip changes so many bytes, none of which is zero: what a file has not used yet is left alone.
func flip(b []byte, n int) []byte {
	random := rand.New(rand.NewSource(7))
	for tries := 0; n > 0 && tries < 1<<24; tries++ {
		if i := random.Intn(len(b)); b[i] != 0 {
			b[i] ^= byte(1 + random.Intn(255))
			n--
		}
	}
	return b
}

// endure puts an agent into every trouble, each time a fresh one.
func (b *bench) endure(ctx context.Context, fresh func(name string) (*subject, error)) (o ordeal, err error) {
	run := func(name string, trouble func(*subject) error) {
		if err != nil {
			return
		}
		s, made := fresh(name)
		if err = made; err == nil {
			err = trouble(s)
			s.down()
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
	}
	run("sink down", func(s *subject) error { return o.sinkDown(ctx, s) })
	run("killed", func(s *subject) error { return o.kill(ctx, s) })
	for i, h := range harms() {
		run(fmt.Sprintf("damage %d", i+1), func(s *subject) error { return o.damage(ctx, s, h) })
	}
	return o, err
}

// sinkDown has all readings wait, and tells how fast they leave once the sink is up.
func (o *ordeal) sinkDown(ctx context.Context, s *subject) error {
	p, err := s.queued(ctx)
	if err != nil {
		return err
	}
	defer p.end()
	o.resident = mega(p.status("VmRSS"))
	o.waiting = float64(sizeOf(s.queue)) / troubled
	if err := s.up(ctx); err != nil {
		return err
	}
	if o.drained, err = s.settle(ctx, p); err != nil {
		return err
	}
	o.backlog, err = s.count()
	return err
}

// kill ends it without warning when it has answered half, and starts it again for the rest.
func (o *ordeal) kill(ctx context.Context, s *subject) error {
	bodies, err := requestsAs(s.form, troubled, aRequest)
	if err != nil {
		return err
	}
	if err := s.up(ctx); err != nil {
		return err
	}
	p, err := s.start(ctx)
	if err != nil {
		return err
	}
	err = post(ctx, s.url, s.kind, bodies[:len(bodies)/2])
	p.kill()
	if err != nil {
		return err
	}
	if p, err = s.start(ctx); err != nil {
		return err
	}
	defer p.end()
	if err := post(ctx, s.url, s.kind, bodies[len(bodies)/2:]); err != nil {
		return err
	}
	if _, err = s.settle(ctx, p); err == nil {
		o.killed, err = s.count()
	}
	return err
}

// damage harms the largest file of what waits while the agent stands still, and tells what arrives after its next start.
func (o *ordeal) damage(ctx context.Context, s *subject, h harm) error {
	p, err := s.queued(ctx)
	if err != nil {
		return err
	}
	if _, err := p.stop(); err != nil && !strings.Contains(err.Error(), "signal") { // one that dies of the signal has ended too
		return err
	}
	if err := spoil(s.queue, h.do); err != nil {
		return err
	}
	if err := s.up(ctx); err != nil {
		return err
	}
	var f fate
	if p, err = s.start(ctx); err == nil {
		defer p.end()
		_, err = s.settle(ctx, p)
	}
	if f, err = fateOf(ctx, s, err); err == nil {
		o.damaged = append(o.damaged, f)
	}
	return err
}

// fateOf is what arrived, or that the agent did not start or ended by itself, which is as bad.
func fateOf(ctx context.Context, s *subject, failed error) (fate, error) {
	if failed != nil {
		return fate{unstarted: true}, ctx.Err()
	}
	return s.count()
}

// queued starts the agent with its sink down and gives it when it has taken all readings.
func (s *subject) queued(ctx context.Context) (*process, error) {
	bodies, err := requestsAs(s.form, troubled, aRequest)
	if err != nil {
		return nil, err
	}
	p, err := s.start(ctx)
	if err != nil {
		return nil, err
	}
	if err = post(ctx, s.url, s.kind, bodies); err == nil {
		err = p.wait(ctx, settling)
	}
	if err != nil {
		p.end()
		return nil, fmt.Errorf("%w; it says: %s", err, lastLines(p.said()))
	}
	return p, nil
}

// settle waits until all has arrived or nothing more does, and gives how many came a second from the first until nine tenths were
// there: one that makes batches may keep the last few for the next time that it sends. 0 when so many never came.
func (s *subject) settle(ctx context.Context, p *process) (rate float64, err error) {
	began, before, asked := time.Now(), s.rows(), time.Now()
	var first, last time.Time
	var at int64 // how many there were at the first
	for {
		now, moment := s.rows(), time.Now()
		switch {
		case now != before && first.IsZero():
			first, last, at = moment, moment, now
		case now != before:
			last = moment
		case now >= troubled, first.IsZero() && moment.Sub(began) > patience:
			return rate, nil
		case !first.IsZero() && moment.Sub(last) > quiet && moment.Sub(asked) > time.Second:
			asked = moment
			if more, err := s.more(ctx); err != nil || !more || moment.Sub(last) > leisure {
				return rate, err
			}
		}
		if now >= troubled*9/10 && rate == 0 && now > at {
			rate = float64(now-at) / max(moment.Sub(first), look).Seconds()
		}
		before = now
		if err := p.wait(ctx, look); err != nil {
			return rate, err
		}
	}
}

// more asks whether there is something to send; no for one that can't be asked.
func (s *subject) more(ctx context.Context) (bool, error) {
	if s.waits == nil {
		return false, nil
	}
	return s.waits(ctx)
}

// sizeOf is how many bytes the files below a directory have.
func sizeOf(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // it was deleted a moment ago
		}
		if info, err := d.Info(); err == nil {
			n += info.Size()
		}
		return nil
	})
	return n
}

// spoil changes the largest file below a directory.
func spoil(dir string, do func([]byte) []byte) error {
	name, size := "", int64(0)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > size {
			name, size = path, info.Size()
		}
		return err
	})
	if err == nil && name == "" {
		err = errors.New("nothing waits in " + filepath.Base(dir))
	}
	if err != nil {
		return err
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return os.WriteFile(name, do(b), 0o600)
}

// endured prints what came of the troubles; ours stands beside a peer's where it is given.
func (b *bench) endured(name string, o ordeal, ours *ordeal) {
	b.out.heading("in trouble, %d readings each time: %s", troubled, name)
	add := func(what string, its, our float64, format string) {
		if ours != nil {
			format += fmt.Sprintf(", ours %.2f times", our/its)
		}
		b.out.only(what, its, format)
	}
	our := o
	if ours != nil {
		our = *ours
	}
	add("resident while all of them wait", o.resident, our.resident, "%.1f MB")
	add("they wait on the disk in", o.waiting, our.waiting, "%.0f B a reading")
	add("they leave, once the sink is up, at", o.drained, our.drained, "%.0f readings/s")
	b.out.says("all of them after that", o.backlog.String())
	b.out.says("killed (-9) at half, and started again", o.killed.String())
	for i, f := range o.damaged {
		b.out.says("the queue: "+harms()[i].name, f.String())
	}
}
