package bundle

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/agent/doctor"
)

// The canary is in every place from which something could get into a bundle: names, files, hosts, secrets, evidence, logs.
const canary = "lea-was-here"

func canaries(t *testing.T) *Source {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(canary+".toml", strings.ReplaceAll(`[device]
state = "CANARY"
[attributes]
"CANARY.area" = "CANARY"
[[sensor]]
name = "CANARY"
driver = "bme280"
bus = "i2c-1/pca9548@0x70.2"
address = 0x76
every = "10s"
[[sensor]]
name = "door-CANARY"
driver = "contact"
line = "CANARY"
[policy]
file = "CANARY-policy.toml"
[keys]
dir = "CANARY-keys"
[[route]]
recipient = "CANARY"
url = "https://CANARY.example:8443/CANARY"
auth = "file:/CANARY"
[signals]
sending = "CANARY-2"
[control]
technician = "CANARY"
`, "CANARY", canary))
	cfg, err := agent.LoadConfig(filepath.Join(dir, canary+".toml"))
	if err != nil {
		t.Fatal(err)
	}
	root := fstest.MapFS{
		"proc/device-tree/model":    {Data: []byte("Raspberry Pi 4 Model B Rev 1.4\x00")},
		"proc/sys/kernel/osrelease": {Data: []byte("6.6.51+rpt-rpi-v8\n")},
		"etc/os-release":            {Data: []byte("NAME=\"" + canary + "\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n")},
		"etc/hostname":              {Data: []byte(canary)},
		"proc/cpuinfo":              {Data: []byte("Serial: " + canary)},
	}
	report := &doctor.Report{Daemon: true, Verdict: doctor.Broken}
	for i, name := range doctor.Names() {
		report.Checks = append(report.Checks, &doctor.Check{Name: name, State: doctor.OK, Code: doctor.Codes()[i], Evidence: canary})
	}
	report.Checks = append(report.Checks, &doctor.Check{Name: canary, State: canary, Code: canary, Evidence: canary})
	log := strings.ReplaceAll(`time=2026-03-01T06:59:59.000Z level=INFO msg="candor runs" state=/CANARY plan=CANARY
time=2026-03-01T07:00:00.000Z level=ERROR msg="a sensor has failed; the others go on" sensor=CANARY error="21.375 CANARY"
{"time":"2026-03-01T07:00:01Z","level":"ERROR","msg":"a sensor has failed; the others go on","sensor":"CANARY"}
time=2026-03-01T07:00:02.000Z level=INFO msg="CANARY 21.375"
time=2026-03-01T07:00:02.000Z level=CANARY msg="candor runs"
Mar 01 07:00:03 CANARY systemd[1]: CANARY 21.375
msg="CANARY\" msg=\"candor runs"
`, "CANARY", canary)
	return &Source{Program: ProgramOf("v0.1.0", "0123456789abcdef", false), World: &doctor.World{Root: root, Config: cfg, PageSize: 4096, File: canary}, Report: report, Log: log,
		Status: &control.Status{Version: canary + "\x00\n☃", Truth: canary, Warnings: []string{canary}, Policy: control.PolicyStatus{State: "ok", File: canary, Error: canary, Version: 7},
			Sensors:  []control.SensorStatus{{Name: canary, State: "wrong part", Error: canary}, {Name: "door-" + canary, State: canary}},
			Purposes: []control.PurposeStatus{{ID: canary, Title: canary, State: "given", Buffered: 21375}},
			Buffer:   control.BufferStatus{State: "ok", Bytes: 21375, Detail: canary, Gaps: []string{canary}},
			Routes:   []control.RouteStatus{{Recipient: canary, URL: canary, State: "unreachable", Reason: canary}}}}
}

// TestNothingOfTheHomeIsInABundle: of a source that is full of names, secrets and values nothing comes through, and what support
// needs does.
func TestNothingOfTheHomeIsInABundle(t *testing.T) {
	s := canaries(t)
	b := Make(s)
	text, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{canary, "lea", "21375", "21.375", "given", "07:00", "2026-03", "8443", "0x76"} {
		if strings.Contains(string(text), bad) {
			t.Errorf("%s is in it: %s", bad, text)
		}
	}
	for _, want := range []string{
		`"driver":"bme280","bus":1,"behind_mux":true,"address":118,"every_ms":10000`, `"state":"wrong part"`, `"driver":"contact","bus":-1`, `"state":"other"`,
		`"board":"Raspberry Pi 4 Model B Rev 1.4","kernel":"6.6.51+rpt-rpi-v8","system":"Debian GNULinux 12 (bookworm)"`,
		`"scheme":"https"`, `"auth":true`, `"state":"unreachable"`, `"check":"power","state":"ok"`, `"check":"other","state":"other","code":"other"`,
		`{"level":"ERROR","message":"a sensor has failed; the others go on","count":2}`, `{"level":"other","message":"candor runs","count":1}`, `"other_lines":3`, `"same_version":false,"policy":"ok"`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is not in it: %s", want, text)
		}
	}
}

// TestTypesCantCarryText: a bundle is made of words of closed lists, versions, numbers and whether something is set, all the way down.
// A string, a time, a float or a map in it is what this test is for.
func TestTypesCantCarryText(t *testing.T) {
	for _, bad := range texts(reflect.TypeFor[Bundle](), "Bundle") {
		t.Error(bad)
	}
	type leaky struct {
		Name string
		List []struct{ At *float64 }
	}
	if got := texts(reflect.TypeFor[leaky](), "x"); len(got) != 2 {
		t.Errorf("the test does not see a text: %v", got)
	}
}

func texts(t reflect.Type, at string) (bad []string) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		return texts(t.Elem(), at)
	case reflect.Struct:
		if t == reflect.TypeFor[Word]() || t == reflect.TypeFor[Version]() {
			return nil
		}
		for i := range t.NumField() {
			bad = append(bad, texts(t.Field(i).Type, at+"."+t.Field(i).Name)...)
		}
		return bad
	case reflect.Bool, reflect.Int, reflect.Int64, reflect.Uint16:
		return nil
	}
	return []string{at + " is a " + t.String()}
}

// TestVersions: what no release is called does not pass.
func TestVersions(t *testing.T) {
	for in, want := range map[string]string{
		"v0.0.0-20261125230000-0123456789ab+dirty": "v0.0.0-20261125230000-0123456789ab+dirty",
		"10000000abcdef01":                         "10000000abcdef01",
		"123456789012345678":                       "12345678901234",
		"home=\"lea\"\n$(x)":                       "homelea(x)",
		strings.Repeat("a", 100):                   strings.Repeat("a", 64),
	} {
		if got := versionOf(in).text; got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

// TestSections: the list that is shown has each part of the file.
func TestSections(t *testing.T) {
	b := Make(canaries(t))
	named := map[string]bool{}
	for _, s := range b.Sections() {
		named[s.Name] = true
		if s.Entries == 0 || s.Holds == "" {
			t.Errorf("%+v", s)
		}
	}
	for _, key := range []string{"program", "machine", "doctor", "config", "sensors", "routes", "object", "messages"} {
		if !named[key] {
			t.Errorf("%s is not listed", key)
		}
	}
	var keys map[string]json.RawMessage
	text, _ := json.Marshal(b)
	if err := json.Unmarshal(text, &keys); err != nil {
		t.Fatal(err)
	}
	for key := range keys {
		if !named[key] && key != "form" && key != "daemon" && key != "other_lines" {
			t.Errorf("%s is in the file and not listed", key)
		}
	}
}
