package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Subsystem is a part of the kernel that has sensors.
type Subsystem string

// The subsystems.
const (
	IIO     Subsystem = "iio"
	HWMon   Subsystem = "hwmon"
	OneWire Subsystem = "w1"
)

// Where they are under /sys.
const (
	iioDir   = "bus/iio/devices"
	hwmonDir = "class/hwmon"
	w1Dir    = "bus/w1/devices"
)

// Reference names a device in the configuration: "iio:bme280", "hwmon:nvme@0000:01:00.0", "w1:28-0316a2795aff".
type Reference struct {
	Subsystem Subsystem
	Name      string // of the device, its label, or its number on the 1-Wire bus
	Parent    string // "" when the name says it all
}

// String is the reference as it is written.
func (r Reference) String() string {
	text := string(r.Subsystem) + ":" + r.Name
	if r.Parent != "" {
		text += "@" + r.Parent
	}
	return text
}

// ParseReference reads a reference. The error says what would do.
func ParseReference(text string) (Reference, error) {
	subsystem, rest, _ := strings.Cut(text, ":")
	name, parent, _ := strings.Cut(rest, "@")
	r := Reference{Subsystem: Subsystem(subsystem), Name: name, Parent: parent}
	switch {
	case !slices.Contains([]Subsystem{IIO, HWMon, OneWire}, r.Subsystem) || name == "":
		return Reference{}, fmt.Errorf("%q names no device; write iio:NAME, hwmon:NAME or w1:NUMBER", text)
	case r.Subsystem == OneWire && (!w1Number(name) || parent != ""):
		return Reference{}, fmt.Errorf("%q is no 1-Wire number; write w1:28-0123456789ab", text)
	}
	return r, nil
}

// Device is a device that was found.
type Device struct {
	Subsystem Subsystem
	Name      string    // what its driver or the device tree calls it; for 1-Wire its number
	Label     string    // what the device tree says it is for; often ""
	Parent    string    // the device that it belongs to, such as "1-0076": bus 1, address 0x76
	Channels  []Channel // none for what it measures, if nothing

	dir string
}

// Reference names the device; it is unique among all only where the names of devices are.
func (d Device) Reference() Reference {
	r := Reference{Subsystem: d.Subsystem, Name: d.Name}
	if d.Subsystem != OneWire {
		r.Parent = d.Parent
	}
	return r
}

// Devices finds all devices of all subsystems with at least one channel. fsys is what is under /sys. A subsystem that
// the kernel does not have has none.
func Devices(fsys fs.FS) ([]Device, error) {
	var all []Device
	var faults []error
	for _, s := range []Subsystem{IIO, HWMon, OneWire} {
		found, err := devicesOf(fsys, s)
		if err != nil {
			faults = append(faults, err)
		}
		for _, d := range found {
			if len(d.Channels) > 0 {
				all = append(all, d)
			}
		}
	}
	return all, errors.Join(faults...)
}

// devicesOf finds the devices of one subsystem. One that goes away meanwhile is left out.
func devicesOf(fsys fs.FS, s Subsystem) ([]Device, error) {
	root := map[Subsystem]string{IIO: iioDir, HWMon: hwmonDir, OneWire: w1Dir}[s]
	entries, err := fs.ReadDir(fsys, root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for %s devices: %w", s, err)
	}
	var all []Device
	for _, e := range entries {
		if d, ok := look(fsys, s, path.Join(root, e.Name())); ok {
			all = append(all, d)
		}
	}
	return all, nil
}

// look takes in one device; not ok when it is none.
func look(fsys fs.FS, s Subsystem, dir string) (Device, bool) {
	d := Device{Subsystem: s, Name: path.Base(dir), dir: dir}
	if s == OneWire {
		d.Channels = w1Channels(dir)
		return d, w1Number(d.Name)
	}
	var err error
	if d.Name, err = readText(fsys, path.Join(dir, "name")); err != nil || d.Name == "" {
		return Device{}, false
	}
	if label, err := readText(fsys, path.Join(dir, "label")); err == nil {
		d.Label = label
	}
	d.Parent = parentOf(fsys, dir)
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return Device{}, false
	}
	var files []string
	for _, e := range entries {
		files = append(files, e.Name())
	}
	if s == IIO {
		d.Channels = settleNames(iioChannels(dir, files))
	} else {
		d.Channels = settleNames(hwmonChannels(fsys, dir, files))
	}
	return d, true
}

// parentOf gives the name of the device that dir belongs to: dir is a link to a folder under it, often with a folder
// "hwmon" in between. "" when it can't be told.
func parentOf(fsys fs.FS, dir string) string {
	target, err := fs.ReadLink(fsys, dir)
	if err != nil {
		return ""
	}
	parent := path.Dir(target)
	if path.Base(parent) == string(HWMon) {
		parent = path.Dir(parent)
	}
	if base := path.Base(parent); base != "." && base != ".." && base != "/" {
		return base
	}
	return ""
}

var (
	errNone    = errors.New("there is no such device")
	errSeveral = errors.New("several devices have that name")
)

// find gives the one device of that reference. The error wraps errNone or errSeveral and lists what there is.
func find(fsys fs.FS, r Reference) (Device, error) {
	all, err := devicesOf(fsys, r.Subsystem)
	if err != nil {
		return Device{}, err
	}
	var found []Device
	var names []string
	for _, d := range all {
		if (d.Name == r.Name || d.Label == r.Name) && (r.Parent == "" || r.Parent == d.Parent) {
			found = append(found, d)
		}
		if len(d.Channels) > 0 {
			names = append(names, d.Reference().String())
		}
	}
	slices.Sort(names)
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		if len(names) == 0 {
			return Device{}, fmt.Errorf("%w, nor any other of %s", errNone, r.Subsystem)
		}
		return Device{}, fmt.Errorf("%w; there are: %s", errNone, strings.Join(names, ", "))
	}
	return Device{}, fmt.Errorf("%w; there are: %s", errSeveral, strings.Join(names, ", "))
}
