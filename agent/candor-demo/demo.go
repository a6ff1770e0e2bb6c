package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
)

// streams are what a program reads and writes. Keys are read when in and out are terminals.
type streams struct {
	in       *os.File
	out, err io.Writer
}

// demo is one run. Its methods are called by one goroutine.
type demo struct {
	options
	*world
	out      io.Writer
	display  display
	glyphs   glyphs
	script   script
	keys     bool           // somebody can press some
	withdrew map[string]int // rows the receiver had of it, by purpose whose deletion is not confirmed yet
	notes    []string
	page     string // where the page is and the code that opens it; "" before it is served
}

// run does what arguments and environment say until ctx is done, the time is over or q is pressed. The error says what
// went wrong, or what at the end does not add up.
func run(ctx context.Context, args []string, getenv func(string) string, s streams) error {
	o, err := parseOptions(args, getenv, s.out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	dir, clean, err := workDir(o.keep)
	if err != nil {
		return err
	}
	err = live(ctx, dir, o, s)
	return errors.Join(err, clean())
}

// live runs the demo in dir.
func live(ctx context.Context, dir string, o options, s streams) (err error) {
	w, err := openWorld(dir, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	d := &demo{options: o, world: w, out: s.out, glyphs: glyphsFor(o.ascii), withdrew: map[string]int{}}
	began := time.Now()
	if err := d.show(ctx, s); err != nil {
		return err
	}
	return d.finish(time.Since(began))
}

// show runs the part with pictures, on a terminal or as lines.
func (d *demo) show(ctx context.Context, s streams) (err error) {
	in, out, ok := terminals(s)
	if !ok || !d.cursor {
		if d.length == 0 {
			d.length = scriptLength
		}
		d.script = newScript()
		d.display = &lines{w: s.out, glyphs: d.glyphs, pause: blockPause(d.length)}
		d.start(func(f func()) { f() })
		return d.loop(ctx, nil)
	}
	t, err := grabTerminal(in, s.out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.restore()) }()
	if d.length > 0 {
		d.script = newScript()
	}
	d.keys = true
	d.display = &screen{w: s.out, fd: out, glyphs: d.glyphs, colour: d.colour}
	d.start(t.guard)
	ctx, cancel := context.WithCancel(ctx)
	pressed, ended := make(chan byte), make(chan error, 1)
	go t.guard(func() { ended <- readKeys(ctx, in, pressed) })
	err = d.loop(ctx, pressed)
	cancel()
	return errors.Join(err, <-ended)
}

// guard restores the terminal when f panics.
func (t *terminal) guard(f func()) {
	defer func() {
		if r := recover(); r != nil {
			_ = t.restore()
			panic(r)
		}
	}()
	f()
}

// terminals returns the descriptors of in and out if both are terminals.
func terminals(s streams) (in, out int, ok bool) {
	f, isFile := s.out.(*os.File)
	if !isFile || s.in == nil {
		return 0, 0, false
	}
	in, out = int(s.in.Fd()), int(f.Fd())
	return in, out, term.IsTerminal(in) && term.IsTerminal(out)
}

// blockPause is the time between two printed blocks: about ten of them make a run, but not more than one in half a second.
func blockPause(length time.Duration) time.Duration {
	return min(max(length/10, 500*time.Millisecond), 3*time.Second)
}

// beat is how often the demo looks what is to be done.
const beat = 50 * time.Millisecond

func (d *demo) loop(ctx context.Context, pressed <-chan byte) error {
	began := time.Now()
	beats := time.NewTicker(beat)
	defer beats.Stop()
	var shown time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-d.failed:
			return err
		case key, ok := <-pressed:
			if !ok || quits(key) {
				return nil
			}
			if err := d.press(ctx, key); err != nil {
				return err
			}
			shown = time.Time{}
		case <-beats.C:
		}
		if d.page == "" {
			if err := d.pair(ctx); err != nil {
				return err
			}
		}
		elapsed := time.Since(began)
		if err := errors.Join(d.play(ctx, elapsed), d.confirm(ctx)); err != nil {
			return err
		}
		over := d.length > 0 && elapsed >= d.length && len(d.script) == 0 // a machine with much to do may be late with it
		if over || elapsed > beat && time.Since(shown) >= d.display.every() {
			shown = time.Now()
			if err := d.draw(ctx, elapsed); err != nil {
				return err
			}
		}
		if over {
			return nil
		}
	}
}

// draw shows how things are.
func (d *demo) draw(ctx context.Context, elapsed time.Duration) error {
	if err := d.tail.refresh(); err != nil {
		return err
	}
	status, err := d.object.Status(ctx)
	if err != nil {
		return err
	}
	v := &view{house: d.clock.Now(), clock: d.clock.name(), elapsed: elapsed, length: d.length, truth: status.Truth, quiet: true,
		sending: d.light.shows(), notes: d.notes}
	if d.keys {
		v.page, v.keys = d.page, "Keys: 1 to 4 yes/no, p new code, q quits."
		if len(d.script) > 0 {
			v.keys += " A script plays until you press one."
		}
	}
	v.sensed, v.readings = d.house.now(d.glyphs)
	for _, p := range status.Purposes {
		v.quiet = v.quiet && p.State != consent.Given
		v.purposes = append(v.purposes, d.offer(p))
	}
	for _, r := range status.Routes {
		if r.Failures > 0 {
			v.trouble = r.Reason
		}
	}
	return d.display.show(v)
}

func (d *demo) offer(p control.PurposeStatus) offer {
	_, asked := d.withdrew[p.ID]
	o := offer{id: p.ID, title: p.Title, state: p.State, reason: p.Reason, asked: asked}
	if f := d.tail.files[p.ID]; f != nil {
		o.rows, o.deleted, o.newest = f.rows, f.deleted, f.newest.words(d.glyphs)
		o.bytes = d.tail.bytes(p.ID)
	}
	return o
}
