package simulated

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/candor-edge/candor/sensors"
)

// replay is a recording that is played again. It implements sensors.Source, Ending, Resuming and Counting.
//
// The first column is t_ms or t_us. In the wide form each further column is a field; an empty cell is absent. In the
// long form (t_ms,channel,value) each channel is a field, and lines that follow each other with the same time are one
// reading unless a channel comes twice.
type replay struct {
	name      string
	file      string // as configured
	open      func() (io.ReadCloser, error)
	head      layout
	columns   []column       // wide: one a column after the first; long: one a channel
	channels  map[string]int // long: place in columns
	fields    []sensors.Field
	recording string
	resume    uint64
	pace      *pacer
	tally     tally
}

var (
	_ sensors.Ending   = (*replay)(nil)
	_ sensors.Resuming = (*replay)(nil)
	_ sensors.Counting = (*replay)(nil)
)

// openReplay reads the header, and in the long form the channels, of the recording that c names.
func openReplay(c sensors.Config, env sensors.Env) (sensors.Source, error) {
	r, err := newReplay(c, env)
	if err != nil {
		return nil, fmt.Errorf("sensor %q: recording %s: %w", c.Name, c.File, err)
	}
	return r, nil
}

func newReplay(c sensors.Config, env sensors.Env) (*replay, error) {
	path := c.File
	if path == "" {
		return nil, errors.New("no file is named; set the key \"file\"")
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(env.Dir, path)
	}
	r := &replay{name: c.Name, file: c.File}
	r.tally.file = filepath.Base(c.File)
	r.open = func() (io.ReadCloser, error) { return env.Open(path) }
	if env.Open == nil {
		return nil, errors.New("there is no way to open files")
	}
	if err := sensors.CheckName(c.Name, sensors.MaxSourceName); err != nil {
		return nil, err
	}
	pace, paceErr := newPacer(c.Pace, env.Clock)
	r.pace = pace
	names, err := r.look()
	if err != nil {
		return nil, errors.Join(paceErr, err)
	}
	what := "column"
	if r.head.long {
		what = "channel"
	}
	columns, columnErr := makeColumns(names, c.Columns, what)
	r.columns = columns
	r.makeFields()
	classErr := sensors.SetClasses(r.fields, c.Classes)
	if err := errors.Join(paceErr, columnErr, classErr); err != nil {
		return nil, err
	}
	if len(r.fields) == 0 {
		return nil, fmt.Errorf("no %s has a known kind; declare them under [sensor.columns], "+
			"for example: name = \"number\"", what)
	}
	return r, nil
}

// look reads what has to be known before the fields are: header, fingerprint and names.
func (r *replay) look() ([]string, error) {
	file, err := r.open()
	if err != nil {
		return nil, err
	}
	l, err := openLines(file)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if r.head, err = readLayout(l); err != nil {
		return nil, err
	}
	if !r.head.long {
		r.fingerprint(l)
		return r.head.names, nil
	}
	names, err := scanChannels(l)
	if err != nil {
		return nil, err
	}
	again, err := r.start()
	if err != nil {
		return nil, err
	}
	defer again.close()
	r.fingerprint(again)
	return names, nil
}

// fingerprint names the recording after its header and its first two lines of data. It is keyed with a fixed label so
// that it is no hash that other files of that content are known by.
func (r *replay) fingerprint(l *lines) {
	sum := hmac.New(sha256.New, []byte("candor recording 1"))
	line, err := r.head.header, error(nil)
	for i := 0; i < 3 && err == nil; i++ {
		sum.Write(line)
		sum.Write([]byte{'\n'})
		line, _, err = l.next()
	}
	r.recording = hex.EncodeToString(sum.Sum(nil)[:8])
}

// makeFields makes a field of each column with a kind and counts the others as faults.
func (r *replay) makeFields() {
	r.channels = make(map[string]int, len(r.columns))
	for i := range r.columns {
		c := &r.columns[i]
		switch {
		case c.kind.Name != "":
			c.field = len(r.fields)
			r.fields = append(r.fields, sensors.NewField(r.name, c.name, c.kind))
		case c.name == "":
			r.tally.add(unusableName, fmt.Sprintf("number %d", i+2),
				"rename it in the file: letters a-z, digits, - and _", r.head.line)
		default:
			r.tally.add(unknownColumn, c.name, unknownHint(c.name), r.head.line)
		}
		r.channels[c.name] = i
	}
}

// Name implements [sensors.Source].
func (r *replay) Name() string { return r.name }

// Fields implements [sensors.Source].
func (r *replay) Fields() []sensors.Field { return slices.Clone(r.fields) }

// Ends implements [sensors.Ending]: a recording has an end.
func (r *replay) Ends() bool { return true }

// Recording implements [sensors.Resuming].
func (r *replay) Recording() string { return r.recording }

// Resume implements [sensors.Resuming].
func (r *replay) Resume(position uint64) { r.resume = position }

// Faults implements [sensors.Counting].
func (r *replay) Faults() []sensors.FaultCount { return r.tally.list() }
