package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// tail reads the receiver's files as anybody may who uses its data: PURPOSE.jsonl and raw/STREAM.cborseq.
// It is used by one goroutine.
type tail struct {
	dir   string
	files map[string]*rowFile // by purpose
}

func newTail(dir string) *tail { return &tail{dir: dir, files: map[string]*rowFile{}} }

// rowFile is one purpose's file, as far as it was read.
type rowFile struct {
	info    fs.FileInfo
	offset  int64
	rows    int
	deleted int // rows that were there once
	newest  row // as far as its values have different fields
	streams map[string]*streamCount
}

// streamCount is what a file holds of one stream.
type streamCount struct {
	rows int
	seqs map[uint64]bool // of its batches
}

// row is one line of a file, or what several lines of one batch say of the same time.
type row struct {
	Stream string                     `json:"stream"`
	Seq    uint64                     `json:"seq"`
	Time   time.Time                  `json:"time"`
	Values map[string]json.RawMessage `json:"values"`
}

// refresh reads what is new.
func (t *tail) refresh() error {
	names, err := filepath.Glob(filepath.Join(t.dir, "*.jsonl"))
	if err != nil {
		return err
	}
	for _, name := range names {
		purpose := strings.TrimSuffix(filepath.Base(name), ".jsonl")
		if t.files[purpose] == nil {
			t.files[purpose] = &rowFile{streams: map[string]*streamCount{}}
		}
		if err := t.files[purpose].read(name); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
	}
	return nil
}

// read goes on where it ended, or begins anew when the receiver has put another file in this one's place, as it does
// to delete rows. A last line without its end is left for the next time.
func (f *rowFile) read(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	before := f.rows
	replaced := f.info != nil && (!os.SameFile(f.info, info) || info.Size() < f.offset)
	if replaced {
		*f = rowFile{deleted: f.deleted, streams: map[string]*streamCount{}}
	}
	f.info = info
	if _, err := file.Seek(f.offset, io.SeekStart); err != nil {
		return err
	}
	for lines := bufio.NewReader(file); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = f.add(line)
		}
		if err != nil {
			return err
		}
	}
	if replaced {
		f.deleted += max(before-f.rows, 0)
	}
	return nil
}

func (f *rowFile) add(line []byte) error {
	var r row
	if err := json.Unmarshal(line, &r); err != nil {
		return err
	}
	s := f.streams[r.Stream]
	if s == nil {
		s = &streamCount{seqs: map[uint64]bool{}}
		f.streams[r.Stream] = s
	}
	s.rows++
	s.seqs[r.Seq] = true
	f.rows++
	if n := &f.newest; n.Stream == r.Stream && n.Seq == r.Seq && n.Time.Equal(r.Time) {
		maps.Copy(n.Values, r.Values) // another source at the same time
	} else {
		f.newest = r
	}
	f.offset += int64(len(line))
	return nil
}

// bytes is what the receiver keeps of a purpose's signed messages.
func (t *tail) bytes(purpose string) int64 {
	f := t.files[purpose]
	if f == nil {
		return 0
	}
	var sum int64
	for stream := range f.streams {
		sum += t.rawSize(stream)
	}
	return sum
}

// rawSize is the length of a stream's signed messages, 0 when there are none.
func (t *tail) rawSize(stream string) int64 {
	info, err := os.Stat(filepath.Join(t.dir, "raw", stream+".cborseq"))
	if err != nil {
		return 0
	}
	return info.Size()
}

// words are the values of a row in one line: "10:00 living.co2 800, humidity 45".
func (r *row) words(g glyphs) string {
	if len(r.Values) == 0 {
		return ""
	}
	var parts []string
	last := ""
	for _, name := range slices.Sorted(maps.Keys(r.Values)) {
		source, quantity, _ := strings.Cut(name, ".")
		value := string(r.Values[name])
		if text, err := unquoted(value); err == nil {
			value = shortToken(text, g)
		}
		if source == last {
			name = quantity
		}
		last = source
		parts = append(parts, name+" "+value)
	}
	return r.Time.UTC().Format("15:04") + " " + strings.Join(parts, ", ")
}

func unquoted(value string) (string, error) {
	var text string
	err := json.Unmarshal([]byte(value), &text)
	return text, err
}

// shortToken cuts a pseudonym to what the eye compares.
func shortToken(text string, g glyphs) string {
	const enough = 10
	if len(text) <= enough {
		return text
	}
	return text[:enough] + g.cut
}
