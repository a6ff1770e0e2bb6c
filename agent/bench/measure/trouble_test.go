package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ourLine is a reading as our receiver writes it.
func ourLine(r spoken) string {
	return fmt.Sprintf(`{"stream":"00","seq":1,"row":0,"time":%q,"values":{"room.temperature":%.2f,"room.humidity":%.2f,"room.light":%.1f,"room.co2":%.0f,"room.device":"ab"}}`+"\n",
		time.Unix(r.Time/1e9, 0).UTC().Format(time.RFC3339), r.Temperature, r.Humidity, r.Light, r.CO2)
}

// What our receiver has written is held against the workload: what lacks, what came again, what nobody posted and what the policy forbids.
func TestArrivals(t *testing.T) {
	const n = 40
	lines := make([]string, n)
	for i, w := 0, newWorkload(); i < n; i++ {
		lines[i] = ourLine(w.next())
	}
	a := arrivals{name: filepath.Join(t.TempDir(), "all.jsonl")}
	if f, err := a.count(n); err != nil || f != (fate{lost: n}) || a.rows() != 0 {
		t.Errorf("without a file: %v, %v, %d rows", f, err, a.rows())
	}
	for _, c := range []struct {
		name string
		text []string
		want fate
	}{
		{"all", lines, fate{}},
		{"two are missing", lines[1 : n-1], fate{lost: 2}},
		{"one came again", append(lines[:n:n], lines[3]), fate{again: 1}},
		{"another value", append(lines[:n-1:n-1], strings.Replace(lines[n-1], `"room.co2":`, `"room.co2":9`, 1)), fate{lost: 1, wrong: 1}},
		{"an address", append(lines[:n-1:n-1], strings.Replace(lines[n-1], `"ab"`, `"person1@home.example"`, 1)), fate{lost: 1, wrong: 1}},
		{"a value lacks", append(lines[:n-1:n-1], strings.Replace(lines[n-1], "room.light", "room.dark", 1)), fate{lost: 1, wrong: 1}},
	} {
		if err := os.WriteFile(a.name, []byte(strings.Join(c.text, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		if f, err := a.count(n); err != nil || f != c.want {
			t.Errorf("%s: %v, %v, want %v", c.name, f, err, c.want)
		}
		fresh := arrivals{name: a.name}
		if got := fresh.rows(); got != int64(len(c.text)) || fresh.rows() != got {
			t.Errorf("%s: %d rows, then %d, want %d", c.name, got, fresh.rows(), len(c.text))
		}
	}
}

// A harm is done to the largest file, where it has something, and to no other.
func TestSpoil(t *testing.T) {
	for _, h := range harms() {
		dir := t.TempDir()
		if err := spoil(dir, h.do); err == nil {
			t.Errorf("%s: nothing waits, and it is done", h.name)
		}
		large := append(bytes.Repeat([]byte{7}, 5000), make([]byte, 5000)...)
		for name, content := range map[string][]byte{"small": bytes.Repeat([]byte{1}, 400), "large": large} {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := spoil(dir, h.do); err != nil {
			t.Fatal(err)
		}
		small, _ := os.ReadFile(filepath.Join(dir, "small"))
		after, err := os.ReadFile(filepath.Join(dir, "large"))
		if err != nil || !bytes.Equal(small, bytes.Repeat([]byte{1}, 400)) || sizeOf(dir) != int64(400+len(after)) {
			t.Fatalf("%s: %v, the other file is %d bytes", h.name, err, len(small))
		}
		changed := 0
		for i := range after {
			if after[i] != large[i] {
				changed++
			}
		}
		switch short := len(large) - len(after); h.name {
		case harms()[2].name:
			if short != len(large)/2 || changed != 0 {
				t.Errorf("%s: %d bytes shorter, %d changed", h.name, short, changed)
			}
		case harms()[1].name: // a byte may be hit again
			if short != 0 || changed < 200 || changed > 256 || !bytes.Equal(after[5000:], large[5000:]) {
				t.Errorf("%s: %d changed", h.name, changed)
			}
		default:
			if short != 0 || changed != 1 {
				t.Errorf("%s: %d changed", h.name, changed)
			}
		}
	}
}

// sleeper is a process that does nothing.
func sleeper(t *testing.T) *process {
	t.Helper()
	p, err := begin(t.Context(), t.TempDir(), "/bin/sleep", "600")
	if err != nil {
		t.Skip("no sleep is there to stand for an agent:", err)
	}
	t.Cleanup(p.kill)
	return p
}

// Settling ends when all has arrived, and an agent that ends meanwhile is told.
func TestSettle(t *testing.T) {
	p, asked := sleeper(t), int64(0)
	s := &subject{rows: func() int64 {
		if asked++; asked < 3 {
			return 0
		}
		return min(troubled, asked*troubled/10)
	}}
	rate, err := s.settle(t.Context(), p)
	if most := troubled * 0.6 / (6 * look.Seconds()); err != nil || rate <= 0 || rate > most || asked < 10 {
		t.Errorf("it settles at %.0f a second, at most %.0f, %v, asked %d times", rate, most, err, asked)
	}
	p.kill()
	s.rows = func() int64 { return 0 }
	if _, err := s.settle(t.Context(), p); err == nil {
		t.Error("an agent that has ended settles")
	}
	if f, err := fateOf(t.Context(), s, os.ErrClosed); err != nil || !f.unstarted {
		t.Errorf("one that did not start: %v, %v", f, err)
	}
	over, stop := context.WithCancel(t.Context())
	stop()
	if _, err := fateOf(over, s, os.ErrClosed); err == nil {
		t.Error("a run that was ended tells of an agent that does not start")
	}
}

// A sink can be taken down and come up again where it was.
func TestSinkUpAndDown(t *testing.T) {
	s := newSink(readLogs, 1, freeAddress())
	reached := func() bool {
		r, err := http.Post("http://"+s.address, "", bytes.NewReader(exported(coarse(newWorkload().next()))))
		if err == nil {
			_ = r.Body.Close()
		}
		return err == nil
	}
	if s.close(); reached() {
		t.Fatal("one that was never opened answers")
	}
	for range 2 {
		if err := s.open(); err != nil {
			t.Fatal(err)
		}
		if !reached() {
			t.Error("it is up and does not answer")
		}
		if s.close(); reached() {
			t.Error("it is down and answers")
		}
	}
	if s.first.Load() != 1 || s.again.Load() != 1 || s.failed() != nil {
		t.Errorf("%d came, %d again, %v", s.first.Load(), s.again.Load(), s.failed())
	}
}
