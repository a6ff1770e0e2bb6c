package bus

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Registers of the GPIO block of BCM2835 to BCM2711, and the function of a pin that is one of an I2C controller's (BCM2835 ARM
// Peripherals, 6.1 and 6.2; BCM2711 ARM Peripherals, 5.2 and 5.3: the same places).
const (
	registerFunction = 0x00 // of pins 0 to 9, three bits each
	registerLevel    = 0x34 // of pins 0 to 31
	functionI2C      = 4    // alternate function 0
	gpioBlock        = 4096
)

// looks and lookEvery say how a wire is told from one that is low for a transfer: those last milliseconds.
const (
	looks     = 40
	lookEvery = 2 * time.Millisecond
)

// Idle tells whether the two wires of a bus are high at some time while it is looked at, as they are between transfers. It
// reads what the controller's pins are at and touches neither: no transfer, no other function of a pin. That can be done on
// a Raspberry Pi up to the fourth, for i2c-0 and i2c-1; elsewhere it is an error that says why not. It takes up to a tenth
// of a second.
func Idle(name string) (sda, scl bool, err error) {
	return idle("/dev/gpiomem", "/proc/device-tree/compatible", name)
}

func idle(node, compatible, name string) (sda, scl bool, err error) {
	pin, ok := map[string]uint{"i2c-0": 0, "i2c-1": 2}[name]
	board, _ := os.ReadFile(filepath.Clean(compatible))
	switch {
	case !ok:
		return false, false, fmt.Errorf("where the wires of %s are is not known", name)
	case !strings.Contains(string(board), "brcm,bcm283") && !strings.Contains(string(board), "brcm,bcm2711"):
		return false, false, errors.New("the levels of a bus can be read on a Raspberry Pi up to the fourth only")
	}
	file, err := os.OpenFile(node, os.O_RDONLY|unix.O_SYNC, 0)
	if err != nil {
		return false, false, err
	}
	defer func() { _ = file.Close() }()
	block, err := unix.Mmap(int(file.Fd()), 0, gpioBlock, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return false, false, fmt.Errorf("%s: %w", node, err)
	}
	defer func() { _ = unix.Munmap(block) }()
	register := func(at int) uint32 { return atomic.LoadUint32((*uint32)(unsafe.Pointer(&block[at]))) }
	if f := register(registerFunction); f>>(3*pin)&7 != functionI2C || f>>(3*(pin+1))&7 != functionI2C {
		return false, false, fmt.Errorf("GPIO%d and GPIO%d are not the wires of %s on this board", pin, pin+1, name)
	}
	for i := 0; i < looks && !(sda && scl); i++ {
		if i > 0 {
			time.Sleep(lookEvery)
		}
		level := register(registerLevel)
		sda, scl = sda || level>>pin&1 != 0, scl || level>>(pin+1)&1 != 0
	}
	return sda, scl, nil
}
