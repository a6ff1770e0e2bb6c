package kernel

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"
)

// A name is taken apart as the patterns of the kernel's documents say, whatever it is (sysfs-bus-iio, hwmon/sysfs-interface).
func TestParseNameIsThePattern(t *testing.T) {
	pattern := regexp.MustCompile(`^([a-z]+)([0-9]*)((?:_[a-z0-9]+)*)_([^_]*)$`)
	names := rapid.OneOf(
		rapid.StringMatching(`[a-z]{0,3}[0-9]{0,2}(_[a-z0-9]{0,2}){0,3}_(input|raw|average|x|)`),
		rapid.StringMatching(`[a-z0-9_A-Z.]{0,8}`), rapid.String(),
	)
	rapid.Check(t, func(t *rapid.T) {
		name := names.Draw(t, "name")
		f, ok := parseName(name)
		g := pattern.FindStringSubmatch(name)
		if ok != (g != nil) || ok && f != (fileName{g[1], g[2], g[3], g[4]}) {
			t.Fatalf("%q: %+v %v, the pattern says %q", name, f, ok, g)
		}
	})
}
