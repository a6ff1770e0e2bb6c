package agent_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
)

// exported is what an export said.
type exported struct {
	values map[string][]control.ExportPoint
	notes  []string
	given  []control.ExportReceipt
}

func export(t *testing.T, a *agent.Agent, q control.ExportQuery) exported {
	t.Helper()
	out := exported{values: map[string][]control.ExportPoint{}}
	var names []string
	err := a.Export(t.Context(), q, func(p control.ExportPiece) error {
		if p.Series != nil {
			names = append(names, p.Series.Name)
		}
		for _, v := range p.Points {
			out.values[names[v.Series]] = append(out.values[names[v.Series]], v)
		}
		if p.Receipt != nil {
			out.given = append(out.given, *p.Receipt)
		}
		if p.Note != "" {
			out.notes = append(out.notes, p.Note)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// tap passes requests on and keeps the bodies.
type tap struct {
	mu     sync.Mutex
	bodies [][]byte
}

func (p *tap) receiver(t *testing.T) (url, dir string) {
	t.Helper()
	dir = t.TempDir()
	h, closeSink := newReceiver(t, dir)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "broken", http.StatusBadRequest)
			return
		}
		p.mu.Lock()
		p.bodies = append(p.bodies, body)
		p.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { srv.Close(); closeSink() })
	return srv.URL, dir
}

func (p *tap) saw(b []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, body := range p.bodies {
		if bytes.Equal(body, b) {
			return true
		}
	}
	return false
}

// What is kept for the person is all that was measured, nothing of it leaves or lies readable on the disk, no stream is ever
// opened for it, and the copy of each batch that left is byte for byte what was on the wire.
func TestMineKeepsEverythingAndNothingOfItLeaves(t *testing.T) {
	wire := &tap{}
	url, out := wire.receiver(t)
	o := newObject(t, url, 3000)
	if err := o.once(20*time.Second, consent.MineID, "trends", "air"); err != nil {
		t.Fatal(err)
	}
	checkRows(t, out, 3000)
	for _, body := range wire.bodies {
		for name, form := range forms() {
			if shows(body, form) {
				t.Errorf("what is kept for the person is on the wire, as %s", name)
			}
		}
	}
	findLeaks(t, o.logged(), filepath.Join(o.dir, "state", "history"), filepath.Join(o.dir, "state", "buffer"), filepath.Join(o.dir, "state-keys"), out)

	a := o.open() // what is kept is kept over a restart
	defer func() { _ = a.Close() }()
	all := export(t, a, control.ExportQuery{What: "all"})
	light := all.values["room.light"]
	if len(light) != 3000 {
		t.Fatalf("%d readings of light are kept, want 3000: %v", len(light), all.notes)
	}
	for i, p := range light {
		if p.Num != 54321987 || p.At != (1_700_000_000_000+int64(i)*60_000)*1000 {
			t.Fatalf("reading %d is kept as another", i)
		}
	}
	if b := all.values["room.badge"]; len(b) != 3000 || b[3].Text != "badge-3@home" {
		t.Error("a badge is kept for the person as it was read")
	}
	if got, want := len(all.values["acme/air/room.co2"]), len(rows(t, out, "air")); got != want {
		t.Errorf("%d values of what was sent, want %d", got, want)
	}
	if len(all.given) != 3 {
		t.Errorf("%d receipts, want 3", len(all.given))
	}
	batches := 0
	list, err := a.Sent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if s.Purpose == consent.MineID {
			t.Fatal("something left for mine")
		}
		if s.Control != "" {
			continue
		}
		batches++
		c, err := a.SentCopy(t.Context(), s.Stream, s.Seq)
		if err != nil || !wire.saw(c.Signed) || len(c.SenML) == 0 {
			t.Errorf("batch %d has no copy that is equal to what was on the wire: %v", s.Seq, err)
		}
	}
	if batches == 0 {
		t.Error("nothing left, so that nothing was held against anything")
	}
	status, err := a.Status(t.Context())
	if err != nil || status.History.State != "given" || status.History.Bytes == 0 || strings.Contains(status.Truth, "mine") {
		t.Errorf("status: %+v, %q, %v", status.History, status.Truth, err)
	}
}

// Without a yes to it nothing is kept: there is not even a folder for it.
func TestMineIsNoByDefault(t *testing.T) {
	url, _ := receiver(t)
	o := newObject(t, url, 200)
	if err := o.once(20*time.Second, "air"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(o.dir, "state", "history")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there are files of a history that nobody agreed to: %v", err)
	}
	a := o.open()
	defer func() { _ = a.Close() }()
	if all := export(t, a, control.ExportQuery{What: "all"}); len(all.values) != 0 || len(all.notes) != 2 || len(all.given) != 1 {
		t.Errorf("exported %d fields, notes %q", len(all.values), all.notes)
	}
	c, err := a.Consent(t.Context(), "fr")
	if err != nil {
		t.Fatal(err)
	}
	if last := c.Purposes[len(c.Purposes)-1]; last.ID != consent.MineID || last.Recipient != "vous, sur cet objet" || last.State != consent.Asked || last.Bits != "reste ici : rien n'en part" {
		t.Errorf("the history is asked as %+v", last)
	}
}

// Taken back, all of it is gone and a copy of the state directory made before tells nothing with the keys that are left. Kept
// by choice, it stays readable over a restart, takes nothing new, and can be destroyed later.
func TestMineWithdrawn(t *testing.T) {
	url, _ := receiver(t)
	for _, keep := range []bool{false, true} {
		t.Run(fmt.Sprintf("keep %v", keep), func(t *testing.T) {
			o := newObject(t, url, 200)
			if err := o.once(20*time.Second, consent.MineID, "air"); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(filepath.Join(o.dir, "before"), os.DirFS(filepath.Join(o.dir, "state"))); err != nil {
				t.Fatal(err)
			}
			withdraw(t, o, keep)
			want := map[bool]int{false: 0, true: 200}[keep]
			a := o.open()
			if got := len(export(t, a, control.ExportQuery{What: "raw"}).values["room.light"]); got != want {
				t.Errorf("%d readings after the withdrawal, want %d", got, want)
			}
			if c, err := a.Consent(t.Context(), ""); err != nil || c.Purposes[len(c.Purposes)-1].State != consent.Withdrawn {
				t.Errorf("it is not said to be withdrawn: %v", err)
			}
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
			if keep {
				withdraw(t, o, false)
			}
			// The state directory of before, with the keys of now: the ledger notes the end, and nothing is readable.
			if err := errors.Join(os.RemoveAll(filepath.Join(o.dir, "state")), os.Rename(filepath.Join(o.dir, "before"), filepath.Join(o.dir, "state"))); err != nil {
				t.Fatal(err)
			}
			a = o.open()
			defer func() { _ = a.Close() }()
			if all := export(t, a, control.ExportQuery{What: "all"}); len(all.values) != 0 {
				t.Errorf("%d fields can be read from a copy made before", len(all.values))
			}
		})
	}
}

func withdraw(t *testing.T, o *object, keep bool) {
	t.Helper()
	a := o.open()
	defer func() { _ = a.Close() }()
	if _, err := a.Withdraw(context.Background(), consent.MineID, control.Person, control.Decision{KeepHistory: keep}); err != nil {
		t.Fatal(err)
	}
}

// A longer [mine] keep waits for a new yes, which loses nothing of what is there.
func TestMineForLonger(t *testing.T) {
	url, _ := receiver(t)
	o := newObject(t, url, 200)
	if err := o.once(20*time.Second, consent.MineID); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(o.dir, "candor.toml"))
	if err != nil {
		t.Fatal(err)
	}
	o.write("candor.toml", string(text)+"\n[mine]\nkeep = \"90d\"\n")
	a := o.open()
	defer func() { _ = a.Close() }()
	last := func() control.ConsentPurpose {
		c, err := a.Consent(t.Context(), "en")
		if err != nil {
			t.Fatal(err)
		}
		return c.Purposes[len(c.Purposes)-1]
	}
	if m := last(); m.State != consent.Given || !strings.HasPrefix(m.Retention, "30 days") || !strings.Contains(m.Reason, "90 days") {
		t.Errorf("before the new yes: %+v", m)
	}
	grant(t, a, consent.MineID)
	if m := last(); m.State != consent.Given || !strings.HasPrefix(m.Retention, "90 days") || m.Reason != "" {
		t.Errorf("after the new yes: %+v", m)
	}
	if got := len(export(t, a, control.ExportQuery{What: "raw"}).values["room.light"]); got != 200 {
		t.Errorf("%d readings after the new yes, want the 200 of before", got)
	}
	if got := export(t, a, control.ExportQuery{What: "raw", From: time.UnixMilli(1_700_000_000_000 + 60_000), To: time.UnixMilli(1_700_000_000_000 + 180_000)}); len(got.values["room.light"]) != 2 {
		t.Errorf("%d readings of two minutes", len(got.values["room.light"]))
	}
}

// Files of the history that can't be used are its own trouble: what was promised to others goes on, it is told, and taking
// it back works.
func TestMineThatCannotBeOpened(t *testing.T) {
	url, out := receiver(t)
	o := newObject(t, url, 200)
	a := o.open()
	grant(t, a, consent.MineID, "air")
	if err := errors.Join(a.Close(), os.RemoveAll(filepath.Join(o.dir, "state", "history"))); err != nil {
		t.Fatal(err)
	}
	o.write("state/history", "no folder")
	if err := o.once(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	if len(rows(t, out, "air")) != 200 {
		t.Errorf("%d rows left, want 200", len(rows(t, out, "air")))
	}
	a = o.open()
	defer func() { _ = a.Close() }()
	status, err := a.Status(t.Context())
	if err != nil || status.History.State != "given" || status.History.Detail == "" || !strings.Contains(strings.Join(status.Warnings, " "), "can't be written") {
		t.Errorf("status: %+v, %v", status.History, err)
	}
	if _, err := a.Withdraw(t.Context(), consent.MineID, control.Person, control.Decision{KeepHistory: true}); err == nil {
		t.Error("it was said to be kept")
	}
	if _, err := a.Withdraw(t.Context(), consent.MineID, control.Person, control.Decision{}); err != nil {
		t.Error(err)
	}
	if status, err = a.Status(t.Context()); err != nil || status.History.State != "withdrawn" {
		t.Errorf("status: %+v, %v", status.History, err)
	}
}

// The last hours are in memory without any yes, for the person, and no file has them.
func TestLiveIsInMemoryOnly(t *testing.T) {
	url, _ := receiver(t)
	o := newObject(t, url, 50)
	a := o.open()
	defer func() { _ = a.Close() }()
	if err := a.Once(t.Context(), 20*time.Second); err != nil {
		t.Fatal(err)
	}
	live, err := a.Live(t.Context(), "room.light", time.UnixMilli(1_700_000_000_000+10*60_000))
	if err != nil || len(live) != 1 || len(live[0].Points) != 40 || live[0].Points[0].Num != 54321987 {
		t.Errorf("live: %d series, %v", len(live), err)
	}
	if _, err := a.Live(t.Context(), "room.lihgt", time.Time{}); err == nil {
		t.Error("a field that is not there was shown")
	}
	findLeaks(t, o.logged(), filepath.Join(o.dir, "state"), filepath.Join(o.dir, "state-keys"))
}
