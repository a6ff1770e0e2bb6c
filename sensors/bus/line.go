package bus

import (
	"fmt"
	"time"
)

// Bias is what pulls a line that nothing drives.
type Bias uint8

// The biases.
const (
	BiasAsIs Bias = iota // as it is now, or as the board has it
	PullUp
	PullDown
	NoPull
)

// LineOptions say which line to open as an input, and how.
type LineOptions struct {
	Dir       string        // where the device nodes are; default "/dev"
	Name      string        // the line's name, "GPIO17", or the label of its chip and an offset, "pinctrl-bcm2835:17"
	Consumer  string        // whom the kernel tells others that use the line; default "candor"
	ActiveLow bool          // low is true
	Bias      Bias          //
	Debounce  time.Duration // edges nearer to each other than this are bounces; 0 for none
}

// Edge is one change of a line.
type Edge struct {
	Rising bool // from false to true; with ActiveLow that is a falling voltage
	// At is the kernel's time of the edge, on CLOCK_MONOTONIC: the difference of two is exact, whatever happened to the
	// wall clock in between.
	At time.Duration
	// Missed is how many edges before this one the kernel could not keep, because nobody read for too long.
	Missed uint32
}

// LineInfo is what the kernel says of a line. Asking for it changes nothing.
type LineInfo struct {
	Chip      string // the node's name, "gpiochip0"; it is another after the next boot, perhaps
	Label     string // the chip's label, which stays
	Offset    uint32 // on the chip
	Name      string // "" where the board gives none
	Consumer  string // who uses it; "" for nobody or somebody without a name
	Used      bool   // by a program or a driver of the kernel
	Output    bool   // it is driven
	ActiveLow bool
}

// String names the line, its chip and who uses it.
func (i LineInfo) String() string {
	text := fmt.Sprintf("%s:%d", i.Label, i.Offset)
	if i.Name != "" {
		text = fmt.Sprintf("%s (%s)", i.Name, text)
	}
	switch {
	case i.Used && i.Consumer != "":
		text += fmt.Sprintf(", used by %q", i.Consumer)
	case i.Used:
		text += ", used by the kernel"
	}
	if i.Output {
		text += ", an output"
	}
	return text
}

// debouncer finds the changes that last. It knows no clock: its caller calls settle when no edge came for the period.
type debouncer struct {
	level  bool // the last that lasted
	edge   Edge // the latest
	moving bool // edge is set, and whether it lasts is not known yet
	missed uint32
}

// take takes in an edge.
func (d *debouncer) take(e Edge) {
	d.missed += e.Missed
	d.edge, d.moving = e, true
}

// settle says what is to be told now that the line has been at level for the period.
func (d *debouncer) settle(level bool) (e Edge, told bool) {
	d.moving = false
	if level == d.level {
		return Edge{}, false
	}
	d.level = level
	e = Edge{Rising: level, At: d.edge.At, Missed: d.missed}
	d.missed = 0
	return e, true
}
