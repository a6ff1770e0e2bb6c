//go:build soak

package web_test

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/agent/export"
	"github.com/candor-edge/candor/sensors"
)

// rows counts what the receiver has of a purpose.
func (o *object) rows(t *testing.T, purpose string) int {
	t.Helper()
	f, err := os.Open(filepath.Join(o.receiver, purpose+".jsonl"))
	if os.IsNotExist(err) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	n := 0
	for s := bufio.NewScanner(f); s.Scan(); n++ {
	}
	return n
}

const yes, no = `document.querySelector('#use-trends [data-answer=yes]')`, `document.querySelector('#use-trends [data-answer=no]')`

// The story of the page: nothing leaves; a yes, and it is seen to leave; a no, and within a second nothing leaves, and the
// deletion is acknowledged. Nothing is asked of anybody but the object, and the browser finds nothing to complain of.
func TestSoakGrantSeeWithdraw(t *testing.T) {
	o := startObject(t)
	p := o.enter(t, startBrowser(t))
	p.until("document.getElementById('top').dataset.state === 'nothing'")
	p.eval("document.getElementById('en').click()", nil)
	p.until("document.getElementById('truth-text').textContent.startsWith('Nothing is leaving')")
	p.until("document.querySelector('#use-trends').innerText.includes('<script>alert(1)</script>')") // a text stays a text

	p.eval(yes+".click()", nil)
	p.until("document.querySelector('#said-trends').textContent.startsWith('From now on')")
	p.until(yes + ".getAttribute('aria-pressed') === 'true'")
	p.until("document.querySelector('#left-body li') && document.getElementById('left-body').innerText.includes('received')")
	p.until("['open','sending'].includes(document.getElementById('top').dataset.state)")
	p.until("document.getElementById('truth-last').textContent.includes('Acme Objets SAS')")
	p.eval("window.sendings = 0; new MutationObserver(() => { if (document.getElementById('top').dataset.state === 'sending') window.sendings++ }).observe(document.getElementById('top'), {attributes: true})", nil)
	p.until("window.sendings > 1")
	if o.rows(t, "trends") == 0 {
		t.Fatal("the page shows rows that nobody got")
	}

	began := time.Now()
	p.eval(no+".click()", nil)
	p.until("document.getElementById('top').dataset.state === 'nothing'")
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v until the page says that nothing leaves", took)
	}
	had := o.rows(t, "trends")
	p.until("document.getElementById('deletions-body').innerText.includes('confirmed on')")
	time.Sleep(1500 * time.Millisecond)
	if now := o.rows(t, "trends"); now > had {
		t.Errorf("%d rows arrived after the no", now-had)
	}
	p.until(no + ".getAttribute('aria-pressed') === 'true'")
	p.until("document.getElementById('receipts-body').innerText.includes('yes taken back')")
	p.eval("document.getElementById('verify').click()", nil)
	p.until("document.getElementById('verify-said').textContent.startsWith('All of it verifies')")

	p.eval("document.getElementById('pause').click()", nil)
	p.until("document.getElementById('top').dataset.state === 'paused'")
	p.eval("document.getElementById('pause').click()", nil)
	p.until("document.getElementById('top').dataset.state === 'nothing'")

	if out := p.outside(o.url); len(out) > 0 {
		t.Errorf("the page asked others: %q", out)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.troubles) > 0 {
		t.Errorf("the browser complains: %s", strings.Join(p.troubles, "\n"))
	}
}

// A session that is ended elsewhere closes the page and takes what it showed away; a second code opens it again.
func TestSoakClosedFromOutside(t *testing.T) {
	o := startObject(t)
	p := o.enter(t, startBrowser(t))
	if _, err := o.Unpair(t.Context(), control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	p.until("!document.getElementById('door').hidden && document.getElementById('home').hidden")
	text := ""
	p.eval("document.body.textContent", &text)
	if strings.Contains(text, "living.") || strings.Contains(text, "Acme") {
		t.Error("something of the home is still on the page")
	}
	time.Sleep(2100 * time.Millisecond)
	p.write(o.code(t))
	p.enter()
	p.until("!document.getElementById('home').hidden && document.querySelector('#purposes article')")
	p.eval("document.getElementById('leave').click()", nil)
	p.until("!document.getElementById('door').hidden")
}

// download clicks and waits for the file.
func (p *tab) download(t *testing.T, dir, name, click string) []byte {
	t.Helper()
	p.call("", "Browser.setDownloadBehavior", map[string]any{"behavior": "allow", "downloadPath": dir}, nil)
	p.eval(click, nil)
	path := filepath.Join(dir, name)
	for range 500 {
		if data, err := os.ReadFile(path); err == nil && len(data) > 0 {
			return data
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%s never comes", name)
	return nil
}

func choose(what, format string) string {
	return `document.getElementById('take-what').value = '` + what + `'; document.getElementById('take-format').value = '` + format +
		`'; document.querySelector('#take-form button').click()`
}

// What is taken away says in each format what was measured, and what is erased is gone from the next file.
func TestSoakTakeAndErase(t *testing.T) {
	o := startObject(t)
	p := o.enter(t, startBrowser(t))
	p.eval("document.querySelector('#mine-body [data-answer=yes]').click()", nil)
	p.until("document.querySelector('#mine-body [data-answer=yes]').getAttribute('aria-pressed') === 'true'")
	p.eval(yes+".click()", nil)
	p.until("document.querySelector('#left-body details')")
	time.Sleep(2 * time.Second)
	p.eval("document.querySelector('#left-body details').open = true", nil)
	p.until("document.querySelector('#left-body details table td')") // decoded, from the object's own copy

	dir := t.TempDir()
	var pack []map[string]any
	if err := json.Unmarshal(p.download(t, dir, "candor-raw.json", choose("raw", "json")), &pack); err != nil {
		t.Fatal(err)
	}
	var binary []map[any]any
	if err := cbor.Unmarshal(p.download(t, dir, "candor-raw.cbor", choose("raw", "cbor")), &binary); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(p.download(t, dir, "candor-raw.csv", choose("raw", "csv"))))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	values := 0
	for i, r := range pack {
		if r["n"] == nil {
			continue
		}
		values++
		if v, ok := r["v"].(float64); ok && r["n"] == "living.temperature" && (v < -20 || v > 60 || math.IsNaN(v)) {
			t.Errorf("record %d: %v", i, r)
		}
	}
	if values < 14 || len(binary) < len(pack) || len(rows)-1 < values || rows[0][1] != "field" {
		t.Errorf("%d values in JSON, %d records in CBOR, %d lines of CSV", values, len(binary), len(rows))
	}
	told, _ := pack[len(pack)-1]["candor"].(map[string]any)
	if told == nil || told["time_zone"] != "UTC" || len(told["fields"].([]any)) != 7 {
		t.Errorf("the metadata are %v", told)
	}
	reimport(t, dir, rows)

	p.eval("document.querySelector('#erase-form button').click()", nil)
	p.until("document.getElementById('erase-said').textContent.includes('ne se défait pas')") // not without the tick
	p.eval("document.getElementById('erase-sure').checked = true; document.querySelector('#erase-form button').click()", nil)
	p.until("document.querySelector('#erase-said ul')")
	p.until("document.getElementById('receipts-body').innerText.includes('effacé à la demande')")
	p.until("document.getElementById('top').dataset.state === 'nothing'")
	after := []map[string]any{}
	if err := json.Unmarshal(p.download(t, t.TempDir(), "candor-all.json", choose("all", "json")), &after); err != nil {
		t.Fatal(err)
	}
	for _, r := range after {
		if r["n"] != nil {
			t.Fatalf("after erasing there is %v", r)
		}
	}
}

// reimport reads the temperatures of the table back with the replay driver: every value that was taken away, exactly.
func reimport(t *testing.T, dir string, rows [][]string) {
	t.Helper()
	var b strings.Builder
	var want []string
	b.WriteString("t_us,temperature\n")
	for _, r := range rows[1:] {
		if r[1] == "living.temperature" {
			at, err := time.Parse(time.RFC3339Nano, r[0])
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%d,%s\n", at.UnixMicro(), r[2])
			want = append(want, r[2])
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "again.csv"), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := sensors.DriverNamed(agent.Drivers(), "replay")
	if err != nil {
		t.Fatal(err)
	}
	source, err := d.Open(sensors.Config{Name: "again", Driver: "replay", File: "again.csv", Pace: "max"}, sensors.HostEnv(sensors.SystemClock{}, dir))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := source.Run(t.Context(), func(r sensors.Reading) error {
		got = append(got, export.Decimal(r.Values[0].Num, source.Fields()[0].Kind.Scale))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("taken away %q, read back %q", want, got)
	}
}
