//go:build soak

package web_test

import (
	"testing"
)

// What left a moment ago is read in the browser with no history kept, each act shows its receipt, and in French the ledger speaks French.
func TestSoakReadAndReceipts(t *testing.T) {
	o := startObject(t)
	p := o.enter(t, startBrowser(t))
	p.eval("document.getElementById('fr').click()", nil)
	p.until("document.getElementById('truth-text').textContent.startsWith('Rien ne sort')")
	p.eval("document.getElementById('pause').click()", nil)
	p.until("document.getElementById('top').dataset.state === 'paused'")
	p.eval("document.getElementById('pause').click()", nil)
	p.until("document.getElementById('top').dataset.state === 'nothing'")
	p.eval(yes+".click()", nil)
	p.until("document.querySelector('#left-body details')")
	p.eval("document.querySelector('#left-body details').open = true", nil)
	p.until("document.querySelector('#left-body details table, #left-body details td')")

	p.until("[...document.querySelectorAll('#receipts-body li')].some((li) => /pause/.test(li.innerText) && li.querySelector('details'))")
	p.eval("[...document.querySelectorAll('#receipts-body li details')].forEach((d) => { d.open = true })", nil)
	p.until("['candor_signed', 'event_state', 'record_id'].every((k) => document.getElementById('receipts-body').innerText.includes(k))")
	var english bool
	p.eval("[...document.querySelectorAll('#receipts-body .small')].some((x) => /the (ledger|page|keys)|destroyed/.test(x.innerText))", &english)
	if english {
		var text string
		p.eval("document.getElementById('receipts-body').innerText", &text)
		t.Errorf("the French page speaks English: %.2000s", text)
	}
	p.until("document.getElementById('receipts-body').innerText.includes('le registre commence')")

	p.eval("document.querySelector('#use-trends details[data-key=\"next-trends\"]').open = true", nil)
	p.until("/en cours|partirait|rien à envoyer|coupé/.test(document.querySelector('#use-trends details[data-key=\"next-trends\"]').innerText)")
}
