package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/candor-edge/candor/uplink/wire"
)

// How many streams are looked at in the end, spread over all.
const (
	askedAtEnd = 2000
	readAtEnd  = 300
)

// verdict is what was found in the end.
type verdict struct {
	asked, read int
	scanned     int64 // bytes of what is kept and logged
	names       int   // of persons found in them
	looked      bool  // at the files
}

func (v verdict) print(line func(name, format string, a ...any)) {
	line("asked in the end", "%d streams: each has what was accepted, and what was withdrawn is gone", v.asked)
	line("given back to the capability", "%d streams: every row, and none to another capability", v.read)
	if v.looked {
		line("names of people", "%d in %.1f MB of what is kept and logged", v.names, float64(v.scanned)/1e6)
	}
}

// checkStreams asks about streams and has some given back.
func checkStreams(ctx context.Context, p *post, streams []*stream) (v verdict, err error) {
	for i := 0; i < len(streams); i += max(len(streams)/askedAtEnd, 1) {
		s := streams[i]
		last, withdrawn, err := fresh(ctx, p, 0, s, [16]byte{byte(i), byte(i >> 8), 1})
		if err != nil {
			return v, err
		}
		if last != s.seq || withdrawn != s.withdrawn {
			return v, fmt.Errorf("stream %s: the receiver has %d batches (withdrawn: %t), %d were accepted (withdrawn: %t)", s.id, last, withdrawn, s.seq, s.withdrawn)
		}
		v.asked++
	}
	for i := 0; i < len(streams); i += max(len(streams)/readAtEnd, 1) {
		if err := checkAccess(ctx, p, streams[i]); err != nil {
			return v, fmt.Errorf("stream %s: %w", streams[i].id, err)
		}
		v.read++
	}
	return v, nil
}

// checkAccess reads a stream back: each row once, for the right capability only.
func checkAccess(ctx context.Context, p *post, s *stream) error {
	status, _, err := access(ctx, p, s, wire.Capability{1})
	if err != nil || status != http.StatusNotFound {
		return fmt.Errorf("a wrong capability got %d: %w", status, err)
	}
	status, body, err := access(ctx, p, s, s.capability)
	switch {
	case err != nil:
		return err
	case s.withdrawn && status == http.StatusGone:
		return nil
	case s.withdrawn || status != http.StatusOK:
		return fmt.Errorf("asking for it back got %d, withdrawn: %t", status, s.withdrawn)
	}
	type name struct{ Seq, Row uint64 }
	seen := make(map[name]bool)
	for line := range bytes.Lines(body) {
		var n name
		if err := json.Unmarshal(line, &n); err != nil {
			return err
		}
		if seen[n] {
			return errors.New("a row is there twice")
		}
		seen[n] = true
	}
	if uint64(len(seen)) != s.rows {
		return fmt.Errorf("%d rows of %d came back", len(seen), s.rows)
	}
	return nil
}

func access(ctx context.Context, p *post, s *stream, c wire.Capability) (int, []byte, error) {
	body, err := json.Marshal(map[string]string{"stream": s.id.String(), "capability": hex.EncodeToString(c[:])})
	if err != nil {
		return 0, nil, err
	}
	p.c.requests++
	return p.once(ctx, 0, "/access", "application/json", body)
}

// scan looks for names of people in every file under the directories.
func scan(dirs ...string) (names int, read int64, err error) {
	for _, dir := range dirs {
		err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			n, m, err := scanFile(f)
			names, read = names+m, read+n
			return err
		})
		if err != nil {
			return names, read, err
		}
	}
	return names, read, nil
}

// scanFile counts marks, also those that lie across two reads.
func scanFile(r io.Reader) (read int64, names int, err error) {
	const longest = 32
	buf := make([]byte, longest+1<<18)
	kept := 0
	for {
		n, err := r.Read(buf[kept:])
		read += int64(n)
		part := buf[:kept+n]
		for _, mark := range []string{mailMark, phoneMark, serialMark} {
			names += bytes.Count(part, []byte(mark))
			if kept > 0 { // counted with the part before
				names -= bytes.Count(part[:kept], []byte(mark))
			}
		}
		if err != nil {
			if err == io.EOF {
				err = nil
			}
			return read, names, err
		}
		kept = copy(buf, part[max(len(part)-longest, 0):])
	}
}
