package kernel

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/candor-edge/candor/sensors"
)

// Thermometers on a 1-Wire bus: DS18S20, DS1822, DS18B20, DS1825, DS28EA00 (Linux, Documentation/w1/slaves/w1_therm.rst;
// Maxim DS18B20 datasheet, revision 6). The file w1_slave starts a conversion when it is read, which takes 750 ms, and
// holds two lines: the nine bytes of the scratchpad with the kernel's opinion of the checksum, and the same bytes with
// the temperature.
const (
	w1File   = "w1_slave"
	w1Bytes  = 9
	w1Lowest = -55_000 // DS18B20, "DC electrical characteristics"
	w1Most   = 125_000
)

var (
	errW1Form = errors.New("the file is not what the kernel's w1_therm writes")
	errW1Sum  = errors.New("the checksum is wrong")
	errW1Dead = errors.New("all bytes are zero, which has a right checksum: nothing there that answers")
	errW1On   = errors.New("it says what it holds at power on: it lost its power before it had measured")
)

// w1Families are the family codes that w1_therm reads.
func w1Families() []string { return []string{"10", "22", "28", "3b", "42"} }

// w1Number says whether name is the number of a thermometer: family code, a hyphen, twelve hex digits.
func w1Number(name string) bool {
	family, serial, ok := strings.Cut(name, "-")
	return ok && slices.Contains(w1Families(), family) && len(serial) == 12 && strings.Trim(serial, "0123456789abcdef") == ""
}

func w1Channels(dir string) []Channel {
	k, _ := sensors.KindNamed("temperature")
	return []Channel{{Quantity: "temperature", Kind: k, Stem: w1File, value: path.Join(dir, w1File), num: 1, den: 1}}
}

// w1Measure reads one thermometer.
func w1Measure(fsys fs.FS, file string) (sensors.Value, error) {
	text, err := readText(fsys, file)
	if err != nil {
		return sensors.Value{}, err
	}
	milli, err := parseW1(text)
	if err != nil {
		return sensors.Value{}, err
	}
	if milli < w1Lowest || milli > w1Most {
		return sensors.Value{Quality: sensors.Fault}, nil
	}
	k, _ := sensors.KindNamed("temperature")
	return k.Check(sensors.Number(milli)), nil
}

// parseW1 gives thousandths of a degree from the text of w1_slave. It computes the checksum itself: the kernel says YES
// to nine zeros.
func parseW1(text string) (int64, error) {
	first, second, two := strings.Cut(text, "\n")
	pad, said, ok := strings.Cut(first, " : ")
	again, degrees, ok2 := strings.Cut(second, " t=")
	if !two || !ok || !ok2 || strings.TrimSpace(again) != strings.TrimSpace(pad) {
		return 0, errW1Form
	}
	b, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(pad), " ", ""))
	if err != nil || len(b) != w1Bytes {
		return 0, errW1Form
	}
	if !strings.HasSuffix(said, " YES") || crcMaxim(b[:8]) != b[8] {
		return 0, errW1Sum
	}
	if b[0] == 0 && slices.Max(b) == 0 {
		return 0, errW1Dead
	}
	// DS18B20, "memory", table of the power-on state: 85 degrees. Once it has measured that, byte 6 is another.
	if b[0] == 0x50 && b[1] == 0x05 && b[6] == 0x0c {
		return 0, errW1On
	}
	r, err := parseNumber(strings.TrimSpace(degrees))
	if err != nil || r.point > 0 {
		return 0, errW1Form
	}
	n, fits := r.round(1, 1)
	if !fits {
		return 0, errW1Form
	}
	return n, nil
}

// crcMaxim is the checksum of 1-Wire: polynomial 0x31, reflected, start 0 (DS18B20, "CRC generation").
func crcMaxim(b []byte) byte {
	var crc byte
	for _, x := range b {
		crc ^= x
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0x8c
			} else {
				crc >>= 1
			}
		}
	}
	return crc
}
