package simulated

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"

	"github.com/candor-edge/candor/sensors"
)

// A recorded time is one between the years 0 and 9999, which RFC 3339 can write; any other is a bad time.
const (
	minTime = -62_167_219_200_000_000
	maxTime = 253_402_300_799_999_999
)

// maxTokens is how many different tokens are kept, so that a token that comes again takes no new memory.
const maxTokens = 4096

// player is one run of a recording.
type player struct {
	*replay
	lines  *lines
	row    uint64 // lines of data used up
	values []sensors.Value
	tokens map[string]string
	emit   func(sensors.Reading) error
}

// Run implements [sensors.Source].
func (r *replay) Run(ctx context.Context, emit func(sensors.Reading) error) error {
	l, row, err := r.seek(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	p := &player{replay: r, lines: l, row: row, emit: emit,
		values: make([]sensors.Value, len(r.fields)), tokens: map[string]string{}}
	if r.head.long {
		return p.long(ctx)
	}
	return p.wide(ctx)
}

// start opens the recording and reads past its header, which must be the one that Open saw.
func (r *replay) start() (*lines, error) {
	file, err := r.open()
	if err != nil {
		return nil, err
	}
	l, err := openLines(file)
	if err != nil {
		return nil, err
	}
	header, _, err := l.next()
	if err == nil && !bytes.Equal(header, r.head.header) {
		err = errors.New("its header changed since it was opened; start the agent again")
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// seek opens the recording behind the rows that need not be emitted again. When there are fewer it is another
// recording, which starts at its beginning.
func (r *replay) seek(ctx context.Context) (l *lines, row uint64, err error) {
	if l, err = r.start(); err != nil {
		return nil, 0, r.failed(err)
	}
	for ; row < r.resume; row++ {
		if row%1024 == 0 {
			err = ctx.Err()
		}
		if err == nil {
			_, _, err = l.next()
		}
		if errors.Is(err, io.EOF) {
			l.close()
			if l, err = r.start(); err != nil {
				return nil, 0, r.failed(err)
			}
			return l, 0, nil
		}
		if err != nil {
			l.close()
			return nil, 0, r.failed(err)
		}
	}
	return l, row, nil
}

// failed says which source and file can't go on.
func (r *replay) failed(err error) error {
	return fmt.Errorf("sensor %q: recording %s: %w", r.name, r.file, err)
}

// wide plays a recording with a column for each quantity.
func (p *player) wide(ctx context.Context) error {
	for ctx.Err() == nil {
		cells, err := p.next(len(p.columns) + 1)
		if err != nil {
			return p.end(err)
		}
		t, ok := p.time(cells)
		if !ok {
			continue
		}
		for i := range p.columns {
			if c := &p.columns[i]; c.field >= 0 {
				p.values[c.field] = p.value(c, cells[i+1])
			}
		}
		if err := p.send(ctx, t, p.row); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// long plays a recording with a line for each value. Lines of one time are held until one comes that does not belong
// to them.
func (p *player) long(ctx context.Context) error {
	var (
		held bool // values holds something
		at   sensors.Micros
		upTo uint64 // the last line that is in it
		seen = make([]bool, len(p.columns))
	)
	for ctx.Err() == nil {
		cells, err := p.next(3)
		if err != nil && held {
			if sendErr := p.send(ctx, at, upTo); sendErr != nil {
				return sendErr
			}
		}
		if err != nil {
			return p.end(err)
		}
		t, ok := p.time(cells)
		if !ok {
			continue
		}
		i, ok := p.channels[string(cells[1])]
		if !ok {
			p.tally.add(badLine, "", lineHint, p.lines.number)
			continue
		}
		c := &p.columns[i]
		if c.field < 0 {
			continue
		}
		if held && (t != at || seen[i]) {
			if err := p.send(ctx, at, upTo); err != nil {
				return err
			}
			held = false
		}
		if !held {
			clear(p.values)
			clear(seen)
		}
		p.values[c.field] = p.value(c, cells[2])
		held, seen[i], at, upTo = true, true, t, p.row
	}
	return ctx.Err()
}

// Hints on what a technician can do about a fault.
const (
	lineHint = "it needs as many cells as the header, a channel that was there at the start, and no open quote"
	longHint = "no line may be longer than 1 MiB"
	timeHint = "the first cell must be a decimal number in the header's unit, in the years 0 to 9999"
	cellHint = "it is not a value of this column's kind"
)

// next returns the cells of the next row; nil for one that was counted as bad. The error is io.EOF after the last row.
func (p *player) next(want int) ([][]byte, error) {
	line, tooLong, err := p.lines.next()
	if err != nil {
		return nil, err
	}
	p.row++
	if tooLong {
		p.tally.add(longLine, "", longHint, p.lines.number)
		return nil, nil
	}
	cells, ok := p.lines.split(line)
	if !ok || len(cells) != want {
		p.tally.add(badLine, "", lineHint, p.lines.number)
		return nil, nil
	}
	return cells, nil
}

// end is what Run returns when next gave an error.
func (p *player) end(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return p.failed(err)
}

// time reads the first cell. ok is false when there are no cells or it is no time.
func (p *player) time(cells [][]byte) (t sensors.Micros, ok bool) {
	if cells == nil {
		return 0, false
	}
	n, ok := decimal(cells[0], p.head.timeScale)
	if !ok || n < minTime || n > maxTime {
		p.tally.add(badTime, "", timeHint, p.lines.number)
		return 0, false
	}
	return sensors.Micros(n), true
}

// value reads a cell as a value of the column's kind. What it can't read is counted.
func (p *player) value(c *column, cell []byte) sensors.Value {
	if len(cell) == 0 {
		return sensors.Value{}
	}
	v := sensors.Value{Quality: sensors.OK}
	ok := false
	switch c.kind.Type {
	case sensors.Numeric:
		v.Num, ok = decimal(cell, c.kind.Scale)
	case sensors.Boolean:
		v.Num, ok = truth(cell)
	case sensors.Text:
		v.Token, ok = p.token(cell)
	}
	if !ok {
		p.tally.add(badCell, c.name, cellHint, p.lines.number)
		return sensors.Value{Quality: sensors.Fault}
	}
	return c.kind.Check(v)
}

// token returns the cell as a string that is made once for each token.
func (p *player) token(cell []byte) (string, bool) {
	if len(cell) > sensors.MaxToken || !utf8.Valid(cell) || bytes.ContainsFunc(cell, unicode.IsControl) {
		return "", false
	}
	text, ok := p.tokens[string(cell)]
	if !ok {
		if len(p.tokens) == maxTokens {
			clear(p.tokens)
		}
		text = string(cell)
		p.tokens[text] = text
	}
	return text, true
}

// send emits what values holds when it is due.
func (p *player) send(ctx context.Context, t sensors.Micros, position uint64) error {
	if err := p.pace.wait(ctx, t); err != nil {
		return err
	}
	return p.emit(sensors.Reading{Source: p.name, Time: t, Position: position, Values: p.values})
}
