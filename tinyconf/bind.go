package tinyconf

import (
	"encoding"
	"fmt"
	"maps"
	"math"
	"reflect"
	"strings"
	"time"
)

// binder carries the values of a file into a struct and collects the faults.
type binder struct {
	collector
	doc *document
}

// spot is where a value stands: its node (nil when the file has none), the
// offset faults point at, and its key path.
type spot struct {
	n    *node
	at   int
	path string
}

func (s spot) child(key string) spot {
	path := Quote(key)
	if s.path != "" {
		path = s.path + "." + path
	}
	return s.to(s.n.child(key), path)
}

func (s spot) item(i int) spot {
	return s.to(s.n.item(i), fmt.Sprintf("%s[%d]", s.path, i))
}

func (s spot) to(n *node, path string) spot {
	next := spot{n: n, at: s.at, path: path}
	if n != nil {
		next.at = n.at
	}
	return next
}

// brokenf reports a fault the loader found, after which nothing else is said
// about this key.
func (b *binder) brokenf(s spot, cause error, format string, args ...any) {
	b.collector.broken[s.path] = true
	b.add(b.doc.fault(s.at, s.path, fmt.Sprintf(format, args...), cause))
}

// structure fills the struct dst. also are keys of an enclosing struct, for
// suggestions only.
func (b *binder) structure(dst reflect.Value, values map[string]any, s spot, also []string) {
	fields, claims, err := fieldsOf(dst.Type())
	if err != nil { // checkTarget has refused such a type already
		b.brokenf(s, err, "%v", err)
		return
	}
	if d, ok := dst.Addr().Interface().(Defaulter); ok {
		d.Defaults()
	}
	left := make(map[string]any, len(values))
	maps.Copy(left, values)
	for _, f := range fields {
		v, present := values[f.name]
		delete(left, f.name)
		b.field(dst.Field(f.index), f, v, present, s.child(f.name))
	}
	known := append(names(fields), also...)
	if claims >= 0 {
		dst.Field(claims).Set(reflect.ValueOf(Rest{hide(rest{doc: b.doc, values: left, spot: s, known: known})}))
	} else {
		for _, k := range sorted(left) {
			at := s.child(k)
			b.add(b.doc.fault(at.at, at.path, "unknown key, "+Hint(k, known), nil))
		}
	}
	if c, ok := dst.Addr().Interface().(Checker); ok {
		c.Check(&Context{b: b, s: s})
	}
}

func (b *binder) field(dst reflect.Value, f field, v any, present bool, s spot) {
	if present {
		b.value(dst, v, s, f.opt)
		if f.opt.required && isEmpty(dst) && !b.isBroken(s.path) {
			b.brokenf(s, nil, "empty, %s is needed", wanted(dst.Type()))
		}
		return
	}
	if f.opt.required {
		b.brokenf(s, nil, "missing, %s is needed", wanted(dst.Type()))
		return
	}
	if dst.Kind() == reflect.Struct && dst.Type() != reflect.TypeFor[time.Time]() && !readsItself(dst.Type()) {
		b.structure(dst, nil, s, nil)
	}
}

// isEmpty tells text, lists and maps of nothing.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String, reflect.Slice, reflect.Map:
		return v.Len() == 0
	}
	return false
}

// value fills dst from v.
func (b *binder) value(dst reflect.Value, v any, s spot, opt options) {
	if dst.Kind() == reflect.Pointer {
		fresh := reflect.New(dst.Type().Elem())
		b.value(fresh.Elem(), v, s, opt)
		dst.Set(fresh)
		return
	}
	if b.itself(dst, v, s, opt) {
		return
	}
	ok := false
	switch dst.Kind() {
	case reflect.String:
		var text string
		if text, ok = v.(string); ok {
			dst.SetString(text)
		}
	case reflect.Bool:
		var yes bool
		if yes, ok = v.(bool); ok {
			dst.SetBool(yes)
		}
	case reflect.Float64:
		ok = b.float(dst, v, s)
	case reflect.Slice:
		ok = b.list(dst, v, s, opt)
	case reflect.Map:
		ok = b.mapping(dst, v, s, opt)
	case reflect.Struct:
		var values map[string]any
		if values, ok = v.(map[string]any); ok {
			b.structure(dst, values, s, nil)
		}
	default:
		ok = b.integer(dst, v, s)
	}
	if !ok {
		b.brokenf(s, nil, "found %s, %s is needed", found(v), wanted(dst.Type()))
	}
}

// itself lets types read themselves, and tells whether dst is one.
func (b *binder) itself(dst reflect.Value, v any, s spot, opt options) bool {
	var err error
	switch p := dst.Addr().Interface().(type) {
	case *time.Time:
		*p, err = moment(v)
	case *Secret:
		err = p.set(v, opt.literal)
	case *Decimal:
		// The number as written: a float64 would have rounded it already.
		if _, ok := v.(float64); ok && s.n != nil {
			err = p.UnmarshalText([]byte(strings.ReplaceAll(b.doc.src[s.n.start:s.n.end], "_", "")))
		} else {
			err = p.UnmarshalTOML(v)
		}
	case *Duration:
		if err = p.UnmarshalTOML(v); err == nil && *p == 0 && !opt.zero {
			err = fmt.Errorf("found %s, more than nothing is needed, as in \"10s\"", found(v))
		}
	case *Size:
		if err = p.UnmarshalTOML(v); err == nil && *p == 0 && !opt.zero {
			err = fmt.Errorf("found %s, more than nothing is needed, as in \"64KiB\"", found(v))
		}
	case Unmarshaler:
		err = p.UnmarshalTOML(v)
	case encoding.TextUnmarshaler:
		if text, ok := v.(string); ok {
			err = p.UnmarshalText([]byte(text))
		} else {
			err = fmt.Errorf("found %s, text is needed", found(v))
		}
	default:
		return false
	}
	if err != nil {
		b.brokenf(s, err, "%v", err)
	}
	return true
}

func (b *binder) list(dst reflect.Value, v any, s spot, opt options) bool {
	items, ok := itemsOf(v)
	if !ok {
		return false
	}
	out := reflect.MakeSlice(dst.Type(), len(items), len(items))
	for i, item := range items {
		b.value(out.Index(i), item, s.item(i), opt)
	}
	dst.Set(out)
	return true
}

func (b *binder) mapping(dst reflect.Value, v any, s spot, opt options) bool {
	values, ok := v.(map[string]any)
	if !ok {
		return false
	}
	out := reflect.MakeMapWithSize(dst.Type(), len(values))
	for _, k := range sorted(values) {
		elem := reflect.New(dst.Type().Elem()).Elem()
		b.value(elem, values[k], s.child(k), opt)
		key := reflect.New(dst.Type().Key()).Elem()
		key.SetString(k)
		out.SetMapIndex(key, elem)
	}
	dst.Set(out)
	if c, ok := dst.Addr().Interface().(Checker); ok {
		c.Check(&Context{b: b, s: s})
	}
	return true
}

func (b *binder) integer(dst reflect.Value, v any, s spot) bool {
	n, ok := v.(int64)
	if !ok {
		return false
	}
	bits := dst.Type().Bits()
	if dst.CanInt() {
		if dst.OverflowInt(n) {
			b.brokenf(s, nil, "found %d, an integer from %d to %d is needed", n, -int64(1)<<(bits-1), int64(1)<<(bits-1)-1)
			return true
		}
		dst.SetInt(n)
		return true
	}
	if n < 0 || dst.OverflowUint(uint64(n)) {
		b.brokenf(s, nil, "found %d, an integer from 0 to %d is needed", n, uint64(math.MaxUint64)>>(64-bits))
		return true
	}
	dst.SetUint(uint64(n))
	return true
}

func (b *binder) float(dst reflect.Value, v any, s spot) bool {
	switch x := v.(type) {
	case int64:
		dst.SetFloat(float64(x))
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			b.brokenf(s, nil, "found %v, a finite number is needed", x)
			return true
		}
		dst.SetFloat(x)
	default:
		return false
	}
	return true
}

// itemsOf gives a list's items; the parser has a type of its own for [[ ]].
func itemsOf(v any) ([]any, bool) {
	switch list := v.(type) {
	case []any:
		return list, true
	case []map[string]any:
		items := make([]any, len(list))
		for i, m := range list {
			items[i] = m
		}
		return items, true
	}
	return nil, false
}
