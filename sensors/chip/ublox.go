package chip

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// u-blox GNSS receivers, M8 and later, over I2C, which u-blox calls DDC (UBX-13003221 R25, sections by title).
const (
	ubloxWaiting = 0xfd // §"DDC port", read access (MIA-M10Q, UBX-21028173: p. 23): two registers, bytes that wait to be read, high byte first
	ubloxStream  = 0xff // §"DDC port", read access (UBX-21028173: p. 23): the bytes

	ubloxChunk  = 128                   // ours: bytes at a time, so that others get on the bus
	ubloxBuffer = 4096                  // ours: what may wait from before; no table says how much a receiver keeps
	ubloxPoll   = 20 * time.Millisecond // ours: between looks
	ubloxPolls  = 75                    // ours: 1.5 s; an answer may wait for the next navigation solution
)

func ubloxRow() Row {
	return Row{
		Name: "ublox", Doc: "position, altitude, speed (u-blox GNSS M8 and later)", Datasheet: "u-blox UBX-13003221", On: I2C,
		Quantities: []Quantity{quantity("latitude", "latitude", -90_0000000, 90_0000000), // §"UBX-NAV-PVT" (UBX-18010854: p. 150)
			quantity("longitude", "longitude", -180_0000000, 180_0000000), // §"UBX-NAV-PVT" (UBX-18010854: p. 150)
			quantity("altitude", "altitude", -1_000_000, 80_000_000),      // §"UBX-NAV-PVT", above the sea (UBX-18010854: p. 150); ZED-F9T, UBX-19005590, table 11, p. 17: to 80 km; the lower end is ours
			quantity("speed", "speed", 0, 500_000)},                       // §"UBX-NAV-PVT", over ground (UBX-18010854: p. 151); UBX-19005590, table 11, p. 17: to 500 m/s
		Addresses: []uint16{0x42}, // §"DDC port", address (ZED-F9T: §3.3.11.5)
		Identity:  "answers a version request with a right checksum", Evidence: FromDatasheet,
		Every: 10 * time.Second, Fastest: time.Second, Takes: ubloxPolls * ubloxPoll,
		Caveat: "absent, not zero, until there is a fix; a cold start takes half a minute under the open sky",
		device: func(p *place, _ settings) device { return &ublox{place: p} },
	}
}

type ublox struct{ *place }

func (d *ublox) identify(ctx context.Context) error {
	_, err := d.ask(ctx, "asking for the version", ubxMon, ubxVersion)
	return err
}

func (d *ublox) sense(ctx context.Context, s *sheet) error {
	const what = "asking for the position"
	payload, err := d.ask(ctx, what, ubxNav, ubxPVT)
	if err != nil {
		return err
	}
	fix, ok := ubxPosition(payload)
	if !ok {
		return d.fault(what, sensors.WrongPart, "the answer is too short; it takes an M8 or later")
	}
	if !fix.horizontal {
		return nil // no fix is no fault
	}
	if fix.latitude == 0 && fix.longitude == 0 {
		return d.fault(what, sensors.Implausible, "a fix at exactly nowhere")
	}
	s.number(0, fix.latitude)
	s.number(1, fix.longitude)
	if fix.vertical {
		s.number(2, fix.altitude)
	}
	s.number(3, fix.speed)
	return nil
}

// ask polls a message and reads the stream until it is there. Whatever else waits (NMEA sentences, other messages) is
// thrown away, what waited before first of all: a position of a while ago is no answer.
func (d *ublox) ask(ctx context.Context, what string, class, id byte) ([]byte, error) {
	for range ubloxBuffer / ubloxChunk {
		old, err := d.take(ctx, what)
		if err != nil {
			return nil, err
		}
		if len(old) == 0 {
			break
		}
	}
	if err := d.tx(ctx, what, ubxPoll(class, id), nil); err != nil {
		return nil, err
	}
	var stream []byte // all that came
	at := 0           // of it has been looked at
	for range ubloxPolls {
		more, err := d.take(ctx, what)
		if err != nil {
			return nil, err
		}
		if len(more) == 0 {
			if err := d.wait(ctx, what, ubloxPoll); err != nil {
				return nil, err
			}
			continue
		}
		stream = append(stream, more...)
		payload, rest := ubxFind(stream[at:], class, id)
		if payload != nil {
			return payload, nil
		}
		at = len(stream) - len(rest)
	}
	if damaged(stream) {
		return nil, d.fault(what, sensors.Corrupt, "what came is not whole: a checksum is wrong, or bytes are missing")
	}
	return nil, d.fault(what, sensors.Timeout, "there is no answer in the stream")
}

// take reads what waits, at most a chunk.
func (d *ublox) take(ctx context.Context, what string) ([]byte, error) {
	var count [2]byte
	if err := d.read(ctx, what, ubloxWaiting, count[:]); err != nil {
		return nil, err
	}
	waiting := binary.BigEndian.Uint16(count[:])
	if waiting == 0xffff {
		return nil, d.fault(what, sensors.Implausible, "all bits are the same")
	}
	if waiting == 0 {
		return nil, nil
	}
	b := make([]byte, min(int(waiting), ubloxChunk))
	return b, d.read(ctx, what, ubloxStream, b)
}
