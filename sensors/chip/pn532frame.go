package chip

import (
	"bytes"
	"errors"
)

// Frames of the PN532 (NXP UM0701-02, §6.2.1).
const (
	pnToPart   = 0xd4 // §6.2.1.1, p. 28: direction byte
	pnFromPart = 0xd5 // §6.2.1.1, p. 28: the other direction
	pnLongest  = 255  // §6.2.1.1, p. 28: of a normal frame, with its direction byte
)

// The reasons why bytes are no frame.
var (
	errPNStart  = errors.New("no start of a frame")
	errPNLength = errors.New("the length does not fit its checksum or the bytes")
	errPNSum    = errors.New("the checksum is wrong")
	errPNSyntax = errors.New("the part says that it did not understand")
)

// pnAck is the frame that acknowledges a command (6.2.1.3); sent to the part it ends the command it works on.
func pnAck() []byte { return []byte{0x00, 0x00, 0xff, 0x00, 0xff, 0x00} }

// pnFrame packs a command and its parameters, at most 254 bytes (6.2.1.1).
func pnFrame(command ...byte) []byte {
	length := byte(len(command) + 1)
	frame := []byte{0x00, 0x00, 0xff, length, -length, pnToPart}
	frame = append(frame, command...)
	sum := byte(pnToPart)
	for _, b := range command {
		sum += b
	}
	return append(frame, -sum, 0x00)
}

// pnPayload unpacks a frame from the part: what stands after the direction byte. Bytes after the frame are ignored,
// because a read over I2C is always longer than the answer. The payload lies in b.
func pnPayload(b []byte) ([]byte, error) {
	start := bytes.Index(b, []byte{0x00, 0xff})
	if start < 0 || start+4 > len(b) {
		return nil, errPNStart
	}
	b = b[start+2:]
	length := int(b[0])
	if b[0]+b[1] != 0 || length == 0 || length > pnLongest || len(b) < 2+length+1 {
		return nil, errPNLength
	}
	body := b[2 : 2+length]
	var sum byte
	for _, x := range b[2 : 2+length+1] {
		sum += x
	}
	if sum != 0 {
		return nil, errPNSum
	}
	if length == 1 && body[0] == 0x7f { // 6.2.1.5
		return nil, errPNSyntax
	}
	if body[0] != pnFromPart {
		return nil, errPNStart
	}
	return body[1:], nil
}

// pnTarget gives the number of the first badge in the answer to InListPassiveTarget at 106 kbit/s type A (7.3.5):
// count, then of each badge its index, two bytes of kind, one of ability, the number's length and the number. No badge
// is nil and no error.
func pnTarget(answer []byte) ([]byte, error) {
	if len(answer) < 1 {
		return nil, errPNLength
	}
	if answer[0] == 0 {
		return nil, nil
	}
	if len(answer) < 6 {
		return nil, errPNLength
	}
	n := int(answer[5])
	if n != 4 && n != 7 && n != 10 || len(answer) < 6+n { // ISO/IEC 14443-3, 6.5.4: single, double, triple size
		return nil, errPNLength
	}
	return answer[6 : 6+n], nil
}
