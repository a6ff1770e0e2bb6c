package simulated

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/tinyconf"
)

// layout is what the first line of a recording says about the others.
type layout struct {
	header    []byte   // the line itself
	line      int      // where it stands
	timeScale int      // decimal digits of a microsecond's time in the first column: t_ms 3, t_us 0
	long      bool     // time, channel, value; else one column for each quantity
	names     []string // of the columns after the first, cleaned; "" for a name that can't be used. Wide form only
}

// readLayout reads the header.
func readLayout(l *lines) (layout, error) {
	line, tooLong, err := l.next()
	if err != nil {
		return layout{}, fmt.Errorf("there is no header line: %w", err)
	}
	head := layout{header: bytes.Clone(line), line: l.number}
	cells, ok := l.split(line)
	if tooLong || !ok {
		return layout{}, fmt.Errorf("line %d: the header can't be read: it has an open quote or more than %d columns",
			l.number, maxColumns)
	}
	switch strings.ToLower(string(cells[0])) { // what else may stand there could be data: it is not shown
	case "t_ms":
		head.timeScale = 3
	case "t_us":
	default:
		return layout{}, fmt.Errorf("line %d: the first column is neither t_ms nor t_us; "+
			"cells are separated by commas", l.number)
	}
	if head.long = len(cells) == 3 && string(cells[1]) == "channel" && string(cells[2]) == "value"; head.long {
		return head, nil
	}
	for _, cell := range cells[1:] {
		name, _ := cleanName(cell)
		if name != "" && slices.Contains(head.names, name) {
			return layout{}, fmt.Errorf("line %d: two columns are called %q", l.number, name)
		}
		head.names = append(head.names, name)
	}
	return head, nil
}

// maxChannelName leaves room for the longest source name and the dot in a field's name.
const maxChannelName = sensors.MaxFieldName - sensors.MaxSourceName - 1

// cleanName makes a quantity's name of what stands over a column; blanks inside become _. ok is false for one that no
// field can have.
func cleanName(cell []byte) (name string, ok bool) {
	if len(cell) > maxChannelName {
		return "", false
	}
	name = strings.Join(strings.Fields(string(cell)), "_")
	if sensors.CheckName(name, maxChannelName) != nil {
		return "", false
	}
	return name, true
}

// scanChannels reads a long recording to its end for the names of its channels, in the order in which they appear. What
// can't be read is Run's business, and it will meet it again.
func scanChannels(l *lines) ([]string, error) {
	seen := map[string]bool{}
	var names []string
	for {
		line, tooLong, err := l.next()
		if err != nil {
			return names, nil
		}
		cells, ok := l.split(line)
		if tooLong || !ok || len(cells) != 3 || seen[string(cells[1])] {
			continue
		}
		name, ok := cleanName(cells[1])
		if !ok || name != string(cells[1]) {
			continue
		}
		if len(names) == maxColumns {
			return nil, fmt.Errorf("line %d: there are more than %d channels", l.number, maxColumns)
		}
		seen[name] = true
		names = append(names, name)
	}
}

// column is one column or channel of a recording.
type column struct {
	name  string
	field int          // its place in Values; -1 when it can't be used
	kind  sensors.Kind // the zero Kind when it has none
}

// unknownHint says how to make use of a column that has no kind.
func unknownHint(name string) string {
	return fmt.Sprintf(`declare it under [sensor.columns]: %s = "number"`, name)
}

// otherColumns in a declaration stands for all columns that neither it nor custom gives a kind.
const otherColumns = "*"

// makeColumns gives each name its kind: the declared one, or the one it has by custom, or the one declared for all others.
// The error joins all faults of the declaration.
func makeColumns(names []string, declared map[string]string, what string) ([]column, error) {
	others, err := otherKind(declared)
	faults := []error{err}
	declared, err = cleanDeclared(names, declared, what)
	faults = append(faults, err)
	columns := make([]column, len(names))
	for i, name := range names {
		kind, known := sensors.KindOfColumn(name)
		if !known && name != "" {
			kind = others
		}
		if kindName, ok := declared[name]; ok {
			var known bool
			if kind, known = sensors.KindNamed(kindName); !known {
				faults = append(faults, fmt.Errorf("columns: %s: no kind is called %q; %s",
					name, kindName, tinyconf.Hint(kindName, kindNames())))
			}
		}
		columns[i] = column{name: name, field: -1, kind: kind}
	}
	return columns, errors.Join(faults...)
}

// otherKind is the kind declared for all other columns; the zero kind when none is.
func otherKind(declared map[string]string) (sensors.Kind, error) {
	name, ok := declared[otherColumns]
	if !ok {
		return sensors.Kind{}, nil
	}
	kind, known := sensors.KindNamed(name)
	if !known {
		return kind, fmt.Errorf("columns: %s: no kind is called %q; %s", otherColumns, name, tinyconf.Hint(name, kindNames()))
	}
	return kind, nil
}

// cleanDeclared returns the declaration with the names as cleanName gives them. One that the file does not have is a
// fault.
func cleanDeclared(names []string, declared map[string]string, what string) (map[string]string, error) {
	usable := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "" })
	clean := make(map[string]string, len(declared))
	var faults []error
	for _, key := range slices.Sorted(maps.Keys(declared)) {
		if key == otherColumns {
			continue
		}
		name, ok := cleanName([]byte(key))
		if !ok || !slices.Contains(usable, name) {
			faults = append(faults, fmt.Errorf("columns: the file has no %s %q; %s", what, key, tinyconf.Hint(key, usable)))
			continue
		}
		clean[name] = declared[key]
	}
	return clean, errors.Join(faults...)
}

func kindNames() []string {
	var names []string
	for _, k := range sensors.Kinds() {
		names = append(names, k.Name)
	}
	return names
}
