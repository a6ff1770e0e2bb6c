package chip

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// NXP PN532, a badge reader (user manual UM0701-02, revision 02; I2C: §6.2.4). Its pages are cited as others quote them.
const (
	pnVersion = 0x02 // §7.2.2, p. 73: GetFirmwareVersion; the first byte of the answer is 0x32
	pnSAM     = 0x14 // §7.2.10, p. 89: SAMConfiguration
	pnRF      = 0x32 // §7.3.1, p. 101: RFConfiguration
	pnList    = 0x4a // §7.3.5, p. 115: InListPassiveTarget

	pnPart    = 0x32 // §7.2.2, p. 73: the kind of the part
	pnNormal  = 0x01 // §7.2.10, p. 89: no secure module
	pnRetries = 0x05 // §7.3.1, p. 103: item, the numbers of retries
	pnReady   = 0x01 // §6.2.4: first byte of every read; 0x00 while it works

	pnRoom  = 64                   // ours: bytes read of an answer; those asked for are at most 40
	pnPoll  = 5 * time.Millisecond // ours: between looks whether it is ready
	pnPolls = 60                   // ours: 300 ms; looking for a badge with three tries takes about 30
	pnQuiet = 3                    // ours: how often in a row its address may go unanswered, see [pn532.patient]; below a bus's quarantine
	pnSame  = 2 * time.Second      // ours: a badge that was away for less was not away
)

func pn532Row() Row {
	return Row{
		Name: "pn532", Doc: "badges held to a reader: the badge's number (NXP PN532)", Datasheet: "NXP UM0701-02", On: I2C,
		Quantities: []Quantity{quantity("badge", "badge", 0, 0)}, Addresses: []uint16{0x24}, // §6.2.4; a badge has no range
		Identity: "firmware version with a right checksum", Evidence: FromDatasheet, Every: 250 * time.Millisecond, Fastest: 100 * time.Millisecond, Takes: time.Second,
		Caveat: "telephones and some cards show a new random number each time; ISO/IEC 14443 type A only",
		device: func(p *place, _ settings) device { return &pn532{place: p} },
	}
}

type pn532 struct {
	*place
	last []byte    // the badge that was there at the last look
	seen time.Time // when
}

func (d *pn532) identify(ctx context.Context) error {
	const what = "asking for the version"
	answer, err := d.ask(ctx, what, pnVersion)
	if err != nil {
		return err
	}
	if len(answer) != 4 || answer[0] != pnPart {
		return d.fault(what, sensors.WrongPart, "the answer is not that of a PN532")
	}
	if _, err := d.ask(ctx, "configuring", pnSAM, pnNormal, 0x14, 0x00); err != nil {
		return err
	}
	// Without an end to the retries it would look for a badge for ever.
	_, err = d.ask(ctx, "configuring", pnRF, pnRetries, 0xff, 0x01, 0x02)
	// What lies there may have been put there while nobody looked, and a look before this one may not have been passed on.
	d.last = nil
	return err
}

// ask sends a command, takes the acknowledgement and the answer, and gives what follows the answer's code. A command
// that takes too long is ended.
func (d *pn532) ask(ctx context.Context, what string, request ...byte) ([]byte, error) {
	if err := d.patient(ctx, what, pnFrame(request...), nil); err != nil {
		return nil, err
	}
	ack, err := d.ready(ctx, what, len(pnAck()))
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(ack, pnAck()) {
		return nil, d.fault(what, sensors.Corrupt, "the command was not acknowledged")
	}
	frame, err := d.ready(ctx, what, pnRoom)
	if err != nil {
		if errors.Is(err, sensors.Timeout) && ctx.Err() == nil {
			_ = d.tx(ctx, what, pnAck(), nil) // the timeout is what went wrong, not this
		}
		return nil, err
	}
	payload, err := pnPayload(frame)
	if err != nil {
		return nil, d.fault(what, sensors.Corrupt, "the answer: %w", err)
	}
	if len(payload) == 0 || payload[0] != request[0]+1 {
		return nil, d.fault(what, sensors.Corrupt, "the answer is one to another command")
	}
	return payload[1:], nil
}

// ready reads n bytes once the part says that it has them. Each read begins anew at the first byte (6.2.4), so it is
// read whole each time.
func (d *pn532) ready(ctx context.Context, what string, n int) ([]byte, error) {
	b := make([]byte, 1+n)
	for range pnPolls {
		if err := d.patient(ctx, what, nil, b); err != nil {
			return nil, err
		}
		switch b[0] {
		case pnReady:
			return b[1:], nil
		case 0x00:
		default:
			return nil, d.fault(what, sensors.Implausible, "it says neither ready nor busy")
		}
		if err := d.wait(ctx, what, pnPoll); err != nil {
			return nil, err
		}
	}
	return nil, d.fault(what, sensors.Timeout, "it is not ready after %v", pnPolls*pnPoll)
}

// patient is tx for a part that may leave its address unanswered right after an exchange (§6.2.4, p. 42), and does so while it wakes,
// which takes 2 ms at most (§6.3.2.3, p. 50). A part that is not there is found out 15 ms later for that.
func (d *pn532) patient(ctx context.Context, what string, w, r []byte) error {
	for tries := 0; ; tries++ {
		err := d.tx(ctx, what, w, r)
		if tries == pnQuiet || !errors.Is(err, sensors.NoAnswer) {
			return err
		}
		if err := d.wait(ctx, what, pnPoll); err != nil {
			return err
		}
	}
}

// sense gives the number of a badge once each time it is held to the reader; a badge that lies there is not new.
func (d *pn532) sense(ctx context.Context, s *sheet) error {
	const what = "looking for a badge"
	answer, err := d.ask(ctx, what, pnList, 1, 0x00)
	if err != nil {
		return err
	}
	number, err := pnTarget(answer)
	if err != nil {
		return d.fault(what, sensors.Corrupt, "the answer: %w", err)
	}
	if number == nil {
		return nil
	}
	if dead(number...) {
		return d.fault(what, sensors.Implausible, "all bits of the number are the same")
	}
	now := d.clock.Now()
	away := now.Sub(d.seen)
	if fresh := !bytes.Equal(number, d.last) || away > pnSame || away < 0; fresh {
		s.token(0, hex.EncodeToString(number))
	}
	d.last, d.seen = bytes.Clone(number), now
	return nil
}
