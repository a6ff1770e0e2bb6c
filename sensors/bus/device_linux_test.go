package bus

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/candor-edge/candor/sensors"
)

// fakeKernel has one I2C part, an echo: what is read is what was written, counted up. It looks at its arguments only
// after others had time to move the memory they are in.
type fakeKernel struct {
	funcs   uintptr
	refuse  map[uint]error
	numbers map[uint]uintptr
	calls   func() // before it looks
}

func (k *fakeKernel) number(_ uintptr, request uint, arg uintptr) error {
	if err := k.refuse[request]; err != nil {
		return err
	}
	k.numbers[request] = arg
	return nil
}

func (k *fakeKernel) pointer(_ uintptr, request uint, arg unsafe.Pointer) error {
	if err := k.refuse[request]; err != nil {
		return err
	}
	if request == i2cFuncs {
		*(*uintptr)(arg) = k.funcs
		return nil
	}
	address := uintptr(arg) // as the kernel has it: a number that keeps nothing where it is
	if k.calls != nil {
		k.calls()
	}
	if address != uintptr(arg) {
		return errors.New("the request has moved")
	}
	t := (*transfer)(arg)
	list := unsafe.Slice((*message)(t.messages), t.count)
	var written []byte
	for _, m := range list {
		if m.addr != 0x42 {
			return syscall.EREMOTEIO
		}
		data := unsafe.Slice((*byte)(m.data), m.length)
		if m.flags == 0 {
			written = data
			continue
		}
		if m.flags != i2cRead {
			return syscall.EINVAL
		}
		for i := range data {
			data[i] = written[0] + byte(i)
		}
	}
	return nil
}

func newFakeKernel() *fakeKernel {
	return &fakeKernel{funcs: i2cFuncI2C | 0x8000, refuse: map[uint]error{}, numbers: map[uint]uintptr{}}
}

// deviceNode makes a file that stands for a device node.
func deviceNode(t *testing.T, name string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), nil, 0o660); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestDevice(t *testing.T) {
	dir := deviceNode(t, "i2c-1")
	k := newFakeKernel()
	n, err := Device{Dir: dir, Name: "i2c-1", Timeout: 241 * time.Millisecond, Retries: 2}.open(k)
	if err != nil {
		t.Fatal(err)
	}
	if k.numbers[i2cTimeout] != 25 || k.numbers[i2cRetries] != 2 {
		t.Errorf("timeout and retries are %v", k.numbers)
	}
	got := make([]byte, 3)
	if err := n.Transfer(0x42, []byte{7}, got); err != nil || !bytes.Equal(got, []byte{7, 8, 9}) {
		t.Errorf("read %x, %v", got, err)
	}
	if err := n.Transfer(0x42, []byte{7, 1}, nil); err != nil {
		t.Error(err)
	}
	if err := n.Transfer(0x43, nil, got); !errors.Is(err, syscall.EREMOTEIO) {
		t.Errorf("nobody there: %v", err)
	}
	k.refuse[i2cSlave] = syscall.EBUSY
	if err := n.Transfer(0x44, nil, got); kindOf(err) != sensors.Busy || !strings.Contains(err.Error(), "hwmon:") {
		t.Errorf("a driver has it: %v", err)
	}
	if err := n.Transfer(0x42, []byte{7}, got); err != nil {
		t.Errorf("one that is ours: %v", err)
	}
	delete(k.refuse, i2cSlave)
	if err := n.Transfer(0x44, nil, got); !errors.Is(err, syscall.EREMOTEIO) {
		t.Errorf("the driver has let go: %v", err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}

// TestMemoryStays: the request is where the kernel was told it is, while stacks grow and shrink and the collector runs.
// It is the defect of host/sysfs, P1.
func TestMemoryStays(t *testing.T) {
	dir := deviceNode(t, "i2c-1")
	k := newFakeKernel()
	k.calls = func() {
		runtime.Gosched()
		runtime.GC()
	}
	n, err := Device{Dir: dir, Name: "i2c-1"}.open(k)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var turn sync.Mutex
	for i := range byte(50) {
		all.Go(func() {
			deep(200) // a stack that shrinks at the next collection
			turn.Lock()
			defer turn.Unlock()
			small := [2]byte{}
			if err := n.Transfer(0x42, []byte{i}, small[:]); err != nil || small != [2]byte{i, i + 1} {
				t.Errorf("transfer %d: %x, %v", i, small, err)
			}
		})
	}
	all.Wait()
	_ = n.Close()
}

//go:noinline
func deep(n int) byte {
	var room [256]byte
	if n > 0 {
		room[n%256] = deep(n - 1)
	}
	return room[n%256]
}

func TestDeviceErrors(t *testing.T) {
	dir := deviceNode(t, "i2c-1")
	for _, c := range []struct {
		name   string
		device Device
		change func(*fakeKernel)
		kind   sensors.FaultKind
		cause  error
		texts  []string
	}{
		{"no node", Device{Dir: dir, Name: "i2c-9"}, nil, sensors.Gone, os.ErrNotExist,
			[]string{"i2c-9", filepath.Join(dir, "i2c-9"), "dtparam=i2c_arm=on"}},
		{"no bus", Device{Dir: dir, Name: "i2c-1"}, func(k *fakeKernel) { k.refuse[i2cFuncs] = syscall.ENOTTY }, sensors.Other, nil,
			[]string{"no I2C bus"}},
		{"SMBus only", Device{Dir: dir, Name: "i2c-1"}, func(k *fakeKernel) { k.funcs = 0x8000 }, sensors.Other, nil, []string{"SMBus"}},
		{"no timeout", Device{Dir: dir, Name: "i2c-1"}, func(k *fakeKernel) { k.refuse[i2cTimeout] = syscall.EINVAL }, sensors.Other,
			syscall.EINVAL, []string{"I2C_TIMEOUT"}},
		{"gone since", Device{Dir: dir, Name: "i2c-1"}, func(k *fakeKernel) { k.refuse[i2cRetries] = syscall.ENODEV }, sensors.Gone,
			syscall.ENODEV, []string{"I2C_RETRIES"}},
	} {
		k := newFakeKernel()
		if c.change != nil {
			c.change(k)
		}
		n, err := c.device.open(k)
		if err == nil || n != nil || !errors.Is(err, c.kind) || c.cause != nil && !errors.Is(err, c.cause) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, text := range c.texts {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v\ndoes not say %q", c.name, err, text)
			}
		}
	}
}

// TestRealKernel: the real ioctl on something that is no bus is an error and nothing worse.
func TestRealKernel(t *testing.T) {
	dir := deviceNode(t, "i2c-1")
	if a, err := (Device{Dir: dir, Name: "i2c-1"}).Open(); err == nil || a != nil {
		t.Errorf("an ordinary file is a bus: %v", err)
	} else if !strings.Contains(err.Error(), "no I2C bus") {
		t.Error(err)
	}
}

func TestPermission(t *testing.T) {
	path := filepath.Join(deviceNode(t, "i2c-1"), "i2c-1")
	if err := os.Chmod(path, 0o660); err != nil {
		t.Fatal(err)
	}
	denied := &os.PathError{Op: "open", Path: path, Err: syscall.EACCES}
	err := nodeFault("i2c-1", path, missingBus, denied)
	if !errors.Is(err, sensors.Permission) || !errors.Is(err, syscall.EACCES) {
		t.Errorf("the error is %v", err)
	}
	group := fmt.Sprint(os.Getegid())
	for _, text := range []string{path, "usermod -aG ", "belongs to group"} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%v\ndoes not say %q", err, text)
		}
	}
	if os.Getegid() == 0 && !strings.Contains(err.Error(), `"root"`) && !strings.Contains(err.Error(), group) {
		t.Errorf("%v\ndoes not name the group", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := nodeFault("i2c-1", path, missingBus, denied); !strings.Contains(err.Error(), "0660") {
		t.Errorf("nobody but the owner may use it, and the advice is: %v", err)
	}
	if err := nodeFault("i2c-1", path+"x", missingBus, denied); !errors.Is(err, sensors.Permission) {
		t.Error(err)
	}
}

func TestKindOf(t *testing.T) {
	for errno, want := range map[syscall.Errno]sensors.FaultKind{
		syscall.ENXIO: sensors.NoAnswer, syscall.EREMOTEIO: sensors.NoAnswer, syscall.ETIMEDOUT: sensors.Timeout,
		syscall.ETIME: sensors.Timeout, syscall.EAGAIN: sensors.Arbitration, syscall.EACCES: sensors.Permission,
		syscall.EPERM: sensors.Permission, syscall.ENODEV: sensors.Gone, syscall.ESHUTDOWN: sensors.Gone, syscall.ENOENT: sensors.Gone,
		syscall.EBADF: sensors.Gone, syscall.EBUSY: sensors.Busy, syscall.EBADMSG: sensors.Corrupt, syscall.EPROTO: sensors.Corrupt,
		syscall.EIO: sensors.Other, syscall.EINVAL: sensors.Other,
	} {
		if got := kindOf(fmt.Errorf("deep: %w", errno)); got != want {
			t.Errorf("%v is %v, want %v", errno, got, want)
		}
	}
	for _, kind := range sensors.FaultKinds() {
		if errno := errnoOf(kind); errno != nil && kindOf(errno) != kind {
			t.Errorf("%v becomes %v and that %v", kind, errno, kindOf(errno))
		}
		if kindOf(&sensors.FaultError{Kind: kind}) != kind && kind != sensors.Other {
			t.Errorf("a fault of kind %v is %v", kind, kindOf(&sensors.FaultError{Kind: kind}))
		}
	}
}

func TestNames(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"i2c-10", "i2c-2", "i2c-x", "spidev0.0", "i2c-1"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Names(dir)
	if err != nil || strings.Join(got, " ") != "i2c-1 i2c-2 i2c-10" {
		t.Errorf("%v, %v", got, err)
	}
}
