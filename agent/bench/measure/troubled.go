package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// peerSubject is a peer that has nothing yet.
func (b *bench) peerSubject(p peer, binary, name string) (*subject, error) {
	h := house{dir: filepath.Join(b.dir, p.variable+" "+name), in: freeAddress(), sink: freeAddress()}
	if err := os.MkdirAll(filepath.Join(h.dir, "queue"), 0o700); err != nil {
		return nil, err
	}
	for name, text := range p.files(h) {
		if err := os.WriteFile(filepath.Join(h.dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	k := newSink(p.read, troubled, h.sink)
	return &subject{
		queue: filepath.Join(h.dir, "queue"), url: "http://" + h.in + p.path, kind: p.kind, form: p.body,
		start: func(ctx context.Context) (*process, error) {
			process, err := begin(ctx, h.dir, binary, p.args(h)...)
			if err != nil {
				return nil, err
			}
			if err := process.wait(ctx, theirGrace); err != nil {
				process.end()
				return nil, err
			}
			return process, nil
		},
		up:   func(context.Context) error { return k.open() },
		down: k.close,
		rows: func() int64 { return k.first.Load() + k.again.Load() },
		count: func() (fate, error) {
			return fate{lost: troubled - int(k.first.Load()), again: int(k.again.Load()), wrong: int(k.wrong.Load())}, k.failed()
		},
	}, nil
}

// ourSubject is an object with the sensor of the bench, whose yes is given.
func (b *bench) ourSubject(ctx context.Context, name string) (*subject, error) {
	s, err := b.peerSite(name, "", "device")
	if err != nil {
		return nil, err
	}
	in, arrived := freeAddress(), arrivals{name: filepath.Join(s.dir, "received", "all.jsonl")}
	var receiver *process
	subject := &subject{
		queue: filepath.Join(s.dir, "state", "buffer"), url: "http://" + in + "/", kind: "application/json",
		form:  func(batch []spoken) ([]byte, error) { return json.Marshal(batch) },
		start: func(ctx context.Context) (*process, error) { return s.ingest(ctx, in) },
		up: func(ctx context.Context) (err error) {
			receiver, err = s.receive(ctx)
			return err
		},
		down: func() {
			if receiver != nil {
				receiver.end()
			}
		},
		rows: arrived.rows, count: func() (fate, error) { return arrived.count(troubled) },
		waits: func(ctx context.Context) (bool, error) {
			left, err := s.left(ctx)
			return left > 0, err
		},
	}
	agent, err := subject.start(ctx) // the program brings the sensor that the yes is about
	if err != nil {
		return nil, err
	}
	defer agent.end()
	_, err = s.candor(ctx, "consent", "grant", "all", "--on-behalf", "bench")
	return subject, err
}

// ingest starts the agent with the sensor of the bench and waits until it takes readings.
func (s *site) ingest(ctx context.Context, listen string) (*process, error) {
	p, err := s.start(ctx, "ingest", "-config", s.config, "-listen", listen)
	if err != nil {
		return nil, err
	}
	for began := time.Now(); !strings.Contains(p.said(), "listening on"); {
		err := p.wait(ctx, look)
		if err == nil && time.Since(began) > grace {
			err = fmt.Errorf("it does not listen after %s; it says: %s", grace, lastLines(p.said()))
		}
		if err != nil {
			p.end()
			return nil, err
		}
	}
	return p, nil
}

// arrivals are the rows that our receiver has written.
type arrivals struct {
	name string
	read int64 // bytes so far
	seen int64 // rows in them
}

// rows counts the lines; 0 where there is no file yet.
func (a *arrivals) rows() int64 {
	f, err := os.Open(a.name)
	if err != nil {
		return a.seen
	}
	defer f.Close()
	if _, err := f.Seek(a.read, io.SeekStart); err != nil {
		return a.seen
	}
	text, _ := io.ReadAll(f) // what could not be read now is read next time
	a.read += int64(len(text))
	a.seen += int64(bytes.Count(text, []byte("\n")))
	return a.seen
}

// ourRow is what is compared of a row: its second and the values that leave as they are. Of the two readings that a room has in one
// second no two are the same.
type ourRow struct {
	at                                int64
	temperature, humidity, light, co2 float64
}

// count holds the rows against the first n readings of the workload.
func (a *arrivals) count(n int) (f fate, err error) {
	due := map[ourRow]int{}
	for w := newWorkload(); w.made < n; {
		r := w.next()
		due[ourRow{r.Time / 1e9, r.Temperature, r.Humidity, r.Light, r.CO2}]++
	}
	file, err := os.Open(a.name)
	if errors.Is(err, os.ErrNotExist) {
		return fate{lost: n}, nil
	}
	if err != nil {
		return f, err
	}
	defer file.Close()
	there := map[ourRow]int{}
	for scan := bufio.NewScanner(file); scan.Scan(); {
		row, wrong, err := readRow(scan.Bytes())
		if err != nil {
			return f, err
		}
		if wrong || due[row] == 0 {
			f.wrong++
			continue
		}
		there[row]++
	}
	for row, want := range due {
		f.lost += max(0, want-there[row])
		f.again += max(0, there[row]-want)
	}
	return f, nil
}

// readRow reads a line of the receiver, and whether there is something in it that the policy forbids.
func readRow(line []byte) (row ourRow, wrong bool, err error) {
	var in struct {
		Time   time.Time      `json:"time"`
		Values map[string]any `json:"values"`
	}
	if err := json.Unmarshal(line, &in); err != nil {
		return row, false, fmt.Errorf("a row can't be read: %w", err)
	}
	number := func(field string) float64 {
		v, ok := in.Values["room."+field].(float64)
		if !ok {
			return math.NaN()
		}
		return v
	}
	wrong = bytes.Contains(line, []byte("@home.example")) || bytes.Contains(line, []byte("rpi-1f3a9c"))
	return ourRow{in.Time.Unix(), number("temperature"), number("humidity"), number("light"), number("co2")}, wrong, nil
}
