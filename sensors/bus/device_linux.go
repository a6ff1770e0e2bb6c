package bus

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"github.com/candor-edge/candor/sensors"
)

// Requests of /dev/i2c-N, from linux/i2c-dev.h, and what goes with them, from linux/i2c.h.
const (
	i2cRetries = 0x0701 // how often to repeat after lost arbitration
	i2cTimeout = 0x0702 // in units of 10 ms
	i2cSlave   = 0x0703 // the address of read and write, which are not used; it fails where a driver has the address
	i2cFuncs   = 0x0705 // what the adapter can do, an unsigned long
	i2cRdwr    = 0x0707

	i2cFuncI2C = 0x0001 // plain transfers, not SMBus only
	i2cRead    = 0x0001 // I2C_M_RD
)

// errRemoteIO is what most controllers' drivers return when a part does not acknowledge.
const errRemoteIO = syscall.EREMOTEIO

// message is struct i2c_msg. Its data is a pointer and not a number, so that the garbage collector sees it.
type message struct {
	addr   uint16
	flags  uint16
	length uint16
	data   unsafe.Pointer
}

// transfer is struct i2c_rdwr_ioctl_data, and after it what it points to: all of it one piece of heap memory, which
// the garbage collector does not move. On a stack it could be moved while the kernel holds its address.
type transfer struct {
	messages unsafe.Pointer
	count    uint32

	list [2]message
	w, r []byte
}

// kernel is the part of the kernel that device files are used through.
type kernel interface {
	// pointer is ioctl with an address. What arg points to has to be on the heap.
	pointer(fd uintptr, request uint, arg unsafe.Pointer) error
	// number is ioctl with a plain number.
	number(fd uintptr, request uint, arg uintptr) error
}

// linux is the real kernel.
type linux struct{}

func (linux) pointer(fd uintptr, request uint, arg unsafe.Pointer) error {
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, uintptr(request), uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}

func (linux) number(fd uintptr, request uint, arg uintptr) error {
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, uintptr(request), arg); errno != 0 {
		return errno
	}
	return nil
}

// node is the adapter of an open device node.
type node struct {
	kernel kernel
	file   *os.File
	fd     uintptr
	ours   map[uint16]bool // addresses that no driver of the kernel had when we first used them
}

// Open opens the node. An error names it and what would help: the group to be a member of, the line of config.txt.
func (d Device) Open() (Adapter, error) {
	n, err := d.open(linux{})
	if err != nil {
		return nil, err // and not a nil *node in an interface
	}
	return n, nil
}

func (d Device) open(k kernel) (*node, error) {
	path := filepath.Join(d.Dir, d.Name)
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, nodeFault(d.Name, path, missingBus, err)
	}
	n := &node{kernel: k, file: file, fd: file.Fd(), ours: map[uint16]bool{}}
	if err := n.prepare(d); err != nil {
		_ = file.Close()
		return nil, &sensors.FaultError{Bus: d.Name, Operation: "opening " + path, Kind: kindOf(err), Cause: err}
	}
	return n, nil
}

// prepare sets what the kernel keeps for the adapter, and looks whether it can do plain transfers.
func (n *node) prepare(d Device) error {
	can := new(uintptr)
	if err := n.kernel.pointer(n.fd, i2cFuncs, unsafe.Pointer(can)); err != nil {
		if errors.Is(err, syscall.ENOTTY) || errors.Is(err, syscall.EINVAL) {
			return errors.New("this is no I2C bus")
		}
		return os.NewSyscallError("ioctl I2C_FUNCS", err)
	}
	if *can&i2cFuncI2C == 0 {
		return errors.New("this adapter can do SMBus commands only, no plain transfers; it is of no use here")
	}
	steps := uintptr(max(1, (d.Timeout+10*time.Millisecond-1)/(10*time.Millisecond)))
	if err := n.kernel.number(n.fd, i2cTimeout, steps); err != nil {
		return os.NewSyscallError("ioctl I2C_TIMEOUT", err)
	}
	if err := n.kernel.number(n.fd, i2cRetries, uintptr(max(d.Retries, 0))); err != nil {
		return os.NewSyscallError("ioctl I2C_RETRIES", err)
	}
	return nil
}

// free says whether no driver of the kernel uses an address. I2C_RDWR does not ask, and two who talk to one part spoil
// each other's conversation.
func (n *node) free(addr uint16) error {
	if n.ours[addr] {
		return nil
	}
	if err := n.kernel.number(n.fd, i2cSlave, uintptr(addr)); errors.Is(err, syscall.EBUSY) {
		return fmt.Errorf("%w: a driver of the kernel has this part; read it as iio: or hwmon:, or unbind that driver", err)
	}
	n.ours[addr] = true
	return nil
}

// Transfer implements [Adapter] with one I2C_RDWR: a write, a repeated start and a read.
func (n *node) Transfer(addr uint16, w, r []byte) error {
	if err := n.free(addr); err != nil {
		return err
	}
	t := &transfer{w: w, r: r}
	var pinned runtime.Pinner
	defer pinned.Unpin()
	if len(w) > 0 {
		pinned.Pin(&w[0])
		t.list[t.count] = message{addr: addr, length: uint16(len(w)), data: unsafe.Pointer(&w[0])}
		t.count++
	}
	if len(r) > 0 {
		pinned.Pin(&r[0])
		t.list[t.count] = message{addr: addr, flags: i2cRead, length: uint16(len(r)), data: unsafe.Pointer(&r[0])}
		t.count++
	}
	pinned.Pin(t)
	t.messages = unsafe.Pointer(&t.list[0])
	err := n.kernel.pointer(n.fd, i2cRdwr, unsafe.Pointer(t))
	runtime.KeepAlive(t)
	return err
}

// Close implements [Adapter].
func (n *node) Close() error { return n.file.Close() }

// groupOf returns the number of the group that a file belongs to.
func groupOf(info fs.FileInfo) (gid string, known bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", false
	}
	return strconv.FormatUint(uint64(stat.Gid), 10), true
}
