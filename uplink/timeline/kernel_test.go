package timeline

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSynced: the kernel's word counts where it can be asked, a time service's where a sandbox forbids to.
func TestSynced(t *testing.T) {
	there := filepath.Join(t.TempDir(), "synchronized")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		state int
		err   error
		file  string
		want  bool
	}{
		{0, nil, there + "-not", true},
		{timeError, nil, there, false},
		{0, unix.EPERM, there, true},
		{0, unix.EPERM, there + "-not", false},
		{0, unix.EFAULT, there, false},
	} {
		if got := synced(func(*unix.Timex) (int, error) { return tc.state, tc.err }, tc.file); got != tc.want {
			t.Errorf("%+v: %v", tc, got)
		}
	}
}

// TestBootName: the boot has one name, whether the kernel is asked or systemd handed it in.
func TestBootName(t *testing.T) {
	file := filepath.Join(t.TempDir(), "boot_id")
	const name = "0b0a0908-0706-0504-0302-010000112233"
	if err := os.WriteFile(file, []byte(name+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range [][3]string{
		{file, "", name}, {file, "ffffffffffffffffffffffffffffffff", name}, {file + "-not", "0b0a0908070605040302010000112233", name},
		{file + "-not", "", ""}, {file + "-not", "%b", ""},
	} {
		if got := bootName(tc[0], tc[1]); got != tc[2] {
			t.Errorf("%q: %q", tc, got)
		}
	}
}
