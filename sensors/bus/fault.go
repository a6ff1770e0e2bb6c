package bus

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"syscall"

	"github.com/candor-edge/candor/sensors"
)

var (
	// ErrQuarantined is in the error of a transfer that was not tried, because its address failed too often of late.
	ErrQuarantined = errors.New("not tried: the address is in quarantine after repeated failures")
	// ErrClosed is in the error of a transfer on a closed bus.
	ErrClosed = errors.New("the bus is closed")
	// ErrEmpty is in the error of a transfer without a byte to write or read.
	ErrEmpty = errors.New("refused: a transfer of no bytes says nothing of a part; read one byte")
	// ErrAddress is in the error of a transfer to an address that no part can have.
	ErrAddress = errors.New("refused: a part has an address of 0x03 to 0x77")
	// ErrLength is in the error of a transfer that the kernel would refuse.
	ErrLength = errors.New("refused: more than 8192 bytes one way")
	errSpeed  = errors.New("the speed of a bus is set at boot; on a Raspberry Pi with dtparam=i2c_arm_baudrate in config.txt")
	errHeld   = errors.New("a transfer is still in the kernel")
	errTurn   = errors.New("the bus was busy with others until the deadline")
)

// kindOf says what an errno of an I2C transfer means. Linux documents them in Documentation/i2c/fault-codes.rst; the
// controllers' drivers do not all keep to it: a part that does not acknowledge is ENXIO on some and EREMOTEIO on others.
func kindOf(err error) sensors.FaultKind {
	if known := sensors.FaultOf(err); known != sensors.Other {
		return known
	}
	switch {
	case isAny(err, syscall.ENXIO, errRemoteIO):
		return sensors.NoAnswer
	case isAny(err, syscall.ETIMEDOUT, syscall.ETIME), errors.Is(err, os.ErrDeadlineExceeded):
		return sensors.Timeout
	case isAny(err, syscall.EAGAIN):
		return sensors.Arbitration
	case errors.Is(err, fs.ErrPermission):
		return sensors.Permission
	case isAny(err, syscall.ENODEV, syscall.ESHUTDOWN, syscall.EBADF), errors.Is(err, fs.ErrNotExist), errors.Is(err, os.ErrClosed):
		return sensors.Gone
	case isAny(err, syscall.EBUSY):
		return sensors.Busy
	case isAny(err, syscall.EBADMSG, syscall.EPROTO):
		return sensors.Corrupt
	}
	return sensors.Other
}

func isAny(err error, numbers ...syscall.Errno) bool {
	var errno syscall.Errno
	return errors.As(err, &errno) && slices.Contains(numbers, errno)
}

// errnoOf is the errno with which the kernel would report that kind, nil where there is none.
func errnoOf(kind sensors.FaultKind) error {
	switch kind {
	case sensors.NoAnswer:
		return errRemoteIO
	case sensors.Timeout:
		return syscall.ETIMEDOUT
	case sensors.Arbitration:
		return syscall.EAGAIN
	case sensors.Permission:
		return syscall.EACCES
	case sensors.Gone:
		return syscall.ENODEV
	case sensors.Busy:
		return syscall.EBUSY
	case sensors.Corrupt:
		return syscall.EBADMSG
	}
	return nil
}

// operation puts lengths into words, never bytes.
func operation(w, r int) string {
	switch {
	case r == 0:
		return fmt.Sprintf("write %d", w)
	case w == 0:
		return fmt.Sprintf("read %d", r)
	}
	return fmt.Sprintf("write %d, read %d", w, r)
}

// nodeFault makes an error of opening a device node one that says what to do about it. missing is the hint for a node
// that is not there.
func nodeFault(bus, node, missing string, cause error) error {
	fault := &sensors.FaultError{Bus: bus, Operation: "opening " + node, Kind: kindOf(cause)}
	// The path is in Operation already.
	var path *fs.PathError
	if errors.As(cause, &path) {
		cause = path.Err
	}
	switch fault.Kind {
	case sensors.Permission:
		fault.Cause = fmt.Errorf("%w; %s", cause, permissionHint(node))
	case sensors.Gone:
		fault.Cause = fmt.Errorf("%w; %s", cause, missing)
	default:
		fault.Cause = cause
	}
	return fault
}

// permissionHint names the group of a node and the command that makes the user of this process a member.
func permissionHint(node string) string {
	info, err := os.Stat(node)
	if err != nil {
		return "the node's group can't be seen either"
	}
	gid, known := groupOf(info)
	if !known {
		return fmt.Sprintf("its mode is %v", info.Mode().Perm())
	}
	group := gid
	if g, err := user.LookupGroupId(gid); err == nil {
		group = g.Name
	}
	name := "USER"
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	if info.Mode().Perm()&0o060 != 0o060 {
		return fmt.Sprintf("%s is mode %03o, so its group %q may not use it either; a udev rule has to set mode 0660",
			node, info.Mode().Perm(), group)
	}
	return fmt.Sprintf("%s belongs to group %q; become a member with: sudo usermod -aG %s %s, then log in again (a "+
		"service: SupplementaryGroups=%s)", node, group, group, name, group)
}

const missingBus = "no such bus; on a Raspberry Pi put dtparam=i2c_arm=on into config.txt and reboot, elsewhere load the " +
	"kernel module i2c-dev"

// Names lists the I2C buses that have a device node in dir ("/dev"), in the order of their numbers.
func Names(dir string) ([]string, error) {
	nodes, err := filepath.Glob(filepath.Join(dir, "i2c-*"))
	if err != nil {
		return nil, fmt.Errorf("looking for I2C buses in %s: %w", dir, err)
	}
	number := func(name string) int {
		n, err := strconv.Atoi(strings.TrimPrefix(name, "i2c-"))
		if err != nil {
			return -1
		}
		return n
	}
	names := make([]string, 0, len(nodes))
	for _, node := range nodes {
		if name := filepath.Base(node); number(name) >= 0 {
			names = append(names, name)
		}
	}
	sort.Slice(names, func(i, j int) bool { return number(names[i]) < number(names[j]) })
	return names, nil
}
