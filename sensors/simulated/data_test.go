package simulated

import (
	"fmt"
	"strings"
	"testing"

	"github.com/candor-edge/candor/sensors"
)

// TestRealData plays excerpts of real recordings (testdata/SOURCE.md says whose) and looks at the first and the last
// reading.
func TestRealData(t *testing.T) {
	for _, c := range []struct {
		file        string
		columns     []string
		readings    int
		first, last string
		faults      string
	}{
		{file: "occupancy-env.csv", readings: 200,
			first: "1422886740000000@1 temperature=23700 humidity=2627 light=585200 co2=74920 occupancy=1",
			last:  "1422898680000000@200 temperature=22540 humidity=2516 light=427400 co2=85360 occupancy=0"},
		{file: "room-events.csv", columns: []string{"count", "people"}, readings: 168,
			first: "1513939781000000@7 pir6=0 pir7=0 lamp1=1 lamp2=0 lamp3=0 lamp4=0 count=1",
			last:  "1513957580000000@200 pir6=1"},
		{file: "imu-100hz.csv", columns: strings.Fields("gx number gy number gz number ax number ay number az number mx number my number mz number"),
			readings: 200,
			first:    "0@1 gx=16446 gy=-151726 gz=108089 ax=1015 ay=-20459 az=997080 mx=15301700 my=432852 mz=-41064830",
			last:     "1988129@200 gx=-43961 gy=87844 gz=160893 ax=-2379 ay=-19045 az=992225 mx=15668180 my=1168356 mz=-41060040"},
		{file: "imu-100hz.csv", columns: strings.Fields("ax number"), readings: 200, first: "0@1 ax=1015",
			faults: "unknown column, imu-100hz.csv:1, column gx: 1|unknown column, imu-100hz.csv:1, column gy: 1|" +
				"unknown column, imu-100hz.csv:1, column gz: 1|unknown column, imu-100hz.csv:1, column ay: 1|" +
				"unknown column, imu-100hz.csv:1, column az: 1|unknown column, imu-100hz.csv:1, column mx: 1|" +
				"unknown column, imu-100hz.csv:1, column my: 1|unknown column, imu-100hz.csv:1, column mz: 1"},
		{file: "gps-track.csv", readings: 200,
			first: "1286098590000000@1 lat=454525956 lon=140181940 ele=753330",
			last:  "1286104933000000@200 lat=454611785 lon=140122958 ele=980682"},
	} {
		source, err := openReplay(sensors.Config{Name: "real", File: c.file, Pace: "max", Columns: pairMap(c.columns)},
			sensors.HostEnv(nil, "testdata"))
		if err != nil {
			t.Fatal(err)
		}
		got := told(t, source)
		if len(got) != c.readings {
			t.Errorf("%s: %d readings, want %d", c.file, len(got), c.readings)
		}
		if got[0] != c.first {
			t.Errorf("%s starts with\n%s\nwant\n%s", c.file, got[0], c.first)
		}
		if last := got[len(got)-1]; c.last != "" && last != c.last {
			t.Errorf("%s ends with\n%s\nwant\n%s", c.file, last, c.last)
		}
		if faults := strings.Join(faultsOf(source), "|"); faults != c.faults {
			t.Errorf("%s: the faults are %s", c.file, faults)
		}
	}
}

// BenchmarkReplay plays a million rows of five fields for each round; the time of a round is what a million costs.
func BenchmarkReplay(b *testing.B) {
	const rows = 1_000_000
	var text strings.Builder
	text.WriteString("t_ms,temperature,humidity,light,co2,occupancy\n")
	for i := range rows {
		fmt.Fprintf(&text, "%d,23.%d,26.%03d,572.666666666667,%d.25,%d\n", 1422886740000+int64(i)*1000, i%97, i%1000, 400+i%900, i&1)
	}
	env := files(map[string]string{"room.csv": text.String()})
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		source, err := openReplay(sensors.Config{Name: "room", File: "room.csv", Pace: "max"}, env)
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		if err := source.Run(b.Context(), func(sensors.Reading) error { n++; return nil }); err != nil || n != rows {
			b.Fatal(n, err)
		}
	}
}

// BenchmarkHouse makes one reading of the costliest room for each round.
func BenchmarkHouse(b *testing.B) {
	source := openRoom(b, roomConfig("livingroom", 1, 0, 0))
	b.ReportAllocs()
	next := source.start
	for b.Loop() {
		for _, g := range source.room.gauges {
			g.read(source, next)
		}
		next += source.every
	}
}
