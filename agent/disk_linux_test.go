package agent_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// onDisk moves an object's state and keys to a file system of their own, of 16 MiB.
func onDisk(t *testing.T, o *object) (disk string) {
	t.Helper()
	disk = filepath.Join(o.dir, "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=16m"); err != nil {
		t.Skipf("this needs a file system of its own, which can't be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(disk, unix.MNT_DETACH) })
	config, err := os.ReadFile(filepath.Join(o.dir, "candor.toml"))
	if err != nil {
		t.Fatal(err)
	}
	o.write("candor.toml", replaceOnce(t, string(config), `state = "state"`, `state = "disk/state"`))
	return disk
}

// On a disk that takes no writing nothing leaves, a withdrawal holds, and it is written down once the disk takes it.
func TestAWithdrawalOnAReadOnlyDisk(t *testing.T) {
	var requests atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer srv.Close()
	o := newObject(t, srv.URL, 300)
	disk := onDisk(t, o)
	_ = o.once(10*time.Millisecond, "air")
	if requests.Load() == 0 {
		t.Fatal("nothing was sent while the disk could be written: the test is empty")
	}
	before := requests.Load()
	if err := unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	a := o.open()
	_ = a.Once(t.Context(), 200*time.Millisecond)
	if n := requests.Load(); n != before {
		t.Errorf("%d requests left although nothing could be noted or taken back", n-before)
	}
	_, err := a.Withdraw(t.Context(), "air", control.Person, control.Decision{})
	if !errors.Is(err, control.ErrUnavailable) {
		t.Errorf("a withdrawal that is not on the disk was called done: %v", err)
	}
	if p := stateOf(t, a, "air"); p.State != consent.Withdrawn || p.Deletion != "asked" {
		t.Errorf("in memory it is %+v", p)
	}
	_ = a.Close()
	if err := unix.Mount("", disk, "", unix.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	a = o.open()
	if _, err := a.Withdraw(t.Context(), "air", control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
}

// hurried is the system's clock to whose eyes a minute is over at once.
type hurried struct{ sensors.SystemClock }

func (hurried) After(d time.Duration) <-chan time.Time {
	if d == time.Minute {
		d = 10 * time.Millisecond
	}
	return time.After(d)
}

// An agent that was started on a disk which takes no writing ends when the disk takes it again, so that its next start can use it.
func TestADiskThatTakesWritingAgain(t *testing.T) {
	url, _ := receiver(t)
	o := newObject(t, url, 10)
	disk := onDisk(t, o)
	_ = o.open().Close()
	remount := func(flags uintptr) {
		if err := unix.Mount("", disk, "", unix.MS_REMOUNT|flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	remount(unix.MS_RDONLY)
	cfg, err := agent.LoadConfig(filepath.Join(o.dir, "candor.toml"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := agent.Open(cfg, agent.Options{Clock: hurried{}, Detached: true})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(t.Context()) }()
	select {
	case err := <-ended:
		t.Fatalf("it ended while the disk took no writing: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	remount(0)
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "takes writing again") {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("it does not notice that the disk takes writing again")
	}
	_ = a.Close()
}

// A full disk is no obstacle to a withdrawal, its receipt and the deletion request.
func TestAWithdrawalOnAFullDisk(t *testing.T) {
	url, dir := receiver(t)
	o := newObject(t, url, 100)
	disk := onDisk(t, o)
	if err := o.once(20*time.Second, "air"); err != nil {
		t.Fatal(err)
	}
	if len(rows(t, dir, "air")) == 0 {
		t.Fatal("nothing was sent: the test is empty")
	}
	a := o.open()
	f, err := os.Create(filepath.Join(disk, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	for chunk := make([]byte, 4096); err == nil; {
		_, err = f.Write(chunk)
	}
	_ = f.Close()
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	if _, err := a.Withdraw(t.Context(), "air", control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	a = o.open() // still full
	p := stateOf(t, a, "air")
	answers := a.Book().Answers()
	if p.State != consent.Withdrawn || p.Deletion != "asked" || answers[len(answers)-1].Withdrawn == 0 {
		t.Errorf("after a restart it is %+v", p)
	}
	_ = a.Close()
}
