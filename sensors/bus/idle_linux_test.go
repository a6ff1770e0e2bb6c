package bus

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The wires of a bus are read from the block of registers, and only where they are known to be there. Not yet seen on hardware:
// a file stands for the block.
func TestIdle(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		name, bus, board string
		function, level  uint32
		sda, scl         bool
		why              string
	}{
		{"both high", "i2c-1", "raspberrypi,4-model-b\x00brcm,bcm2711\x00", 4<<6 | 4<<9, 1<<2 | 1<<3, true, true, ""},
		{"SDA held", "i2c-1", "brcm,bcm2837", 4<<6 | 4<<9, 1 << 3, false, true, ""},
		{"SCL held", "i2c-1", "brcm,bcm2835", 4<<6 | 4<<9, 1 << 2, true, false, ""},
		{"the other bus", "i2c-0", "brcm,bcm2835", 4 | 4<<3, 1 << 0, true, false, ""},
		{"pins that are something else", "i2c-1", "brcm,bcm2835", 1<<6 | 4<<9, 1<<2 | 1<<3, false, false, "not the wires"},
		{"a Pi 5", "i2c-1", "raspberrypi,5-model-b\x00brcm,bcm2712", 4<<6 | 4<<9, 12, false, false, "up to the fourth"},
		{"a bus elsewhere", "i2c-20", "brcm,bcm2711", 0, 0, false, false, "not known"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			block := make([]byte, gpioBlock)
			binary.NativeEndian.PutUint32(block[registerFunction:], tt.function)
			binary.NativeEndian.PutUint32(block[registerLevel:], tt.level)
			node, board := filepath.Join(dir, "gpiomem"), filepath.Join(dir, "compatible")
			if err := os.WriteFile(node, block, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(board, []byte(tt.board), 0o600); err != nil {
				t.Fatal(err)
			}
			sda, scl, err := idle(node, board, tt.bus)
			if sda != tt.sda || scl != tt.scl || (err == nil) != (tt.why == "") || err != nil && !strings.Contains(err.Error(), tt.why) {
				t.Errorf("SDA %t, SCL %t, %v", sda, scl, err)
			}
		})
	}
	if _, _, err := Idle("i2c-1"); err == nil {
		if board, _ := os.ReadFile("/proc/device-tree/compatible"); !strings.Contains(string(board), "brcm") {
			t.Error("levels of a bus on a machine that has none")
		}
	}
}
