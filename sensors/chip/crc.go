package chip

import (
	"context"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// crc8 is the checksum that Sensirion's and TI's humidity sensors put after each word: polynomial 0x31, start 0xff,
// not reflected (SHT3x, §4.12, table 20, p. 14; SHT4x, §4.4; SCD4x, §3.11; HDC302x, §"checksum calculation"). 0xbeef has 0x92.
func crc8(b []byte) byte {
	crc := byte(0xff)
	for _, x := range b {
		crc ^= x
		for range 8 {
			if crc&0x80 != 0 {
				crc = crc<<1 ^ 0x31
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}

// words sends a command, waits, and reads count words, each followed by its checksum. A wrong one is Corrupt.
func (p *place) words(ctx context.Context, what string, command []byte, pause time.Duration, count int) ([]uint16, error) {
	if err := p.tx(ctx, what, command, nil); err != nil {
		return nil, err
	}
	if err := p.wait(ctx, what, pause); err != nil {
		return nil, err
	}
	answer := make([]byte, 3*count)
	if err := p.tx(ctx, what, nil, answer); err != nil {
		return nil, err
	}
	out := make([]uint16, count)
	for i := range out {
		word := answer[3*i : 3*i+3]
		if crc8(word[:2]) != word[2] {
			return nil, p.fault(what, sensors.Corrupt, "the checksum of word %d of %d is wrong", i+1, count)
		}
		out[i] = uint16(word[0])<<8 | uint16(word[1])
	}
	return out, nil
}

// command is a 16-bit command as it goes over the bus.
func command(code uint16) []byte { return []byte{byte(code >> 8), byte(code)} }
