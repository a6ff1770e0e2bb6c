package tinyconf

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const nasty = `# a = "not a key" [no.table]
title = """
[not.a.table]
a = 1 \"""
""""" # two quotes more belong to the text
'literal key' . "dotted \u00e9 key".x = '''
b = 2 # not a comment'''
list = [ 1, # one ]
  [ "]", ']' ], { a.b = 1, c = [ 3 ], },
  ]

[ "a.b" . c ]
d = 1979-05-27 07:32:00Z # a date with a space
e={f={g=1},h=[],i=[{},{j="}"}]}

[[purpose]]
id = "one"
[[purpose.rule]]
field = "x"
[[purpose.rule]]
	field = "y"
[[purpose]]
rule = [ { field = "z" },
  { field = "é", action = "w" } ]
[purpose.title]
fr = "x"
`

// nastyPlaces are the places of keys of nasty, as an editor shows them.
var nastyPlaces = map[string]string{
	`title`:                               "2:1",
	`"literal key"`:                       "6:1",
	`"literal key"."dotted é key"`:        "6:17",
	`"literal key"."dotted \u00e9 key".x`: "6:37",
	`list`:                                "8:1",
	`list[0]`:                             "8:10",
	`list[1]`:                             "9:3",
	`list[1][1]`:                          "9:10",
	`list[2].a.b`:                         "9:21",
	`list[2].c[0]`:                        "9:34",
	`"a.b".c`:                             "12:11",
	`"a.b".c.d`:                           "13:1",
	`"a.b".c.e.f.g`:                       "14:7",
	`"a.b".c.e.i[1].j`:                    "14:24",
	`purpose[0].id`:                       "17:1",
	`purpose[0].rule[0]`:                  "18:11",
	`purpose[0].rule[0].field`:            "19:1",
	`purpose[0].rule[1].field`:            "21:2",
	`purpose[1]`:                          "22:3",
	`purpose[1].rule[1].action`:           "24:18",
	`purpose[1].title`:                    "25:10",
	`purpose[1].title.fr`:                 "26:1",
}

func TestPlaces(t *testing.T) {
	for name, change := range map[string]func(string) string{
		"plain":           func(s string) string { return s },
		"CRLF":            func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"byte order mark": func(s string) string { return "\ufeff" + s },
	} {
		t.Run(name, func(t *testing.T) {
			doc, tree, fault := parse("n.toml", []byte(change(nasty)))
			if fault != nil {
				t.Fatal(fault)
			}
			agree(t, tree, doc.root, "")
			for key, want := range nastyPlaces {
				n, found := find(doc.root, key)
				line, col := doc.position(n.at)
				if got := fmt.Sprintf("%d:%d", line, col); !found || got != want {
					t.Errorf("%s is at %s (found: %v), want %s", key, got, found, want)
				}
			}
		})
	}
}

func TestFindStopsAtTheDeepest(t *testing.T) {
	doc, _, fault := parse("n.toml", []byte(nasty))
	if fault != nil {
		t.Fatal(fault)
	}
	for path, want := range map[string]string{
		"purpose[1].title.de":   "25:10",
		"purpose[9].rule":       "16:3",
		"purpose[x].rule":       "16:3",
		"purpose[":              "16:3",
		`purpose."open`:         "16:3",
		"purpose[9999999].rule": "16:3",
		"":                      "1:1",
	} {
		n, _ := find(doc.root, path)
		line, col := doc.position(n.at)
		if got := fmt.Sprintf("%d:%d", line, col); got != want {
			t.Errorf("%q is at %s, want %s", path, got, want)
		}
	}
}

// agree holds the scanner against the parser: each key and item that the parser
// found has a place, and there are no others.
func agree(t interface {
	Helper()
	Errorf(string, ...any)
}, v any, n *node, path string) {
	t.Helper()
	if n == nil {
		t.Errorf("%s has no place", path)
		return
	}
	switch x := v.(type) {
	case map[string]any:
		if len(x) != len(n.kids) {
			t.Errorf("%s: %d keys, %d places", path, len(x), len(n.kids))
		}
		for k := range x {
			agree(t, x[k], n.child(k), path+"."+Quote(k))
		}
	default:
		items, ok := itemsOf(v)
		if ok && len(items) != len(n.items) {
			t.Errorf("%s: %d items, %d places", path, len(items), len(n.items))
		}
		for i := range items {
			agree(t, items[i], n.item(i), fmt.Sprintf("%s[%d]", path, i))
		}
	}
}

// Every key that a struct can hold is found where Quote puts it.
func TestQuotedPathIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.String().Draw(t, "key")
		steps := splitPath("a[3]." + Quote(key) + ".b")
		if len(steps) != 4 || steps[1].index != 3 || steps[2].key != key || steps[3].key != "b" {
			t.Fatalf("%q becomes %+v", Quote(key), steps)
		}
	})
}

func TestDistance(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"adress", "address", 1}, {"ieda", "idea", 1}, {"kitten", "sitting", 3}, {"été", "ete", 2}} {
		if got := distance(tc.a, tc.b); got != tc.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tc.a, tc.b, got, tc.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-e]{0,6}`)
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		d := distance(a, b)
		switch {
		case d != distance(b, a):
			t.Fatal("not symmetric")
		case (d == 0) != (a == b):
			t.Fatal("zero means equal")
		case d > max(len(a), len(b)) || d < max(len(a), len(b))-min(len(a), len(b)):
			t.Fatal("out of bounds")
		}
	})
}

// The decoder of all files: never a panic, every error names the file, and the
// scanner and the parser see the same keys.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{nasty, "a=1", "[a]\nb.c=[{}]", "a = \"\"\"\\\n  x\"\"\"", "a=2026-01-01T00:00:00Z", "\ufeffa=0x1F",
		"s = \"file:/x\"\nd = \"1w2d\"\nn = 0.1\nt = {fr=\"\"}\nz=\"1KiB\"\ni=0x76", "a=[\r\n1,\r\n]", "a = 0x", "a='''\n''''", `"\u0000"=1`, "x.y=1\n[x]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var into struct {
			S Secret         `toml:"s"`
			D Duration       `toml:"d"`
			N *Decimal       `toml:"n" conf:"required"`
			T Localized      `toml:"t"`
			Z Size           `toml:"z"`
			I Address        `toml:"i"`
			A map[string]int `toml:"a"`
			R Rest
		}
		if err := Load("fuzz.toml", data, &into); err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, "fuzz.toml:") {
					t.Fatalf("an error does not name the file: %q", line)
				}
			}
		}
		doc, tree, fault := parse("fuzz.toml", data)
		if fault == nil {
			agree(t, tree, doc.root, "")
			return
		}
		// What the parser takes, the scanner may refuse for its limits only.
		src := strings.TrimPrefix(string(data), "\ufeff")
		if strings.HasPrefix(src, "\ufeff") {
			return
		}
		if off, _ := badText(src); off >= 0 || len(src) > 2000 || strings.Contains(fault.Text, "more than") || strings.Contains(fault.Text, "at most") {
			return
		}
		if _, err := decode(src); err == nil {
			t.Fatalf("the parser takes what the scanner refuses: %v", fault)
		}
	})
}
