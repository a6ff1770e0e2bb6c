package uplink

import (
	"crypto/sha256"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/candor-edge/candor/uplink/wire"
)

// A batch is sealed before it is stored: what is tried again, also after a restart, is the same sealed bytes, and only the
// recipient reads them.
func TestBatchesAreSealedToTheRecipient(t *testing.T) {
	for _, suite := range []wire.Suite{wire.SuiteX25519, wire.SuiteMLKEM768X25519} {
		t.Run(suite.String(), func(t *testing.T) {
			key, err := wire.GenerateOpenKey(suite)
			must(t, err)
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t, offer("trends", "acme", "1m", "1h", "room = { rows = 60, bytes = 700 }"))
				line := g.lines["acme"]
				line.seal = key.Public()
				line.says(refuse(503))
				stop := g.run()
				g.sense(90, time.Minute)
				stop()
				first := line.all("batch")
				g.reopen()
				line.says(nil)
				stop = g.run()
				g.sense(90, time.Minute)
				stop()
				later := line.all("batch")[len(first):]
				if len(first) == 0 || len(later) == 0 || later[0].body != first[0].body {
					t.Fatalf("%d tries before the restart and %d after it, not with the same bytes", len(first), len(later))
				}
				for _, m := range later {
					if want := 700 + suite.Overhead(); len(m.body) != want {
						t.Errorf("batch %d has %d bytes on the wire, want %d", m.seq, len(m.body), want)
					}
					signed, err := wire.Open(key, wire.SealInfo(wire.KindBatch), nil, []byte(m.body))
					must(t, err)
					if sum := sha256.Sum256(signed); m.sum != [16]byte(sum[:16]) {
						t.Errorf("batch %d is not named by what is inside", m.seq)
					}
					m.body = string(signed)
					g.decoded(m)
				}
				for _, line := range g.sent("trends") {
					if line.Control == "" && line.WireBytes != 700+suite.Overhead() {
						t.Errorf("the ledger says %d bytes", line.WireBytes)
					}
				}
			})
		})
	}
}

// Where the key can't be had, nothing is cut: what is cut would stay readable for whoever carries it.
func TestNothingIsCutThatCannotBeSealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, offer("trends", "acme", "1m", "1h", ""))
		g.lines["acme"].sealErr = errors.New("the key file is not there")
		stop := g.run()
		g.sense(3*60, time.Minute)
		stop()
		if n := len(g.store.Outgoing(g.number("trends").Number)); n != 0 || g.lines["acme"].rows() != 0 {
			t.Fatalf("%d uploads cut, %d rows sent", n, g.lines["acme"].rows())
		}
		g.lines["acme"].sealErr = nil
		must(t, g.up.Drain(t.Context(), time.Minute))
		if g.lines["acme"].rows() != 180 {
			t.Errorf("%d rows arrived once it could be sealed, want 180", g.lines["acme"].rows())
		}
	})
}

// A preview of what is sealed says how much it is, not what it is.
func TestPreviewOfASealedUpload(t *testing.T) {
	key, err := wire.GenerateOpenKey(wire.SuiteX25519)
	must(t, err)
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, offer("trends", "acme", "1m", "1h", ""))
		g.lines["acme"].seal = key.Public()
		g.lines["acme"].says(refuse(503))
		stop := g.run()
		g.sense(90, time.Minute)
		stop()
		p, err := g.up.Preview(g.number("trends"))
		must(t, err)
		if !p.Sealed || !p.Cut || p.SenML != nil || p.Rows == 0 || p.Bytes == 0 {
			t.Errorf("%+v", p)
		}
	})
}
