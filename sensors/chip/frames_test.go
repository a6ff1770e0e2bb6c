package chip

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The checksum of two bytes that Sensirion prints: 0xbeef has 0x92 (SHT3x, 4.12).
func TestCRC8(t *testing.T) {
	if got := crc8([]byte{0xbe, 0xef}); got != 0x92 {
		t.Errorf("the checksum is 0x%02x, want 0x92", got)
	}
}

// answerFrame packs an answer as the part would.
func answerFrame(payload []byte) []byte {
	frame := pnFrame(payload...)
	frame[5] = pnFromPart
	frame[len(frame)-2]-- // the direction byte is one more
	return frame
}

func TestPNFrames(t *testing.T) {
	// UM0701-02, 7.2.2: the request for the firmware version, as printed.
	if got, want := pnFrame(pnVersion), []byte{0x00, 0x00, 0xff, 0x02, 0xfe, 0xd4, 0x02, 0x2a, 0x00}; !bytes.Equal(got, want) {
		t.Errorf("the request is % x, want % x", got, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		payload := rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "payload")
		frame := answerFrame(payload)
		got, err := pnPayload(append(bytes.Clone(frame), rapid.SliceOf(rapid.Byte()).Draw(t, "after")...))
		if err != nil || !bytes.Equal(got, payload) {
			t.Fatalf("% x comes back as % x, %v", payload, got, err)
		}
		for cut := range len(frame) - 1 { // the last byte carries nothing
			if _, err := pnPayload(frame[:cut]); err == nil {
				t.Fatalf("%d of %d bytes are taken for the frame", cut, len(frame))
			}
		}
		frame[rapid.IntRange(5, len(frame)-2).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := pnPayload(frame); err == nil {
			t.Fatal("a flipped bit went unseen")
		}
	})
	if _, err := pnPayload([]byte{0x00, 0x00, 0xff, 0x01, 0xff, 0x7f, 0x81, 0x00}); !errors.Is(err, errPNSyntax) { // 6.2.1.5
		t.Errorf("the syntax error gives %v", err)
	}
}

func FuzzPNFrame(f *testing.F) {
	f.Add([]byte{0x00, 0x00, 0xff, 0x06, 0xfa, 0xd5, 0x03, 0x32, 0x01, 0x06, 0x07, 0xe8, 0x00})
	f.Add([]byte{0x00, 0x00, 0xff, 0x01, 0xff, 0x7f, 0x81, 0x00})
	f.Add(answerFrame([]byte{pnList + 1, 1, 1, 0, 4, 8, 4, 1, 2, 3, 4}))
	f.Fuzz(func(t *testing.T, b []byte) {
		payload, err := pnPayload(b)
		if err != nil {
			return
		}
		if !bytes.Contains(b, answerFrame(payload)[2:len(payload)+7]) {
			t.Fatalf("% x comes from nowhere", payload)
		}
		if len(payload) > 0 {
			number, err := pnTarget(payload[1:])
			if n := len(number); err == nil && n != 0 && n != 4 && n != 7 && n != 10 {
				t.Fatalf("a badge has a number of %d bytes", n)
			}
		}
	})
}

// message packs a UBX message.
func message(class, id byte, payload []byte) []byte {
	frame := []byte{ubxSync1, ubxSync2, class, id}
	frame = binary.LittleEndian.AppendUint16(frame, uint16(len(payload)))
	frame = append(frame, payload...)
	a, b := ubxSum(frame[2:])
	return append(frame, a, b)
}

func TestUBX(t *testing.T) {
	if got, want := ubxPoll(ubxNav, ubxPVT), []byte{0xb5, 0x62, 0x01, 0x07, 0x00, 0x00, 0x08, 0x19}; !bytes.Equal(got, want) {
		t.Errorf("the poll is % x, want % x", got, want)
	}
	// In any stream, cut anywhere, the message is found once it is whole and not before.
	rapid.Check(t, func(t *rapid.T) {
		noise := rapid.SliceOfN(rapid.SampledFrom([]byte{0x00, 0x24, 0x62, 0xff, 0x0a}), 0, 40)
		payload := rapid.SliceOfN(rapid.Byte(), 1, 120).Draw(t, "payload")
		stream := append(noise.Draw(t, "before"), message(ubxMon, 0x09, []byte{1, 2, 3})...)
		stream = append(stream, message(ubxNav, ubxPVT, payload)...)
		whole := len(stream)
		stream = append(stream, noise.Draw(t, "after")...)
		cut := rapid.IntRange(0, len(stream)).Draw(t, "cut")
		got, rest := ubxFind(stream[:cut], ubxNav, ubxPVT)
		if (got != nil) != (cut >= whole) {
			t.Fatalf("after %d of %d bytes it is there: %v", cut, whole, got != nil)
		}
		if got == nil {
			got, _ = ubxFind(append(bytes.Clone(rest), stream[cut:]...), ubxNav, ubxPVT)
		}
		if !bytes.Equal(got, payload) {
			t.Fatalf("% x comes back as % x", payload, got)
		}
	})
	bad := message(ubxNav, ubxPVT, []byte{1, 2, 3})
	bad[6] ^= 1
	if got, _ := ubxFind(bad, ubxNav, ubxPVT); got != nil || !damaged(bad) {
		t.Errorf("a flipped bit gives % x, damaged %v", got, damaged(bad))
	}
}

func FuzzUBX(f *testing.F) {
	f.Add(message(ubxNav, ubxPVT, make([]byte, ubxPVTLeast)))
	f.Add([]byte("$GNRMC,083559.00,A*57\r\n\xb5\x62\x01\x07\xff\xff"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		payload, rest := ubxFind(stream, ubxNav, ubxPVT)
		if payload != nil && !bytes.Contains(stream, message(ubxNav, ubxPVT, payload)) {
			t.Fatalf("% x comes from nowhere", payload)
		}
		if !bytes.HasSuffix(stream, rest) {
			t.Fatal("the rest is not the end of the stream")
		}
		if fix, ok := ubxPosition(payload); ok && fix.vertical && !fix.horizontal {
			t.Fatal("an altitude without a position")
		}
	})
}

// The formulas on integers agree with those of the datasheets on real numbers to half a step.
func TestFormulas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.Uint16().Draw(t, "raw")
		x := float64(raw)
		for name, pair := range map[string][2]float64{
			"SHT3x temperature": {float64(sht3xTemperature(raw)), (-45 + 175*x/65535) * 1000},
			"SHT3x humidity":    {float64(sht3xHumidity(raw)), 100 * x / 65535 * 100},
			"SHT4x humidity":    {float64(sht4xHumidity(raw)), min(max(-6+125*x/65535, 0), 100) * 100},
			"eighths":           {float64(eighths(raw)), float64(int16(raw)) / 256 * 1000},
			"VEML7700 dim":      {float64(vemlLight(raw, vemlDim)), x * 33.6},
		} {
			if math.Abs(pair[0]-pair[1]) > 0.501 {
				t.Errorf("%s of %d is %v, want %v", name, raw, pair[0], pair[1])
			}
		}
		lux := x * 0.5376
		want := 6.0135e-13*math.Pow(lux, 4) - 9.3924e-9*math.Pow(lux, 3) + 8.1488e-5*lux*lux + 1.0023*lux
		if got := float64(vemlLight(raw, vemlBright)) / 1000; math.Abs(got-want) > 0.001+want*1e-5 {
			t.Errorf("VEML7700 bright of %d is %v, want %v", raw, got, want)
		}
	})
}

// The compensation on integers agrees with the one on floating point (BST-BME280-DS002, 8.1) over the part's range.
func TestBMECompensation(t *testing.T) {
	c := bmeTrim{t: [3]int64{27504, 26435, -1000}, p: [9]int64{36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000},
		h: [6]int64{75, 361, 0, 340, 50, 30}}
	rapid.Check(t, func(t *rapid.T) {
		adcT := rapid.Int64Range(400_000, 650_000).Draw(t, "temperature")
		adcP := rapid.Int64Range(250_000, 550_000).Draw(t, "pressure")
		adcH := rapid.Int64Range(20_000, 50_000).Draw(t, "humidity")
		fine, p, h := bmeFloat(c, float64(adcT), float64(adcP), float64(adcH))
		got := c.fine(adcT)
		if math.Abs(float64(got)-fine) > 60 { // of 5120 a degree
			t.Fatalf("fine is %d, want %v", got, fine)
		}
		if pascals, ok := c.pressure(adcP, int64(math.Round(fine))); !ok || math.Abs(float64(pascals)-p) > 1 {
			t.Errorf("the pressure is %d, want %v", pascals, p)
		}
		if percent := c.humidity(adcH, int64(math.Round(fine))); math.Abs(float64(percent)-min(max(h, 0), 100)*100) > 3 {
			t.Errorf("the humidity is %d, want %v", percent, h*100)
		}
	})
}

// bmeFloat is section 8.1 of the datasheet.
func bmeFloat(c bmeTrim, t, p, h float64) (fine, pascals, percent float64) {
	f := func(n int64) float64 { return float64(n) }
	fine = (t/16384-f(c.t[0])/1024)*f(c.t[1]) + math.Pow(t/131072-f(c.t[0])/8192, 2)*f(c.t[2])
	v := fine/2 - 64000
	w := v*v*f(c.p[5])/32768 + v*f(c.p[4])*2
	w = w/4 + f(c.p[3])*65536
	u := (1 + (f(c.p[2])*v*v/524288+f(c.p[1])*v)/524288/32768) * f(c.p[0])
	pascals = (1048576 - p - w/4096) * 6250 / u
	pascals += (f(c.p[8])*pascals*pascals/2147483648 + pascals*f(c.p[7])/32768 + f(c.p[6])) / 16
	x := fine - 76800
	x = (h - (f(c.h[3])*64 + f(c.h[4])/16384*x)) * (f(c.h[1]) / 65536 * (1 + f(c.h[5])/67108864*x*(1+f(c.h[2])/67108864*x)))
	return fine, pascals, x * (1 - f(c.h[0])*x/524288)
}
