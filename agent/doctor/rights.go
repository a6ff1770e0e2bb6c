package doctor

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/candor-edge/candor/agent/control"
)

// user is for whom rights count: the one whom the service runs as, the owner of the state, or who asks.
type user struct {
	uid    int // -1: one that systemd makes up at the start
	name   string
	groups []int
	unit   bool // the service's file names it
}

// unitPlaces are where systemd looks for a service (systemd.unit(5)), what counts more first.
func unitPlaces() []string {
	return []string{"etc/systemd/system/candor.service", "run/systemd/system/candor.service", "usr/lib/systemd/system/candor.service", "lib/systemd/system/candor.service"}
}

// unit is the text of the service's file with its drop-ins; "" when it is not installed.
func (w *walk) unit() (text string) {
	for _, place := range unitPlaces() {
		if text = w.text(place); text != "" {
			break
		}
	}
	for _, place := range unitPlaces() {
		names, _ := fs.Glob(w.Root, place+".d/*.conf")
		for _, n := range names {
			text += "\n" + w.text(n)
		}
	}
	return text
}

// service finds whom the daemon runs as, and its groups.
func (w *walk) service() user {
	u := user{uid: w.UID}
	if owner, there := w.Config.StateOwner(); there {
		u.uid = owner
	}
	var extra []string
	for line := range strings.Lines(w.unit()) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key {
		case "User":
			u.name, u.unit = value, true
		case "DynamicUser":
			if value == "yes" || value == "true" {
				u.uid, u.unit = -1, true
			}
		case "SupplementaryGroups", "Group":
			extra = append(extra, strings.Fields(value)...)
		}
	}
	for line := range strings.Lines(w.text("etc/passwd")) {
		f := strings.Split(line, ":")
		if len(f) < 4 || u.name != f[0] && (u.name != "" || f[2] != strconv.Itoa(u.uid)) {
			continue
		}
		u.name = f[0]
		if u.unit {
			u.uid, _ = strconv.Atoi(f[2])
		}
		gid, _ := strconv.Atoi(f[3])
		u.groups = append(u.groups, gid)
	}
	for line := range strings.Lines(w.text("etc/group")) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) > 3 && (slices.Contains(strings.Split(f[3], ","), u.name) || slices.Contains(extra, f[0])) {
			gid, _ := strconv.Atoi(f[2])
			u.groups = append(u.groups, gid)
		}
	}
	u.name = cmp.Or(u.name, strconv.Itoa(u.uid))
	return u
}

// may tells whether the user may read and write a node.
func (u user) may(mode fs.FileMode, uid, gid int) bool {
	switch {
	case u.uid == 0:
		return true
	case u.uid == uid:
		return mode&0o600 == 0o600
	case slices.Contains(u.groups, gid):
		return mode&0o060 == 0o060
	}
	return mode&0o006 == 0o006
}

// rights says whether the nodes may be used: by the daemon's own word where it runs, else by mode and groups.
func (w *walk) rights() Check {
	needs := w.nodes()
	if len(needs) == 0 {
		return found(Skipped, "rights-none", "no device node is needed")
	}
	if w.Daemon {
		for _, l := range w.look() {
			if l.State == control.NotAllowed {
				return w.noRight(l.Error, "i2c")
			}
		}
		return found(OK, "rights", "the daemon may use what it needs")
	}
	for _, need := range needs {
		names := []string{"dev/" + need}
		if need == "gpiochip" {
			names, _ = fs.Glob(w.Root, "dev/gpiochip*")
		}
		refused := ""
		for _, n := range names {
			info, err := fs.Stat(w.Root, n)
			if err != nil {
				continue
			}
			stat, known := info.Sys().(*syscall.Stat_t)
			if !known || w.user.may(info.Mode().Perm(), int(stat.Uid), int(stat.Gid)) {
				refused = ""
				break
			}
			group := w.group(int(stat.Gid))
			refused = fmt.Sprintf("%s may not use /%s: it belongs to group %s, mode %03o", w.user.name, n, group, info.Mode().Perm())
			if info.Mode()&0o060 != 0o060 || group == "root" {
				return found(Broken, "rights-udev", refused).because("set its group and mode by a udev rule, as the package does",
					fmt.Sprintf(`sudo chgrp %s /%s; sudo chmod 660 /%s`, strings.TrimRight(strings.TrimPrefix(need, "/dev/"), "-0123456789chip"), n, n), true)
			}
			need = group
		}
		if refused != "" {
			return w.noRight(refused, need)
		}
	}
	return found(OK, "rights", w.user.name+" may use "+strings.Join(needs, ", "))
}

// noRight says how to get into a group: in the service's file where there is one.
func (w *walk) noRight(evidence, group string) Check {
	if w.user.uid < 0 {
		return found(Broken, "rights-group", evidence).because("add SupplementaryGroups="+group+" to the service, then restart it", "sudo systemctl edit candor", true)
	}
	return found(Broken, "rights-group", evidence).because("make "+w.user.name+" a member of the group "+group+", then start the daemon again",
		fmt.Sprintf("sudo usermod -aG %s %s", group, w.user.name), true)
}

// group is the name of a group, or its number.
func (w *walk) group(gid int) string {
	for line := range strings.Lines(w.text("etc/group")) {
		if f := strings.Split(line, ":"); len(f) > 2 && f[2] == strconv.Itoa(gid) {
			return f[0]
		}
	}
	return strconv.Itoa(gid)
}
