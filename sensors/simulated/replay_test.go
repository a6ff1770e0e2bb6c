package simulated

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/candor-edge/candor/sensors"
)

// files is an Env with these files, in the folder /etc/candor, and no clock.
func files(named map[string]string) sensors.Env {
	return sensors.Env{Dir: "/etc/candor", Open: func(name string) (io.ReadCloser, error) {
		text, ok := named[strings.TrimPrefix(name, "/etc/candor/")]
		if !ok {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		return io.NopCloser(strings.NewReader(text)), nil
	}}
}

// tape opens text as a recording that is played without waiting.
func tape(text string, change ...func(*sensors.Config)) (sensors.Source, error) {
	c := sensors.Config{Name: "room", Driver: "replay", File: "room.csv", Pace: "max"}
	for _, f := range change {
		f(&c)
	}
	return openReplay(c, files(map[string]string{"room.csv": text}))
}

// columns declares kinds, given as column and kind in turns.
func columns(pairs ...string) func(*sensors.Config) {
	return func(c *sensors.Config) { c.Columns = pairMap(pairs) }
}

func pairMap(pairs []string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// told runs the source and writes each reading as "time@position quantity=value ...".
func told(t testing.TB, source sensors.Source) []string {
	t.Helper()
	var all []string
	if err := source.Run(context.Background(), func(r sensors.Reading) error {
		all = append(all, tell(source, r))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func tell(source sensors.Source, r sensors.Reading) string {
	text := fmt.Sprintf("%d@%d", int64(r.Time), r.Position)
	for i, f := range source.Fields() {
		v := r.Values[i]
		switch v.Quality {
		case sensors.Absent:
			continue
		case sensors.OK:
			text += fmt.Sprintf(" %s=%d%s", f.Quantity(), v.Num, v.Token)
		default:
			text += fmt.Sprintf(" %s=%v", f.Quantity(), v.Quality)
		}
	}
	return text
}

// faultsOf writes each fault as "what, where: count".
func faultsOf(source sensors.Source) []string {
	var all []string
	for _, f := range source.(sensors.Counting).Faults() {
		all = append(all, fmt.Sprintf("%s, %s: %d", f.What, f.Where, f.Count))
	}
	return all
}

func TestReplay(t *testing.T) {
	for _, c := range []struct {
		name   string
		text   string
		change func(*sensors.Config)
		want   []string
		faults []string
	}{
		{name: "wide", text: "t_ms,temperature,humidity,light,co2,occupancy\n1000,23.7,26.272,585.2,749.2,1\n",
			want: []string{"1000000@1 temperature=23700 humidity=2627 light=585200 co2=74920 occupancy=1"}},
		{name: "nothing but a header", text: "t_ms,temp"},
		{name: "microseconds, fractions, an exponent", text: "t_us,temp\n1.9,1\n-0.5,2\n1e3,3",
			want: []string{"1@1 temp=1000", "-1@2 temp=2000", "1000@3 temp=3000"}},
		{name: "milliseconds with fractions", text: "t_ms,temp\n0.0019,1\n1422886740000.25,1",
			want: []string{"1@1 temp=1000", "1422886740000250@2 temp=1000"}},
		{name: "times go back", text: "t_ms,temp\n5,1\n4,2", want: []string{"5000@1 temp=1000", "4000@2 temp=2000"}},
		{name: "empty is absent", text: "t_ms,temp,rh\n1,,50\n2, ,\n3,\"\",1",
			want: []string{"1000@1 rh=5000", "2000@2", "3000@3 rh=100"}},
		{name: "header with blanks, case and a mark", text: "\xef\xbb\xbf\r\n T_ms , light level ,\"Temp\"\r\n1,5,6\r\n",
			change: columns("light level", "illuminance"), want: []string{"1000@1 light_level=5000 Temp=6000"}},
		{name: "bad cells", text: "t_ms,temp,door,badge\n1,x,1,a\n2,NaN,maybe,b\n3,1,true," + strings.Repeat("y", 65) +
			"\n4,99999999999999999999,0.0,\"a\x01b\"\n5,2,2,\xff\n",
			want: []string{"1000@1 temp=fault door=1 badge=0a", "2000@2 temp=fault door=fault badge=0b",
				"3000@3 temp=1000 door=1 badge=fault", "4000@4 temp=fault door=0 badge=fault",
				"5000@5 temp=2000 door=fault badge=fault"},
			faults: []string{"bad cell, room.csv:5, column temp: 3", "bad cell, room.csv:6, column door: 2",
				"bad cell, room.csv:6, column badge: 3"}},
		{name: "out of range", text: "t_ms,temp,rh\n1,-80.001,100.01\n2,-80,100",
			want: []string{"1000@1 temp=out-of-range rh=out-of-range", "2000@2 temp=-80000 rh=10000"}},
		{name: "bad lines", text: "t_ms,temp\n1\n1,2,3\nlater,2\n\n1e99,2\n1,\"2\n" + strings.Repeat("z", maxLine+1) + "\n6,2",
			want: []string{"6000@7 temp=2000"},
			faults: []string{"bad line, room.csv:7: 3", "bad time, room.csv:6: 2",
				"line too long, room.csv:8: 1"}},
		{name: "times no calendar has", text: "t_us,temp\n253402300799999999,1\n253402300800000000,1\n-62167219200000000,1\n-62167219200000001,1",
			want:   []string{"253402300799999999@1 temp=1000", "-62167219200000000@3 temp=1000"},
			faults: []string{"bad time, room.csv:5: 2"}},
		{name: "unknown columns", text: "t_us,gx,temp,,höhe\n1,2,3,4,5", want: []string{"1@1 temp=3000"},
			faults: []string{"unknown column, room.csv:1, column gx: 1",
				"unusable column name, room.csv:1, column number 4: 1",
				"unusable column name, room.csv:1, column number 5: 1"}},
		{name: "declared", text: "t_us,gx,temp\n1,-0.1,3", change: columns("gx", "number", "temp", "label"),
			want: []string{"1@1 gx=-100000 temp=03"}},
		{name: "long", text: "t_ms,channel,value\n1,temp,2\n1,pir,1\n2,pir,0\n2,pir,1\n3,temp,\n4,temp,x",
			want:   []string{"1000@2 temp=2000 pir=1", "2000@3 pir=0", "2000@4 pir=1", "3000@5", "4000@6 temp=fault"},
			faults: []string{"bad cell, room.csv:7, column temp: 1"}},
		{name: "long with rubbish", text: "t_ms,channel,value\n1,temp,2\n1,gx,5\n1,,5\n1,a b,5\n?,pir,1\n1,temp\n1,pir,1\n9,gx,1",
			want: []string{"1000@7 temp=2000 pir=1"},
			faults: []string{"unknown column, room.csv:1, column gx: 1", "bad line, room.csv:7: 3",
				"bad time, room.csv:6: 1"}},
		{name: "gzip by content", text: zipped("t_ms,temp\n1,2\n"), want: []string{"1000@1 temp=2000"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.change == nil {
				c.change = func(*sensors.Config) {}
			}
			source, err := tape(c.text, c.change)
			if err != nil {
				t.Fatal(err)
			}
			if got := told(t, source); !slices.Equal(got, c.want) {
				t.Errorf("readings:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			if got := faultsOf(source); !slices.Equal(got, c.faults) {
				t.Errorf("faults:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(c.faults, "\n"))
			}
		})
	}
}

func TestReplayOpenErrors(t *testing.T) {
	channels := strings.Builder{}
	channels.WriteString("t_ms,channel,value\n")
	for i := range maxColumns + 1 {
		fmt.Fprintf(&channels, "1,channel%d,1\n", i)
	}
	const head = "t_ms,temp,humidity,gx\n1,2,3,4\n"
	for _, c := range []struct {
		name   string
		text   string
		change func(*sensors.Config)
		want   []string
	}{
		{"no file", "", func(c *sensors.Config) { c.File = "attic.csv" },
			[]string{`sensor "room": recording attic.csv: open /etc/candor/attic.csv: file does not exist`}},
		{"no file named", "", func(c *sensors.Config) { c.File = "" }, []string{`set the key "file"`}},
		{"bad name", head, func(c *sensors.Config) { c.Name = "the room" }, []string{"has a character"}},
		{"empty", "", nil, []string{"recording room.csv: there is no header line"}},
		{"no header", "1422886740000,secret,26\n", nil, []string{"line 1: the first column is neither t_ms nor t_us"}},
		{"semicolons", "t_ms;temp\n", nil, []string{"cells are separated by commas"}},
		{"header too long", "t_ms," + strings.Repeat("x", maxLine), nil, []string{"line 1: the header can't be read"}},
		{"open quote", `t_ms,"temp`, nil, []string{"the header can't be read"}},
		{"twice", "t_ms,temp,rh,temp\n", nil, []string{`two columns are called "temp"`}},
		{"nothing usable", "t_ms,gx,gy\n1,2,3", nil, []string{"no column has a known kind; declare them under [sensor.columns]"}},
		{"time only", "t_ms\n1\n", nil, []string{"no column has a known kind"}},
		{"long without lines", "t_ms,channel,value\n", nil, []string{"no channel has a known kind"}},
		{"too many channels", channels.String(), nil, []string{"line 258: there are more than 256 channels"}},
		{"column that is not there", head, columns("humidty", "humidity"),
			[]string{`the file has no column "humidty"; did you mean "humidity"?`}},
		{"channel that is not there", "t_ms,channel,value\n1,temp,2", columns("tempo", "number"),
			[]string{`the file has no channel "tempo"; did you mean "temp"?`}},
		{"unknown kind", head, columns("gx", "temprature"),
			[]string{`columns: gx: no kind is called "temprature"; did you mean "temperature"?`}},
		{"classes", head, func(c *sensors.Config) { c.Classes = pairMap([]string{"temp", "privat", "gx", "health"}) },
			[]string{`classes: no field is called "gx"`, `classes: temp: no class is called "privat"; use one of environment,`}},
		{"pace", head, func(c *sensors.Config) { c.Pace = "fast" }, []string{"there is no clock"}},
		{"not gzip", "\x1f\x8b\x00", nil, []string{"it starts like gzip and is not"}},
		{"all at once", head, func(c *sensors.Config) {
			c.Columns = pairMap([]string{"a", "number", "gx", "b"})
			c.Classes = pairMap([]string{"c", "health"})
		}, []string{`no column "a"`, `no kind is called "b"`, `no field is called "c"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.change == nil {
				c.change = func(*sensors.Config) {}
			}
			source, err := tape(c.text, c.change)
			if err == nil || source != nil {
				t.Fatalf("it was opened: %v", source)
			}
			for _, want := range append(c.want, `sensor "`) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error is\n%v\nand lacks %s", err, want)
				}
			}
			if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "1422886740000") {
				t.Errorf("the error shows what the file holds: %v", err)
			}
		})
	}
}

func TestReplayClasses(t *testing.T) {
	source, err := tape("t_ms,temp,co2\n", func(c *sensors.Config) { c.Classes = pairMap([]string{"temp", "health"}) })
	if err != nil {
		t.Fatal(err)
	}
	if f := source.Fields(); f[0].Class != sensors.Health || f[1].Class != sensors.Environment {
		t.Errorf("the classes are %q and %q", f[0].Class, f[1].Class)
	}
}

func TestReplayHints(t *testing.T) {
	source, err := tape("t_ms,temp,gx\n1,?,2\n")
	if err != nil {
		t.Fatal(err)
	}
	told(t, source)
	faults := source.(sensors.Counting).Faults()
	if len(faults) != 2 || faults[0].Hint != `declare it under [sensor.columns]: gx = "number"` || faults[1].Hint != cellHint {
		t.Errorf("the faults are %+v", faults)
	}
}

// TestReplayResume continues after every position, and in a file that turned out shorter.
func TestReplayResume(t *testing.T) {
	const wide = "t_ms,temp\n1,1\nbad\n\n2,2\n3,3\n"
	const long = "t_ms,channel,value\n1,temp,1\n1,rh,1\n1,temp,2\nbad\n2,temp,3\n"
	for _, c := range []struct {
		text   string
		resume uint64
		want   string
	}{
		{wide, 0, "1000@1 temp=1000|2000@3 temp=2000|3000@4 temp=3000"},
		{wide, 1, "2000@3 temp=2000|3000@4 temp=3000"},
		{wide, 2, "2000@3 temp=2000|3000@4 temp=3000"},
		{wide, 3, "3000@4 temp=3000"},
		{wide, 4, ""},
		{wide, 5, "1000@1 temp=1000|2000@3 temp=2000|3000@4 temp=3000"},
		{long, 2, "1000@3 temp=2000|2000@5 temp=3000"},
		{long, 3, "2000@5 temp=3000"},
		{long, 5, ""},
		{long, 1 << 60, "1000@2 temp=1000 rh=100|1000@3 temp=2000|2000@5 temp=3000"},
	} {
		source, err := tape(c.text)
		if err != nil {
			t.Fatal(err)
		}
		source.(sensors.Resuming).Resume(c.resume)
		if got := strings.Join(told(t, source), "|"); got != c.want {
			t.Errorf("after %d: %s\nwant %s", c.resume, got, c.want)
		}
	}
}

func TestRecordingName(t *testing.T) {
	name := func(text string) string {
		source, err := tape(text)
		if err != nil {
			t.Fatal(err)
		}
		return source.(sensors.Resuming).Recording()
	}
	base := name("t_ms,temp\n1,1\n2,2\n3,3\n")
	if len(base) != 16 || strings.Trim(base, "0123456789abcdef") != "" {
		t.Errorf("the name is %q", base)
	}
	for _, same := range []string{"t_ms,temp\n1,1\n2,2\n", "t_ms,temp\r\n1,1\r\n\r\n2,2\r\n9,9", zipped("t_ms,temp\n1,1\n2,2\n")} {
		if name(same) != base {
			t.Errorf("%.40q has another name", same)
		}
	}
	for _, other := range []string{"t_us,temp\n1,1\n2,2\n", "t_ms,temp\n1,1\n2,3\n", "t_ms,temp\n2,1\n2,2\n", "t_ms,temp\n1,1\n"} {
		if name(other) == base {
			t.Errorf("%q has the same name", other)
		}
	}
	long := "t_ms,channel,value\n1,temp,1\n2,temp,2\n"
	if name(long) != name(long+"3,temp,3\n") || name(long) == name("t_ms,channel,value\n1,temp,1\n2,temp,3\n") {
		t.Error("the name of a long recording does not follow its first two lines")
	}
}

// TestReplayBroken has files that change or end while they are played.
func TestReplayBroken(t *testing.T) {
	named := map[string]string{"room.csv": "t_ms,temp\n1,1\n"}
	c := sensors.Config{Name: "room", File: "room.csv", Pace: "max"}
	run := func(after string) error {
		named["room.csv"] = "t_ms,temp\n1,1\n"
		source, err := openReplay(c, files(named))
		if err != nil {
			t.Fatal(err)
		}
		if named["room.csv"] = after; after == "" {
			delete(named, "room.csv")
		}
		return source.Run(context.Background(), func(sensors.Reading) error { return nil })
	}
	if err := run("t_ms,co2\n1,1\n"); err == nil || !strings.Contains(err.Error(), "its header changed") {
		t.Errorf("with another header: %v", err)
	}
	if err := run(""); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), `sensor "room": recording room.csv`) {
		t.Errorf("with no file: %v", err)
	}
	whole := zipped("t_ms,temp\n" + strings.Repeat("1,1\n", 50_000))
	if err := run(whole[:len(whole)/2]); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("with half a file: %v", err)
	}
}

// TestReplaySecrets looks for a cell's text in everything that is shown.
func TestReplaySecrets(t *testing.T) {
	const canary = "canary7731"
	source, err := tape("t_ms,temp,badge\n"+canary+",1,x\n1,"+canary+","+strings.Repeat(canary, 7)+"\n"+canary+"\n\""+canary+"\n", columns("badge", "badge"))
	if err != nil {
		t.Fatal(err)
	}
	told(t, source)
	if shown := fmt.Sprintf("%+v %v", source.(sensors.Counting).Faults(), source.Fields()); strings.Contains(shown, canary) {
		t.Errorf("a fault shows a cell: %s", shown)
	}
}
