package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// unitFile writes the unit where systemd-analyze reads it, with a program that this machine has.
func unitFile(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("what systemd thinks of the unit is not asked: ", err)
	}
	at := filepath.Join(t.TempDir(), "candor.service")
	unit := bytes.ReplaceAll(embedded("files/candor.service"), []byte("/usr/bin/candor"), []byte("/bin/true"))
	unit = bytes.ReplaceAll(unit, []byte("man:candor(1) "), nil) // it is installed by the same package
	must(t, os.WriteFile(at, unit, 0o600))
	return at
}

// TestUnit: systemd reads every line of the unit.
func TestUnit(t *testing.T) {
	at := unitFile(t)
	out, err := exec.Command("systemd-analyze", "verify", at).CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("candor.service")) {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestExposure holds the unit against what systemd makes of it: at most 1.5 of 10.
func TestExposure(t *testing.T) {
	at := unitFile(t)
	help, err := exec.Command("systemd-analyze", "--help").CombinedOutput()
	if err != nil || !bytes.Contains(help, []byte("--offline")) {
		t.Skip("this systemd-analyze can't look at a unit that is not loaded (before 250)")
	}
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", at).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	found := regexp.MustCompile(`Overall exposure level for candor.service: ([0-9.]+)`).FindSubmatch(out)
	if found == nil {
		t.Fatalf("no exposure is told:\n%s", out)
	}
	t.Logf("exposure %s", found[1])
	if err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold=5", "--no-pager", at).Run(); err == nil {
		t.Error("a threshold of 0.5 passes: the comparison can't fail")
	}
}

// TestUnitKeepsItsWord holds the unit to what the documents say of it, also where there is no systemd to ask.
func TestUnitKeepsItsWord(t *testing.T) {
	unit := string(embedded("files/candor.service"))
	for _, line := range []string{
		"ConditionPathExists=/etc/candor/candor.toml", "Type=notify", "WatchdogSec=3min", "WatchdogSignal=SIGTERM", "LimitCORE=0", "MemorySwapMax=0", "Environment=GOTRACEBACK=none",
		"StateDirectory=candor candor-keys", "StateDirectoryMode=0700", "RuntimeDirectory=candor", "LoadCredential=candor:/etc/candor/credentials",
		"User=candor", "DevicePolicy=closed", "DeviceAllow=char-i2c rw", "DeviceAllow=char-gpiochip rw", "CapabilityBoundingSet=", "ProtectSystem=strict",
	} {
		if !strings.Contains(unit, "\n"+line+"\n") {
			t.Errorf("the unit has no %s", line)
		}
	}
	for _, bad := range []string{"PrivateDevices=yes", "PrivateNetwork=yes", "PrivateUsers=yes", "ListenStream"} {
		if strings.Contains(unit, "\n"+bad) {
			t.Errorf("with %s the agent can't do its work", bad)
		}
	}
}

// TestDeviceRules: udev reads the rules, where it can be asked.
func TestDeviceRules(t *testing.T) {
	if out, err := exec.Command("udevadm", "verify", "--help").CombinedOutput(); err != nil {
		t.Skipf("this udevadm verifies no rules (before 254): %v %s", err, bytes.TrimSpace(out))
	}
	if out, err := exec.Command("udevadm", "verify", "files/candor.rules").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestSupportEnd: the security policy and the program name the same last day.
func TestSupportEnd(t *testing.T) {
	text, err := os.ReadFile("../../SECURITY.md")
	must(t, err)
	out, err := exec.Command(binary(t), "about", "--json").Output()
	must(t, err)
	var about struct {
		SupportEnd string `json:"support_end"`
		SHA256     string
		Parts      []struct{ Name, Licence string }
	}
	must(t, json.Unmarshal(out, &about))
	if !bytes.Contains(text, []byte(about.SupportEnd)) || len(about.SupportEnd) != len("2031-12-31") {
		t.Errorf("SECURITY.md does not name %q", about.SupportEnd)
	}
	sum, err := readBuild(binary(t), "1.0")
	must(t, err)
	if want := hex.EncodeToString(sum.sum[:]); about.SHA256 != want {
		t.Errorf("about says that it is %s, and it is %s", about.SHA256, want)
	}
	for _, p := range about.Parts {
		if p.Licence == "unknown" {
			t.Errorf("about does not know the licence of %s", p.Name)
		}
	}
}
