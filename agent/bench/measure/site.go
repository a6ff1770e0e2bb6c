package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/candor-edge/candor/agent/control"
)

// granted are the purposes of the policy, both of which are granted.
var granted = [...]string{"all", "trends"}

// configText has a short flush, so that a run need not wait a minute for the rest of a recording. What is measured is
// committed whenever 8,192 rows wait, long before that.
const configText = `[device]
state = "state"
language = "en"

[buffer]
flush = "2s"
max_size = %q

[[sensor]]
%s

[policy]
file = "policy.toml"

[[route]]
recipient = "acme"
url = "http://%s"
`

const policyText = `version = 1

[controller]
name = "Acme"
country = "FR"

[[recipient]]
id = "acme"
name = "Acme"
country = "FR"
role = "controller"

[[purpose]]
id = "all"
title = { fr = "Les cinq champs", en = "All five fields" }
access = "consent"
basis = "consent"
recipient = "acme"
retention = "30d"
time = "1s"
rule = [
  { field = "room.temperature", action = "keep" },
  { field = "room.humidity", action = "keep" },
  { field = "room.light", action = "keep" },
  { field = "room.co2", action = "keep" },
  { field = "room.occupancy", action = "keep" },
]

[[purpose]]
id = "trends"
title = { fr = "Tendances", en = "Trends" }
access = "consent"
basis = "consent"
recipient = "acme"
retention = "30d"
time = "1h"
rule = [ { field = "room.temperature", action = "mean", window = "1h", round = 0.5 } ]
`

// site is an object of its own: configuration, policy, state and the address of its receiver.
type site struct {
	bin, dir, config, address string
}

// site makes one in a directory of its own. It has one sensor, called room.
func (b *bench) site(name, sensor string) (*site, error) {
	s := &site{bin: b.bin, dir: filepath.Join(b.dir, name)}
	s.config = filepath.Join(s.dir, "candor.toml")
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.address = l.Addr().String() // free now, and for the receiver later
	if err := l.Close(); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(s.dir, "policy.toml"), []byte(policyText), 0o600); err != nil {
		return nil, err
	}
	return s, s.configure(sensor, bufferUsual)
}

// bufferUsual is the size of the buffer where it is not what is measured.
const bufferUsual = "256MiB"

// configure writes the site's configuration, with another sensor or another size of the buffer than before.
func (s *site) configure(sensor, buffer string) error {
	return os.WriteFile(s.config, fmt.Appendf(nil, configText, buffer, sensor, s.address), 0o600)
}

// replaying is the recording as fast as it goes.
func (b *bench) replaying() string { return replayOf(b.recording) }

func replayOf(file string) string {
	return fmt.Sprintf("name = \"room\"\ndriver = \"replay\"\nfile = %q\npace = \"max\"", file)
}

// living is a simulated room with the same five fields, every ten seconds.
const living = "name = \"room\"\ndriver = \"simulated\"\nroom = \"livingroom\"\nevery = \"10s\""

// grant says yes to all purposes of the policy.
func (s *site) grant(ctx context.Context) error {
	for _, purpose := range granted {
		if _, err := s.candor(ctx, "consent", "grant", purpose, "--on-behalf", "bench"); err != nil {
			return err
		}
	}
	return nil
}

// start starts one of the programs in the site's directory.
func (s *site) start(ctx context.Context, program string, args ...string) (*process, error) {
	return begin(ctx, s.dir, filepath.Join(s.bin, program), args...)
}

// candor runs one verb to its end.
func (s *site) candor(ctx context.Context, args ...string) (usage, error) {
	p, err := s.start(ctx, "candor", append(args, "--config", s.config)...)
	if err != nil {
		return usage{}, err
	}
	return p.ended()
}

// receive starts the receiver and waits until it listens.
func (s *site) receive(ctx context.Context) (*process, error) {
	p, err := s.start(ctx, "candor-receiver", "-listen", s.address, "-dir", filepath.Join(s.dir, "received"))
	if err != nil {
		return nil, err
	}
	for !strings.Contains(p.said(), "listening on") {
		if err := p.wait(ctx, look); err != nil {
			p.end()
			return nil, err
		}
	}
	return p, nil
}

// ask runs a verb that prints JSON and reads it.
func (s *site) ask(ctx context.Context, into any, args ...string) error {
	return s.asked(ctx, into, append(args, "--config", s.config)...)
}

// asked is ask of a verb that needs no object.
func (s *site) asked(ctx context.Context, into any, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "candor"), append(args, "--json")...)
	text, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("candor %s: %w", args[0], err)
	}
	return json.Unmarshal(text, into)
}

// sent is what was acknowledged, summed up.
type sent struct {
	rows                   map[string]int // by purpose
	batches, wire, columns int
}

func (s *site) sent(ctx context.Context) (sent, error) {
	var list []control.Sent
	if err := s.ask(ctx, &list, "sent"); err != nil {
		return sent{}, err
	}
	out := sent{rows: map[string]int{}}
	for _, batch := range list {
		out.rows[batch.Purpose] += batch.Rows
		out.batches++
		out.wire += batch.WireBytes
		out.columns += batch.ColumnBytes
	}
	return out, nil
}

// sensed waits until the daemon has read all of its recording and nothing waits in memory. It asks seldom: each answer
// is work of the daemon too.
func (s *site) sensed(ctx context.Context, daemon *process) (control.Status, error) {
	for {
		var status control.Status
		if err := daemon.wait(ctx, 500*time.Millisecond); err != nil {
			return status, err
		}
		if err := s.ask(ctx, &status, "status"); err != nil {
			return status, err
		}
		if status.Sensors[0].State == "ended" && status.Buffer.Waiting == 0 {
			return status, nil
		}
	}
}

// Where bbolt keeps the number of pages in use: in two pages of 4096 bytes in turn, each with a header of 16 bytes, four
// numbers of four and three of eight before it.
const (
	metaPage   = 4096
	metaUsed   = 16 + 4*4 + 3*8
	pagesOfNew = 6 // of a file without readings, at the most

	readings = 4 // pages that the first commit of readings adds at the least, and one without readings does not
)

// firstStored is the time from the start of the daemon to its first commit of readings.
func (s *site) firstStored(ctx context.Context) (time.Duration, error) {
	name, err := s.newest() // the grants have made one
	if err != nil {
		return 0, err
	}
	before, err := pagesUsed(name)
	if err != nil {
		return 0, err
	}
	daemon, err := s.start(ctx, "candor", "run", "--config", s.config)
	if err != nil {
		return 0, err
	}
	defer daemon.end()
	for {
		if now, err := s.newest(); err != nil {
			return 0, err
		} else if now != name {
			name, before = now, pagesOfNew
		}
		if n, err := pagesUsed(name); err != nil || n >= before+readings {
			return time.Since(daemon.began), err
		}
		if err := daemon.wait(ctx, time.Millisecond); err != nil {
			return 0, err
		}
	}
}

// newest is the file of the buffer that was begun last.
func (s *site) newest() (string, error) {
	found, err := filepath.Glob(filepath.Join(s.dir, "state", "buffer", "*.db"))
	if err == nil && len(found) == 0 {
		err = errors.New("the buffer has no file")
	}
	if err != nil {
		return "", err
	}
	return slices.Max(found), nil
}

// pagesUsed is how many pages of a file of the buffer have ever been in use.
func pagesUsed(name string) (uint64, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	most := uint64(0)
	for page := range int64(2) {
		var b [8]byte
		if _, err := f.ReadAt(b[:], page*metaPage+metaUsed); err != nil {
			return 0, err
		}
		most = max(most, binary.LittleEndian.Uint64(b[:]))
	}
	return most, nil
}

// median is the middle one, the lower of two.
func median(list []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[(len(sorted)-1)/2]
}

// copyLines copies the first lines of a file.
func copyLines(from, to string, lines int) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	w := bufio.NewWriter(out)
	for scan := bufio.NewScanner(in); lines > 0 && scan.Scan(); lines-- {
		if _, err := fmt.Fprintln(w, scan.Text()); err != nil {
			return err
		}
	}
	return w.Flush()
}
