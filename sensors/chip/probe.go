package chip

import (
	"context"
	"errors"
	"slices"
	"sort"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// Guess is what a probe found at one address.
type Guess struct {
	Address uint16
	Rows    []Row // what it is, by its identity register; or all that it may be
	Sure    bool  // an identity register said so; Rows has one entry
	Busy    bool  // a driver of the kernel has the address: it was not asked, and Rows is empty
	Err     error // why the address could not be asked, when it was neither an answer nor silence; nil else
}

// mark is one look at a part that says what it is without changing it: bytes are written to choose a register or to ask
// for an identity, and the answer is read. Registers of one byte come first, as they mean nothing to other parts.
type mark struct {
	driver string
	write  []byte
	length int
	is     func(b []byte) bool
}

// marks are the identity registers of the table, with the sections that stand at the constants of each part. Parts that
// have none, or that are asked for it in a conversation (PN532, SCD4x while it measures), are guessed by address.
func marks() []mark {
	equal := func(want ...byte) func([]byte) bool {
		return func(b []byte) bool { return slices.Equal(b, want) }
	}
	word := func(mask, want uint16) func([]byte) bool {
		return func(b []byte) bool { return (uint16(b[0])<<8|uint16(b[1]))&mask == want }
	}
	return []mark{
		{"bme280", []byte{bmeID}, 1, equal(0x60)}, {"bmp280", []byte{bmeID}, 1, equal(0x58)},
		{"tmp117", []byte{tmp117ID}, 2, word(0x0fff, tmp117Part)},
		{"mcp9808", []byte{mcpMaker}, 2, word(0xffff, mcpMicrochip)},
		{"emc1413", []byte{emcPart}, 1, equal(emcPartID)},
		{"tmp421", []byte{tmp421Part}, 1, equal(0x21)}, {"tmp422", []byte{tmp421Part}, 1, equal(0x22)}, {"tmp423", []byte{tmp421Part}, 1, equal(0x23)},
		{"veml7700", []byte{vemlID}, 2, func(b []byte) bool { return b[0] == vemlPart && b[1] != 0xff }},
		{"lsm303dlhc", []byte{lsmID}, 3, equal('H', '4', '3')},
		{"sht4x", []byte{sht4xSerial}, 6, checkedWords},
		{"hdc302x", command(hdcMaker), 3, func(b []byte) bool { return checkedWords(b) && word(0xffff, hdcTI)(b) }},
		{"sht3x", command(sht3xStatus), 3, func(b []byte) bool { return checkedWords(b) && word(sht3xNever, 0)(b) }},
		{"scd4x", command(scd4xSerial), 9, checkedWords},
		{"scd4x", command(scd4xReady), 3, checkedWords}, // while it measures it answers to nothing but this (3.5.1)
	}
}

// checkedWords says whether b is words with right checksums, not all zero.
func checkedWords(b []byte) bool {
	zero := true
	for at := 0; at+3 <= len(b); at += 3 {
		if crc8(b[at:at+2]) != b[at+2] {
			return false
		}
		zero = zero && b[at] == 0 && b[at+1] == 0
	}
	return !zero || len(b) == 3 // a status of zero is one
}

// probePause is how long a part may take to have its identity ready (ours: twice the 1 ms of SHT4x §4.5 and SCD4x table 9, p. 8).
const probePause = 2 * time.Millisecond

// Addresses are all at which a part of the table can be, in order.
func Addresses() []uint16 {
	var all []uint16
	for _, r := range Parts() {
		all = append(all, r.Addresses...)
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	return slices.Compact(all)
}

// Probe asks one address who is there: it reads one byte, then the identity registers of the parts that can be there. It
// never sends a transfer without bytes and never writes more than what chooses a register or asks for an identity.
// found is false when nobody answers. Muxes are found by [ProbeMux].
func Probe(ctx context.Context, o PartOptions) (g Guess, found bool) {
	p := &place{open: o.Open, name: o.Bus, address: o.Address, driver: "scan", clock: o.Clock}
	g.Address = o.Address
	var one [1]byte
	err := p.tx(ctx, "probing", nil, one[:])
	if fault := trouble(err); fault != nil {
		g.Busy, g.Err = errors.Is(fault, sensors.Busy), fault
		if g.Busy {
			g.Err = nil
		}
		return g, true
	}
	answered := err == nil
	for _, m := range marks() {
		row, err := Named(m.driver)
		if err != nil || !slices.Contains(row.Addresses, o.Address) {
			continue
		}
		b := make([]byte, m.length)
		if p.ask(ctx, m.write, b) != nil {
			continue
		}
		answered = true
		if !dead(b...) && m.is(b) {
			g.Rows, g.Sure = []Row{row}, true
			return g, true
		}
	}
	if !answered {
		return g, false
	}
	g.Rows = unmarked(o.Address)
	return g, true
}

// trouble is err unless it says that nobody answered, which is what a probe is for.
func trouble(err error) error {
	if err == nil || errors.Is(err, sensors.NoAnswer) {
		return nil
	}
	return err
}

// ask chooses a register and reads it: in one transfer where one byte chooses it, in two with a pause for a command.
func (p *place) ask(ctx context.Context, write, into []byte) error {
	const what = "asking for the identity"
	if len(write) == 1 && len(into) <= 3 {
		return p.tx(ctx, what, write, into)
	}
	if err := p.tx(ctx, what, write, nil); err != nil {
		return err
	}
	if err := p.wait(ctx, what, probePause); err != nil {
		return err
	}
	return p.tx(ctx, what, nil, into)
}

// unmarked are the parts without an identity register that can be at an address.
func unmarked(address uint16) []Row {
	marked := marks()
	var rows []Row
	for _, r := range Parts() {
		has := slices.ContainsFunc(marked, func(m mark) bool { return m.driver == r.Name })
		if r.On == I2C && !has && slices.Contains(r.Addresses, address) {
			rows = append(rows, r)
		}
	}
	return rows
}

// ProbeMux asks whether a mux of the family is at an address, by its one register, which keeps what is written: it
// connects branches for a moment and leaves them disconnected. found is false for anything else. The register can't tell a
// PCA9546 from a PCA9545, nor a PCA9544 from the smaller ones that are told a number: the larger is named. Nobody else may
// use the bus meanwhile.
func ProbeMux(ctx context.Context, o PartOptions) (row Row, branches int, found bool) {
	p := &place{open: o.Open, name: o.Bus, address: o.Address, driver: "scan", clock: o.Clock}
	keeps := func(w byte) (byte, bool) {
		var b [1]byte
		err := errors.Join(p.tx(ctx, "probing", []byte{w}, nil), p.tx(ctx, "probing", nil, b[:]))
		return b[0], err == nil
	}
	defer func() { _ = p.tx(context.WithoutCancel(ctx), "probing", []byte{muxOff}, nil) }()
	if b, ok := keeps(muxOff); !ok || b&0x0f != 0 {
		return Row{}, 0, false
	}
	name := ""
	for _, c := range []struct {
		write, mask byte
		name        string
	}{{0x82, 0xff, "pca9548"}, {0x0a, 0x0f, "pca9546"}, {0x06, 0x07, "pca9544"}, {0x03, 0x03, "pca9543"}} {
		if b, ok := keeps(c.write); ok && b&c.mask == c.write {
			name = c.name
			break
		}
	}
	if b, ok := keeps(muxOff); name == "" || !ok || b&0x0f != 0 {
		return Row{}, 0, false
	}
	row, err := Named(name)
	return row, muxTypes()[name].branches, err == nil
}
