package bustest

import (
	"bytes"
	"errors"
	"syscall"
	"testing"
)

func TestRegisters(t *testing.T) {
	one := NewRegisters(1).Set(0x10, 1, 2, 3).Fix(0x11)
	two := NewRegisters(2).Set(1, 0xab, 0xcd, 0x12)
	for _, c := range []struct {
		part    Device
		written []byte
		want    []byte
	}{
		{one, []byte{0x10}, []byte{1, 2, 3, 0}},
		{one, []byte{0x10, 9, 9, 9}, nil},
		{one, nil, []byte{9, 2, 9}},
		{one, []byte{0xff}, []byte{0, 0xff}},
		{two, []byte{1}, []byte{0xab, 0xcd, 0x12, 0}},
		{two, []byte{2, 0x34, 0x56}, []byte{0x34, 0x56}},
	} {
		got := make([]byte, len(c.want))
		if err := c.part.Transfer(c.written, got); err != nil || !bytes.Equal(got, c.want) {
			t.Errorf("after %x it reads %x, %v; want %x", c.written, got, err, c.want)
		}
	}
	if err := one.Transfer([]byte{0xff, 1, 2}, nil); !errors.Is(err, syscall.ENXIO) {
		t.Errorf("written beyond the end: %v", err)
	}
	if got := two.Get(1, 2); !bytes.Equal(got, []byte{0xab, 0xcd}) {
		t.Errorf("register 1 holds %x", got)
	}
}

func TestWireParts(t *testing.T) {
	w := NewWire()
	read := func() (byte, error) {
		got := []byte{0}
		err := w.Transfer(0x20, []byte{0}, got)
		return got[0], err
	}
	if _, err := read(); !errors.Is(err, syscall.ENXIO) {
		t.Errorf("nobody: %v", err)
	}
	w.Attach(0x20, NewRegisters(1).Set(0, 0b1100))
	w.Attach(0x20, NewRegisters(1).Set(0, 0b1010))
	if got, err := read(); got != 0b1000 || err != nil {
		t.Errorf("two at one address give %b, %v", got, err)
	}
	w.Attach(0x20, Func(func([]byte, []byte) error { return syscall.EIO }))
	if got, err := read(); got != 0b1000 || err != nil {
		t.Errorf("with one that refuses they give %b, %v", got, err)
	}
	w.Detach(0x20)
	if _, err := read(); !errors.Is(err, syscall.ENXIO) {
		t.Errorf("unplugged: %v", err)
	}
	if n := w.Attempts(0x20); n != 4 {
		t.Errorf("%d attempts", n)
	}
}

func TestFaultTimes(t *testing.T) {
	w := NewWire()
	w.Attach(0x20, NewRegisters(1).Set(0, 5))
	w.Attach(0x21, NewRegisters(1).Set(0, 6))
	w.Break(0x20, Fault{Mode: NoAnswer, Times: 2})
	w.Break(All, Fault{Mode: LostArbitration})
	want := []error{syscall.ENXIO, syscall.ENXIO, syscall.EAGAIN}
	for i, want := range want {
		if err := w.Transfer(0x20, []byte{0}, []byte{0}); !errors.Is(err, want) {
			t.Errorf("transfer %d: %v, want %v", i, err, want)
		}
	}
	if err := w.Transfer(0x21, []byte{0}, []byte{0}); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("another address: %v", err)
	}
	w.Mend(All)
	if err := w.Transfer(0x20, []byte{0}, []byte{0}); err != nil {
		t.Errorf("mended: %v", err)
	}
}
