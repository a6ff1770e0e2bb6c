package kernel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/candor-edge/candor/sensors"
)

// tree makes a sysfs of names and contents; a content that starts with -> is a link.
func tree(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, content := range files {
		if target, ok := strings.CutPrefix(content, "->"); ok {
			out[name] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
			continue
		}
		out[name] = &fstest.MapFile{Data: []byte(content), Mode: 0o444}
	}
	return out
}

const (
	bme  = "devices/platform/soc/i2c-1/1-0076/iio:device0/"
	scd  = "devices/platform/soc/i2c-1/1-0062/iio:device1/"
	adc  = "devices/platform/soc/i2c-1/1-0048/iio:device2/"
	soc  = "devices/virtual/thermal/thermal_zone0/hwmon0/"
	nvme = "devices/pci0000:00/0000:01:00.0/nvme/nvme0/hwmon1/"
	lm1  = "devices/platform/i2c-1/1-0049/hwmon/hwmon2/"
	lm2  = "devices/platform/i2c-1/1-004a/hwmon/hwmon3/"
)

// house is a sysfs with some of everything. The scales are those that the kernel's drivers give.
func house() map[string]string {
	return map[string]string{
		"bus/iio/devices/iio:device0": "->../../../" + strings.TrimSuffix(bme, "/"),
		bme + "name":                  "bme280\n", bme + "label": "attic\n",
		bme + "in_temp_input": "23450\n", bme + "in_temp_oversampling_ratio": "2\n",
		bme + "in_pressure_input": "100.653250000\n", bme + "in_humidityrelative_input": "45678\n",

		"bus/iio/devices/iio:device1":    "->../../../" + strings.TrimSuffix(scd, "/"),
		scd + "name":                     "scd41\n",
		scd + "in_concentration_co2_raw": "612\n", scd + "in_concentration_co2_scale": "0.000100000\n",
		scd + "in_temp_raw": "26214\n", scd + "in_temp_scale": "2.670000000\n", scd + "in_temp_offset": "-16852.000000000\n",

		"bus/iio/devices/iio:device2": "->../../../" + strings.TrimSuffix(adc, "/"),
		adc + "name":                  "ads1115\n",
		adc + "in_voltage0_raw":       "16384\n", adc + "in_voltage1_raw": "-1\n", adc + "in_voltage_scale": "0.125000000\n",
		adc + "in_voltage1_scale": "2.0\n", adc + "in_voltage2-voltage3_raw": "5\n", adc + "in_timestamp_type": "u64\n",

		"class/hwmon/hwmon0": "->../../" + strings.TrimSuffix(soc, "/"),
		soc + "name":         "cpu_thermal\n", soc + "temp1_input": "48312\n", soc + "temp1_crit": "110000\n",

		"class/hwmon/hwmon1": "->../../" + strings.TrimSuffix(nvme, "/"),
		nvme + "name":        "nvme\n", nvme + "temp1_input": "35850\n", nvme + "temp1_label": "Composite\n",
		nvme + "temp2_input": "41850\n", nvme + "temp2_label": "Sensor 1\n", nvme + "temp2_fault": "0\n",
		nvme + "temp3_input": "0\n", nvme + "temp3_fault": "1\n", nvme + "temp4_input": "9\n", nvme + "temp4_enable": "0\n",
		nvme + "in0_input": "12050\n", nvme + "curr1_input": "-512\n", nvme + "power1_average": "12345678\n",
		nvme + "energy1_input": "7200000000\n", nvme + "humidity1_input": "40000\n", nvme + "fan1_input": "1200\n",

		"class/hwmon/hwmon2": "->../../" + strings.TrimSuffix(lm1, "/"),
		lm1 + "name":         "lm75\n", lm1 + "temp1_input": "21500\n",
		"class/hwmon/hwmon3": "->../../" + strings.TrimSuffix(lm2, "/"),
		lm2 + "name":         "lm75\n", lm2 + "temp1_input": "-500\n",

		"bus/w1/devices/w1_bus_master1/name":      "w1_bus_master1\n",
		"bus/w1/devices/28-0316a2795aff/w1_slave": w1Good,
	}
}

const w1Good = "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=23125\n"

// values reads a device and writes down what it has.
func values(t *testing.T, fsys fs.FS, reference string) (map[string]string, error) {
	t.Helper()
	ref, err := ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	channels, err := Options{FS: fsys}.channels(ref, nil)
	if err != nil {
		return nil, err
	}
	out := make([]sensors.Value, len(channels))
	p := NewPart(fsys, ref, channels)
	err = p.Sense(context.Background(), out)
	got := map[string]string{}
	for i, c := range channels {
		text := out[i].Quality.String()
		if out[i].Quality == sensors.OK {
			text = strconv.FormatInt(out[i].Num, 10)
		}
		got[c.Quantity+" "+c.Kind.Name] = text
	}
	return got, err
}

func TestReads(t *testing.T) {
	for reference, want := range map[string]map[string]string{
		"iio:bme280":        {"temperature temperature": "23450", "pressure pressure": "100653", "humidity humidity": "4568"},
		"iio:attic":         {"temperature temperature": "23450", "pressure pressure": "100653", "humidity humidity": "4568"},
		"iio:bme280@1-0076": {"temperature temperature": "23450", "pressure pressure": "100653", "humidity humidity": "4568"},
		"iio:scd41":         {"co2 co2": "61200", "temperature temperature": "24997"},
		"iio:ads1115":       {"voltage0 voltage": "2048000", "voltage1 voltage": "-2000"},
		"hwmon:cpu_thermal": {"temperature temperature": "48312"},
		"hwmon:nvme": {"composite temperature": "35850", "sensor_1 temperature": "41850", "temperature3 temperature": "fault", "voltage voltage": "12050000",
			"current current": "-512000", "power power": "12346", "energy energy": "2000", "humidity humidity": "4000", "fan1 number": "1200000000"},
		"hwmon:lm75@1-0049":  {"temperature temperature": "21500"},
		"hwmon:lm75@1-004a":  {"temperature temperature": "-500"},
		"w1:28-0316a2795aff": {"temperature temperature": "23125"},
	} {
		got, err := values(t, tree(house()), reference)
		if err != nil {
			t.Errorf("%s: %v", reference, err)
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s gives %v, want %v", reference, got, want)
		}
	}
}

func TestDevices(t *testing.T) {
	all, err := Devices(tree(house()))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range all {
		got = append(got, d.Reference().String())
		if _, err := ParseReference(d.Reference().String()); err != nil {
			t.Error(err)
		}
	}
	want := []string{"iio:bme280@1-0076", "iio:scd41@1-0062", "iio:ads1115@1-0048", "hwmon:cpu_thermal@thermal_zone0", "hwmon:nvme@nvme0",
		"hwmon:lm75@1-0049", "hwmon:lm75@1-004a", "w1:28-0316a2795aff"}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("devices are\n%v, want\n%v", got, want)
	}
	if all, err := Devices(fstest.MapFS{}); err != nil || len(all) != 0 {
		t.Errorf("an empty sysfs has %v, %v", all, err)
	}
}

func TestReferences(t *testing.T) {
	for _, bad := range []string{"", "iio", "iio:", "bme280", "spi:x", "w1:28-0316A2795AFF", "w1:28-03", "w1:../../x", "w1:28-0316a2795aff@x", "w1:99-0316a2795aff", "hwmon:@x"} {
		if r, err := ParseReference(bad); err == nil {
			t.Errorf("%q is read as %v", bad, r)
		}
	}
}

// A device is found again under another number, and nothing is taken from one that has its old number.
func TestNumbersMove(t *testing.T) {
	files := house()
	fsys := tree(files)
	ref, _ := ParseReference("hwmon:cpu_thermal")
	channels, err := Options{FS: fsys}.channels(ref, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, out := NewPart(fsys, ref, channels), make([]sensors.Value, 1)
	if err := p.Sense(context.Background(), out); err != nil || out[0].Num != 48312 {
		t.Fatal(out[0].Num, err)
	}
	for _, name := range []string{"class/hwmon/hwmon0", soc + "name", soc + "temp1_input", soc + "temp1_crit"} {
		delete(fsys, name)
	}
	if err := p.Sense(context.Background(), out); !errors.Is(err, sensors.Gone) {
		t.Fatalf("a device that is gone gives %v", err)
	}
	if err := p.Identify(context.Background()); !errors.Is(err, sensors.Gone) || !strings.Contains(err.Error(), "hwmon:nvme@nvme0") {
		t.Fatalf("a device that is gone gives %v", err)
	}
	fsys["class/hwmon/hwmon9/name"] = &fstest.MapFile{Data: []byte("cpu_thermal\n")}
	fsys["class/hwmon/hwmon9/temp1_input"] = &fstest.MapFile{Data: []byte("50000\n")}
	if err := p.Sense(context.Background(), out); err != nil || out[0].Num != 50000 {
		t.Errorf("after its return: %v", err)
	}
}

// broken is a file system in which one file fails.
type broken struct {
	fstest.MapFS
	name string
	err  error
}

func (b broken) Open(name string) (fs.File, error) {
	if strings.HasSuffix(name, b.name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: b.err}
	}
	return b.MapFS.Open(name)
}

func TestFailedReads(t *testing.T) {
	for _, tc := range []struct {
		reference, file string
		cause           error
		kind            sensors.FaultKind
	}{
		{"w1:28-0316a2795aff", "w1_slave", syscall.EIO, sensors.NoAnswer},
		{"w1:28-0316a2795aff", "w1_slave", syscall.ENODEV, sensors.Gone},
		{"hwmon:cpu_thermal", "temp1_input", syscall.EREMOTEIO, sensors.NoAnswer},
		{"hwmon:cpu_thermal", "temp1_input", syscall.ETIMEDOUT, sensors.Timeout},
		{"hwmon:cpu_thermal", "temp1_input", syscall.EAGAIN, sensors.Busy},
		{"hwmon:cpu_thermal", "temp1_input", syscall.EACCES, sensors.Permission},
		{"hwmon:cpu_thermal", "temp1_input", syscall.EBADMSG, sensors.Corrupt},
		{"hwmon:cpu_thermal", "temp1_input", fs.ErrNotExist, sensors.Gone},
		{"hwmon:cpu_thermal", "temp1_input", io.ErrUnexpectedEOF, sensors.Other},
	} {
		got, err := values(t, broken{tree(house()), tc.file, tc.cause}, tc.reference)
		if !errors.Is(err, tc.kind) || !errors.Is(err, tc.cause) || !strings.Contains(fmt.Sprint(err), tc.reference) {
			t.Errorf("%s with %v gives %v", tc.reference, tc.cause, err)
		}
		for name, text := range got {
			if text != "absent" {
				t.Errorf("%s: %s is %s after an error", tc.reference, name, text)
			}
		}
	}
	got, err := values(t, broken{tree(house()), "in_temp_input", syscall.EIO}, "iio:bme280")
	if err != nil || got["temperature temperature"] != "fault" || got["pressure pressure"] != "100653" {
		t.Errorf("one of three files that fails: %v, %v", got, err)
	}
}

// What is no number is a fault, and its text is in no error.
func TestBadFiles(t *testing.T) {
	for _, text := range []string{"", "\n", "x", "1e3", "0x10", "1/2", "NaN", "Inf", "1.", ".5", "--1", "+-1", "1 2", "1_000", "12345678901234567890123456789012345678901",
		strings.Repeat("1", longest), strings.Repeat(" ", longest+1) + "5"} {
		files := house()
		files[soc+"temp1_input"] = text
		got, err := values(t, tree(files), "hwmon:cpu_thermal")
		if !errors.Is(err, sensors.Implausible) || got["temperature temperature"] != "absent" {
			t.Errorf("%.20q gives %v, %v", text, got, err)
		}
		if len(text) > 2 && strings.Contains(err.Error(), text) {
			t.Errorf("the error holds what was in the file: %v", err)
		}
	}
	files := house()
	files[soc+"temp1_input"] = "99999999999999999999999999\n" // a number, and none that fits
	if got, err := values(t, tree(files), "hwmon:cpu_thermal"); err != nil || got["temperature temperature"] != "fault" {
		t.Errorf("a number that does not fit gives %v, %v", got, err)
	}
	files[soc+"temp1_input"] = "500000\n"
	if got, err := values(t, tree(files), "hwmon:cpu_thermal"); err != nil || got["temperature temperature"] != "out-of-range" {
		t.Errorf("a number out of range gives %v, %v", got, err)
	}
}

func TestW1(t *testing.T) {
	for text, want := range map[string]error{
		w1Good: nil,
		"50 05 4b 46 7f ff 0c 10 1c : crc=1c YES\n50 05 4b 46 7f ff 0c 10 1c t=85000\n": errW1On,
		"00 00 00 00 00 00 00 00 00 : crc=00 YES\n00 00 00 00 00 00 00 00 00 t=0\n":     errW1Dead,
		"ff ff ff ff ff ff ff ff ff : crc=c9 NO\nff ff ff ff ff ff ff ff ff t=-62\n":    errW1Sum,
		strings.Replace(w1Good, "YES", "NO", 1):                                         errW1Sum,
		strings.ReplaceAll(w1Good, "72 01", "73 01"):                                    errW1Sum,
		strings.Replace(w1Good, "t=23125", "t=23.125", 1):                               errW1Form,
		strings.Replace(w1Good, "t=23125", "t=", 1):                                     errW1Form,
		strings.Replace(w1Good, "72 01", "72", 1):                                       errW1Form,
		strings.Split(w1Good, "\n")[0]:                                                  errW1Form,
		"":                                                                              errW1Form,
	} {
		if got, err := parseW1(strings.TrimSpace(text)); !errors.Is(err, want) || err == nil && got != 23125 {
			t.Errorf("%q gives %d, %v, want %v", text, got, err, want)
		}
	}
	files := house()
	b := []byte{0xff, 0x07, 0x4b, 0x46, 0x7f, 0xff, 0x01, 0x10}
	pad := fmt.Sprintf("% x %02x", b, crcMaxim(b))
	files["bus/w1/devices/28-0316a2795aff/w1_slave"] = pad + " : crc=00 YES\n" + pad + " t=127937\n"
	if got, err := values(t, tree(files), "w1:28-0316a2795aff"); err != nil || got["temperature temperature"] != "fault" {
		t.Errorf("more than the part can measure gives %v, %v", got, err)
	}
}

func TestDeadlineOver(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	ref, _ := ParseReference("w1:28-0316a2795aff")
	p := NewPart(tree(house()), ref, w1Channels(""))
	for _, err := range []error{p.Identify(ctx), p.Sense(ctx, make([]sensors.Value, 1))} {
		if !errors.Is(err, context.Canceled) || !errors.Is(err, sensors.Timeout) {
			t.Errorf("after its end a context gives %v", err)
		}
	}
}

// exact is a number as a fraction.
func exact(v number) *big.Rat {
	return new(big.Rat).SetFrac(v.n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(v.point)), nil))
}

// TestArithmeticIsExact: (value + offset) times scale, in another unit, is what fractions give, rounded half away from zero.
func TestArithmeticIsExact(t *testing.T) {
	texts := []string{"0", "-0.5", "0.5", "1.5", "-1.5", "23450", "-40000", "0.000152587890625", "100.653250000", "99999999999999999999", "2.4", "-1205", "0.0000000000000000000000000000000001"}
	for _, a := range texts {
		for _, b := range texts {
			for _, c := range texts {
				for _, unit := range []struct{ num, den int64 }{{1, 1}, {1, 10}, {10, 36}, {1000000, 1}} {
					var v [3]number
					for i, text := range []string{a, b, c} {
						var err error
						if v[i], err = parseNumber(text); err != nil {
							t.Fatal(text, err)
						}
					}
					want := new(big.Rat).Add(exact(v[0]), exact(v[1]))
					want.Mul(want, exact(v[2])).Mul(want, big.NewRat(unit.num, unit.den))
					half := big.NewRat(1, 2)
					if want.Sign() < 0 {
						half.Neg(half)
					}
					want.Add(want, half)
					whole := new(big.Int).Quo(want.Num(), want.Denom())
					got, fits := v[0].plus(v[1]).times(v[2]).round(unit.num, unit.den)
					if fits != whole.IsInt64() || fits && got != whole.Int64() {
						t.Fatalf("(%s + %s) * %s * %d/%d is %d %t, want %v", a, b, c, unit.num, unit.den, got, fits, whole)
					}
				}
			}
		}
	}
}

func FuzzNumber(f *testing.F) {
	for _, seed := range []string{"23450", "-0.5", "100.653250000", "+1", "1e9", "", "0x1", "1/3", "99999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseNumber(text)
		if err != nil {
			return
		}
		want, perr := strconv.ParseFloat(text, 64)
		if perr != nil {
			t.Fatalf("%q is a number here and nowhere else", text)
		}
		if got, _ := exact(r).Float64(); got != want {
			t.Fatalf("%q is %v, want %v", text, got, want)
		}
		if n, fits := r.round(1, 1); fits && (float64(n)-want > 1 || want-float64(n) > 1) && n > -1<<52 && n < 1<<52 {
			t.Fatalf("%q is rounded to %d", text, n)
		}
	})
}

func FuzzW1(f *testing.F) {
	f.Add(w1Good)
	f.Add("00 00 00 00 00 00 00 00 00 : crc=00 YES\n00 00 00 00 00 00 00 00 00 t=0\n")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := parseW1(text); err == nil && (!strings.Contains(text, " YES\n") || !strings.Contains(text, " t=")) {
			t.Fatalf("%q is taken for a reading", text)
		}
	})
}
