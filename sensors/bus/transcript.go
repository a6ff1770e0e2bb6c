package bus

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"github.com/candor-edge/candor/sensors"
)

// Op is one transfer of a transcript. As text it is four words: the address, the bytes written, the bytes read, and
// how it went.
//
//	0x76 d0 60 ok
//	0x76 f42e - ok
//	0x76 f7 ?8 no-answer
//
// "-" is no bytes, "?8" stands for eight bytes that were asked for and did not come. A fifth word is how long nothing
// passed before it, since the transfer before was over: what the driver waited for a conversion.
//
//	0x23 - 8390 ok +180ms
type Op struct {
	Pause   time.Duration // before it, in whole milliseconds; 0 when that is not told, or was less than one
	Address uint16
	Write   []byte
	Read    []byte // what came; nil when it failed
	Asked   int    // how many bytes were asked for
	Failed  bool
	Kind    sensors.FaultKind // of the failure
}

// String returns the op as one line of a transcript, without the newline.
func (o Op) String() string {
	outcome, read := "ok", hexOrDash(o.Read)
	if o.Failed {
		outcome = kindWord(o.Kind)
		if o.Asked > 0 {
			read = "?" + strconv.Itoa(o.Asked)
		}
	}
	line := fmt.Sprintf("0x%02x %s %s %s", o.Address, hexOrDash(o.Write), read, outcome)
	if o.Pause >= time.Millisecond {
		line += " +" + strconv.FormatInt(o.Pause.Milliseconds(), 10) + "ms"
	}
	return line
}

// Err returns the error that the transfer failed with, as a bus of that name would: with the kind and an errno of that
// kind. It is nil for a transfer that went well.
func (o Op) Err(bus string) error {
	if !o.Failed {
		return nil
	}
	return &sensors.FaultError{Bus: bus, Address: o.Address, Operation: operation(len(o.Write), o.Asked), Kind: o.Kind,
		Cause: errnoOf(o.Kind)}
}

func hexOrDash(b []byte) string {
	if len(b) == 0 {
		return "-"
	}
	return hex.EncodeToString(b)
}

func kindWord(k sensors.FaultKind) string { return strings.ReplaceAll(k.String(), " ", "-") }

// ReadTranscript reads a transcript to its end. Lines that are empty or start with # are left out. Anything that is not
// written exactly as Op.String writes it is an error that names the line.
func ReadTranscript(r io.Reader) ([]Op, error) {
	var ops []Op
	scanner := bufio.NewScanner(r)
	for n := 1; scanner.Scan(); n++ {
		line := strings.TrimSpace(scanner.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		op, err := parseOp(line)
		if err != nil {
			return nil, fmt.Errorf("transcript, line %d: %w", n, err)
		}
		ops = append(ops, op)
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("reading a transcript: %w", err)
	}
	return ops, nil
}

var errForm = errors.New("want address, bytes written, bytes read, outcome and perhaps the pause before it, as in: 0x76 d0 60 ok +10ms")

// longestPause is the longest that is believed of a recording: a month.
const longestPause = 31 * 24 * time.Hour

func parseOp(line string) (Op, error) {
	words := strings.Split(line, " ")
	var pause time.Duration
	if len(words) == 5 {
		d, err := time.ParseDuration(strings.TrimPrefix(words[4], "+"))
		if err != nil || d > longestPause {
			return Op{}, errForm
		}
		words, pause = words[:4], d
	}
	if len(words) != 4 {
		return Op{}, errForm
	}
	addr, err := strconv.ParseUint(words[0], 0, 7)
	if err != nil {
		return Op{}, fmt.Errorf("address: %w", err)
	}
	op := Op{Address: uint16(addr), Pause: pause}
	if op.Write, err = parseHex(words[1]); err != nil {
		return Op{}, fmt.Errorf("bytes written: %w", err)
	}
	if words[3] != "ok" {
		op.Failed = true
		if op.Kind, err = parseKind(words[3]); err != nil {
			return Op{}, err
		}
		if asked, ok := strings.CutPrefix(words[2], "?"); ok {
			if op.Asked, err = strconv.Atoi(asked); err != nil || op.Asked < 1 || op.Asked > maxLength {
				return Op{}, errors.New("bytes read: the number behind ? is none, or not in 1 to 8192")
			}
		} else if words[2] != "-" {
			return Op{}, errors.New("bytes read: a transfer that failed has none; write ? and how many were asked for")
		}
	} else if op.Read, err = parseHex(words[2]); err != nil {
		return Op{}, fmt.Errorf("bytes read: %w", err)
	} else {
		op.Asked = len(op.Read)
	}
	if err := refusal(op.Address, op.Write, make([]byte, op.Asked)); err != nil {
		return Op{}, err
	}
	if again := op.String(); again != line {
		return Op{}, fmt.Errorf("this has to be written as %q", again)
	}
	return op, nil
}

func parseHex(word string) ([]byte, error) {
	if word == "-" {
		return nil, nil
	}
	return hex.DecodeString(word)
}

func parseKind(word string) (sensors.FaultKind, error) {
	words := []string{"ok"}
	for _, k := range sensors.FaultKinds() {
		if kindWord(k) == word {
			return k, nil
		}
		words = append(words, kindWord(k))
	}
	return 0, fmt.Errorf("the outcome is none of: %s", strings.Join(words, ", "))
}

// Recorder writes down what passes between a driver and a bus, and how long nothing did. It is for the bench: a transcript
// holds what the parts measured.
type Recorder struct {
	next Transfer
	name string

	mu   sync.Mutex
	out  io.Writer
	err  error
	over time.Time // when the last transfer was
}

var (
	_ i2c.Bus  = (*Recorder)(nil)
	_ Transfer = (*Recorder)(nil)
)

// NewRecorder returns a recorder between its callers and next, whose name is bus. Every transfer becomes one line of
// out, in the order in which they end. It may be used from any goroutine; out is written by one at a time.
func NewRecorder(next Transfer, bus string, out io.Writer) *Recorder {
	r := &Recorder{next: next, name: bus, out: out}
	r.write(fmt.Sprintf("# what passed on %s: address, bytes written, bytes read, outcome\n", bus))
	return r
}

// String returns the bus's name.
func (r *Recorder) String() string { return r.name }

// SetSpeed fails, as that of a Bus does.
func (r *Recorder) SetSpeed(physic.Frequency) error { return fmt.Errorf("%s: %w", r.name, errSpeed) }

// Tx is TxContext without a deadline of its own.
func (r *Recorder) Tx(addr uint16, w, b []byte) error {
	return r.TxContext(context.Background(), addr, w, b)
}

// TxContext implements [Transfer]. Its error is that of the bus, whether writing it down worked or not.
func (r *Recorder) TxContext(ctx context.Context, addr uint16, w, b []byte) error {
	begun := time.Now()
	err := r.next.TxContext(ctx, addr, w, b)
	if refusal(addr, w, b) != nil {
		return err // it never was on the wire
	}
	op := Op{Address: addr, Write: w, Read: b, Asked: len(b), Pause: r.pause(begun)}
	if err != nil {
		op.Failed, op.Kind = true, sensors.FaultOf(err)
	}
	r.write(op.String() + "\n")
	return err
}

// pause is how long nothing passed before a transfer that began then and is over now.
func (r *Recorder) pause(begun time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.over
	r.over = time.Now()
	if before.IsZero() {
		return 0
	}
	return min(max(begun.Sub(before), 0).Truncate(time.Millisecond), longestPause)
}

// Err returns the first error of writing the transcript, which ends there.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

func (r *Recorder) write(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return
	}
	if _, err := io.WriteString(r.out, line); err != nil {
		r.err = fmt.Errorf("recording %s: %w", r.name, err)
	}
}
