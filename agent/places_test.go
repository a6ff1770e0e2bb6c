package agent

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestRootGivesBack: what root makes in a state directory of another user belongs to that user afterwards, and nothing outside does.
func TestRootGivesBack(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files to another user, and this is not root")
	}
	dir := t.TempDir()
	state, keys, outside := filepath.Join(dir, "state"), filepath.Join(dir, "state-keys"), filepath.Join(dir, "outside")
	for _, d := range []string{state, keys, outside} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	const daemon = 4711
	for _, d := range []string{state, keys} {
		if err := os.Chown(d, daemon, daemon); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"linked", "hard"} {
		if err := os.WriteFile(filepath.Join(outside, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(state, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(outside, "hard"), filepath.Join(state, "hard")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "candor.toml"), []byte("[device]\nstate = \"state\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := LoadConfig(filepath.Join(dir, "candor.toml"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := Open(cfg, Options{Detached: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, d := range []string{state, keys, outside} {
		err := filepath.WalkDir(d, func(path string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := os.Lstat(path)
			if err != nil {
				return err
			}
			want := uint32(daemon)
			if d == outside || filepath.Base(path) == "link" || filepath.Base(path) == "hard" {
				want = 0
			}
			if of := info.Sys().(*syscall.Stat_t); of.Uid != want || of.Gid != want {
				t.Errorf("%s belongs to %d:%d, want %d", path, of.Uid, of.Gid, want)
			}
			files++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 10 {
		t.Errorf("only %d files were looked at", files)
	}
}
