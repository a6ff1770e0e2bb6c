package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// answerTime is how long the emulator may take to answer; a loaded machine is slow.
const answerTime = 30 * time.Second

// reply is a line of QEMU's machine protocol (docs/interop/qmp-spec).
type reply struct {
	Return json.RawMessage
	Error  *struct{ Class, Desc string }
	Event  string
}

// qmp sends one command and returns what it returned.
func qmp(socket, name string, args any) (json.RawMessage, error) {
	c, err := dial(socket, answerTime)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	dec, enc := json.NewDecoder(c), json.NewEncoder(c)
	var greeting json.RawMessage
	if err := dec.Decode(&greeting); err != nil {
		return nil, fmt.Errorf("no greeting: %w", err)
	}
	if _, err := ask(enc, dec, map[string]any{"execute": "qmp_capabilities"}); err != nil {
		return nil, err
	}
	request := map[string]any{"execute": name}
	if args != nil {
		request["arguments"] = args
	}
	return ask(enc, dec, request)
}

func ask(enc *json.Encoder, dec *json.Decoder, request any) (json.RawMessage, error) {
	if err := enc.Encode(request); err != nil {
		return nil, err
	}
	for {
		var r reply
		if err := dec.Decode(&r); err != nil {
			return nil, err
		}
		switch {
		case r.Event != "": // told in between
		case r.Error != nil:
			return nil, fmt.Errorf("%s: %s", r.Error.Class, r.Error.Desc)
		default:
			return r.Return, nil
		}
	}
}

// drive sets an input line of the SoC to one level after the other. It goes through QEMU's qtest socket, which raises the
// interrupts a wire would.
func drive(socket, chip, line string, pause time.Duration, levels []string) error {
	c, err := dial(socket, answerTime+time.Duration(len(levels))*pause)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	for _, level := range levels {
		order := fmt.Sprintf("set_irq_in /machine/soc/gpio%s unnamed-gpio-in %s %s", chip, line, level)
		if _, err := fmt.Fprintln(c, order); err != nil {
			return err
		}
		answer, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		if answer = strings.TrimSpace(answer); answer != "OK" {
			return fmt.Errorf("%s: %s", order, answer)
		}
		time.Sleep(pause)
	}
	return nil
}

// shell runs one command line in the guest and copies what it prints.
func shell(socket, line string, out io.Writer) error {
	c, err := dial(socket, 2*answerTime)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	mark := fmt.Sprintf("RIGSH%d", time.Now().UnixNano())
	// The guest's shell puts the mark together, so that an echo of the line is not taken for it.
	if _, err := fmt.Fprintf(c, "\n{ %s ; } ; echo %s''END $?\n", line, mark); err != nil {
		return err
	}
	in := bufio.NewReader(c)
	for {
		text, err := in.ReadString('\n')
		if err != nil {
			return fmt.Errorf("the guest did not answer: %w", err)
		}
		text = strings.TrimRight(text, "\r\n")
		before, status, ended := strings.Cut(text, mark+"END ")
		if !ended {
			_, _ = fmt.Fprintln(out, text)
			continue
		}
		_, _ = io.WriteString(out, before)
		if status != "0" {
			return fmt.Errorf("the command ended with %s", status)
		}
		return nil
	}
}
