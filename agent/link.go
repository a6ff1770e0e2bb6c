package agent

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path"
	"time"
)

// linkEvery is how often the links are looked at: a stat and a few bytes of the kernel's memory.
const linkEvery = 5 * time.Second

// linkLoop has the uplink try at once when a link has come up, rather than when its backoff is over.
func (a *Agent) linkLoop(ctx context.Context) error {
	watchLinks(ctx, os.DirFS("/sys/class/net"), a.opts.Clock.After, a.up.Wake)
	return nil
}

// watchLinks calls up when a link that was down, or not there, is up.
func watchLinks(ctx context.Context, net fs.FS, after func(time.Duration) <-chan time.Time, up func()) {
	was := linksUp(net)
	for {
		select {
		case <-ctx.Done():
			return
		case <-after(linkEvery):
		}
		is := linksUp(net)
		for name := range is {
			if !was[name] {
				up()
				break
			}
		}
		was = is
	}
}

// linksUp are the links that carry something now; the machine's way to itself is none.
func linksUp(net fs.FS) map[string]bool {
	out := map[string]bool{}
	entries, err := fs.ReadDir(net, ".")
	if err != nil {
		return out
	}
	for _, e := range entries {
		state, err := fs.ReadFile(net, path.Join(e.Name(), "operstate"))
		if err == nil && e.Name() != "lo" && string(bytes.TrimSpace(state)) == "up" {
			out[e.Name()] = true
		}
	}
	return out
}
