package main

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"math/rand"
	"os"
)

// rooms is how many rooms of a building the workload has, which speak in turn.
const rooms = 8

// room is one of them between two readings.
type room struct{ temperature, humidity, light, co2, latitude, longitude, occupancy float64 }

// spoken is one reading of the workload, rounded as a device would send it.
type spoken struct {
	Time        int64   `json:"t"`
	Temperature float64 `json:"temperature"`
	Humidity    float64 `json:"humidity"`
	Light       float64 `json:"light"`
	CO2         float64 `json:"co2"`
	Occupancy   bool    `json:"occupancy"`
	Latitude    float64 `json:"latitude"`
	Longitude   float64 `json:"longitude"`
	Device      string  `json:"device"`
	Email       string  `json:"email"`
}

// workload makes the readings that the peers were measured with: a seeded walk in eight rooms, ten readings a second.
type workload struct {
	random *rand.Rand
	rooms  [rooms]room
	made   int
}

func newWorkload() *workload {
	w := &workload{random: rand.New(rand.NewSource(7))}
	for i := range w.rooms {
		r, u := &w.rooms[i], w.random.Float64
		r.temperature, r.humidity, r.light, r.co2 = 20+4*u(), 40+15*u(), 200+300*u(), 450+300*u()
		r.latitude, r.longitude = 52.5+0.05*u(), 13.35+0.05*u()
	}
	return w
}

func (w *workload) next() spoken {
	i, k := w.made, w.made%rooms
	w.made++
	r, g := &w.rooms[k], w.random.NormFloat64
	r.temperature += 0.03 * g()
	r.humidity += 0.08 * g()
	r.light = max(0, r.light+3*g())
	r.co2 = max(400, r.co2+4*g())
	if w.random.Float64() < 0.01 {
		r.occupancy = 1 - r.occupancy
	}
	at := int64(1790000000000000000) + int64(i)*100000000 + int64(w.random.Intn(100))*1000000
	latitude, longitude := r.latitude+1e-5*g(), r.longitude+1e-5*g()
	round := func(v float64, places int) float64 { p := math.Pow10(places); return math.Round(v*p) / p }
	return spoken{at, round(r.temperature, 2), round(r.humidity, 2), round(r.light, 1), math.Trunc(r.co2), r.occupancy == 1,
		round(latitude, 6), round(longitude, 6), fmt.Sprintf("rpi-%08x-room%d", 0x1f3a9c00+k, k), fmt.Sprintf("person%d@home.example", k)}
}

// writeRecording writes the first n readings as a recording.
func writeRecording(name string, n int) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	out := bufio.NewWriter(f)
	_, _ = fmt.Fprintln(out, "t_ms,temperature,humidity,light,co2,occupancy,latitude,longitude,badge,email")
	for w := newWorkload(); w.made < n; {
		r, occupied := w.next(), 0
		if r.Occupancy {
			occupied = 1
		}
		_, _ = fmt.Fprintf(out, "%d,%.2f,%.2f,%.1f,%.0f,%d,%.6f,%.6f,%s,%s\n", r.Time/1_000_000, r.Temperature, r.Humidity, r.Light, r.CO2, occupied, r.Latitude, r.Longitude, r.Device, r.Email)
	}
	return out.Flush()
}
