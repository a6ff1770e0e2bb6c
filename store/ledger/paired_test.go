package ledger

import "testing"

// That an object was handed over is remembered by the chain itself, also once what the entry says is erased, and forgotten with
// a reset.
func TestHanded(t *testing.T) {
	l, keys := openNew(t)
	if l.Handed() {
		t.Fatal("a new object was handed over")
	}
	seq, err := l.Record(Event{Kind: Paired, Time: start, Channel: "page"})
	must(t, err)
	if !l.Handed() {
		t.Error("the entry is not seen at once")
	}
	l = reopen(t, l, keys)
	if !l.Handed() {
		t.Error("forgotten after a start")
	}
	must(t, l.Erase([]uint64{seq}, start+minute, "object"))
	l = reopen(t, l, keys)
	if !l.Handed() {
		t.Error("forgotten with the body of the entry")
	}
	keys.key, keys.seal, keys.count = newKeeper(8).key, sealer(8), 0
	must(t, l.Reset(start+2*minute))
	if l.Handed() {
		t.Error("a reset object counts as handed over")
	}
	if l = reopen(t, l, keys); l.Handed() {
		t.Error("a reset object counts as handed over after a start")
	}
	give(t, l, "trends", start+3*minute)
	if !l.Handed() {
		t.Error("a yes hands over too")
	}
}
