package chip

import (
	"context"
	"os"
	"testing"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"github.com/candor-edge/candor/sensors/bus"
)

// busFunc is a bus made of one function.
type busFunc func(ctx context.Context, addr uint16, w, r []byte) error

var _ i2c.Bus = busFunc(nil)

func (f busFunc) String() string { return "i2c-1" }

func (f busFunc) SetSpeed(physic.Frequency) error { return nil }

func (f busFunc) Tx(addr uint16, w, r []byte) error { return f(context.Background(), addr, w, r) }

func (f busFunc) TxContext(ctx context.Context, addr uint16, w, r []byte) error {
	return f(ctx, addr, w, r)
}

// model is a part that answers as in a transcript, in any order and as often as asked. What is read depends on what was
// written with the read (a register), on what was written alone before it (a command), and on how often that was: the
// answers come in turn, then the last again.
type model struct {
	episodes []*episode
	begun    map[string]int // how often a command was given
	now      *episode
	spoil    func(n int, w, r []byte) error
	deaf     func(n int) error // what keeps a transfer from reaching the part
	n        int               // transfers
}

// episode is what was read from one command to the next.
type episode struct {
	command string
	answers map[string][][]byte // by register, "" for reads without one
	asked   map[string]int
}

// modelOf makes a model of the first calls of a transcript, up to the second sense or the first that fails.
func modelOf(t *testing.T, tr transcript) *model {
	t.Helper()
	f, err := os.Open(tr.file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ops, err := bus.ReadTranscript(f)
	if err != nil {
		t.Fatal(err)
	}
	m := &model{begun: map[string]int{}}
	now := &episode{answers: map[string][][]byte{}}
	m.episodes = append(m.episodes, now)
	senses := 0
	for _, s := range tr.steps {
		if s.call == "sense" {
			senses++
		}
		if s.fails != "" || senses > 2 {
			break
		}
		for _, op := range ops[:s.transfers] {
			switch {
			case op.Failed:
			case op.Asked > 0:
				now.answers[string(op.Write)] = append(now.answers[string(op.Write)], op.Read)
			default:
				now = &episode{command: string(op.Write), answers: map[string][][]byte{}}
				m.episodes = append(m.episodes, now)
			}
		}
		ops = ops[s.transfers:]
	}
	return clone(m)
}

// clone makes a model that was not asked anything yet.
func clone(m *model) *model {
	c := &model{begun: map[string]int{}}
	for _, e := range m.episodes {
		c.episodes = append(c.episodes, &episode{command: e.command, answers: e.answers, asked: map[string]int{}})
	}
	c.now = c.episodes[0]
	return c
}

// begin finds the episode of a command.
func (m *model) begin(command string) {
	n, found := 0, m.episodes[0]
	for _, e := range m.episodes {
		if e.command == command && n <= m.begun[command] {
			found = e
			n++
		}
	}
	m.begun[command]++
	m.now = found
	clear(found.asked)
}

// answer finds what is read; ones, when nobody drives the line.
func (m *model) answer(register string, r []byte) {
	fill(r, 0xff)
	for _, e := range append([]*episode{m.now}, m.episodes...) {
		if all := e.answers[register]; len(all) > 0 {
			copy(r, all[min(e.asked[register], len(all)-1)])
			e.asked[register]++
			return
		}
	}
}

// tx is a transfer with the part.
func (m *model) tx(_ context.Context, _ uint16, w, r []byte) error {
	m.n++
	if m.deaf != nil {
		if err := m.deaf(m.n); err != nil {
			return err
		}
	}
	if len(r) == 0 {
		m.begin(string(w))
	} else {
		m.answer(string(w), r)
	}
	if m.spoil != nil {
		return m.spoil(m.n, w, r)
	}
	return nil
}

func fill(r []byte, with byte) {
	for i := range r {
		r[i] = with
	}
}
