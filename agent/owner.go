package agent

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// giveBack gives what root has made in the state and key directories to whom those belong: the service, which runs as somebody
// else, could not write to it any more.
func (a *Agent) giveBack() error {
	info, err := os.Lstat(a.cfg.Device.State)
	if err != nil || os.Geteuid() != 0 {
		return nil
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 {
		return nil
	}
	var errs []error
	for _, dir := range []string{a.cfg.Device.State, a.cfg.Keys.Dir} {
		errs = append(errs, filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
			if err != nil {
				return nil // it is gone, or was never there
			}
			info, err := e.Info()
			if err != nil {
				return nil
			}
			if is, ok := info.Sys().(*syscall.Stat_t); !ok || is.Uid != 0 {
				return nil
			}
			return os.Lchown(name, int(owner.Uid), int(owner.Gid))
		}))
	}
	return errors.Join(errs...)
}
