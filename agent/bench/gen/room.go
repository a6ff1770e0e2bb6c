package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
)

// start is the time of the first reading, 2020-01-01T00:00:00Z, in milliseconds.
const start = 1_577_836_800_000

// walk is one quantity, in units of its resolution. It moves in some steps only, and then by a geometric amount.
type walk struct {
	value, low, high int64
	still            float64 // share of readings in which it does not move
	mean             float64 // mean amount of a move
}

// step moves the quantity by one reading. It turns back at its bounds.
func (w *walk) step(r *rand.Rand) {
	if r.Float64() < w.still {
		return
	}
	by := int64(1)
	for r.Float64() > 1/w.mean && by < 64 {
		by++
	}
	if r.IntN(2) == 0 {
		by = -by
	}
	if next := w.value + by; next < w.low || next > w.high {
		by = -by
	}
	w.value += by
}

// room is the state between two readings.
type room struct {
	at                                int64 // milliseconds since 1970
	temperature, humidity, light, co2 walk
	occupied                          bool
}

func newRoom() *room {
	return &room{
		at:          start,
		temperature: walk{2100, 1800, 2600, 0.62, 4.7},
		humidity:    walk{2700, 1600, 6500, 0.45, 6.8},
		light:       walk{430, 0, 1600, 0.76, 15},
		co2:         walk{700, 400, 2100, 0.12, 4.3},
	}
}

// step goes on to the next reading: a minute later, and now and then a second more or less.
func (m *room) step(r *rand.Rand) {
	m.at += 60_000
	switch u := r.Float64(); {
	case u < 0.2:
		m.at += 1000
	case u < 0.4:
		m.at -= 1000
	}
	for _, w := range []*walk{&m.temperature, &m.humidity, &m.light, &m.co2} {
		w.step(r)
	}
	if r.Float64() < 0.005 {
		m.occupied = !m.occupied
	}
}

// appendLine writes the reading as a line of CSV.
func (m *room) appendLine(b []byte) []byte {
	b = append(strconv.AppendInt(b, m.at, 10), ',')
	for _, w := range []*walk{&m.temperature, &m.humidity} {
		b = strconv.AppendInt(b, w.value/100, 10)
		b = append(b, '.', byte('0'+w.value/10%10), byte('0'+w.value%10), ',')
	}
	for _, w := range []*walk{&m.light, &m.co2} {
		b = append(strconv.AppendInt(b, w.value, 10), ',')
	}
	if m.occupied {
		return append(b, '1', '\n')
	}
	return append(b, '0', '\n')
}

// write writes a recording of n readings.
func write(to io.Writer, n int, seed uint64) error {
	if n < 1 {
		return fmt.Errorf("%d readings: at least one is needed", n)
	}
	out := bufio.NewWriterSize(to, 1<<16)
	_, _ = out.WriteString("t_ms,temperature,humidity,light,co2,occupancy\n") // Flush tells of a failure
	r, m := rand.New(rand.NewPCG(seed, 0)), newRoom()
	var line []byte
	for range n {
		line = m.appendLine(line[:0])
		if _, err := out.Write(line); err != nil {
			return err
		}
		m.step(r)
	}
	return out.Flush()
}
