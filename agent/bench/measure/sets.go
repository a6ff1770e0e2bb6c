package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/candor-edge/candor/uplink/wire"
)

// set is a recording as scaled integers. A wide set is one series with all columns; a long one has a series a channel.
type set struct {
	name   string
	device string
	tick   int64 // ticks a second
	fields []field
	rows   []record
	wide   bool
}

// field is one column, or one channel of a long set.
type field struct {
	name, unit string
	scale      int // a value is the number / 10^scale
}

// record is one reading: all fields of a wide set, one of a long one.
type record struct {
	at     int64 // ticks since 1970
	field  int   // of a long set
	values []int64
}

// value is what the peers, who know no scales, write.
func (f *field) value(n int64) float64 { return float64(n) / math.Pow10(f.scale) }

// recordings are the sets the format's document was measured on, and how they are scaled: to a sensor's resolution.
func recordings() []set {
	return []set{
		{name: "env", wide: true, tick: 1, fields: []field{{"temperature", "Cel", 2}, {"humidity", "%RH", 2}, {"light", "lx", 0}, {"co2", "ppm", 0}, {"occupancy", "", 0}}},
		{name: "imu", wide: true, tick: 1_000_000, fields: []field{{"gx", "deg/s", 2}, {"gy", "deg/s", 2}, {"gz", "deg/s", 2}, {"ax", "g", 4}, {"ay", "g", 4}, {"az", "g", 4},
			{"mx", "uT", 2}, {"my", "uT", 2}, {"mz", "uT", 2}}},
		{name: "gps", wide: true, tick: 1, fields: []field{{"lat", "lat", 9}, {"lon", "lon", 9}, {"ele", "m", 6}}},
		{name: "events", tick: 1, fields: []field{{"pir6", "", 0}, {"pir7", "", 0}, {"lamp1", "", 0}, {"lamp2", "", 0}, {"lamp3", "", 0}, {"lamp4", "", 0}, {"count", "", 0}}},
	}
}

// files says in which file of agent/bench/data a set is.
func (s *set) file() string {
	return map[string]string{"env": "occupancy-env", "imu": "imu-100hz", "gps": "gps-track", "events": "room-events"}[s.name] + ".csv.gz"
}

// load reads the set from dir.
func (s *set) load(dir string) error {
	f, err := os.Open(filepath.Join(dir, s.file()))
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s: %w", s.file(), err)
	}
	s.device = "rpi-1f3a9c00-" + s.name
	return s.read(z)
}

func (s *set) read(from io.Reader) error {
	in := bufio.NewScanner(from)
	unit := int64(1000) // t_ms
	for n := 1; in.Scan(); n++ {
		cells := strings.Split(in.Text(), ",")
		if n == 1 {
			if cells[0] == "t_us" {
				unit = 1_000_000
			}
			continue
		}
		at, err := strconv.ParseInt(cells[0], 10, 64)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", s.file(), n, err)
		}
		r := record{at: at / (unit / s.tick)}
		if err := s.fill(&r, cells[1:]); err != nil {
			return fmt.Errorf("%s:%d: %w", s.file(), n, err)
		}
		s.rows = append(s.rows, r)
	}
	return in.Err()
}

func (s *set) fill(r *record, cells []string) error {
	if !s.wide {
		for i := range s.fields {
			if s.fields[i].name == cells[0] {
				r.field, cells = i, cells[1:]
				break
			}
		}
	}
	for i, c := range cells {
		v, err := strconv.ParseFloat(c, 64)
		if err != nil {
			return err
		}
		scale := s.fields[i].scale
		if !s.wide {
			scale = s.fields[r.field].scale
		}
		r.values = append(r.values, int64(math.Round(v*math.Pow10(scale))))
	}
	return nil
}

// batch is n readings from one on, as our format has them: a group for a wide set, a group a channel for a long one.
func (s *set) batch(from, n int) *wire.Batch {
	b := &wire.Batch{Seq: uint64(from/n) + 1, DeleteBy: 20_000}
	for f := range s.fields {
		if s.wide && f > 0 {
			break
		}
		g := wire.Rows{Group: f}
		columns := 1
		if s.wide {
			columns = len(s.fields)
		}
		g.Columns = make([]wire.Column, columns)
		for _, r := range s.rows[from : from+n] {
			if !s.wide && r.field != f {
				continue
			}
			g.Time = append(g.Time, r.at)
			for i, v := range r.values {
				g.Columns[i].Nums = append(g.Columns[i].Nums, v)
			}
		}
		if len(g.Time) > 0 {
			b.Groups = append(b.Groups, g)
		}
	}
	return b
}
