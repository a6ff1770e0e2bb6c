package doctor

import (
	"cmp"
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/tinyconf"
)

// configuration says whether candor.toml can be used: all that comes needs it.
func (w *walk) configuration() *Check {
	var faults tinyconf.Faults
	switch {
	case w.Config != nil:
		return w.say("configuration")
	case errors.Is(w.ConfigErr, fs.ErrNotExist):
		return w.say("configuration-missing")
	case errors.Is(w.ConfigErr, fs.ErrPermission):
		return w.say("configuration-not-allowed")
	case errors.As(w.ConfigErr, &faults):
		return w.say("configuration-wrong", faults[0].Error(), strconv.Itoa(len(faults)))
	}
	return w.say("configuration-wrong", w.ConfigErr.Error(), "1")
}

// control says who is asked: a daemon, or nobody.
func (w *walk) control() *Check {
	w.user = w.service()
	answers := w.ask() != nil // or ObjectErr says why not
	group := cmp.Or(w.Config.Control.Technician, w.Config.Control.Person)
	switch {
	case errors.Is(w.ObjectErr, control.ErrNotAllowed) && group != "":
		return w.say("control-not-allowed", w.ObjectErr.Error(), group)
	case errors.Is(w.ObjectErr, control.ErrNotAllowed):
		return w.say("control-no-group", w.ObjectErr.Error())
	case w.Daemon && answers:
		return w.say("control")
	case w.Daemon:
		return w.say("control-silent", w.ObjectErr.Error())
	}
	return w.say("control-alone")
}

// mount is a line of /proc/self/mounts.
type mount struct{ device, dir, kind, options string }

// mountOf is the mount that a directory is on.
func (w *walk) mountOf(dir string) (on mount) {
	for _, f := range w.table("proc/self/mounts", " ") {
		if len(f) < 4 {
			continue
		}
		at := strings.ReplaceAll(f[1], `\040`, " ")
		if (dir == at || at == "/" || strings.HasPrefix(dir, at+"/")) && len(at) >= len(on.dir) { // a later one lies over an earlier one
			on = mount{f[0], at, f[2], "," + f[3] + ","}
		}
	}
	return on
}

// upper is where the changes of an overlay go.
func (m mount) upper() string {
	_, rest, _ := strings.Cut(m.options, ",upperdir=")
	dir, _, _ := strings.Cut(rest, ",")
	return dir
}

// mounts looks where state and keys lie: what is in memory is gone at the next boot.
func (w *walk) mounts() *Check {
	note := ""
	for _, dir := range []string{w.Config.Keys.Dir, w.Config.Device.State} {
		m := w.mountOf(dir)
		switch {
		case m.dir == "":
			return w.say("mounts-unknown")
		case strings.Contains(m.options, ",ro,"):
			return w.say("state-read-only", dir, m.dir, m.kind)
		case m.kind == "tmpfs" || m.kind == "ramfs":
			return w.say("state-in-memory", dir, m.dir, m.kind)
		case m.kind == "overlay" && w.container() && w.mountOf(m.upper()).kind != "tmpfs":
			note = "; it is a container's layer and goes with it"
		case m.kind == "overlay":
			return w.say("state-on-overlay", dir)
		}
	}
	dir := w.Config.Device.State
	owner, there := w.Config.StateOwner()
	if there && w.user.unit && w.user.uid >= 0 && owner != w.user.uid {
		return w.say("state-owner", dir, strconv.Itoa(owner), w.user.name, w.Config.Keys.Dir)
	}
	m := w.mountOf(dir)
	return w.say("mounts", dir, m.dir, m.kind, note)
}

// container tells whether this is one, by the marks that the runtimes leave.
func (w *walk) container() bool {
	return w.exists(".dockerenv") || w.exists("run/.containerenv") || w.exists("run/systemd/container")
}

// disk looks whether there is room. How much exactly is not told: the buffer grows with what happens in the home.
func (w *walk) disk() *Check {
	dir := w.Config.Device.State
	s, err := w.Space(dir)
	if err != nil {
		return w.say("disk-unknown", dir, err.Error())
	}
	reserve := int64(w.Config.Buffer.Reserve)
	if reserve == 0 {
		reserve = min(16<<20, s.Total/8) // as the store has it
	}
	switch {
	case s.Free < reserve:
		return w.say("disk-full", dir, strconv.FormatInt(reserve>>10, 10))
	case s.TotalFiles > 0 && s.FreeFiles < 16:
		return w.say("disk-no-files", dir)
	case s.Free < 4*reserve:
		return w.say("disk-nearly-full", dir)
	}
	return w.say("disk", dir)
}

// wear asks the card how used up it is, in tenths (JEDEC eMMC 5.0; the kernel's mmc-dev-attrs), and the agent how much it writes.
func (w *walk) wear() *Check {
	device := strings.TrimPrefix(w.mountOf(w.Config.Device.State).device, "/dev/")
	if at := strings.LastIndex(device, "p"); strings.HasPrefix(device, "mmcblk") && at > 0 {
		device = device[:at]
	}
	at := "sys/block/" + device + "/device/"
	worst, end := int64(0), hex(w.text(at+"pre_eol_info"))
	for _, word := range strings.Fields(w.text(at + "life_time")) {
		worst = max(worst, hex(word))
	}
	switch {
	case worst >= 9 || end >= 2:
		return w.say("flash-worn")
	case w.writesTooMuch():
		return w.say("flash-pace")
	case worst > 0:
		return w.say("flash", strconv.FormatInt(worst*10, 10))
	case w.text(at+"type") == "SD":
		return w.say("flash-unknown", "an SD card")
	}
	return w.say("flash-unknown", "this disk")
}

func hex(text string) int64 {
	n, _ := strconv.ParseInt(strings.TrimPrefix(text, "0x"), 16, 16)
	return n
}

func (w *walk) writesTooMuch() bool {
	if w.Object == nil || !w.Daemon {
		return false
	}
	b, err := w.Object.Buffer(w.ctx)
	return err == nil && b.Flash == control.FlashOver
}
