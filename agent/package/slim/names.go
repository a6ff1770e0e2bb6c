package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// The standard library's net/http brings tables along that spell host names of all scripts in ASCII: 200 KB of the device binary.
// No route has such a name, see package transport: it is written as xn--… there. So these builds have a package idna that
// passes ASCII on and refuses the rest, laid over the one of the library (go help build, -overlay).
const idnaDir = "src/vendor/golang.org/x/net/idna"

const idnaText = `// Package idna stands for the one of the standard library in device binaries: names are ASCII there.
package idna

import "errors"

// Profile is the one way there is.
type Profile struct{}

// Lookup is what net/http asks.
var Lookup = &Profile{}

// ToASCII passes ASCII on.
func (*Profile) ToASCII(s string) (string, error) { return ToASCII(s) }

// ToASCII passes ASCII on.
func ToASCII(s string) (string, error) {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return "", errors.New("idna: host names have to be in ASCII, as xn--…")
		}
	}
	return s, nil
}
`

// users are the packages of the standard library that ask idna, and asked is all that they may ask.
func users() []string {
	return []string{"src/net/http", "src/vendor/golang.org/x/net/http/httpguts", "src/vendor/golang.org/x/net/http/httpproxy"}
}

func asked() []string { return []string{"idna.Lookup", "idna.ToASCII"} }

// writeNames fills dir with the package, and adds to replace that it stands for the library's. It fails when the library asks
// for more, so that a new version of Go is looked at.
func writeNames(dir, root string, replace map[string]string) error {
	if err := checkUsers(root); err != nil {
		return err
	}
	from := filepath.Join(root, idnaDir)
	files, err := filepath.Glob(filepath.Join(from, "*.go"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("%s has no Go files: has the library moved it? Look at agent/package/slim", from)
	}
	to, err := filepath.Abs(filepath.Join(dir, "idna", "idna.go"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(to, []byte(idnaText), 0o644); err != nil {
		return err
	}
	for i, f := range files {
		if replace[f] = ""; i == 0 {
			replace[f] = to
		}
	}
	return nil
}

// checkUsers looks what the library asks.
func checkUsers(root string) error {
	uses := regexp.MustCompile(`\bidna\.[A-Z]\w*`)
	for _, dir := range users() {
		files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
		if err != nil || len(files) == 0 {
			return fmt.Errorf("%s has no Go files; look at agent/package/slim", dir)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			text, err := os.ReadFile(f)
			if err != nil {
				return err
			}
			for _, use := range uses.FindAllString(string(text), -1) {
				if !slices.Contains(asked(), use) {
					return fmt.Errorf("%s asks for %s, which the one of these builds does not have; look at agent/package/slim", f, use)
				}
			}
		}
	}
	return nil
}
