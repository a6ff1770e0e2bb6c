package chip

import (
	"context"
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
	"testing"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/sensortest"
)

// receiver is a u-blox as seen from the bus: what it has to say waits in a buffer, is read once, and is gone.
type receiver struct {
	waiting  []byte
	latitude int32
	flip     int  // the bit of all that it says next that is flipped; -1 for none
	count    int  // the bit of the next count that is flipped; -1 for none
	mute     bool // it answers nothing, and says its sentence all the same
}

func newReceiver() *receiver { return &receiver{latitude: 472852395, flip: -1, count: -1} }

const sentence = "$GPRMC,083559.00,A,4717.11437,N,00833.91522,E,0.004,77.52,091202,,,A*57\r\n"

// Transfer is one transfer with the receiver.
func (u *receiver) Transfer(w, r []byte) error {
	switch {
	case len(w) == ubxFrame && ubxWhole(w) == ubxFrame:
		said := []byte(sentence)
		if !u.mute {
			said = append(said, u.answer(w[2], w[3])...)
		}
		if u.flip >= 0 && u.flip < 8*len(said) {
			said[u.flip/8] ^= 0x80 >> (u.flip % 8)
		}
		u.waiting = append(u.waiting, said...)
	case len(w) == 1 && w[0] == ubloxWaiting && len(r) == 2:
		binary.BigEndian.PutUint16(r, uint16(len(u.waiting)))
		if u.count >= 0 {
			r[u.count/8] ^= 0x80 >> (u.count % 8)
			u.count = -1
		}
	case len(w) == 1 && w[0] == ubloxStream:
		fill(r, 0xff)
		u.waiting = u.waiting[copy(r, u.waiting):]
	}
	return nil
}

func (u *receiver) answer(class, id byte) []byte {
	if class == ubxMon && id == ubxVersion {
		return message(class, id, make([]byte, 40))
	}
	p := make([]byte, ubxPVTSize)
	p[20], p[21] = 3, 1
	binary.LittleEndian.PutUint32(p[24:], 85652537)
	binary.LittleEndian.PutUint32(p[28:], uint32(u.latitude))
	binary.LittleEndian.PutUint32(p[36:], 499600)
	return message(class, id, p)
}

// onReceiver is a part on a receiver, identified, and a function that reads it.
func onReceiver(t *testing.T, u *receiver) func() ([]sensors.Value, error) {
	t.Helper()
	tr := readTranscript(t, "testdata/ublox.datasheet")
	p, fields := tr.open(t, busFunc(func(_ context.Context, _ uint16, w, r []byte) error { return u.Transfer(w, r) }),
		sensortest.NewClock(time.Unix(1e9, 0)))
	if err := p.Identify(context.Background()); err != nil {
		t.Fatal(err)
	}
	return func() ([]sensors.Value, error) {
		values := make([]sensors.Value, len(fields))
		err := p.Sense(context.Background(), values)
		return values, err
	}
}

// Whichever bit of the answer is flipped, the reading is corrupt and has no position; one that is flipped in a sentence
// beside it changes nothing. The next reading is right at once.
func TestUBloxFlippedBit(t *testing.T) {
	u := newReceiver()
	read := onReceiver(t, u)
	right, err := read()
	if err != nil || right[0].Num != int64(u.latitude) {
		t.Fatalf("a healthy receiver gives %v, %v", right, err)
	}
	whole := len(sentence) + ubxFrame + ubxPVTSize
	for bit := range 8 * whole {
		u.flip = bit
		values, err := read()
		switch {
		case bit >= 8*len(sentence) && !errors.Is(err, sensors.Corrupt):
			t.Errorf("bit %d of the answer is flipped, and the error is %v", bit-8*len(sentence), err)
		case err == nil && !slices.Equal(values, right):
			t.Errorf("bit %d is flipped, and there is another position", bit)
		case err != nil && !slices.Equal(values, make([]sensors.Value, len(right))):
			t.Errorf("bit %d is flipped, and there is an error with values", bit)
		}
		u.flip = -1
		if values, err := read(); err != nil || !slices.Equal(values, right) {
			t.Fatalf("the reading after a flip of bit %d is %v, %v", bit, values, err)
		}
	}
}

// A count with a flipped bit makes the driver read too much or too little; what comes of it is right or no value.
func TestUBloxFlippedCount(t *testing.T) {
	u := newReceiver()
	read := onReceiver(t, u)
	right, _ := read()
	for bit := range 16 {
		u.count = bit
		if values, err := read(); err == nil && !slices.Equal(values, right) {
			t.Errorf("bit %d of the count is flipped, and there is another position", bit)
		}
		if values, err := read(); err != nil || !slices.Equal(values, right) {
			t.Errorf("after bit %d of the count was flipped: %v, %v", bit, values, err)
		}
	}
}

// What waited from before is not taken for an answer, however right it is.
func TestUBloxOldAnswer(t *testing.T) {
	u := newReceiver()
	read := onReceiver(t, u)
	for range 12 { // messages that somebody switched on
		u.waiting = append(u.waiting, u.answer(ubxNav, ubxPVT)...)
	}
	u.latitude++
	if values, err := read(); err != nil || values[0].Num != int64(u.latitude) {
		t.Errorf("the latitude is %v, %v; an old one is told", values[0], err)
	}
}

// A receiver that only talks of other things is silent, not corrupt.
func TestUBloxSilent(t *testing.T) {
	u := newReceiver()
	read := onReceiver(t, u)
	u.mute = true
	if _, err := read(); !errors.Is(err, sensors.Timeout) {
		t.Errorf("without an answer the error is %v", err)
	}
}

// Every single flipped bit of a sentence is seen.
func TestNMEAWhole(t *testing.T) {
	if n := nmeaWhole([]byte(sentence + "$GN")); n != len(sentence) {
		t.Fatalf("%d of %d bytes are the sentence", n, len(sentence))
	}
	for bit := range 8 * len(sentence) {
		b := []byte(sentence)
		b[bit/8] ^= 0x80 >> (bit % 8)
		// 0x20 turns a letter into its other case, which in the two digits of the sum says the same.
		digit := bit/8 == len(sentence)-4 || bit/8 == len(sentence)-3
		if nmeaWhole(b) != 0 && !(digit && bits.OnesCount8(b[bit/8]^sentence[bit/8]) == 1 && b[bit/8]^sentence[bit/8] == 0x20) {
			t.Errorf("a flip of bit %d goes unseen", bit)
		}
	}
}
