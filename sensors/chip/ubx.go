package chip

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// The UBX protocol (u-blox M8 receiver description UBX-13003221 R25, sections by title; M9 and M10 have the same frames, and the
// ZED-F9P's interface description UBX-18010854 R04 the same position).
const (
	ubxSync1, ubxSync2 = 0xb5, 0x62 // §"UBX frame structure" (UBX-18010854: p. 28)
	ubxFrame           = 8          // §"UBX frame structure" (UBX-18010854: p. 28): bytes around a payload
	ubxLongest         = 1024       // ours: a payload we would wait for
	ubxNav, ubxPVT     = 0x01, 0x07 // §"UBX-NAV-PVT" (UBX-18010854: p. 150 and p. 151)
	ubxMon, ubxVersion = 0x0a, 0x04 // §"UBX-MON-VER" (UBX-18010854: §5.13.13, p. 139)
	ubxPVTSize         = 92         // §"UBX-NAV-PVT" (UBX-18010854: p. 150 and p. 151): 84 before protocol version 15; the rest is not used here
	ubxPVTLeast        = 84         // §"UBX-NAV-PVT", protocol version 14, of receivers before the M8
	nmeaLongest        = 512        // ours: u-blox's own sentences pass the 82 characters of the standard
)

// ubxPoll is a message without payload: it asks for the message of that class and number (UBX-18010854: §5.5.2, p. 30).
func ubxPoll(class, id byte) []byte {
	frame := []byte{ubxSync1, ubxSync2, class, id, 0, 0}
	a, b := ubxSum(frame[2:])
	return append(frame, a, b)
}

// ubxSum is the checksum over class, number, length and payload (UBX-18010854: §5.4, p. 29 and p. 30).
func ubxSum(body []byte) (a, b byte) {
	for _, x := range body {
		a += x
		b += a
	}
	return a, b
}

// ubxFind looks for a whole message of that class and number in a stream with anything in between. It gives its
// payload, which lies in stream, and what of the stream may still be the start of one.
func ubxFind(stream []byte, class, id byte) (payload, rest []byte) {
	for {
		start := bytes.IndexByte(stream, ubxSync1)
		if start < 0 {
			return nil, nil
		}
		stream = stream[start:]
		if len(stream) < ubxFrame {
			return nil, stream
		}
		length := int(binary.LittleEndian.Uint16(stream[4:]))
		if stream[1] != ubxSync2 || length > ubxLongest {
			stream = stream[1:]
			continue
		}
		if len(stream) < ubxFrame+length {
			return nil, stream
		}
		if n := ubxWhole(stream); n == 0 {
			stream = stream[1:]
		} else if stream[2] == class && stream[3] == id {
			return stream[6 : 6+length], stream[n:]
		} else {
			stream = stream[n:]
		}
	}
}

// ubxWhole is the length of the message with a right checksum that the stream begins with; 0 when it does not.
func ubxWhole(stream []byte) int {
	if len(stream) < ubxFrame || stream[0] != ubxSync1 || stream[1] != ubxSync2 {
		return 0
	}
	n := ubxFrame + int(binary.LittleEndian.Uint16(stream[4:]))
	if n > len(stream) {
		return 0
	}
	if a, b := ubxSum(stream[2 : n-2]); a != stream[n-2] || b != stream[n-1] {
		return 0
	}
	return n
}

// nmeaWhole is the length of the NMEA sentence with a right checksum that the stream begins with; 0 when it does not.
func nmeaWhole(stream []byte) int {
	end := bytes.IndexByte(stream[:min(len(stream), nmeaLongest)], '\n')
	if end < 6 || stream[0] != '$' || stream[end-1] != '\r' || stream[end-4] != '*' {
		return 0
	}
	var sum byte
	for _, x := range stream[1 : end-4] {
		sum ^= x
	}
	if hex.EncodeToString([]byte{sum}) != strings.ToLower(string(stream[end-3:end-1])) {
		return 0
	}
	return end + 1
}

// damaged says whether anything in a stream is neither a whole message nor a whole sentence: a bit was flipped on the
// way, or bytes were lost.
func damaged(stream []byte) bool {
	for len(stream) > 0 {
		n := ubxWhole(stream)
		if n == 0 {
			n = nmeaWhole(stream)
		}
		if n == 0 {
			return true
		}
		stream = stream[n:]
	}
	return false
}

// ubxFix is what a position message says, in the units of the fields: 1e-7 degrees, millimetres, millimetres a second.
type ubxFix struct {
	horizontal, vertical                 bool // what is known
	latitude, longitude, altitude, speed int64
}

// ubxPosition unpacks UBX-NAV-PVT; false when it is too short. Offsets to 39: UBX-18010854, p. 150; that of the speed, p. 151; that of
// the flag that the position is not valid, which R04 of that document leaves reserved: §"UBX-NAV-PVT".
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
