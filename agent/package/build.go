package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"fmt"
	"os"
	"regexp"
	"runtime/debug"
	"strings"
	"time"
)

// build is a binary and what Go wrote into it.
type build struct {
	name    string // of the package: candor, or candor-mqtt for one that can speak MQTT
	version string // as Debian writes it
	arch    string // as Debian names it
	at      time.Time
	binary  []byte
	sum     [32]byte // SHA-256 of binary
	info    *debug.BuildInfo
}

// mainPath is the program that is packed.
const mainPath = "github.com/candor-edge/candor/agent/candor"

// undated is the time of a build that says none: the first that every file system can hold.
var undated = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// readBuild looks into a binary. version is for one that was built without version control; "" takes the binary's.
func readBuild(path, version string) (*build, error) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if info.Path != mainPath {
		return nil, fmt.Errorf("%s: is built from %s, and not from %s", path, info.Path, mainPath)
	}
	b := &build{name: "candor", info: info, at: undated}
	if b.binary, err = os.ReadFile(path); err != nil {
		return nil, err
	}
	b.sum = sha256.Sum256(b.binary)
	for _, d := range info.Deps {
		if d.Path == "github.com/eclipse/paho.golang" {
			b.name = "candor-mqtt"
		}
	}
	if b.arch, err = debianArch(b.setting("GOARCH"), b.setting("GOARM")); err != nil || b.setting("GOOS") != "linux" {
		return nil, fmt.Errorf("%s: no package is made for %s/%s %s", path, b.setting("GOOS"), b.setting("GOARCH"), b.setting("GOARM"))
	}
	if t := b.setting("vcs.time"); t != "" {
		if b.at, err = time.Parse(time.RFC3339, t); err != nil {
			return nil, fmt.Errorf("%s: the commit's time: %w", path, err)
		}
		b.at = b.at.UTC()
	}
	if b.version = version; version == "" {
		b.version = debianVersion(info.Main.Version)
	}
	if !regexp.MustCompile(`^[0-9][0-9A-Za-z.+~]*$`).MatchString(b.version) {
		return nil, fmt.Errorf("%q is no version of a package", b.version)
	}
	return b, nil
}

// setting is what the build was told; "" if nothing.
func (b *build) setting(key string) string {
	for _, s := range b.info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// debianArch is Debian's name of a machine. armhf of Raspberry Pi OS begins with ARMv6, that of Debian with ARMv7.
func debianArch(goarch, goarm string) (string, error) {
	switch {
	case goarch == "amd64", goarch == "arm64":
		return goarch, nil
	case goarch == "arm" && (strings.HasPrefix(goarm, "6") || strings.HasPrefix(goarm, "7")) && !strings.HasSuffix(goarm, "softfloat"):
		return "armhf", nil
	}
	return "", fmt.Errorf("no architecture of Debian is %s %s", goarch, goarm)
}

// debianVersion writes a version of Go as Debian orders it: v1.2.3-rc.1 is before v1.2.3, and so are the commits on the way to it.
func debianVersion(version string) string {
	v, ok := strings.CutPrefix(version, "v")
	if !ok {
		return "0~devel" // (devel), or nothing
	}
	v = strings.Replace(v, "-", "~", 1)
	return strings.ReplaceAll(v, "-", ".")
}
