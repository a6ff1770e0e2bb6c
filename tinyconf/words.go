package tinyconf

import (
	"fmt"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"
)

// found says what a value of the file is, in a person's words.
func found(v any) string {
	switch x := v.(type) {
	case string:
		return "the text " + short(x)
	case int64:
		return fmt.Sprintf("the integer %d", x)
	case float64:
		return "the number " + strconv.FormatFloat(x, 'g', -1, 64)
	case bool:
		return strconv.FormatBool(x)
	case time.Time:
		return "a date"
	case []any:
		return "a list"
	case []map[string]any:
		return "a list of tables"
	case map[string]any:
		return "a table"
	}
	return fmt.Sprintf("a %T", v)
}

// short quotes a text and cuts it where it gets long.
func short(s string) string {
	const most = 40
	if utf8.RuneCountInString(s) <= most {
		return strconv.Quote(s)
	}
	return strconv.Quote(string([]rune(s)[:most])) + "…"
}

// wanted says what a type takes, with an example where that helps.
func wanted(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Duration]():
		return `a duration such as "10s" or "30d"`
	case reflect.TypeFor[Size]():
		return `a size such as "64KiB"`
	case reflect.TypeFor[Address]():
		return "an I2C address such as 0x76"
	case reflect.TypeFor[Decimal]():
		return "a number"
	case reflect.TypeFor[Secret]():
		return `"file:PATH" or "credential:NAME"`
	case reflect.TypeFor[Localized]():
		return `a table such as { fr = "…", en = "…" }`
	case reflect.TypeFor[time.Time]():
		return "a date with time and offset such as 2026-01-31T12:00:00Z"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return wanted(t.Elem())
	case reflect.String:
		return "text in quotes"
	case reflect.Bool:
		return "true or false"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		if k := t.Elem().Kind(); k == reflect.Struct && !readsItself(t.Elem()) {
			return "a list of tables"
		}
		return "a list"
	case reflect.Map, reflect.Struct:
		return "a table"
	}
	if t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64 {
		return "an integer"
	}
	return "a value"
}

// moment takes a date of the file that says which instant it means.
func moment(v any) (time.Time, error) {
	t, ok := v.(time.Time)
	if !ok {
		return time.Time{}, fmt.Errorf("found %s, %s is needed", found(v), wanted(reflect.TypeFor[time.Time]()))
	}
	switch t.Location().String() {
	case "datetime-local", "date-local", "time-local":
		return time.Time{}, fmt.Errorf("found a date without offset, %s is needed", wanted(reflect.TypeFor[time.Time]()))
	}
	return t, nil
}
