package kernel

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"
)

// Names are taken apart as one would write it as a regular expression.
func TestTakeApart(t *testing.T) {
	pattern := regexp.MustCompile(`^([a-z]+)([0-9]*)((?:_[a-z0-9]+)*)_([^_]+)$`)
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z]{0,3}[0-9]{0,2}(_[a-z0-9A-]{0,3}){0,4}`).Draw(t, "name")
		f, ok := takeApart(name)
		g := pattern.FindStringSubmatch(name)
		if ok != (g != nil) {
			t.Fatalf("%q: %v, want %v", name, ok, g)
		}
		if ok && f != (fileName{g[1], g[2], g[3], g[4]}) {
			t.Fatalf("%q: %+v, want %q", name, f, g[1:])
		}
	})
}
