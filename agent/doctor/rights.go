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

// unit is the service's file (systemd.unit(5): what is in /etc counts more) with its drop-ins, as keys and values; nil when it is not
// installed.
func (w *walk) unit() (out [][]string) {
	places := []string{"etc/systemd/system/candor.service", "run/systemd/system/candor.service", "usr/lib/systemd/system/candor.service", "lib/systemd/system/candor.service"}
	for _, place := range places {
		if out == nil && w.exists(place) {
			out = w.table(place, "=")
		}
	}
	for _, place := range places {
		for _, n := range w.each(place+".d", "", "") {
			out = append(out, w.table(n, "=")...)
		}
	}
	return out
}

// service finds whom the daemon runs as, and its groups.
func (w *walk) service() user {
	u := user{uid: w.UID}
	if owner, there := w.Config.StateOwner(); there {
		u.uid = owner
	}
	var extra []string
	for _, f := range w.unit() {
		switch value := f[len(f)-1]; f[0] {
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
	for _, f := range w.table("etc/passwd", ":") {
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
	for _, f := range w.table("etc/group", ":") {
		if len(f) > 3 && (slices.Contains(strings.Split(f[3], ","), u.name) || slices.Contains(extra, f[0])) {
			gid, _ := strconv.Atoi(f[2])
			u.groups = append(u.groups, gid)
		}
	}
	u.name = cmp.Or(u.name, "user "+strconv.Itoa(u.uid))
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
func (w *walk) rights() *Check {
	needs := w.buses()
	if len(w.lineNames()) > 0 {
		needs = append(needs, "gpiochip")
	}
	if len(needs) == 0 {
		return w.say("rights-none")
	}
	if w.Daemon {
		for i := range w.look() {
			if l := &w.looks[i]; l.State == control.NotAllowed {
				return w.noRight(l.Error, "i2c")
			}
		}
		return w.say("rights", "the daemon")
	}
	for _, need := range needs {
		var refused *Check
		for _, n := range w.each("dev", need, "") {
			if refused = w.node(n); refused == nil {
				break // one chip that may be used is enough to look for the line
			}
		}
		if refused != nil {
			return refused
		}
	}
	return w.say("rights", w.user.name)
}

// node is nil when the service may use a node.
func (w *walk) node(name string) *Check {
	info, err := fs.Stat(w.Root, name)
	if err != nil {
		return nil
	}
	stat, known := info.Sys().(*syscall.Stat_t)
	if !known || w.user.may(info.Mode().Perm(), int(stat.Uid), int(stat.Gid)) {
		return nil
	}
	group := w.group(int(stat.Gid))
	evidence := fmt.Sprintf("%s may not use /%s: it belongs to group %s, mode %03o", w.user.name, name, group, info.Mode().Perm())
	if info.Mode()&0o060 != 0o060 || stat.Gid == 0 {
		usual := "i2c"
		if strings.HasPrefix(name, "dev/gpiochip") {
			usual = "gpio"
		}
		return w.say("rights-udev", evidence, usual, name)
	}
	return w.noRight(evidence, group)
}

// noRight says how to get into a group: in the service's file where systemd makes up the user.
func (w *walk) noRight(evidence, group string) *Check {
	if w.user.uid < 0 {
		return w.say("rights-service", evidence, "", group)
	}
	return w.say("rights-group", evidence, w.user.name, group)
}

// group is the name of a group, or its number.
func (w *walk) group(gid int) string {
	for _, f := range w.table("etc/group", ":") {
		if len(f) > 2 && f[2] == strconv.Itoa(gid) {
			return f[0]
		}
	}
	return strconv.Itoa(gid)
}
