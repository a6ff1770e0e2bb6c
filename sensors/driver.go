package sensors

import (
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/candor-edge/candor/tinyconf"
)

// Config is one [[sensor]] table of candor.toml. Which keys a driver uses is said by its [Driver]; a key that the
// chosen driver does not use is an error, so that nothing is accepted and ignored.
type Config struct {
	Name     string            `toml:"name"`     // the source's name; letters, digits, - and _
	Driver   string            `toml:"driver"`   // a name from the driver table
	Bus      string            `toml:"bus"`      // "i2c-1"
	Address  tinyconf.Address  `toml:"address"`  // I2C address, 7 bits
	Line     string            `toml:"line"`     // GPIO line by name, "GPIO17"
	Every    tinyconf.Duration `toml:"every"`    // time between readings
	File     string            `toml:"file"`     // a recording
	Pace     string            `toml:"pace"`     // "1x", "60x", "max"
	Columns  map[string]string `toml:"columns"`  // recordings: column = kind
	Classes  map[string]string `toml:"classes"`  // quantity = class, where it differs from the kind's
	Settings map[string]string `toml:"settings"` // of a part, as its row says: { shunt = "0.1" }

	Change      map[string]tinyconf.Decimal `toml:"change"`       // quantity = least step that is worth a reading, in its unit
	AtLeast     tinyconf.Duration           `toml:"at_least"`     // a reading after this time though nothing changed that far
	MinInterval tinyconf.Duration           `toml:"min_interval"` // least time between two readings that are passed on
	Jump        map[string]tinyconf.Decimal `toml:"jump"`         // quantity = greatest believable step between two readings
	StuckAfter  int                         `toml:"stuck_after"`  // readings in a row with one number until it is stale; -1 is never

	Seed  int64             `toml:"seed"`  // simulated sources
	Room  string            `toml:"room"`  // simulated sources: which part of the house
	For   tinyconf.Duration `toml:"for"`   // simulated sources: length; 0 goes on for ever
	Start string            `toml:"start"` // simulated sources: RFC 3339 time of the first reading; "" is now
}

// Env is what a driver may use of the world outside.
type Env struct {
	Clock Clock
	// Open opens a file for reading; os.Open outside tests.
	Open func(name string) (io.ReadCloser, error)
	// Dir is where relative file names start: the folder of candor.toml.
	Dir string
}

// HostEnv is the Env of a running agent.
func HostEnv(clock Clock, dir string) Env {
	return Env{Clock: clock, Dir: dir, Open: func(name string) (io.ReadCloser, error) { return os.Open(name) }}
}

// Driver is one row of the driver table.
type Driver struct {
	Name      string
	Doc       string   // one line, for lists of drivers
	Needs     []string // keys of [[sensor]] that must be there, besides name and driver
	Uses      []string // keys that may be there
	Simulated bool     // true when what it emits was never measured now: shown wherever the source is
	// Open makes the source; it does not start anything. Errors name the sensor and the part.
	Open func(c Config, env Env) (Source, error)
}

// Keys lists the optional and needed keys of the driver, sorted.
func (d Driver) Keys() []string {
	all := append(append([]string{}, d.Needs...), d.Uses...)
	sort.Strings(all)
	return all
}

// DriverNamed looks a driver up in a table; the error lists what there is.
func DriverNamed(table []Driver, name string) (Driver, error) {
	names := make([]string, 0, len(table))
	for _, d := range table {
		if d.Name == name {
			return d, nil
		}
		names = append(names, d.Name)
	}
	sort.Strings(names)
	return Driver{}, fmt.Errorf("no driver is called %q; there are: %s", name, strings.Join(names, ", "))
}

// SystemClock is the machine's own clock. The zero value is ready.
type SystemClock struct{}

// Now implements [Clock].
func (SystemClock) Now() time.Time { return time.Now() }

// After implements [Clock].
func (SystemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }
