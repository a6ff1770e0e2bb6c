package bus

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/candor-edge/candor/sensors"
)

// The second version of the kernel's interface to GPIO lines, linux/gpio.h, there since Linux 5.10. The numbers are
// those of the _IOR and _IOWR macros with the sizes of the structs below.
const (
	gpioChipInfo  = 0x8044b401 // GPIO_GET_CHIPINFO_IOCTL
	gpioLineInfo  = 0xc100b405 // GPIO_V2_GET_LINEINFO_IOCTL
	gpioGetLine   = 0xc250b407 // GPIO_V2_GET_LINE_IOCTL
	gpioGetValues = 0xc010b40e // GPIO_V2_LINE_GET_VALUES_IOCTL
	gpioSetValues = 0xc010b40f // GPIO_V2_LINE_SET_VALUES_IOCTL

	flagUsed      = 1 << 0
	flagActiveLow = 1 << 1
	flagInput     = 1 << 2
	flagOutput    = 1 << 3
	flagRising    = 1 << 4
	flagFalling   = 1 << 5
	flagPullUp    = 1 << 8
	flagPullDown  = 1 << 9
	flagNoPull    = 1 << 10

	attributeOutput   = 2
	attributeDebounce = 3

	eventRising = 1
	eventSize   = 48 // of struct gpio_v2_line_event
	eventBuffer = 256
)

// chipInfo is struct gpiochip_info.
type chipInfo struct {
	name, label [32]byte
	lines       uint32
}

// lineAttribute is struct gpio_v2_line_attribute; its union is the number, of which a debounce period takes the first
// four bytes.
type lineAttribute struct {
	id, _ uint32
	value [8]byte
}

// lineInfo is struct gpio_v2_line_info.
type lineInfo struct {
	name, consumer [32]byte
	offset, count  uint32
	flags          uint64
	attributes     [10]lineAttribute
	_              [4]uint32
}

// lineRequest is struct gpio_v2_line_request with the struct gpio_v2_line_config in it.
type lineRequest struct {
	offsets    [64]uint32
	consumer   [32]byte
	flags      uint64
	count      uint32
	_          [5]uint32
	attributes [10]struct {
		lineAttribute
		mask uint64
	}
	lines, buffer uint32
	_             [5]uint32
	fd            int32
}

// lineValues is struct gpio_v2_line_values.
type lineValues struct{ bits, mask uint64 }

// Each struct has to have the size that stands in the number of its ioctl; these do not compile otherwise.
var (
	_ [68]byte  = [unsafe.Sizeof(chipInfo{})]byte{}
	_ [256]byte = [unsafe.Sizeof(lineInfo{})]byte{}
	_ [592]byte = [unsafe.Sizeof(lineRequest{})]byte{}
	_ [16]byte  = [unsafe.Sizeof(lineValues{})]byte{}
)

const missingGPIO = "this kernel has no GPIO character device (CONFIG_GPIO_CDEV), or this machine no GPIO"

// Lines lists all lines of all chips that may be opened, in the order of chips and offsets. It changes nothing.
func Lines(dir string) ([]LineInfo, error) { return lines(linux{}, dir) }

func lines(k kernel, dir string) ([]LineInfo, error) {
	if dir == "" {
		dir = "/dev"
	}
	chips, err := chipNodes(dir)
	if err != nil {
		return nil, err
	}
	var all []LineInfo
	var refused []error
	for _, path := range chips {
		found, err := chipLines(k, path)
		if err != nil {
			refused = append(refused, err)
			continue
		}
		all = append(all, found...)
	}
	if len(all) == 0 && len(refused) > 0 {
		return nil, errors.Join(refused...)
	}
	return all, nil
}

// chipNodes lists the nodes of the GPIO chips. A Pi 5 has gpiochip4 as a link to gpiochip0, so that old programs find
// it; one chip under two names would make every line name ambiguous, so links are left out.
func chipNodes(dir string) ([]string, error) {
	nodes, err := filepath.Glob(filepath.Join(dir, "gpiochip*"))
	if err != nil {
		return nil, fmt.Errorf("looking for GPIO chips in %s: %w", dir, err)
	}
	nodes = slices.DeleteFunc(nodes, func(node string) bool {
		info, err := os.Lstat(node)
		return err != nil || info.Mode()&os.ModeSymlink != 0
	})
	if len(nodes) == 0 {
		return nil, &sensors.FaultError{Bus: "gpio", Operation: "looking for chips in " + dir, Kind: sensors.Gone,
			Cause: errors.New(missingGPIO)}
	}
	return nodes, nil
}

// chipLines asks one chip for all its lines.
func chipLines(k kernel, path string) ([]LineInfo, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, nodeFault("gpio", path, missingGPIO, err)
	}
	defer func() { _ = file.Close() }()
	info := &chipInfo{}
	if err := k.pointer(file.Fd(), gpioChipInfo, unsafe.Pointer(info)); err != nil {
		return nil, ioctlFault("asking "+path+" for its label", err)
	}
	found := make([]LineInfo, 0, info.lines)
	for offset := range info.lines {
		one := &lineInfo{offset: offset}
		if err := k.pointer(file.Fd(), gpioLineInfo, unsafe.Pointer(one)); err != nil {
			return nil, ioctlFault(fmt.Sprintf("asking %s for line %d", path, offset), err)
		}
		found = append(found, LineInfo{Chip: filepath.Base(path), Label: text(info.label), Offset: offset, Name: text(one.name),
			Consumer: text(one.consumer), Used: one.flags&flagUsed != 0, Output: one.flags&flagOutput != 0,
			ActiveLow: one.flags&flagActiveLow != 0})
	}
	return found, nil
}

func ioctlFault(operation string, cause error) error {
	return &sensors.FaultError{Bus: "gpio", Operation: operation, Kind: kindOf(cause), Cause: cause}
}

func text(b [32]byte) string {
	name, _, _ := bytes.Cut(b[:], []byte{0})
	return string(name)
}

// FindLine finds a line by its name, or by the label of its chip and the offset, "pinctrl-bcm2835:17". A name that no
// line has is tried as the pin of a Raspberry Pi's header: GPIO17 was PIN11 to the first kernels for the Pi 5. It changes
// nothing. The number of a chip is no way to find one, as it is another after the next boot.
func FindLine(dir, name string) (LineInfo, error) { return findLine(linux{}, dir, name) }

func findLine(k kernel, dir, name string) (LineInfo, error) {
	operation := fmt.Sprintf("looking for the line %q", name)
	all, err := lines(k, dir)
	if err != nil {
		return LineInfo{}, &sensors.FaultError{Bus: "gpio", Operation: operation, Kind: sensors.FaultOf(err), Cause: err}
	}
	label, offset := "", uint64(0)
	if i := strings.LastIndexByte(name, ':'); i > 0 {
		if n, err := strconv.ParseUint(name[i+1:], 10, 32); err == nil {
			label, offset = name[:i], n
		}
	}
	find := func(name string) (found []LineInfo) {
		for _, info := range all {
			if name != "" && info.Name == name || label != "" && info.Label == label && uint64(info.Offset) == offset {
				found = append(found, info)
			}
		}
		return found
	}
	found := find(name)
	if len(found) == 0 {
		found = find(otherName(name))
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return LineInfo{}, &sensors.FaultError{Bus: "gpio", Operation: operation, Kind: sensors.Gone,
			Cause: fmt.Errorf("no line has that name; there are chips %s", labels(all))}
	}
	return LineInfo{}, &sensors.FaultError{Bus: "gpio", Operation: operation, Kind: sensors.Other,
		Cause: fmt.Errorf("%d lines have that name: %v; write chip and offset, as in %s:%d", len(found), found, found[0].Label, found[0].Offset)}
}

// labels lists the chips with how many lines each has.
func labels(all []LineInfo) string {
	var order []string
	count := map[string]int{}
	for _, info := range all {
		if count[info.Label] == 0 {
			order = append(order, info.Label)
		}
		count[info.Label]++
	}
	for i, label := range order {
		order[i] = fmt.Sprintf("%s (%d lines)", label, count[label])
	}
	return strings.Join(order, ", ")
}
