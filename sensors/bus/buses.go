package bus

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"sync"

	"periph.io/x/conn/v3/i2c"
)

// Buses has one Bus for each name, so that all parts of a bus wait in one queue. It is safe for use by several
// goroutines.
type Buses struct {
	options Options // without Name

	mu     sync.Mutex
	buses  map[string]*Bus
	closed bool
}

// NewBuses returns buses that are made with these options; Name is set for each.
func NewBuses(o Options) *Buses { return &Buses{options: o, buses: map[string]*Bus{}} }

// Bus returns the bus of that name, "i2c-1" or "/dev/i2c-1". It opens nothing: the error is for a name that is none, or
// for buses that are closed.
func (b *Buses) Bus(name string) (*Bus, error) {
	short := strings.TrimPrefix(name, "/dev/")
	number, isBus := strings.CutPrefix(short, "i2c-")
	if _, err := strconv.ParseUint(number, 10, 16); !isBus || err != nil {
		return nil, fmt.Errorf("%q is no I2C bus; it is called i2c- and a number, as in i2c-1", name)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, fmt.Errorf("%s: %w", short, ErrClosed)
	}
	if b.buses[short] == nil {
		o := b.options
		o.Name = short
		b.buses[short] = New(o)
	}
	return b.buses[short], nil
}

// Open is Bus for those who want periph's interface.
func (b *Buses) Open(name string) (i2c.Bus, error) {
	found, err := b.Bus(name)
	if err != nil {
		return nil, err // and not a nil *Bus in an interface
	}
	return found, nil
}

// All returns the buses that were asked for, in the order of their names.
func (b *Buses) All() []*Bus {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]*Bus, 0, len(b.buses))
	for _, one := range b.buses {
		all = append(all, one)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].o.Name < all[j].o.Name })
	return all
}

// Close closes all buses. Its error joins theirs.
func (b *Buses) Close() error {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	var faults []error
	for _, one := range b.All() {
		faults = append(faults, one.Close())
	}
	return errors.Join(faults...)
}
