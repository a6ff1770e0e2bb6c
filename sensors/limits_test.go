package sensors

import (
	"strings"
	"testing"
	"time"

	"github.com/candor-edge/candor/tinyconf"
)

func decimal(t *testing.T, text string) tinyconf.Decimal {
	t.Helper()
	d, err := tinyconf.ParseDecimal(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// What is written in the field's unit reaches the judge and the gate in the kind's scale.
func TestLimit(t *testing.T) {
	s := Supervised{Fields: fieldsOf(t, "temperature", "humidity"), Every: 10 * time.Second}
	err := s.Limit(Config{
		Change:      map[string]tinyconf.Decimal{"temperature": decimal(t, "0.2")},
		Jump:        map[string]tinyconf.Decimal{"humidity": decimal(t, "12.5")},
		AtLeast:     tinyconf.Duration(time.Hour),
		MinInterval: tinyconf.Duration(time.Minute),
		StuckAfter:  50,
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.Change["temperature"] != 200 || s.Jumps["humidity"] != 1250 || s.AtLeast != time.Hour || s.MinInterval != time.Minute || s.StuckAfter != 50 {
		t.Errorf("%+v", s)
	}
}

// What would be taken and ignored is refused, with the key and all faults at once.
func TestLimitRefuses(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   []string
	}{
		{Config{Change: map[string]tinyconf.Decimal{"temprature": decimal(t, "1"), "badge": decimal(t, "1"), "temperature": decimal(t, "0")}},
			[]string{"change: no field is called \"temprature\"; did you mean \"temperature\"?", "change: badge is a token", "change: temperature: 0 won't do"}},
		{Config{Jump: map[string]tinyconf.Decimal{"temperature": decimal(t, "0.0001")}}, []string{"jump: temperature: "}},
		{Config{AtLeast: tinyconf.Duration(time.Hour)}, []string{"at_least: without change"}},
		{Config{MinInterval: tinyconf.Duration(10 * time.Second)}, []string{"min_interval: readings are 10s apart already"}},
		{Config{StuckAfter: 1}, []string{"stuck_after: 1 won't do"}},
		{Config{StuckAfter: -2}, []string{"stuck_after: -2 won't do"}},
		{Config{Change: map[string]tinyconf.Decimal{"temperature": decimal(t, "1")}, AtLeast: tinyconf.Duration(30 * time.Second),
			MinInterval: tinyconf.Duration(time.Minute)}, []string{"at_least: 30s is less than min_interval"}},
	} {
		s := Supervised{Fields: fieldsOf(t, "temperature", "badge"), Every: 10 * time.Second}
		err := s.Limit(c.config)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v; want %s", c.config, err, want)
			}
		}
	}
}
