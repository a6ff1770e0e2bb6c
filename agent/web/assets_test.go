package web

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "compress the files of the page anew")

// assetPaths are all the files there are.
func assetPaths() []string {
	return []string{"/", "/page.css", "/page.js", "/words.js", "/uplot.js", "/uplot.css", "/icon.svg"}
}

// The page as it is embedded is the page as it is written, and in all it is small: what a phone has to fetch.
func TestAssets(t *testing.T) {
	const budget = 150_000
	sum := 0
	for _, path := range assetPaths() {
		a, ok := assetAt(path)
		if !ok {
			t.Fatalf("there is no %s", path)
		}
		plain, err := os.ReadFile("page/" + a.file)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile("page/"+a.file+".gz", pack(t, "page/"+a.file, plain), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		packed, err := os.ReadFile("page/" + a.file + ".gz")
		if err != nil {
			t.Fatal(err)
		}
		r, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain) || !*update && a.gz != string(packed) {
			t.Errorf("page/%s.gz is not page/%s: go test ./agent/web -run Assets -update", a.file, a.file)
		}
		sum += len(packed)
	}
	t.Logf("the page has %d bytes as sent", sum)
	if sum > budget {
		t.Errorf("the page has %d bytes as sent, the budget is %d", sum, budget)
	}
	names, err := filepath.Glob("page/*")
	if err != nil {
		t.Fatal(err)
	}
	if want := 2*len(assetPaths()) + 1; len(names) != want { // and a licence
		t.Errorf("page/ has %d files, want %d: %q", len(names), want, names)
	}
}

// pack compresses a file: with zopfli where it is installed, which is a twentieth smaller.
func pack(t *testing.T, path string, plain []byte) []byte {
	t.Helper()
	if zopfli, err := exec.LookPath("zopfli"); err == nil {
		packed, err := exec.Command(zopfli, "--i200", "-c", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		return packed
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// words reads words.js, which is JSON between two lines.
func words(t *testing.T) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile("page/words.js")
	if err != nil {
		t.Fatal(err)
	}
	_, object, ok := strings.Cut(string(text), "const WORDS = ")
	if !ok {
		t.Fatal("words.js has another form")
	}
	var out map[string]map[string]string
	if err := json.Unmarshal([]byte(strings.TrimSuffix(strings.TrimSpace(object), ";")), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// Whatever the page says it says in French and in English, with the same blanks to fill; what it says somewhere is there, and
// what is there is said somewhere.
func TestWords(t *testing.T) {
	all := words(t)
	blanks := regexp.MustCompile(`\{\d\}`)
	for key, fr := range all["fr"] {
		en, ok := all["en"][key]
		a, b := blanks.FindAllString(fr, -1), blanks.FindAllString(en, -1)
		slices.Sort(a)
		slices.Sort(b)
		if !ok || strings.TrimSpace(fr) == "" || strings.TrimSpace(en) == "" || !slices.Equal(a, b) {
			t.Errorf("%q is %q in French and %q in English", key, fr, en)
		}
	}
	if len(all["fr"]) != len(all["en"]) || len(all) != 2 {
		t.Errorf("%d texts in French, %d in English", len(all["fr"]), len(all["en"]))
	}
	html, err := os.ReadFile("page/page.html")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("page/page.js")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	families := []string{}
	for _, m := range regexp.MustCompile(`data-(?:say|label)="([^"]+)"`).FindAllStringSubmatch(string(html), -1) {
		used[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`"([a-z]+(?:\.[a-z-]+)?)"`).FindAllStringSubmatch(string(script), -1) {
		used[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`"([a-z]+\.)" \+`).FindAllStringSubmatch(string(script), -1) {
		families = append(families, m[1])
	}
	for _, m := range regexp.MustCompile(`\bt\("([^"]+)"`).FindAllStringSubmatch(string(script), -1) {
		if all["en"][m[1]] == "" && !slices.Contains(families, m[1]) {
			t.Errorf("page.js says %q, and there is no such text", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`data-(?:say|label)="([^"]+)"`).FindAllStringSubmatch(string(html), -1) {
		if all["en"][m[1]] == "" {
			t.Errorf("page.html says %q, and there is no such text", m[1])
		}
	}
	for key := range all["en"] {
		if !used[key] && !slices.ContainsFunc(families, func(f string) bool { return strings.HasPrefix(key, f) }) {
			t.Errorf("%q is said nowhere", key)
		}
	}
}
