// Package tinyconf loads a TOML file into a typed struct, strictly, and says
// everything that is wrong with it in one go.
//
// The nouns: a file is turned into a struct whose fields are marked with tags;
// a [Fault] is one thing wrong at one place; [Faults] are all of them, in the
// order of the file; a [Checker] is a struct that adds faults of its own
// through a [Context]; a [Rest] holds keys that another struct will claim.
//
// # Tags
//
//	type Sensor struct {
//		Name    string            `toml:"name" conf:"required"`
//		Every   tinyconf.Duration `toml:"every"`
//		Holdoff tinyconf.Duration `toml:"holdoff" conf:"zero"`
//		Token   tinyconf.Secret   `toml:"token" conf:"literal"`
//		Round   *tinyconf.Decimal `toml:"round"`
//		Rest    tinyconf.Rest
//	}
//
// Only fields with a toml tag (and fields of type [Rest]) are filled; others
// belong to the program. The conf tag takes, separated by commas: required (the
// key has to be there, and text, lists and maps may not be empty), zero
// (a [Duration] or [Size] of nothing is allowed), literal (a [Secret] may stand
// in the file itself).
//
// A field may be a string, bool, integer, float64, time.Time (with an offset),
// any of this package's types, a type with UnmarshalTOML(any) error or
// UnmarshalText, a struct (a table), a pointer to these (nil when the key is
// absent), a slice of these ([[sensor]] or an array), or a map from string. A
// table that is absent is treated as an empty one, so its defaults apply and
// its required keys are missed; a pointer makes the whole table optional.
// Embedding is not supported.
//
// Defaults are what the struct holds before [Load], or what a
// [Defaulter] puts there, the only way for the structs of a list.
//
// # The promise
//
// A load that fails leaves the target as it was, so a reload that fails
// keeps the last good one. An unknown key is a fault with a suggestion. Every fault
// names file, line, column (in characters, from 1) and the whole key, what was
// found, and what would do; keys of lists are counted from 0. The value of a
// key that holds a [Secret] is in no fault, nor is the text of a line that is
// not TOML.
//
// # Caveats
//
// A file that is not TOML has one fault only: the first place where it stops
// making sense. Files are at most 1 MiB, 16 levels deep, with 50,000 keys
// and list items, and a key is at most 128 bytes. After 100 faults the
// others are counted only. Loading may run in several goroutines at once, each
// with its own target.
package tinyconf
