package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/tinyconf"
)

// configuration says whether candor.toml can be used: all that comes needs it.
func (w *walk) configuration() Check {
	var faults tinyconf.Faults
	switch {
	case w.Config != nil:
		return found(OK, "configuration", w.File+" can be used")
	case errors.Is(w.ConfigErr, fs.ErrNotExist):
		return found(Broken, "configuration-missing", "there is no "+w.File).
			because("write one, or name it with --config", "candor config reference > candor.toml", false)
	case errors.Is(w.ConfigErr, fs.ErrPermission):
		return found(Refused, "configuration-not-allowed", "you may not read "+w.File).because("look as root", "sudo candor doctor", true)
	case errors.As(w.ConfigErr, &faults):
		return found(Broken, "configuration-wrong", faults[0].Error()).
			because(fmt.Sprintf("mend what it says above (faults: %d)", len(faults)), "candor config check --config "+w.File, w.edit())
	}
	return found(Broken, "configuration-wrong", w.ConfigErr.Error()).because("mend it", "candor config check --config "+w.File, w.edit())
}

// control says who is asked: a daemon, or nobody.
func (w *walk) control() Check {
	w.user = w.service()
	switch {
	case errors.Is(w.ObjectErr, control.ErrNotAllowed):
		group := cmp.Or(w.Config.Control.Technician, w.Config.Control.Person)
		c := found(Refused, "control-not-allowed", w.ObjectErr.Error())
		if group != "" {
			return c.because("become a member of the group "+group+", then log in again", "sudo usermod -aG "+group+" $USER", true)
		}
		return c.because("look as root", "sudo candor doctor", true)
	case w.Daemon:
		return found(OK, "control", "a daemon answers, and is asked")
	}
	return found(Skipped, "control-alone", "no daemon answers; the doctor looks for itself")
}

// mount is a line of /proc/self/mounts.
type mount struct{ device, dir, kind, options string }

// mountOf is the mount that a directory is on.
func (w *walk) mountOf(dir string) (on mount) {
	for line := range strings.Lines(w.text("proc/self/mounts")) {
		f := strings.Fields(line)
		if len(f) < 4 {
			continue
		}
		at := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\134`, `\`).Replace(f[1])
		if (dir == at || at == "/" || strings.HasPrefix(dir, at+"/")) && len(at) >= len(on.dir) { // a later one lies over an earlier one
			on = mount{f[0], at, f[2], f[3]}
		}
	}
	return on
}

func (m mount) option(name string) (value string, ok bool) {
	for o := range strings.SplitSeq(m.options, ",") {
		if k, v, _ := strings.Cut(o, "="); k == name {
			return v, true
		}
	}
	return "", false
}

// mounts looks where state and keys lie: what is in memory is gone at the next boot.
func (w *walk) mounts() Check {
	note := ""
	for _, dir := range []string{w.Config.Device.State, w.Config.Keys.Dir} {
		m := w.mountOf(dir)
		if m.dir == "" {
			return found(Unknown, "mounts-unknown", "unknown on this machine: /proc/self/mounts can't be read")
		}
		if _, ro := m.option("ro"); ro {
			return found(Broken, "state-read-only", fmt.Sprintf("%s is on %s (%s), which is mounted read-only: nothing can be kept, so nothing leaves", dir, m.dir, m.kind)).
				because("mount it writable; where it became so by itself the card is dying: replace it", "sudo mount -o remount,rw "+m.dir, true)
		}
		switch m.kind {
		case "tmpfs", "ramfs":
			return found(Broken, "state-in-memory", fmt.Sprintf("%s is on %s (%s): data will be lost at reboot, every yes with it", dir, m.dir, m.kind)).
				because("set [device] state and [keys] dir to a directory on the card, in "+w.File, "", w.edit())
		case "overlay":
			upper, _ := m.option("upperdir")
			if over := w.mountOf(upper); w.container() && over.kind != "tmpfs" {
				note = "; it is a container's layer and goes with it"
				continue
			}
			return found(Broken, "state-on-overlay", dir+" is on an overlay over the card: data will be lost at reboot, every yes with it").
				because("give it a partition of its own, or switch the overlay off and reboot", "sudo raspi-config nonint do_overlayfs 1", true)
		}
	}
	if c, wrong := w.owner(); wrong {
		return c
	}
	m := w.mountOf(w.Config.Device.State)
	return found(OK, "mounts", fmt.Sprintf("%s is on %s (%s), writable%s", w.Config.Device.State, m.dir, m.kind, note))
}

// container tells whether this is one, by the marks that the runtimes leave.
func (w *walk) container() bool {
	return w.exists(".dockerenv") || w.exists("run/.containerenv") || w.exists("run/systemd/container")
}

// owner says whether the state belongs to the one whom the service runs as.
func (w *walk) owner() (Check, bool) {
	owner, there := w.Config.StateOwner()
	if !there || !w.user.unit || w.user.uid < 0 || owner == w.user.uid {
		return Check{}, false
	}
	return found(Broken, "state-owner", fmt.Sprintf("%s belongs to user %d, and the service runs as %s, who can't write there", w.Config.Device.State, owner, w.user.name)).
		because("give it back", fmt.Sprintf("sudo chown -R %s: %s %s", w.user.name, w.Config.Device.State, w.Config.Keys.Dir), true), true
}

// disk looks whether there is room. How much exactly is not told: the buffer grows with what happens in the home.
func (w *walk) disk() Check {
	dir := w.Config.Device.State
	s, err := w.Space(dir)
	if err != nil {
		return found(Unknown, "disk-unknown", "how full it is can't be seen: "+err.Error())
	}
	reserve := int64(w.Config.Buffer.Reserve)
	if reserve == 0 {
		reserve = min(16<<20, s.Total/8)
	}
	room := "sudo journalctl --vacuum-size=20M; sudo apt-get clean"
	switch {
	case s.Free < reserve:
		return found(Broken, "disk-full", fmt.Sprintf("less than %d KiB are free under %s; so much is kept free, and the buffer stops", reserve>>10, dir)).
			because("make room: logs and old packages first", room, true)
	case s.TotalFiles > 0 && s.FreeFiles < 16:
		return found(Broken, "disk-no-files", "the file system under "+dir+" can't take another file").because("take away small files nobody needs", room, true)
	case s.Free < 4*reserve:
		return found(Warning, "disk-nearly-full", "little is free under "+dir).because("make room: logs and old packages first", room, true)
	}
	return found(OK, "disk", "enough is free under "+dir)
}

// wear asks the card how used up it is (JEDEC eMMC 5.0 life time estimation, in tenths; the kernel's mmc-dev-attrs), and the agent how much it writes.
func (w *walk) wear() Check {
	device := strings.TrimPrefix(w.mountOf(w.Config.Device.State).device, "/dev/")
	if at := strings.LastIndex(device, "p"); strings.HasPrefix(device, "mmcblk") && at > 0 {
		device = device[:at]
	}
	at := path.Join("sys/block", device, "device")
	worst := int64(0)
	for word := range strings.FieldsSeq(w.text(at + "/life_time")) {
		n, _ := strconv.ParseInt(strings.TrimPrefix(word, "0x"), 16, 16)
		worst = max(worst, n)
	}
	end, _ := strconv.ParseInt(strings.TrimPrefix(w.text(at+"/pre_eol_info"), "0x"), 16, 16)
	switch {
	case worst >= 9 || end >= 2:
		return found(Warning, "flash-worn", "the flash says that over 80 percent of its life is used").because("replace it before it fails, and keep its state (candor export)", "", false)
	case w.writesTooMuch():
		return found(Warning, "flash-pace", fmt.Sprintf("more than %d MB a day are written, which wears a card out", control.FlashBudget/1_000_000)).
			because("make [buffer] flush or `every` of the sensors longer in "+w.File, "", w.edit())
	case worst > 0:
		return found(OK, "flash", fmt.Sprintf("the flash says that at most %d percent of its life are used", worst*10))
	case w.text(at+"/type") == "SD":
		return found(Unknown, "flash-unknown", "unknown on this card: an SD card does not tell how worn it is")
	}
	return found(Unknown, "flash-unknown", "unknown on this board: the disk does not tell how worn it is")
}

func (w *walk) writesTooMuch() bool {
	if w.Object == nil || !w.Daemon {
		return false
	}
	b, err := w.Object.Buffer(w.ctx)
	return err == nil && b.Flash == control.FlashOver
}
