//go:build soak

package web_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// axe is axe-core as agent/web/setup.sh has fetched it.
func axe(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../bin/axe-core/axe.min.js")
	if err != nil {
		t.Skip("no axe-core: agent/web/setup.sh fetches it: ", err)
	}
	return string(text)
}

// filled has a page on which everything there is shows something.
func filled(t *testing.T, p *tab) {
	t.Helper()
	p.eval(yes+".click(); document.querySelector('#use-improve [data-answer=no]').click(); document.querySelector('#mine-body [data-answer=yes]').click()", nil)
	p.until("document.querySelector('#left-body details')")
	p.until("document.querySelector('#use-improve [data-answer=no]').getAttribute('aria-pressed') === 'true'")
	p.eval("document.getElementById('live-show').click()", nil)
	p.until("document.querySelector('#live-body canvas')")
	p.eval("for (const d of document.querySelectorAll('details')) d.open = true", nil)
	p.until("document.querySelector('#left-body table')")
	p.eval("document.getElementById('verify').click()", nil)
	p.until("document.getElementById('verify-said').textContent")
}

// axe-core finds nothing against WCAG 2.2 A and AA: on the door and on the full page, in both languages, wide and narrow, light and
// dark.
func TestSoakAccessible(t *testing.T) {
	script := axe(t)
	o := startObject(t)
	b := startBrowser(t)
	o.code(t)
	p := b.open(o.url)
	p.call(p.session, "Page.setBypassCSP", map[string]any{"enabled": true}, nil)
	p.goTo(o.url)
	check := func(where string) {
		t.Helper()
		p.eval(script, nil)
		var found []struct {
			ID    string `json:"id"`
			Help  string `json:"help"`
			Nodes []struct {
				HTML    string `json:"html"`
				Summary string `json:"failureSummary"`
			} `json:"nodes"`
		}
		p.eval("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then(r => r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.slice(0, 3).map(n => ({html: n.html.slice(0, 300), failureSummary: n.failureSummary}))})))", &found)
		for _, f := range found {
			text, _ := json.MarshalIndent(f, "", " ")
			t.Errorf("%s: %s", where, text)
		}
		var overflow int
		p.eval("document.documentElement.scrollWidth - document.documentElement.clientWidth", &overflow)
		if overflow > 0 {
			t.Errorf("%s: %d pixels wider than the screen", where, overflow)
		}
	}
	p.until("!document.getElementById('door').hidden")
	check("the door")
	p.size(320, 640)
	check("the door at 320")
	p.size(1000, 900)
	p.eval("document.getElementById('code').focus()", nil)
	p.write(o.code(t))
	p.enter()
	p.until("document.querySelector('#purposes article')")
	filled(t, p)
	for _, lang := range []string{"fr", "en"} {
		p.eval(fmt.Sprintf("document.getElementById('%s').click()", lang), nil)
		p.until(fmt.Sprintf("document.documentElement.lang === '%s' && document.querySelector('#choices h2').textContent === '%s'", lang, map[string]string{"fr": "Vos choix", "en": "Your choices"}[lang]))
		for _, theme := range []string{"light", "dark"} {
			p.call(p.session, "Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": theme}}}, nil)
			for _, width := range []int{1000, 320} {
				p.size(width, 900)
				check(fmt.Sprintf("%s, %s, %d wide", lang, theme, width))
			}
		}
	}
}

// Yes and no are of one size, one colour and one contrast, one step each, and neither is chosen beforehand.
func TestSoakYesAndNoAreEqual(t *testing.T) {
	o := startObject(t)
	p := o.enter(t, startBrowser(t))
	for _, width := range []int{1000, 320} {
		p.size(width, 900)
		var pairs [][]struct {
			Text, Tag, Type, Colour, Background, Border, Font, Weight, Cursor, Opacity, Pressed string
			Width, Height, Top                                                                  float64
			Tab                                                                                 int
		}
		p.eval(`[...document.querySelectorAll('.answer')].map(g => [...g.querySelectorAll('button')].map(b => { const s = getComputedStyle(b), r = b.getBoundingClientRect();
			return {Text: b.dataset.answer, Tag: b.tagName, Type: b.type, Colour: s.color, Background: s.backgroundColor, Border: s.border, Font: s.font, Weight: s.fontWeight, Cursor: s.cursor, Opacity: s.opacity,
			Pressed: b.getAttribute('aria-pressed'), Width: r.width, Height: r.height, Top: r.top, Tab: b.tabIndex} }))`, &pairs)
		if len(pairs) != 3 {
			t.Fatalf("%d questions, want 3", len(pairs))
		}
		for _, pair := range pairs {
			if len(pair) != 2 || pair[0].Text == pair[1].Text {
				t.Fatalf("%+v", pair)
			}
			a, b := pair[0], pair[1]
			if d := a.Width - b.Width; d > 0.6 || d < -0.6 {
				t.Errorf("%d wide: widths %v and %v", width, a.Width, b.Width)
			}
			b.Text, b.Width = a.Text, a.Width
			if a != b {
				t.Errorf("%d wide: %+v and %+v", width, a, b)
			}
			if a.Pressed != "false" || a.Height < 44 {
				t.Errorf("%+v", a)
			}
		}
	}
	for answer, state := range map[string]string{"no": "declined", "yes": "given"} { // one step each
		p.eval(fmt.Sprintf("document.querySelector('#use-improve [data-answer=%s]').click()", answer), nil)
		p.until(fmt.Sprintf("document.querySelector('#use-improve [data-answer=%s]').getAttribute('aria-pressed') === 'true'", answer))
		c, err := o.Consent(t.Context(), "en")
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range c.Purposes {
			if q.ID == "improve" && string(q.State) != state {
				t.Errorf("after one %s it is %s", answer, q.State)
			}
		}
	}
}

// Everything is done with the keyboard alone: the code, a yes, a no, the language, a file, the end.
func TestSoakKeyboardOnly(t *testing.T) {
	o := startObject(t)
	code := o.code(t)
	p := startBrowser(t).open(o.url)
	p.until("!document.getElementById('door').hidden")
	p.focusOn("#code")
	p.write(code)
	p.tabKey()
	p.enter()
	p.until("document.activeElement === document.getElementById('main') && document.querySelector('#purposes article')")
	p.focusOn("#use-trends [data-answer=yes]")
	p.enter()
	p.until(yes + ".getAttribute('aria-pressed') === 'true'")
	p.until("document.activeElement === " + yes) // what the answer changed did not take the focus away
	p.eval("document.getElementById('main').focus()", nil)
	p.focusOn("#use-trends [data-answer=no]")
	p.key(" ", 32, " ")
	p.until(no + ".getAttribute('aria-pressed') === 'true'")
	p.eval("document.body.focus(); document.querySelector('.skip').focus()", nil)
	p.focusOn("#fr")
	p.enter()
	p.until("document.querySelector('#choices h2').textContent === 'Vos choix'")
	var ring string
	p.eval("getComputedStyle(document.activeElement).outlineStyle + ' ' + getComputedStyle(document.activeElement).outlineWidth", &ring)
	if ring != "solid 3px" {
		t.Errorf("the focus shows as %q", ring)
	}
	p.focusOn("#pause")
	p.enter()
	p.until("document.getElementById('top').dataset.state === 'paused'")
	p.focusOn("#leave")
	p.enter()
	p.until("!document.getElementById('door').hidden")
}

// With reduced motion nothing moves, and what a screen reader is told is where it looks for it.
func TestSoakQuietAndTold(t *testing.T) {
	o := startObject(t)
	p := o.enter(t, startBrowser(t))
	p.call(p.session, "Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-reduced-motion", "value": "reduce"}}}, nil)
	var motion string
	p.eval("getComputedStyle(document.getElementById('top')).transitionDuration + ' ' + getComputedStyle(document.documentElement).scrollBehavior", &motion)
	if motion != "0s auto" {
		t.Errorf("with reduced motion: %s", motion)
	}
	for _, what := range []string{"document.querySelector('main')", "document.querySelector('header')", "document.querySelector('nav[aria-label]')", "document.querySelector('footer')",
		"document.getElementById('truth').getAttribute('role') === 'status'", "document.querySelectorAll('h1:not([hidden])').length", "document.documentElement.lang === 'fr'"} {
		p.until(what)
	}
	var text string
	p.eval("document.querySelector('noscript').textContent", &text)
	if !strings.Contains(text, "JavaScript") {
		t.Error("without scripts the page says nothing")
	}
}
