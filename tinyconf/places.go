package tinyconf

// Places says where the keys of a file stand, for remarks about a file that has no fault. The zero value knows none. It keeps
// the file's text and cannot be printed.
type Places struct {
	doc **document // see hide
}

// ReadPlaces finds the places of the keys of a TOML text. The error is a [Faults].
func ReadPlaces(file string, data []byte) (Places, error) {
	doc, _, fault := parse(file, data)
	if fault != nil {
		return Places{}, Faults{*fault}
	}
	return Places{hide(*doc)}, nil
}

// Remark makes a fault about a key, written as in [Context.Fault]: at its place, or for a key that the file does not have at
// the nearest table that it has. The text says what would do, and carries no secret.
func (p Places) Remark(key, text string) Fault {
	if p.doc == nil {
		return Fault{Key: key, Text: text}
	}
	doc := *p.doc
	n, _ := find(doc.root, key)
	return doc.fault(n.at, key, text, nil)
}

// String is "places".
func (p Places) String() string { return "places" }

// GoString is String.
func (p Places) GoString() string { return p.String() }
