package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

const usage = `usage:
  rigctl set   QMP ID PROPERTY VALUE  what a chip measures (qom-set on /machine/peripheral/ID)
  rigctl get   QMP ID PROPERTY
  rigctl link  QMP NET on|off         plug or pull the network cable
  rigctl qmp   QMP COMMAND [JSON]     any command of QEMU's machine protocol
  rigctl gpio  QTEST CHIP LINE 0|1    drive an input line of the SoC (CHIP 1 to 7)
  rigctl pulse QTEST CHIP LINE N MS   N high pulses, MS milliseconds between changes
  rigctl sh    SHELL COMMAND          run one command line in the guest; in the background: '(cmd &)'
  rigctl clock set                    in the guest: tell its kernel that its clock is right, as a time service would`

// command is one verb: how many arguments it takes, and what it does.
type command struct {
	args int
	do   func(socket string, a []string, out io.Writer) error
}

func commands() map[string]command {
	return map[string]command{
		"set": {3, set},
		"get": {2, func(s string, a []string, out io.Writer) error { return tell(out, s, "qom-get", object(a)) }},
		"link": {2, func(s string, a []string, _ io.Writer) error {
			return drop(qmp(s, "set_link", map[string]any{"name": a[0], "up": a[1] == "on"}))
		}},
		"qmp":   {1, anything},
		"gpio":  {3, func(s string, a []string, _ io.Writer) error { return drive(s, a[0], a[1], 0, []string{a[2]}) }},
		"pulse": {4, pulse},
		"sh":    {1, func(s string, a []string, out io.Writer) error { return shell(s, strings.Join(a, " "), out) }},
	}
}

func run(a []string, out io.Writer) error {
	if len(a) == 2 && a[0] == "clock" && a[1] == "set" {
		return synchronise()
	}
	if len(a) < 2 {
		return fmt.Errorf("too few arguments\n%s", usage)
	}
	c, ok := commands()[a[0]]
	if !ok || len(a)-2 < c.args {
		return fmt.Errorf("%q is no command, or lacks arguments\n%s", a[0], usage)
	}
	return c.do(a[1], a[2:], out)
}

// dial connects to a socket of the emulator, which may not have made it yet.
func dial(socket string, limit time.Duration) (net.Conn, error) {
	var last error
	for range 50 {
		c, err := net.Dial("unix", socket)
		if err == nil {
			return c, c.SetDeadline(time.Now().Add(limit))
		}
		last = err
		time.Sleep(100 * time.Millisecond)
	}
	return nil, last
}

// object names a property of a device.
func object(a []string) map[string]any {
	path := a[0]
	if !strings.HasPrefix(path, "/") {
		path = "/machine/peripheral/" + path
	}
	return map[string]any{"path": path, "property": a[1]}
}

func set(socket string, a []string, _ io.Writer) error {
	args := object(a)
	args["value"] = any(a[2])
	if i, err := strconv.ParseInt(a[2], 0, 64); err == nil {
		args["value"] = i
	} else if b, err := strconv.ParseBool(a[2]); err == nil {
		args["value"] = b
	}
	return drop(qmp(socket, "qom-set", args))
}

func anything(socket string, a []string, out io.Writer) error {
	var args any
	if len(a) > 1 {
		args = json.RawMessage(a[1])
	}
	return tell(out, socket, a[0], args)
}

func tell(out io.Writer, socket, name string, args any) error {
	answer, err := qmp(socket, name, args)
	if err == nil {
		_, err = fmt.Fprintln(out, string(answer))
	}
	return err
}

func drop(_ json.RawMessage, err error) error { return err }

func pulse(socket string, a []string, _ io.Writer) error {
	count, err := strconv.Atoi(a[2])
	if err != nil || count < 1 || count > 10_000 {
		return fmt.Errorf("%q is no number of pulses from 1 to 10000", a[2])
	}
	ms, err := strconv.Atoi(a[3])
	if err != nil || ms < 1 || ms > 10_000 {
		return fmt.Errorf("%q is no number of milliseconds from 1 to 10000", a[3])
	}
	levels := make([]string, 0, 2*count)
	for range count {
		levels = append(levels, "1", "0")
	}
	return drive(socket, a[0], a[1], time.Duration(ms)*time.Millisecond, levels)
}
