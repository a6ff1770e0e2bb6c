package simulated

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// maxLine is the longest line in bytes that is looked at. A longer one is a bad line and takes no more memory.
const maxLine = 1 << 20

// maxColumns is the largest number of columns, or of channels, that a recording can have.
const maxColumns = 256

// lines takes a recording apart into lines and cells. It holds one line at a time; what next returns is valid until
// the next call.
type lines struct {
	file    io.Closer
	in      *bufio.Reader
	long    []byte   // a line that the reader's buffer can't hold
	cells   [][]byte // of the last line that was split
	unquote []byte   // what quoted cells of the last line hold
	number  int      // of the last line, from 1
}

// openLines starts reading file, which may be gzip whatever its name says. It owns file from here on.
func openLines(file io.ReadCloser) (*lines, error) {
	l := &lines{file: file, in: bufio.NewReaderSize(file, 64<<10)}
	magic, err := l.in.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, file.Close())
	}
	if bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unpacked, err := gzip.NewReader(l.in)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("it starts like gzip and is not: %w", err), file.Close())
		}
		l.in = bufio.NewReaderSize(unpacked, 64<<10)
	}
	if mark, _ := l.in.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = l.in.Discard(3) // three bytes were just seen
	}
	return l, nil
}

// close gives the file back.
func (l *lines) close() { _ = l.file.Close() } // it was only read: there is nothing that could be lost

// next returns the next line that is not blank, without its end. tooLong says that the line is longer than maxLine;
// then it has no text. The error is io.EOF after the last line.
func (l *lines) next() (line []byte, tooLong bool, err error) {
	for {
		line, tooLong, err = l.physical()
		if err != nil || tooLong {
			return nil, tooLong, err
		}
		for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
			line = line[:len(line)-1]
		}
		if len(trim(line)) > 0 {
			return line, false, nil
		}
	}
}

// physical returns the next line as it stands, blank or not.
func (l *lines) physical() (line []byte, tooLong bool, err error) {
	line, err = l.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line, tooLong, err = l.rest(line)
	}
	if errors.Is(err, io.EOF) && (len(line) > 0 || tooLong) {
		err = nil // the last line needs no end
	}
	l.number++
	return line, tooLong, err
}

// rest reads on where the buffer was too small for the line.
func (l *lines) rest(start []byte) (line []byte, tooLong bool, err error) {
	l.long = append(l.long[:0], start...)
	for {
		part, err := l.in.ReadSlice('\n')
		if tooLong = tooLong || len(l.long)+len(part) > maxLine; !tooLong {
			l.long = append(l.long, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			if tooLong {
				l.long = nil
			}
			return l.long, tooLong, err
		}
	}
}

// split cuts a line at its commas. Cells come without the blanks around them; a cell in quotes comes without the
// quotes. ok is false when a quoted cell does not end, when something stands after its end, or when there are more
// than maxColumns+1 cells. The cells are valid until the next call of split or next.
func (l *lines) split(line []byte) (cells [][]byte, ok bool) {
	l.cells = l.cells[:0]
	if bytes.IndexByte(line, '"') >= 0 {
		return l.splitQuoted(line)
	}
	start := 0
	for i := 0; i < len(line); i++ {
		if line[i] == ',' {
			if len(l.cells) == maxColumns {
				return nil, false
			}
			l.cells = append(l.cells, trim(line[start:i]))
			start = i + 1
		}
	}
	l.cells = append(l.cells, trim(line[start:]))
	return l.cells, true
}

// splitQuoted is split for lines with quotes in them (RFC 4180 §2, 5 to 7, within one line).
func (l *lines) splitQuoted(line []byte) (cells [][]byte, ok bool) {
	if cap(l.unquote) < len(line) {
		l.unquote = make([]byte, 0, len(line)) // never grown below, so that cells stay where they are
	}
	l.unquote = l.unquote[:0]
	for {
		if len(l.cells) > maxColumns {
			return nil, false
		}
		line = bytes.TrimLeft(line, " \t")
		var cell []byte
		if len(line) == 0 || line[0] != '"' {
			before, after, more := bytes.Cut(line, []byte{','})
			if cell = trim(before); bytes.IndexByte(cell, '"') >= 0 {
				return nil, false
			}
			l.cells = append(l.cells, cell)
			if !more {
				return l.cells, true
			}
			line = after
			continue
		}
		cell, line, ok = l.quoted(line[1:])
		if !ok {
			return nil, false
		}
		l.cells = append(l.cells, trim(cell))
		if line = bytes.TrimLeft(line, " \t"); len(line) == 0 {
			return l.cells, true
		}
		if line[0] != ',' {
			return nil, false
		}
		line = line[1:]
	}
}

// quoted reads a cell up to its closing quote; text starts after the opening one.
func (l *lines) quoted(text []byte) (cell, rest []byte, ok bool) {
	from := len(l.unquote)
	for {
		before, after, found := bytes.Cut(text, []byte{'"'})
		if !found {
			return nil, nil, false
		}
		l.unquote = append(l.unquote, before...)
		if len(after) == 0 || after[0] != '"' {
			return l.unquote[from:len(l.unquote):len(l.unquote)], after, true
		}
		l.unquote = append(l.unquote, '"')
		text = after[1:]
	}
}

// trim takes blanks and tabs off both ends; it is bytes.TrimSpace without the cost on what has none.
func trim(cell []byte) []byte {
	if n := len(cell); n > 0 && cell[0] > ' ' && cell[n-1] > ' ' {
		return cell
	}
	return bytes.Trim(cell, " \t\r")
}
