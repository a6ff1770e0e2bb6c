package agent

import (
	"context"
	"fmt"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/agent/web"
	"github.com/candor-edge/candor/store/ledger"
	"github.com/candor-edge/candor/tinyconf"
)

// Page is the [page] table.
type Page struct {
	Listen string `toml:"listen"` // address and port on the loopback interface; "": there is no page
}

func (p Page) check(ctx *tinyconf.Context) {
	if p.Listen == "" {
		return
	}
	if err := web.CheckListen(p.Listen); err != nil {
		ctx.Fault("page.listen", "%v", err)
	}
}

// afterglow is how long something counts as being sent after it was: a request is often shorter than a blink.
const afterglow = 400 * time.Millisecond

// pageRetry is how soon a page whose address is taken is tried again.
const pageRetry = 30 * time.Second

// openPage makes the page of the configuration. Nothing is listened on yet.
func (a *Agent) openPage() error {
	if a.cfg.Page.Listen == "" {
		return nil
	}
	var err error
	options := web.Options{Listen: a.cfg.Page.Listen, Backend: a, Language: a.cfg.Device.Language, Rand: a.opts.Rand, Log: a.opts.Log,
		Paired: a.paired, Guessed: a.guessed}
	if a.cfg.Signals.Pause != "" {
		options.Visitor, options.Entered = a.mayEnter, a.entered
	}
	a.page, err = web.New(options)
	return err
}

// pageLoop serves the page. That it can't be served keeps nothing else from running; the status says why.
func (a *Agent) pageLoop(ctx context.Context) error {
	for ctx.Err() == nil {
		err := a.page.Run(ctx)
		if ctx.Err() != nil {
			break
		}
		a.pageTrouble.set(err)
		a.opts.Log.Error("the page of the person is not served; it is tried again", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(pageRetry): // by the wall: who waits for the page is no part of a simulation
		}
		a.pageTrouble.set(nil)
	}
	return nil
}

// glow is told by the sender, within its lock, that something is on its way, or that nothing is any more.
func (a *Agent) glow(on bool) {
	until := int64(0)
	if on {
		until = 1<<63 - 1
	} else if a.sendingUntil.Load() != 0 {
		until = time.Now().Add(afterglow).UnixNano()
	}
	a.sendingUntil.Store(until)
	if a.page != nil {
		a.page.Wake()
	}
}

// sendingNow says whether something is on its way, or was a moment ago.
func (a *Agent) sendingNow() bool { return time.Now().UnixNano() < a.sendingUntil.Load() }

// Pair implements control.Pairer. Root who has a code shown is written down: whoever types it in speaks as the person.
func (a *Agent) Pair(_ context.Context, role control.Role, d control.Decision) (control.Pairing, error) {
	url, err := a.pageURL()
	if err != nil {
		return control.Pairing{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if role == control.Root {
		a.note(ledger.Event{Kind: ledger.Act, Time: a.now(), Role: string(role), Channel: channel(d), OnBehalf: d.OnBehalf, Text: "had a code shown that opens the page of the person"})
	}
	code, until, err := a.page.Pair()
	if err != nil {
		return control.Pairing{}, control.Errorf(control.ErrUnavailable, "candor pair", "no code could be made: %w", err)
	}
	return control.Pairing{URL: url, Code: code, Until: until.UTC()}, nil
}

func (a *Agent) pageURL() (string, error) {
	if a.page == nil {
		return "", control.Errorf(control.ErrConflict, `add [page] with listen = "127.0.0.1:8088" to candor.toml, and start candor again`, "this object serves no page")
	}
	if err := a.pageTrouble.get(); err != nil {
		return "", control.Errorf(control.ErrUnavailable, "candor status", "the page is not served at the moment: %w", err)
	}
	url := a.page.URL()
	if url == "" {
		return "", control.Errorf(control.ErrUnavailable, "candor run", "the page is served by the daemon, and none runs, or it has just begun")
	}
	return url, nil
}

// Unpair implements control.Pairer.
func (a *Agent) Unpair(context.Context, control.Role, control.Decision) (control.Unpaired, error) {
	if a.page == nil {
		return control.Unpaired{}, nil
	}
	return control.Unpaired{Ended: a.page.Unpair()}, nil
}

// paired is told that a code or the button has opened the page. The first time ends the workshop and is a line of the ledger; that somebody
// looks at the page later is written down nowhere.
func (a *Agent) paired(context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.book.Paired() {
		return nil
	}
	_, err := a.book.Record(ledger.Event{Kind: ledger.Paired, Time: max(a.now(), 1), Role: string(control.Person), Channel: control.ChannelPage,
		Text: "the page was opened for the first time: live values are shown to its person alone from here on"})
	if err != nil {
		return fmt.Errorf("that the object was handed over could not be written down: %w", err)
	}
	if err := a.keys.Sync(); err != nil {
		a.opts.Log.Warn("the ledger's head is not beside the keys yet", "error", err)
	}
	a.opts.Log.Info("the object was handed over: its page was opened")
	return nil
}

// guessed is told that a code was voided by wrong tries.
func (a *Agent) guessed() {
	a.opts.Log.Warn("the code for the page was tried wrongly too often and is void")
	a.mu.Lock()
	defer a.mu.Unlock()
	a.note(ledger.Event{Kind: ledger.Incident, Time: a.now(), Channel: control.ChannelPage, Text: "a code for the page was tried wrongly five times and is void"})
}
