package tinyconf

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// Load fills the struct that into points to from the TOML text data. file is
// the name that faults carry. What into holds before is the default for absent
// keys; pointers, lists and maps that the file has replace it whole.
//
// The error is a [Faults], and into is then unchanged, except when into is
// something this package can't fill, which is a mistake in the program. Load does
// not keep data. It reads no clock and no other file.
func Load(file string, data []byte, into any) error {
	target := reflect.ValueOf(into)
	if err := checkTarget(target); err != nil {
		return fmt.Errorf("%s: cannot load into %T: %w", file, into, err)
	}
	doc, tree, fault := parse(file, data)
	if fault != nil {
		return Faults{*fault}
	}
	return fill(doc, tree, spot{n: doc.root}, nil, target.Elem())
}

// LoadFile opens path with open, reads at most 1 MiB, and loads it as [Load]
// does. os.Open will do for open, as will the Open of an fs.FS.
func LoadFile[F io.ReadCloser](open func(string) (F, error), path string, into any) error {
	f, err := open(path)
	if err != nil {
		return Faults{{File: path, Text: "cannot be opened: " + reason(err), Cause: err}}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return Faults{{File: path, Text: "cannot be read: " + reason(err), Cause: err}}
	}
	return Load(path, data, into)
}

// fill binds tree to a copy of target and replaces target when all went well.
// also are keys of an enclosing struct, for suggestions only.
func fill(doc *document, tree map[string]any, s spot, also []string, target reflect.Value) error {
	b := &binder{doc: doc, collector: collector{broken: make(map[string]bool)}}
	copied := reflect.New(target.Type()).Elem()
	copied.Set(target)
	b.structure(copied, tree, s, also)
	if err := b.err(); err != nil {
		return err
	}
	target.Set(copied)
	return nil
}

// parse gives the tree of values and the places of its keys.
func parse(file string, data []byte) (*document, map[string]any, *Fault) {
	if len(data) > maxFile {
		return nil, nil, &Fault{File: file, Text: fmt.Sprintf("longer than %d bytes, the limit for a file", maxFile)}
	}
	doc := newDocument(file, strings.TrimPrefix(string(data), "\ufeff"))
	if strings.HasPrefix(doc.src, "\ufeff") { // the parser would take it, and all places would be off
		f := doc.fault(0, "", "begins with two byte order marks; one is enough", nil)
		return nil, nil, &f
	}
	if off, text := badText(doc.src); off >= 0 {
		f := doc.fault(off, "", text, nil)
		return nil, nil, &f
	}
	read, scanErr := scan(doc)
	// The parser only gets what the scanner has been through, since the scanner
	// holds the limits; what is wrong before the scanner's place comes first.
	tree, err := decode(doc.src[:read])
	if err == nil {
		err = scanErr
	}
	if err != nil {
		f := syntaxFault(doc, err)
		return nil, nil, &f
	}
	return doc, tree, nil
}

// decode runs the parser. It is known to panic on some texts that it should
// refuse; such a text is refused here.
func decode(src string) (tree map[string]any, err error) {
	defer func() {
		if r := recover(); r != nil {
			tree, err = nil, errors.New("not valid TOML")
		}
	}()
	_, err = toml.Decode(src, &tree)
	return tree, err
}

// badText finds the first byte that no text has.
func badText(src string) (int, string) {
	if off := strings.IndexByte(src, 0); off >= 0 {
		return off, "a NUL byte, the file has to be UTF-8 text"
	}
	if utf8.ValidString(src) {
		return -1, ""
	}
	for off, r := range src {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(src[off:]); size == 1 {
				return off, "not UTF-8, save the file as UTF-8 text"
			}
		}
	}
	return -1, ""
}

func syntaxFault(doc *document, err error) Fault {
	var se *scanError
	if errors.As(err, &se) {
		return doc.fault(se.off, "", se.text, nil)
	}
	var pe toml.ParseError
	if errors.As(err, &pe) {
		// The parser's error is not kept as the cause: it quotes the file.
		return doc.fault(pe.Position.Start, pe.LastKey, withoutQuotes(pe.Message), nil)
	}
	return Fault{File: doc.file, Line: 1, Col: 1, Text: "not valid TOML"}
}

// withoutQuotes takes out of a parser's message what it quotes of the file,
// which may be a secret, except keys.
func withoutQuotes(msg string) string {
	if strings.HasPrefix(msg, "Key '") {
		return "key" + strings.TrimSuffix(msg[len("Key"):], ".")
	}
	if strings.HasSuffix(msg, "is out of range for int64") || strings.HasSuffix(msg, "is out of range for float64") {
		return "this number is out of range, it has to fit 64 bits"
	}
	var b strings.Builder
	for i := 0; i < len(msg); i++ {
		if msg[i] != '"' && msg[i] != '\'' {
			b.WriteByte(msg[i])
			continue
		}
		end := strings.LastIndexByte(msg[i+1:], msg[i])
		if end < 0 {
			break
		}
		i += end + 1
	}
	text := strings.NewReplacer(" :", ":", ", but got instead", "", " but got", "", "  ", " ").Replace(b.String())
	text = strings.TrimRight(text, " :.")
	switch {
	case text == "":
		return "not valid TOML"
	case strings.HasPrefix(text, "TOML"):
		return text
	}
	return strings.ToLower(text[:1]) + text[1:]
}

// reason gives the innermost cause of a file's error, since the path is
// named already.
func reason(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}
