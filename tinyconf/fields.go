package tinyconf

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Unmarshaler is a type that reads itself from a value of the file: a string,
// int64, float64, bool, time.Time, []any, []map[string]any or map[string]any.
// Its error says what was found and what would do, without the key's name.
type Unmarshaler interface {
	UnmarshalTOML(value any) error
}

// options are what a conf tag says of a field.
type options struct {
	required bool
	zero     bool
	literal  bool
}

// field is a struct's field that the file fills.
type field struct {
	name  string
	index int
	opt   options
}

// fieldsOf lists the fields of a struct type and the index of its Rest, -1
// when it has none. Errors are mistakes of the program.
func fieldsOf(t reflect.Type) (fields []field, rest int, err error) {
	rest = -1
	for i := range t.NumField() {
		sf := t.Field(i)
		if sf.Type == reflect.TypeFor[Rest]() && sf.IsExported() {
			rest = i
			continue
		}
		name, ok := sf.Tag.Lookup("toml")
		name, _, _ = strings.Cut(name, ",")
		if !ok || name == "-" {
			continue
		}
		if name == "" || !sf.IsExported() || sf.Anonymous {
			return nil, -1, fmt.Errorf("field %s of %s: a toml tag needs a name, on an exported, not embedded field", sf.Name, t)
		}
		opt, err := parseOptions(sf.Tag.Get("conf"))
		if err != nil {
			return nil, -1, fmt.Errorf("field %s of %s: %w", sf.Name, t, err)
		}
		fields = append(fields, field{name: name, index: i, opt: opt})
	}
	return fields, rest, nil
}

func parseOptions(tag string) (options, error) {
	var opt options
	if tag == "" {
		return opt, nil
	}
	for word := range strings.SplitSeq(tag, ",") {
		switch word {
		case "required":
			opt.required = true
		case "zero":
			opt.zero = true
		case "literal":
			opt.literal = true
		default:
			return opt, fmt.Errorf("unknown conf tag %q", word)
		}
	}
	return opt, nil
}

func names(fields []field) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.name
	}
	return out
}

// checkTarget tells whether v is something that can be filled, before a file
// is looked at, so that a mistake shows with any file.
func checkTarget(v reflect.Value) error {
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return errors.New("a pointer to a struct is needed")
	}
	return checkType(v.Elem().Type(), nil)
}

// checkType walks a type; seen holds the structs on the way, which may
// contain themselves.
func checkType(t reflect.Type, seen []reflect.Type) error {
	if readsItself(t) || t == reflect.TypeFor[time.Time]() {
		return nil
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return nil
	case reflect.Pointer, reflect.Slice:
		return checkType(t.Elem(), seen)
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			return fmt.Errorf("%s: a map's key is a string", t)
		}
		return checkType(t.Elem(), seen)
	case reflect.Struct:
		return checkStruct(t, seen)
	}
	return fmt.Errorf("%s cannot be filled from a file", t)
}

func checkStruct(t reflect.Type, seen []reflect.Type) error {
	if slices.Contains(seen, t) {
		return nil
	}
	fields, _, err := fieldsOf(t)
	if err != nil {
		return err
	}
	for _, f := range fields {
		if err := checkType(t.Field(f.index).Type, append(seen, t)); err != nil {
			return fmt.Errorf("field %s of %s: %w", t.Field(f.index).Name, t, err)
		}
	}
	return nil
}

// readsItself tells whether a pointer to t has UnmarshalTOML or UnmarshalText.
func readsItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[Unmarshaler]()) ||
		p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) && t != reflect.TypeFor[time.Time]()
}
