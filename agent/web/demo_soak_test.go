//go:build soak

package web_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// `make run` prints where its page is and the code that opens it, and the page tells the story of the simulated house while it
// happens. Pictures of it in both languages go to $CANDOR_SCREENSHOTS, or to bin/screenshots.
func TestSoakDemoOnThePage(t *testing.T) {
	b := startBrowser(t)
	dir := os.Getenv("CANDOR_SCREENSHOTS")
	if dir == "" {
		dir = filepath.Join("..", "..", "bin", "screenshots")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	demo := filepath.Join(t.TempDir(), "candor-demo")
	if out, err := exec.Command("go", "build", "-o", demo, "../candor-demo").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.Command(demo, "-rate", "3600")
	cmd.Env = append(os.Environ(), "DEMO_SECONDS=60", "LANG=C.UTF-8")
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	lines := bufio.NewScanner(pipe)
	var found []string
	for found == nil && lines.Scan() {
		found = regexp.MustCompile(`The page of this simulated object: (http://\S+/)  code (\S+)`).FindStringSubmatch(lines.Text())
	}
	if found == nil {
		t.Fatal("the demo names no page")
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for lines.Scan() {
		}
	}()
	p := b.open(found[1])
	p.until("!document.getElementById('door').hidden")
	p.eval("document.getElementById('code').focus()", nil)
	p.write(found[2])
	p.enter()
	p.until("document.querySelector('#purposes article')")
	p.until("document.getElementById('truth-simulated').textContent.includes('living')")
	p.eval("document.getElementById('fr').click(); document.getElementById('live-show').click()", nil)
	p.size(760, 900)
	p.until("document.querySelector('#live-body canvas')")
	for time.Since(began) < 38*time.Second { // the script says its third yes at 36 seconds
		time.Sleep(time.Second)
	}
	p.until("document.querySelectorAll('[data-answer=yes][aria-pressed=true]').length >= 2")
	p.until("document.querySelectorAll('#left-body li').length > 3")
	for _, lang := range []string{"fr", "en"} {
		p.eval(fmt.Sprintf("document.getElementById('%s').click(); scrollTo(0, 0)", lang), nil)
		p.until(fmt.Sprintf("document.querySelector('#choices h2').textContent === '%s' && document.getElementById('truth-last').textContent.startsWith('%s')",
			map[string]string{"fr": "Vos choix", "en": "Your choices"}[lang], map[string]string{"fr": "Le dernier", "en": "The last"}[lang]))
		p.until("['open', 'sending'].includes(document.getElementById('top').dataset.state)")
		p.screenshot(filepath.Join(dir, "page-"+lang+".png"), map[string]any{"x": 0, "y": 0, "width": 760, "height": 1150, "scale": 0.75})
		for _, id := range []string{"choices", "left", "live", "erase", "receipts", "about"} {
			var box struct{ Top, Height float64 }
			p.eval(fmt.Sprintf("(() => { const r = document.getElementById('%s').getBoundingClientRect(); return {Top: r.top + scrollY, Height: Math.min(r.height, 1600)} })()", id), &box)
			p.screenshot(filepath.Join(dir, id+"-"+lang+".png"), map[string]any{"x": 0, "y": box.Top, "width": 760, "height": box.Height, "scale": 1})
		}
	}
	if out := p.outside(found[1]); len(out) > 0 {
		t.Errorf("the page asked others: %q", out)
	}
	<-drained
	if err := cmd.Wait(); err != nil {
		t.Errorf("the demo: %v", err)
	}
	t.Logf("pictures are in %s", dir)
}
