package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// most is how long a request may be.
const most = 4 << 20

// source takes readings over HTTP.
type source struct {
	name   string
	fields []sensors.Field
	listen net.Listener

	mu     sync.Mutex // one reading at a time, in the order they came
	values []sensors.Value
}

// quantities are the fields in their order, with the kind of each.
func quantities() [][2]string {
	return [][2]string{{"temperature", "temperature"}, {"humidity", "humidity"}, {"light", "illuminance"}, {"co2", "co2"}, {"occupancy", "occupancy"},
		{"latitude", "latitude"}, {"longitude", "longitude"}, {"device", "identity"}, {"email", "email"}}
}

func open(name, address string) (*source, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("sensor %s: %w", name, err)
	}
	s := &source{name: name, listen: l}
	for _, q := range quantities() {
		kind, ok := sensors.KindNamed(q[1])
		if !ok {
			return nil, errors.Join(fmt.Errorf("sensor %s: there is no kind %s", name, q[1]), l.Close())
		}
		s.fields = append(s.fields, sensors.NewField(name, q[0], kind))
	}
	fmt.Fprintln(os.Stderr, "ingest: listening on", l.Addr())
	return s, nil
}

// Name implements sensors.Source.
func (s *source) Name() string { return s.name }

// Fields implements sensors.Source.
func (s *source) Fields() []sensors.Field { return s.fields }

// Run implements sensors.Source.
func (s *source) Run(ctx context.Context, emit func(sensors.Reading) error) error {
	server := http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.take(r, emit); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(s.listen) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		err := server.Close()
		<-ended
		return err
	}
}

// incoming is a reading as it is sent.
type incoming struct {
	Time        int64   `json:"t"` // nanoseconds since 1970
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

func (s *source) take(r *http.Request, emit func(sensors.Reading) error) error {
	var all []incoming
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, most)).Decode(&all); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range all {
		in := &all[i]
		occupied := int64(0)
		if in.Occupancy {
			occupied = 1
		}
		s.values = s.values[:0]
		for j, v := range []float64{in.Temperature, in.Humidity, in.Light, in.CO2, float64(occupied), in.Latitude, in.Longitude} {
			s.values = append(s.values, s.fields[j].Kind.Check(sensors.Number(int64(math.Round(v*math.Pow10(s.fields[j].Kind.Scale))))))
		}
		s.values = append(s.values, sensors.Token(in.Device), sensors.Token(in.Email))
		if err := emit(sensors.Reading{Source: s.name, Time: sensors.Micros(in.Time / 1000), Values: s.values}); err != nil {
			return err
		}
	}
	return nil
}
