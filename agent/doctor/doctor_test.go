package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors/bus"
	"github.com/candor-edge/candor/sensors/bus/bustest"
)

// broken are homes with one thing wrong, and the break that has to speak.
var broken = []struct {
	name    string
	breakIt func(*home)
	check   string // where the walk ends or what speaks
	code    string
	state   State
	says    string // part of evidence, fix and command together
	root    bool
}{
	{"under-voltage now", func(h *home) { h.set(throttled4, "50005\n") }, "power", "under-voltage-now", Broken, "4.63 V", false},
	{"under-voltage now, by the monitor alone", func(h *home) {
		delete(h.root, throttled4)
		h.set("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n")
	}, "power", "under-voltage-now", Broken, "supply", false},
	{"under-voltage once", func(h *home) { h.set(throttled4, "0x50000\n") }, "power", "under-voltage-ever", Warning, "since the boot", false},
	{"too hot", func(h *home) { h.set("sys/class/thermal/thermal_zone0/temp", "86100\n") }, "temperature", "too-hot", Broken, "give it air", false},
	{"nearly too hot", func(h *home) { h.set("sys/class/thermal/thermal_zone0/temp", "81000\n") }, "temperature", "hot", Warning, "give it air", false},
	{"1970", func(h *home) {
		h.root["etc/os-release"] = &fstest.MapFile{ModTime: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
		h.world.Now = func() time.Time { return time.Unix(1000, 0) }
	}, "clock", "clock-wrong", Broken, "1970-01-01 00:16 UTC, and /etc/os-release was written later, on 2026-03-01", true},
	{"nothing vouches for the clock", func(h *home) { h.world.Synced = func() bool { return false }; h.policy += "" }, "clock", "clock-unsynced", Note, "set-ntp", true},
	{"no configuration", func(h *home) { h.world.File = filepath.Join(h.dir, "nothing.toml") }, "configuration", "configuration-missing", Broken, "candor config init --config ", true},
	{"a configuration with a fault", func(h *home) { h.config = strings.Replace(h.config, "driver = \"mcp9808\"", "driver = \"mcp9908\"", 1) }, "configuration", "configuration-wrong", Broken, "mcp9908", true},
	{"a socket that is another's", func(h *home) {
		h.world.ObjectErr = &control.Error{Code: control.ErrNotAllowed, Text: "the control socket is not for this user"}
		h.config += "[control]\ntechnician = \"candor-technician\"\n"
	}, "control", "control-not-allowed", Refused, "sudo usermod -aG candor-technician $USER", true},
	{"state in memory", func(h *home) {
		h.set("proc/self/mounts", "/dev/mmcblk0p2 / ext4 rw 0 0\ntmpfs "+h.dir+" tmpfs rw,nosuid 0 0\n")
	}, "mounts", "state-in-memory", Broken, "data will be lost at reboot", true},
	{"an overlay over the root", func(h *home) {
		h.set("proc/self/mounts", "/dev/mmcblk0p2 /lower ext4 ro 0 0\noverlay / overlay rw,lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work 0 0\n")
	}, "mounts", "state-on-overlay", Broken, "data will be lost at reboot", true},
	{"an overlay in a container over memory", func(h *home) {
		h.set(".dockerenv", "")
		h.set("proc/self/mounts", "tmpfs /media/root-rw tmpfs rw 0 0\noverlayroot / overlay rw,lowerdir=/media/root-ro,upperdir=/media/root-rw/overlay 0 0\n")
	}, "mounts", "state-on-overlay", Broken, "do_overlayfs 1", true},
	{"a read-only card", func(h *home) { h.set("proc/self/mounts", "/dev/mmcblk0p2 / ext4 ro,relatime 0 0\n") }, "mounts", "state-read-only", Broken, "sudo mount -o remount,rw /", true},
	{"another's state", func(h *home) {
		h.dead = true
		h.set("usr/lib/systemd/system/candor.service", "[Service]\nUser=candor\n")
	}, "mounts", "state-owner", Broken, "sudo chown -R candor:", true},
	{"a full disk", func(h *home) {
		h.world.Space = func(string) (Space, error) { return Space{4 << 20, 16 << 30, 1000, 2000}, nil }
	}, "disk", "disk-full", Broken, "make room", true},
	{"no room for files", func(h *home) {
		h.world.Space = func(string) (Space, error) { return Space{4 << 30, 16 << 30, 0, 2000}, nil }
	}, "disk", "disk-no-files", Broken, "another file", true},
	{"worn flash", func(h *home) { h.set("sys/block/mmcblk0/device/life_time", "0x02 0x0a\n") }, "flash wear", "flash-worn", Warning, "replace it", false},
	{"I2C is off", func(h *home) { h.noBus("dtparam=audio=on\n[cm4]\notg_mode=1\n") }, "i2c", "i2c-line-missing", Broken,
		`in /boot/firmware/config.txt the line dtparam=i2c_arm=on is not there; add the line dtparam=i2c_arm=on to /boot/firmware/config.txt, then reboot; printf '[all]\ndtparam=i2c_arm=on\n'|sudo tee -a /boot/firmware/config.txt`, true},
	{"I2C is commented out", func(h *home) { h.noBus("#dtparam=i2c_arm=on\n") }, "i2c", "i2c-line-missing", Broken, "is commented out", true},
	{"I2C is switched off", func(h *home) { h.noBus("dtparam=i2c_arm=off\n") }, "i2c", "i2c-line-missing", Broken, "says off", true},
	{"I2C is on for another board", func(h *home) { h.noBus("[pi5]\ndtparam=i2c_arm=on\n") }, "i2c", "i2c-line-missing", Broken, "stands under [pi5]", true},
	{"I2C is on in a file that is not read", func(h *home) {
		h.noBus("")
		h.set("boot/config.txt", "dtparam=i2c_arm=on\n")
	}, "i2c", "i2c-line-missing", Broken, "stands in /boot/config.txt, which this system does not read", true},
	{"an old system", func(h *home) {
		h.noBus("")
		delete(h.root, "boot/firmware/config.txt")
	}, "i2c", "i2c-line-missing", Broken, "in /boot/config.txt the line", true},
	{"not rebooted", func(h *home) { h.noBus("[pi4]\ndtparam=i2c=on\n") }, "i2c", "i2c-reboot", Broken, "sudo reboot", true},
	{"no i2c-dev", func(h *home) { delete(h.root, "dev/i2c-1") }, "i2c", "i2c-module", Broken, "modprobe i2c-dev", true},
	{"not a Pi, no bus", func(h *home) {
		h.noBus("")
		h.set("proc/device-tree/model", "Some Board")
	}, "i2c", "i2c-missing", Broken, "no i2c-1", true},
	{"the wrong group", func(h *home) {
		h.dead, h.fresh, h.world.UID = true, true, 4711
		h.set("etc/passwd", "tech:x:4711:4711::/home/tech:/bin/sh\n")
	}, "device rights", "rights-group", Broken, "tech may not use /dev/i2c-1: it belongs to group i2c, mode 660; make tech a member of the group i2c, then start the daemon again; sudo usermod -aG i2c tech", true},
	{"a service without the group", func(h *home) {
		h.dead = true
		h.set("usr/lib/systemd/system/candor.service", "[Service]\nDynamicUser=yes\nSupplementaryGroups=gpio\n")
	}, "device rights", "rights-service", Broken, "add SupplementaryGroups=i2c to the service", true},
	{"the daemon's own word", func(h *home) {
		h.chips = true
		h.o.Adapter = func() (bus.Adapter, error) { return nil, errPermission }
	}, "device rights", "rights-group", Broken, "permission denied", true},
	{"a node that no group may use", func(h *home) {
		h.dead, h.fresh, h.world.UID = true, true, 4711
		h.root["dev/i2c-1"] = &fstest.MapFile{Mode: 0o600, Sys: &syscall.Stat_t{Gid: 0}}
	}, "device rights", "rights-udev", Broken, "sudo chgrp i2c /dev/i2c-1; sudo chmod 660 /dev/i2c-1", true},
	{"SDA is held", func(h *home) { h.world.Levels = func(string) (Levels, error) { return Levels{false, true}, nil } }, "bus lines", "sda-low", Broken, "take the power", false},
	{"SCL is held", func(h *home) { h.world.Levels = func(string) (Levels, error) { return Levels{true, false}, nil } }, "bus lines", "scl-low", Broken, "pull-up", false},
	{"a stuck bus", func(h *home) {
		h.chips = true
		h.wire.Detach(0x18)
		h.wire.Attach(0x18, bustest.Func(func(_, _ []byte) error { return syscall.ETIMEDOUT }))
	}, "chips", "bus-stuck", Broken, "i2c-1 is stuck", false},
	{"a missing chip", func(h *home) { h.wire.Detach(0x18); h.chips = true }, "chips", "chip-missing", Broken, "candor sensor scan", false},
	{"another chip", func(h *home) {
		h.chips = true
		h.wire.Detach(0x18)
		h.wire.Attach(0x18, bustest.NewRegisters(2).Set(0x06, 0x01, 0x31).Set(0x07, 0x31, 0x00))
	}, "chips", "chip-swapped", Broken, "wrong part", true},
	{"the kernel's chip", func(h *home) {
		h.chips = true
		h.wire.Detach(0x18)
		h.wire.Attach(0x18, bustest.Func(func(_, _ []byte) error { return syscall.EBUSY }))
	}, "chips", "chip-taken", Broken, "dtoverlay", true},
	{"a chip whose driver the kernel does not have", func(h *home) {
		h.chips = true
		h.config = strings.Replace(h.config, "driver = \"mcp9808\"\nbus = \"i2c-1\"", "driver = \"kernel\"\nfile = \"iio:bme280\"", 1)
	}, "chips", "chip-kernel", Broken, "to /boot/firmware/config.txt, then reboot", true},
	{"another's line", func(h *home) {
		h.world.Line = func(n string) (bus.LineInfo, error) {
			return bus.LineInfo{Name: n, Label: "pinctrl", Used: true, Consumer: "onewire"}, nil
		}
	}, "gpio lines", "line-taken", Broken, `used by "onewire"`, true},
	{"a line that is not there", func(h *home) {
		h.world.Line = func(string) (bus.LineInfo, error) { return bus.LineInfo{}, errors.New("no line has that name") }
	}, "gpio lines", "line-missing", Broken, "no line has that name", true},
	{"no policy", func(h *home) { h.config = strings.Replace(h.config, "policy.toml", "absent.toml", 1); h.grant = false }, "policy", "policy-unreadable", Broken, "absent.toml", true},
	{"a policy that somebody changed", func(h *home) { h.sign(true) }, "policy", "policy-signature", Broken, "policy.toml", true},
	{"a policy without its signature", func(h *home) { h.sign(false) }, "policy", "policy-signature", Broken, "there is no signature", true},
	{"a policy that is not signed", func(*home) {}, "policy", "policy-unsigned", Note, "not signed", true},
	{"the same, read by the doctor", func(h *home) { h.dead = true; h.sign(true) }, "policy", "policy-signature", Broken, "policy.toml", true},
	{"a damaged ledger", func(h *home) {
		h.damage("ledger.db")
		h.dead = true
	}, "state", "state-damaged", Broken, "every yes is asked anew", true},
	{"a state that another has", func(h *home) { h.world.ObjectErr = fmt.Errorf("state: %w", agent.ErrLocked); h.dead = true }, "state", "state-locked", Broken, "systemctl restart candor", true},
	{"nobody said yes", func(h *home) { h.grant = false }, "consent", "consent-none", Held, "the person who lives with the object decides", false},
	{"paused", func(h *home) { h.pause = true }, "consent", "consent-paused", Held, "candor consent resume", false},
	{"refused uploads", func(h *home) {
		h.status = func(s *control.Status) { s.Purposes[0].Parked, s.Purposes[0].ParkedReason = 2, "422 (alphabet)" }
	}, "unsent", "unsent-parked", Broken, "candor uplink retry", false},
	{"refused uploads, for a technician", func(h *home) {
		h.status = func(s *control.Status) {
			s.Routes[0].State, s.Routes[0].Reason = "refused", "409"
			*s = s.ForTechnician()
		}
	}, "unsent", "unsent-refused", Broken, "acme refuses uploads: 409", false},
	{"a buffer that takes nothing", func(h *home) { h.status = func(s *control.Status) { s.Buffer.State = "failing" } }, "buffer", "buffer-failing", Broken, "candor buffer verify", false},
	{"no route for a yes", func(h *home) { h.config, _, _ = strings.Cut(h.config, "[[route]]") }, "routes", "route-missing", Broken, "no [[route]] leads to acme", true},
	{"no token file", func(h *home) { h.config = strings.Replace(h.config, "/token\"", "/tokens\"", 1) }, "routes", "route-files", Broken, "tokens", true},
	{"dead DNS", func(h *home) {
		h.o.Resolve = func(context.Context, string) ([]string, error) {
			return nil, &net.DNSError{Err: "i/o timeout", IsTimeout: true}
		}
	}, "dns", "route-lookup", Broken, "name servers: 192.0.2.1; the link is up (eth0); give it a name server", true},
	{"no cable", func(h *home) {
		h.set("sys/class/net/eth0/operstate", "down\n")
		h.o.Resolve = func(context.Context, string) ([]string, error) { return nil, &net.DNSError{Err: "no such host"} }
	}, "dns", "route-no-link", Broken, "no network link is up; plug the cable in", false},
	{"nobody listens", func(h *home) { h.stop() }, "tcp", "route-refused", Broken, "connection refused", true},
	{"a firewall", func(h *home) {
		h.o.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, os.ErrDeadlineExceeded }
	}, "tcp", "route-silent", Broken, "firewall", false},
	{"a certificate that is over", func(h *home) { h.serve(time.Now().Add(-time.Hour)) }, "tls", "route-expired", Broken, "has to renew its certificate", false},
	{"a certificate and a clock that nothing set", func(h *home) { h.o.Kernel = clock(-2000*time.Hour, false) }, "tls", "route-clock", Broken, "set the clock first", true},
	{"another's certificate", func(h *home) { h.config = strings.Replace(h.config, "ingest.acme.example", "other.example", 1) }, "tls", "route-host", Broken, "portal", true},
	{"another key than the pinned", func(h *home) {
		h.config += "pin = \"sha256:" + strings.Repeat("ab", 32) + "\"\n"
	}, "tls", "route-pin", Broken, "by another way than this network", true},
	{"a token that is not known", func(h *home) { h.says(http.StatusUnauthorized, "") }, "auth", "route-token", Broken, "candor uplink test", true},
	{"a portal", func(h *home) { h.says(http.StatusOK, "<html>log in") }, "round trip", "route-answer", Broken, "portal", false},
	{"a dead daemon whose token systemd has", func(h *home) {
		h.dead = true
		h.config = strings.Replace(h.config, "auth = \"file:"+h.dir+"/token\"", "auth = \"credential:acme-token\"", 1)
	}, "daemon", "daemon-dead", Broken, "candor run --config", false},
	{"the same, and a certificate that is over", func(h *home) {
		h.dead = true
		h.serve(time.Now().Add(-time.Hour))
		h.config = strings.Replace(h.config, "auth = \"file:"+h.dir+"/token\"", "auth = \"credential:acme-token\"", 1)
	}, "tls", "route-expired", Broken, "has to renew its certificate", false},
	{"a dead daemon", func(h *home) { h.dead = true }, "daemon", "daemon-dead", Broken, "candor run --config", false},
	{"a dead service", func(h *home) {
		h.dead = true
		h.set("etc/systemd/system/candor.service", "[Service]\nUser=candor\nSupplementaryGroups=i2c gpio\n")
		h.set("etc/passwd", fmt.Sprintf("candor:x:%d:990::/:/bin/false\n", os.Geteuid()))
	}, "daemon", "service-dead", Broken, "sudo systemctl start candor", true},
}

const throttled4 = "sys/devices/platform/soc/soc:firmware/get_throttled"

func (h *home) noBus(config string) {
	delete(h.root, "dev/i2c-1")
	delete(h.root, "sys/bus/i2c/devices/i2c-1/name")
	h.set("boot/firmware/config.txt", config)
}

func (h *home) says(status int, text string) {
	h.answer = func(w http.ResponseWriter) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

// sign has the configuration ask for a signature, and the policy have one of other bytes, or none.
func (h *home) sign(there bool) {
	h.t.Helper()
	key := filepath.Join(h.dir, "maker")
	if err := agent.KeyGen(key, nil); err != nil {
		h.t.Fatal(err)
	}
	h.write("policy.toml", h.policy)
	if there {
		if err := agent.SignDocument("policy", filepath.Join(h.dir, "policy.toml"), key); err != nil {
			h.t.Fatal(err)
		}
	}
	h.policy, h.grant = strings.Replace(h.policy, "retention = \"30d\"", "retention = \"300d\"", 1), false
	h.config = strings.Replace(h.config, "file = \"policy.toml\"", "file = \"policy.toml\"\nkey = \"file:"+h.dir+"/maker.pub\"", 1)
}

// damage opens the object once and spoils a file of its state.
func (h *home) damage(name string) {
	h.t.Helper()
	h.write("policy.toml", h.policy)
	h.write("candor.toml", h.config)
	cfg, err := agent.LoadConfig(filepath.Join(h.dir, "candor.toml"))
	if err != nil {
		h.t.Fatal(err)
	}
	a, err := agent.Open(cfg, h.o)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		h.t.Fatal(err)
	}
	path := filepath.Join(cfg.Device.State, name)
	if err := os.WriteFile(path, []byte(strings.Repeat("spoilt", 4096)), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// TestTheFirstBreakSpeaks: of each broken home the right check speaks, with evidence and one fix, and nothing after it is looked at.
func TestTheFirstBreakSpeaks(t *testing.T) {
	for _, tt := range broken {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := healthy(t)
			tt.breakIt(h)
			r := h.walk()
			if r.First == nil || r.Fix == nil {
				t.Fatalf("nothing speaks: %+v", r)
			}
			all := strings.Join([]string{r.First.Evidence, r.Fix.Do, r.Fix.Command}, "; ")
			if r.First.Name != tt.check || r.First.Code != tt.code || r.Verdict != tt.state || !strings.Contains(all, tt.says) || r.Fix.Root != tt.root {
				t.Fatalf("%s %s %s (root %t): %s\nwant %s %s %s", r.First.Name, r.First.Code, r.Verdict, r.Fix.Root, all, tt.check, tt.code, tt.state)
			}
			last := r.Checks[len(r.Checks)-1]
			if ends := tt.state == Broken || tt.state == Refused || tt.code == "consent-paused"; ends != (last.Name == tt.check) && last.Name != "daemon" || ends && len(r.NotReached) == 0 && last.Name != "daemon" {
				t.Errorf("the walk ended at %s, not reached %v", last.Name, r.NotReached)
			}
			want := map[State]int{Broken: 1, Warning: 3, Held: 3, Refused: 4, Note: 0}[tt.state]
			if r.Exit() != want {
				t.Errorf("exit code %d", r.Exit())
			}
			h.same(&r)
		})
	}
}

// same holds a report to what is promised of every one.
func (h *home) same(r *Report) {
	h.t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		h.t.Fatal(err)
	}
	shown := strings.ReplaceAll(string(text), h.dir, "")                           // whose name has digits of chance
	for _, secret := range []string{"21.0", "68312", "86100", "81000", "s3cr3t"} { // measured values, none of them a port, and the token
		if strings.Contains(shown, secret) {
			h.t.Errorf("%s is in the report: %s", secret, text)
		}
	}
	for i, c := range r.Checks {
		if c.Name != Names()[i] || c.Code == "" || c.Evidence == "" || c.State.weight() < 0 {
			h.t.Errorf("%+v", c)
		}
		if c.State.weight() >= Note.weight() && (c.fix == nil || c.fix.Do == "") {
			h.t.Errorf("nothing to do about %+v", c)
		}
	}
}

// TestAllIsWell: a signed home without a fault walks to the end.
func TestAllIsWell(t *testing.T) {
	h := healthy(t)
	h.sign(true)
	h.policy, h.grant = aPolicy, true
	r := h.walk()
	if r.Verdict != OK || r.First != nil || r.Fix != nil || len(r.NotReached) != 0 || r.Exit() != 0 {
		t.Fatalf("%+v, %+v", r.First, r)
	}
	for _, c := range r.Checks {
		if c.State != OK && c.State != Unknown {
			t.Errorf("%+v", c)
		}
	}
	h.same(&r)
}

// TestADeadDaemonsChipsAreRead: without a daemon each chip is read three times, and of a field its spread is told as a class.
func TestADeadDaemonsChipsAreRead(t *testing.T) {
	h := healthy(t)
	h.dead, h.chips = true, true
	r := h.walk()
	for _, c := range r.Checks {
		if c.Name == "reads" && !strings.Contains(c.Evidence, "hall.temperature: none") {
			t.Errorf("%+v", c)
		}
	}
	if h.wire.Attempts(0x18) < 3 {
		t.Errorf("%d transfers", h.wire.Attempts(0x18))
	}
}

// TestALivingDaemonsBusesAreLeftAlone: what the daemon says counts; no adapter is opened here.
func TestALivingDaemonsBusesAreLeftAlone(t *testing.T) {
	h := healthy(t)
	h.write("policy.toml", h.policy)
	h.write("candor.toml", h.config)
	cfg, err := agent.LoadConfig(filepath.Join(h.dir, "candor.toml"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := agent.Open(cfg, h.o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	w := World{Root: h.root, Now: time.Now, Synced: func() bool { return true }, Config: cfg, Daemon: true, File: "/etc/candor/candor.toml",
		Space:  func(string) (Space, error) { return Space{8 << 30, 16 << 30, 1, 2}, nil },
		Levels: func(string) (Levels, error) { return Levels{}, fs.ErrNotExist },
		Line:   func(string) (bus.LineInfo, error) { return bus.LineInfo{Used: true, Consumer: "candor"}, nil },
		Object: control.Local(control.NewHandler(a), control.Technician),
		Looks: func(context.Context) ([]control.Look, error) {
			return []control.Look{{Name: "hall", Driver: "mcp9808", State: "ok", Fields: []control.FieldLook{{Name: "hall.temperature", Present: "yes", InRange: "yes", Spread: "small"}}}}, nil
		}}
	r := Run(t.Context(), &w, nil)
	if times, _ := h.wire.Opened(); times != 0 {
		t.Errorf("the bus was opened %d times", times)
	}
	if r.First == nil || r.First.Name != "disk" { // one file node free
		t.Errorf("%+v", r.First)
	}
}

// TestWhoMayEdit: what is the asker's own takes no root to change.
func TestWhoMayEdit(t *testing.T) {
	file := &fstest.MapFile{Sys: &syscall.Stat_t{Uid: 1000}}
	for _, tt := range []struct {
		name, path string
		uid        int
		root       bool
	}{
		{"one's own", "/home/lea/candor.toml", 1000, false}, {"another's", "/home/lea/candor.toml", 1001, true}, {"root asks", "/home/lea/candor.toml", 0, true},
		{"a file to be, in one's own folder", "/home/lea/new.toml", 1000, false}, {"nobody knows", "/srv/candor.toml", 1000, true}, {"no place", "", 1000, true},
	} {
		w := &walk{World: &World{Root: fstest.MapFS{"home/lea/candor.toml": file, "home/lea": {Mode: fs.ModeDir, Sys: file.Sys}}, Path: tt.path, UID: tt.uid}}
		if w.edit() != tt.root {
			t.Errorf("%s: root %t", tt.name, w.edit())
		}
	}
}

// TestNames: the list that DOCTOR.md and others show.
func TestEveryCheckIsNamedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, n := range Names() {
		if seen[n] {
			t.Errorf("%s is there twice", n)
		}
		seen[n] = true
	}
}
