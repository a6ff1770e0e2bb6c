package bus

import (
	"strconv"
	"strings"
)

// headerPins are the lines of the Raspberry Pi's header of 40 pins by the number of their pin, odd pins first from 3 on,
// then even ones from 8 on (Raspberry Pi documentation, "GPIO and the 40-pin header").
func headerPins() map[int]int {
	return map[int]int{
		3: 2, 5: 3, 7: 4, 11: 17, 13: 27, 15: 22, 19: 10, 21: 9, 23: 11, 29: 5, 31: 6, 33: 13, 35: 19, 37: 26,
		8: 14, 10: 15, 12: 18, 16: 23, 18: 24, 22: 25, 24: 8, 26: 7, 32: 12, 36: 16, 38: 20, 40: 21,
	}
}

// otherName is the other name that kernels of a Raspberry Pi have for a line: the first for the Pi 5 called GPIO17 by its
// pin, PIN11. "" where there is none.
func otherName(name string) string {
	if number, ok := strings.CutPrefix(name, "PIN"); ok {
		if pin, err := strconv.Atoi(number); err == nil {
			if line, ok := headerPins()[pin]; ok {
				return "GPIO" + strconv.Itoa(line)
			}
		}
	}
	if number, ok := strings.CutPrefix(name, "GPIO"); ok {
		for pin, line := range headerPins() {
			if strconv.Itoa(line) == number {
				return "PIN" + strconv.Itoa(pin)
			}
		}
	}
	return ""
}
