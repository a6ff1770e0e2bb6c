package agent_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// What root does on an object that belongs to the service leaves nothing there that the service may not write.
func TestRootLeavesTheStateToItsOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make what is root's in another's directory")
	}
	o := newObject(t, "http://127.0.0.1:1", 1)
	const service = 4712
	if err := os.Mkdir(filepath.Join(o.dir, "state"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(o.dir, "state"), service, service); err != nil {
		t.Fatal(err)
	}
	a := o.open()
	grant(t, a, "air")
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, dir := range []string{"state", "state-keys"} {
		err := filepath.WalkDir(filepath.Join(o.dir, dir), func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			if stat := info.Sys().(*syscall.Stat_t); stat.Uid != service || stat.Gid != service {
				t.Errorf("%s belongs to %d:%d", name, stat.Uid, stat.Gid)
			}
			files++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 5 {
		t.Errorf("only %d files: the test sees nothing", files)
	}
}
