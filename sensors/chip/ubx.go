package chip

import (
	"bytes"
	"encoding/binary"
)

// The UBX protocol (u-blox M8 receiver description UBX-13003221, "UBX protocol"; M9 and M10 have the same frames).
const (
	ubxSync1, ubxSync2 = 0xb5, 0x62 // "UBX frame structure"
	ubxFrame           = 8          // bytes around a payload
	ubxLongest         = 1024       // a payload we would wait for
	ubxNav, ubxPVT     = 0x01, 0x07 // UBX-NAV-PVT
	ubxMon, ubxVersion = 0x0a, 0x04 // UBX-MON-VER
	ubxPVTSize         = 92         // 84 before protocol version 14; the rest is not used here
	ubxPVTLeast        = 84
)

// ubxPoll is a message without payload: it asks for the message of that class and number.
func ubxPoll(class, id byte) []byte {
	frame := []byte{ubxSync1, ubxSync2, class, id, 0, 0}
	a, b := ubxSum(frame[2:])
	return append(frame, a, b)
}

// ubxSum is the checksum over class, number, length and payload ("UBX checksum").
func ubxSum(body []byte) (a, b byte) {
	for _, x := range body {
		a += x
		b += a
	}
	return a, b
}

// ubxFind looks for a whole message of that class and number in a stream with anything in between. It gives its
// payload, which lies in stream, and what of the stream may still be the start of one; damaged says that a message of
// that sort was there with a wrong checksum.
func ubxFind(stream []byte, class, id byte) (payload, rest []byte, damaged bool) {
	for {
		start := bytes.IndexByte(stream, ubxSync1)
		if start < 0 {
			return nil, nil, damaged
		}
		stream = stream[start:]
		if len(stream) < ubxFrame {
			return nil, stream, damaged
		}
		length := int(binary.LittleEndian.Uint16(stream[4:]))
		if stream[1] != ubxSync2 || length > ubxLongest {
			stream = stream[1:]
			continue
		}
		if len(stream) < ubxFrame+length {
			return nil, stream, damaged
		}
		a, b := ubxSum(stream[2 : 6+length])
		if a != stream[6+length] || b != stream[7+length] {
			damaged = damaged || stream[2] == class && stream[3] == id
			stream = stream[1:]
			continue
		}
		if stream[2] == class && stream[3] == id {
			return stream[6 : 6+length], stream[ubxFrame+length:], damaged
		}
		stream = stream[ubxFrame+length:]
	}
}

// ubxFix is what a position message says, in the units of the fields: 1e-7 degrees, millimetres, millimetres a second.
type ubxFix struct {
	horizontal, vertical                 bool // what is known
	latitude, longitude, altitude, speed int64
}

// ubxPosition unpacks UBX-NAV-PVT; false when it is too short.
func ubxPosition(p []byte) (ubxFix, bool) {
	if len(p) < ubxPVTLeast {
		return ubxFix{}, false
	}
	signed := func(at int) int64 { return int64(int32(binary.LittleEndian.Uint32(p[at:]))) }
	kind, flags, invalid := p[20], p[21], p[78]&1 != 0
	good := flags&1 != 0 && !invalid
	return ubxFix{
		horizontal: good && kind >= 2 && kind <= 4, // 2D, 3D, with dead reckoning
		vertical:   good && (kind == 3 || kind == 4),
		longitude:  signed(24), latitude: signed(28), altitude: signed(36), speed: signed(60),
	}, true
}
