package bundle

import (
	"encoding/json"
	"io/fs"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/agent/doctor"
	"github.com/candor-edge/candor/sensors"
)

// form is the version of the file's form.
const form = 1

// Word is a word of a closed list. Only this package makes one.
type Word struct{ text string }

// pick is the word, or "other" where it is none of the list.
func pick(text string, list ...string) Word {
	if text == "" || slices.Contains(list, text) {
		return Word{text}
	}
	return Word{"other"}
}

// MarshalJSON implements json.Marshaler.
func (w Word) MarshalJSON() ([]byte, error) { return json.Marshal(w.text) }

// Version is the name of a release or of a board: at most 64 letters, digits, blanks and . , + - _ ( ) ~, and no more than
// fourteen digits in a row, which a date has and a serial number exceeds. Only this package makes one.
type Version struct{ text string }

func versionOf(text string) Version {
	digits := 0 // in a row
	text = strings.Map(func(r rune) rune {
		if digits++; r < '0' || r > '9' {
			digits = 0
		}
		if digits > 14 || r > 0x7e || !strings.ContainsRune(" .,+-_()~", r) && (r|0x20 < 'a' || r|0x20 > 'z') && (r < '0' || r > '9') {
			return -1
		}
		return r
	}, text)
	return Version{text[:min(len(text), 64)]}
}

// MarshalJSON implements json.Marshaler.
func (v Version) MarshalJSON() ([]byte, error) { return json.Marshal(v.text) }

// Bundle is the file.
type Bundle struct {
	Form     int       `json:"form"`
	Program  Program   `json:"program"`
	Machine  Machine   `json:"machine"`
	Doctor   []Verdict `json:"doctor"`
	Daemon   bool      `json:"daemon"`
	Config   *Config   `json:"config"`  // null: it can't be read
	Sensors  []Sensor  `json:"sensors"` // in the order of the configuration, without names
	Routes   []Route   `json:"routes"`  // likewise
	Object   *Object   `json:"object"`  // null: there was none to ask
	Messages []Message `json:"messages"`
	Others   int       `json:"other_lines"` // of the log, that are no message of this program: not kept
}

// Program is which build this is.
type Program struct {
	Version  Version `json:"version"`
	Revision Version `json:"revision"`
	Modified bool    `json:"modified"`
	Go       Version `json:"go"`
	Arch     Version `json:"arch"`
}

// Machine is what it runs on.
type Machine struct {
	Board  Version `json:"board"`
	Kernel Version `json:"kernel"`
	System Version `json:"system"`
	Page   int     `json:"page_bytes"`
}

// Verdict is one check of the doctor, without its evidence.
type Verdict struct {
	Check Word `json:"check"`
	State Word `json:"state"`
	Code  Word `json:"code"`
}

// Config is what of candor.toml is no name and no secret: times in seconds, sizes in bytes, counts, and whether something is set.
type Config struct {
	Language   Word  `json:"language"`
	Flush      int64 `json:"buffer_flush_s"`
	MaxSize    int64 `json:"buffer_max_size"`
	Reserve    int64 `json:"buffer_reserve"`
	Keep       int64 `json:"mine_keep_s"`
	Attributes int   `json:"attributes"`
	Charter    bool  `json:"charter"`
	Key        bool  `json:"policy_key"`
	Light      bool  `json:"light"`
	Button     bool  `json:"button"`
	Person     bool  `json:"person_group"`
	Technician bool  `json:"technician_group"`
}

// Sensor is one [[sensor]] and how it does.
type Sensor struct {
	Driver   Word   `json:"driver"`
	Bus      int    `json:"bus"` // of i2c-N; -1 for none
	Mux      bool   `json:"behind_mux"`
	Address  uint16 `json:"address"` // 0: the driver's default
	Every    int64  `json:"every_ms"`
	Settings int    `json:"settings"`
	State    Word   `json:"state"` // "" where nobody was asked
}

// Route is one [[route]] and how it does.
type Route struct {
	Scheme  Word  `json:"scheme"`
	Timeout int64 `json:"timeout_s"`
	Seal    bool  `json:"seal"`
	Auth    bool  `json:"auth"`
	Cert    bool  `json:"cert"`
	Pin     bool  `json:"pin"`
	CA      bool  `json:"ca"`
	Fleet   bool  `json:"fleet"`
	Budget  bool  `json:"budget"`
	Windows int   `json:"windows"`
	State   Word  `json:"state"` // "" where nobody was asked
}

// Object is how the agent does, as a technician may know it.
type Object struct {
	Same   bool `json:"same_version"` // the one that answered is the one that asked
	Policy Word `json:"policy"`
	Signed bool `json:"policy_signed"`
	Buffer Word `json:"buffer"`
}

// Message is one message of this program's log.
type Message struct {
	Level Word `json:"level"`
	Text  Word `json:"message"`
	Count int  `json:"count"`
}

// Source is what a bundle is made of.
type Source struct {
	Program Program
	World   *doctor.World
	Report  *doctor.Report
	Status  *control.Status // nil: there was none to ask
	Log     string          // lines as `candor run` writes them; "" for none
}

// ProgramOf is a program of these, which the build wrote.
func ProgramOf(version, revision string, modified bool) Program {
	return Program{versionOf(version), versionOf(revision), modified, versionOf(runtime.Version()), versionOf(runtime.GOOS + " " + runtime.GOARCH)}
}

// Make makes the bundle. It looks at nothing that Source does not hold but the names of board, kernel and system.
func Make(s *Source) *Bundle {
	b := &Bundle{Form: form, Program: s.Program, Daemon: s.Report.Daemon, Machine: machineOf(s.World), Sensors: []Sensor{}, Routes: []Route{}, Messages: []Message{}}
	states := []string{string(doctor.OK), string(doctor.Skipped), string(doctor.Unknown), string(doctor.Note), string(doctor.Warning), string(doctor.Held), string(doctor.Refused), string(doctor.Broken)}
	for _, c := range s.Report.Checks {
		b.Doctor = append(b.Doctor, Verdict{pick(c.Name, doctor.Names()...), pick(string(c.State), states...), pick(c.Code, doctor.Codes()...)})
	}
	if s.World.Config != nil {
		b.config(s.World.Config)
	}
	if s.Status != nil {
		b.object(s.Status, s.World.Config)
	}
	b.log(s.Log)
	return b
}

func machineOf(w *doctor.World) Machine {
	read := func(name string) string {
		text, _ := fs.ReadFile(w.Root, name)
		return strings.Trim(string(text), "\x00\n")
	}
	system := ""
	for _, line := range strings.Split(read("etc/os-release"), "\n") {
		if name, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
			system = name
		}
	}
	return Machine{versionOf(read("proc/device-tree/model")), versionOf(read("proc/sys/kernel/osrelease")), versionOf(system), w.PageSize}
}

func (b *Bundle) config(c *agent.Config) {
	b.Config = &Config{Language: pick(c.Device.Language, "en", "fr"), Flush: int64(c.Buffer.Flush.Std().Seconds()), MaxSize: int64(c.Buffer.MaxSize), Reserve: int64(c.Buffer.Reserve),
		Keep: int64(c.Mine.Keep.Std().Seconds()), Attributes: len(c.Attributes), Charter: c.Policy.Charter != "", Key: c.Policy.Key.IsSet(),
		Light: c.Signals.Sending != "", Button: c.Signals.Pause != "", Person: c.Control.Person != "", Technician: c.Control.Technician != ""}
	var drivers []string
	for _, d := range agent.Drivers() {
		drivers = append(drivers, d.Name)
	}
	for i := range c.Sensors {
		s := &c.Sensors[i]
		name, _, mux := strings.Cut(strings.TrimPrefix(s.Bus, "/dev/"), "/")
		number, err := strconv.Atoi(strings.TrimPrefix(name, "i2c-"))
		if err != nil {
			number = -1
		}
		b.Sensors = append(b.Sensors, Sensor{Driver: pick(s.Driver, drivers...), Bus: number, Mux: mux, Address: uint16(s.Address), Every: s.Every.Std().Milliseconds(), Settings: len(s.Settings)})
	}
	for i := range c.Routes {
		r := &c.Routes[i]
		scheme, _, _ := strings.Cut(r.URL, ":")
		b.Routes = append(b.Routes, Route{Scheme: pick(scheme, "https", "http", "mqtts", "mqtt"), Timeout: int64(r.Timeout.Std().Seconds()), Seal: r.Seal.IsSet(), Auth: r.Auth.IsSet(),
			Cert: r.Cert != "", Pin: r.Pin != "", CA: r.CA != "", Fleet: r.Fleet, Budget: r.Budget != "", Windows: len(r.Windows)})
	}
}

// object takes what a technician may know, whoever asked.
func (b *Bundle) object(all *control.Status, c *agent.Config) {
	s := all.ForTechnician()
	b.Object = &Object{Same: versionOf(s.Version) == b.Program.Version, Policy: pick(s.Policy.State, "ok", "unreadable", "missing", "wrong signature", "older"), Signed: s.Policy.Signed,
		Buffer: pick(s.Buffer.State, "ok", "full", "read-only", "failing")}
	states := []string{"waiting", "running", "ended", "failed"}
	for p := sensors.Waiting; p <= sensors.Unresponsive; p++ {
		states = append(states, p.String())
	}
	for i := range s.Sensors {
		for j := range b.Sensors {
			if c.Sensors[j].Name == s.Sensors[i].Name {
				b.Sensors[j].State = pick(s.Sensors[i].State, states...)
			}
		}
	}
	for i := range s.Routes {
		for j := range b.Routes {
			if c.Routes[j].Recipient == s.Routes[i].Recipient {
				b.Routes[j].State = pick(s.Routes[i].State, "idle", "sending", "waiting", "refused", "unreachable")
			}
		}
	}
}
