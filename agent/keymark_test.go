package agent_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/candor-edge/candor/store/consent"
)

// TestAnOldNumberIsNoYes lets a number stand for two yeses: an older copy of the whole card comes back, which knows nothing of a yes, the number is given
// once more, and then the state of the first life comes back under the keys of the second. The first yes must not take the second one's key for
// its own, whether it was to another purpose or to the same.
func TestAnOldNumberIsNoYes(t *testing.T) {
	for _, second := range []string{"trends", "air"} {
		o := newObject(t, "http://127.0.0.1:1", 20)
		_ = o.open().Close()
		card := copyObject(t, o)
		a := o.open()
		grant(t, a, "air")
		_ = a.Close()
		first := copyObject(t, o)

		o = card
		a = o.open()
		grant(t, a, second)
		_ = a.Close()
		state := filepath.Join(o.dir, "state")
		if err := os.RemoveAll(state); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(state, os.DirFS(filepath.Join(first.dir, "state"))); err != nil {
			t.Fatal(err)
		}
		a = o.open()
		if n := len(a.Book().Answers()); n != 1 {
			t.Fatalf("%d receipts: the ledger of the first life can't be read, the test shows nothing", n)
		}
		for _, p := range []string{"air", "trends"} {
			if s := stateOf(t, a, p); s.State == consent.Given {
				t.Errorf("after a yes to %s under the same number: %s is %s", second, p, s.State)
			}
		}
		_ = a.Close()
	}
}
