package tinyconf

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Closest gives the one of known that word most likely stands for, and false
// when none is near: more than a third of the word would have to change.
// Case does not count, and - and _ are the same. Of equally near ones the first is given.
func Closest(word string, known []string) (string, bool) {
	const longest = 64 // more is not a slip of the hand
	if len(word) > longest {
		return "", false
	}
	folded := fold(word)
	best, at := "", -1
	for _, k := range known {
		if len(k) > longest {
			continue
		}
		d := distance(folded, fold(k))
		if d <= max(1, len(word)/3) && d < max(len(word), len(k)) && (at < 0 || d < at) {
			best, at = k, d
		}
	}
	return best, at >= 0
}

// Hint ends a sentence about an unknown word: "did you mean "x"?" when one of
// known is near, else "use one of a, b, c", and "none is known" when known is
// empty. The order of known is kept.
func Hint(word string, known []string) string {
	const shown = 12
	if k, ok := Closest(word, known); ok {
		return fmt.Sprintf("did you mean %q?", k)
	}
	switch {
	case len(known) == 0:
		return "none is known"
	case len(known) > shown:
		return fmt.Sprintf("use one of %s and %d more", strings.Join(known[:shown], ", "), len(known)-shown)
	case len(known) == 1:
		return "use " + known[0]
	}
	return "use one of " + strings.Join(known, ", ")
}

// Quote gives name as it stands in a key path: as it is when TOML allows it
// bare, else in double quotes. A Checker needs it for the keys of a map.
func Quote(name string) string {
	if name != "" && !strings.ContainsFunc(name, func(r rune) bool { return r > 0x7f || !isBare(byte(r)) }) {
		return name
	}
	return strconv.Quote(name)
}

func fold(s string) string {
	return strings.ReplaceAll(strings.ToLower(s), "-", "_")
}

// distance counts the single-character insertions, deletions, replacements
// and swaps of neighbours between a and b (Levenshtein, restricted Damerau).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, prev, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			change := 1
			if x[i-1] == y[j-1] {
				change = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+change)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(y)]
}

// sorted gives the keys of m in order, so that faults come the same each time.
func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
