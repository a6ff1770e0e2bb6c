package bus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/bus"
	"github.com/candor-edge/candor/sensors/bus/bustest"
)

const good = `# a comment
0x76 d0 60 ok

0x76 f42e - ok
0x0b - 0102ff ok
0x76 f7 ?8 no-answer
0x76 e0b6 - arbitration-lost
0x23 - 8390 ok +180ms
`

func TestReadTranscript(t *testing.T) {
	ops, err := bus.ReadTranscript(strings.NewReader(good))
	if err != nil || len(ops) != 6 {
		t.Fatalf("%d ops, %v", len(ops), err)
	}
	if o := ops[0]; o.Address != 0x76 || !bytes.Equal(o.Write, []byte{0xd0}) || !bytes.Equal(o.Read, []byte{0x60}) || o.Asked != 1 || o.Err("i2c-1") != nil {
		t.Errorf("the first is %+v", o)
	}
	if o := ops[3]; !o.Failed || o.Kind != sensors.NoAnswer || o.Asked != 8 || len(o.Read) != 0 {
		t.Errorf("the fourth is %+v", o)
	}
	if ops[0].Pause != 0 || ops[5].Pause != 180*time.Millisecond {
		t.Errorf("the pauses are %v and %v", ops[0].Pause, ops[5].Pause)
	}
	var errno syscall.Errno
	if err := ops[3].Err("i2c-1"); !errors.Is(err, sensors.NoAnswer) || !errors.As(err, &errno) ||
		!strings.Contains(err.Error(), "i2c-1 0x76: write 1, read 8: no answer") {
		t.Errorf("the fourth's error is %v", err)
	}
}

func TestReadTranscriptErrors(t *testing.T) {
	for line, want := range map[string]string{
		"0x76 d0 60 ok 10ms": `"0x76 d0 60 ok +10ms"`, "0x76 d0 60 ok +0.5ms": `"0x76 d0 60 ok"`, "0x76 d0 60 ok +1s": `+1000ms"`,
		"0x76 d0 60 ok +-4ms": `"0x76 d0 60 ok"`, "0x76 d0 60 ok +9999h": "want address", "0x76 d0 60 ok + ok": "want address",
		"0x76 d0 60": "want address", "0x76 d0 60 ok ok": "want address", "0x76  d0 60 ok": "want address",
		"0x80 d0 60 ok": "address", "hall d0 60 ok": "address", "0x01 d0 60 ok": "0x03 to 0x77",
		"0x76 d 60 ok": "bytes written", "0x76 d0 6 ok": "bytes read", "0x76 d0 ?1 ok": "bytes read",
		"0x76 - - ok": "no bytes", "0x76 - - timeout": "no bytes", "0x76 d0 60 timeout": "a transfer that failed has none",
		"0x76 d0 ?0 timeout": "bytes read", "0x76 d0 ?9000 timeout": "bytes read", "0x76 d0 ?x timeout": "bytes read",
		"0x76 d0 ?1 tired": "no-answer", "118 d0 60 ok": `"0x76 d0 60 ok"`, "0x76 D0 60 ok": `"0x76 d0 60 ok"`,
		"0x76 d0 ?01 timeout": `"0x76 d0 ?1 timeout"`,
	} {
		_, err := bus.ReadTranscript(strings.NewReader("# one\n" + line))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q: %v; want %q", line, err, want)
		}
	}
	if _, err := bus.ReadTranscript(strings.NewReader(strings.Repeat("a", 1<<20))); err == nil {
		t.Error("a line of a megabyte is read")
	}
}

func FuzzReadTranscript(f *testing.F) {
	f.Add(good)
	f.Add("0x76 - ?1 other-fault\n")
	f.Add("0x76 00 - ok\r\n")
	f.Fuzz(func(t *testing.T, in string) {
		ops, err := bus.ReadTranscript(strings.NewReader(in))
		if err != nil {
			return
		}
		var again strings.Builder
		for _, op := range ops {
			again.WriteString(op.String() + "\n")
		}
		var plain strings.Builder
		for line := range strings.Lines(in) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				plain.WriteString(line + "\n")
			}
		}
		if again.String() != plain.String() {
			t.Errorf("%q is written again as %q", plain.String(), again.String())
		}
	})
}

// TestRecordAndReplay: what is recorded of any conversation plays back the same conversation.
func TestRecordAndReplay(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		wire := bustest.NewWire()
		wire.Attach(0x20, bustest.NewRegisters(1))
		wire.Attach(0x21, bustest.NewRegisters(2))
		b := bus.New(bus.Options{Name: "i2c-1", Open: wire.Open, QuarantineAfter: -1})
		defer func() { _ = b.Close() }()
		var out bytes.Buffer
		recorder := bus.NewRecorder(b, "i2c-1", &out)
		type answer struct {
			op   string
			got  []byte
			kind error
		}
		talk := func(on bus.Transfer, ops []bus.Op) []answer {
			var answers []answer
			for _, op := range ops {
				got := make([]byte, op.Asked)
				err := on.TxContext(context.Background(), op.Address, op.Write, got)
				a := answer{op: fmt.Sprintf("%02x %x", op.Address, op.Write), got: got}
				if err != nil {
					a.kind = sensors.FaultOf(err)
				}
				answers = append(answers, a)
			}
			return answers
		}
		ops := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) bus.Op {
			return bus.Op{
				Address: rapid.Uint16Range(0x1f, 0x22).Draw(r, "address"),
				Write:   rapid.SliceOfN(rapid.Byte(), 1, 4).Draw(r, "write"),
				Asked:   rapid.IntRange(0, 4).Draw(r, "read"),
			}
		}), 0, 30).Draw(r, "ops")
		first := talk(recorder, ops)
		if recorder.Err() != nil || recorder.String() != "i2c-1" {
			r.Fatal(recorder.Err())
		}
		player := bustest.Replay(t, "again", bytes.NewReader(out.Bytes()))
		second := talk(player, ops)
		if fmt.Sprint(first) != fmt.Sprint(second) || player.Rest() != 0 {
			r.Fatalf("recorded %v\nplayed %v", first, second)
		}
	})
}

// strict collects what a test would have failed with.
type strict struct {
	failed   []string
	cleanups []func()
}

func (s *strict) Helper()          {}
func (s *strict) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }
func (s *strict) Errorf(format string, args ...any) {
	s.failed = append(s.failed, fmt.Sprintf(format, args...))
}
func (s *strict) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (s *strict) end() string {
	for _, f := range s.cleanups {
		f()
	}
	return strings.Join(s.failed, "\n")
}

func TestReplayIsStrict(t *testing.T) {
	const recording = "0x76 d0 60 ok\n0x76 f7 0102 ok\n"
	for name, c := range map[string]struct {
		talk func(p *bus.Player)
		want string
	}{
		"as recorded": {func(p *bus.Player) {
			_ = p.Tx(0x76, []byte{0xd0}, make([]byte, 1))
			_ = p.Tx(0x76, []byte{0xf7}, make([]byte, 2))
		}, ""},
		"too short":       {func(p *bus.Player) { _ = p.Tx(0x76, []byte{0xd0}, make([]byte, 1)) }, "1 transfers of the transcript were not used"},
		"other address":   {func(p *bus.Player) { _ = p.Tx(0x77, []byte{0xd0}, make([]byte, 1)) }, "transfer 1 was 0x76 d0 60 ok"},
		"other bytes":     {func(p *bus.Player) { _ = p.Tx(0x76, []byte{0xd1}, make([]byte, 1)) }, "transfer 1 was"},
		"other length":    {func(p *bus.Player) { _ = p.Tx(0x76, []byte{0xd0}, make([]byte, 2)) }, "transfer 1 was"},
		"write, not read": {func(p *bus.Player) { _ = p.Tx(0x76, []byte{0xd0}, nil) }, "transfer 1 was"},
		"one too many": {func(p *bus.Player) {
			_ = p.Tx(0x76, []byte{0xd0}, make([]byte, 1))
			_ = p.Tx(0x76, []byte{0xf7}, make([]byte, 2))
			for range 2 {
				if p.Tx(0x76, []byte{0xd0}, make([]byte, 1)) == nil {
					t.Error("more than was recorded, and no error")
				}
			}
		}, "after the end"},
	} {
		tb := &strict{}
		c.talk(bustest.Replay(tb, "recording", strings.NewReader(recording)))
		got := tb.end()
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: the test fails with %q, want %q", name, got, c.want)
		}
	}
}

type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, syscall.ENOSPC
	}
	return len(p), nil
}

// A recording says how long nothing passed, and a replay on a clock wants the driver to wait as long.
func TestPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := bench(t, bus.Options{})
		var out bytes.Buffer
		r := bus.NewRecorder(b, "i2c-1", &out)
		talk := func(on bus.Transfer, wait time.Duration) error {
			_, first := read(on, 0x20, time.Second)
			time.Sleep(wait)
			_, second := read(on, 0x20, time.Second)
			return errors.Join(first, second)
		}
		if err := talk(r, 180*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(out.String(), " ok +180ms\n") || strings.Count(out.String(), "+") != 1 {
			t.Fatalf("the recording is\n%s", out.String())
		}
		ops, err := bus.ReadTranscript(bytes.NewReader(out.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			wait time.Duration
			less int
			well bool
		}{{180 * time.Millisecond, 0, true}, {179 * time.Millisecond, 0, false}, {time.Second, 0, true}, {135 * time.Millisecond, 25, true},
			{134 * time.Millisecond, 25, false}} {
			p := bus.NewPlayer("i2c-1", ops).Timed(time.Now, c.less)
			err := talk(p, c.wait)
			if (err == nil) != c.well || (p.Check() == nil) != c.well || !c.well && !strings.Contains(err.Error(), "at least") {
				t.Errorf("a wait of %v with %d %% to spare: %v", c.wait, c.less, err)
			}
		}
		if err := talk(bus.NewPlayer("i2c-1", ops), 0); err != nil {
			t.Errorf("without a clock: %v", err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestRecorderOnFullDisk(t *testing.T) {
	b, _ := bench(t, bus.Options{})
	r := bus.NewRecorder(b, "i2c-7", &full{room: 120})
	for range 20 {
		if _, err := read(r, 0x20, time.Second); err != nil {
			t.Fatalf("the bus is said to fail: %v", err)
		}
	}
	if !errors.Is(r.Err(), syscall.ENOSPC) {
		t.Errorf("the recorder says %v", r.Err())
	}
	if err := r.Tx(0x20, nil, nil); !errors.Is(err, bus.ErrEmpty) {
		t.Errorf("a transfer of no bytes: %v", err)
	}
}
