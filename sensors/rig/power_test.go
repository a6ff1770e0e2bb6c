//go:build hardwaresim

package rig_test

import (
	"fmt"
	"math/rand"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent/control"
)

const (
	// cutFlush is the flush of the object whose power is cut.
	cutFlush = 3 * time.Second
	// cutSlack is what a row may be older than the moment of the cut besides: a reading a second, stamps and clock in
	// whole seconds, and a commit under emulation.
	cutSlack = 4 * time.Second
	// leastLife is how many seconds after the start there has been a commit. A cut before the first leaves no trace: up to
	// flush of readings are lost, and the object can't tell.
	leastLife = int64((cutFlush + cutSlack) / time.Second)
)

// cuts is how often the power is cut; CUTS says otherwise.
func cuts(t *testing.T) int {
	t.Helper()
	text := os.Getenv("CUTS")
	if text == "" {
		return 50
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 10_000 {
		t.Fatalf("CUTS=%q is no number from 1 to 10000", text)
	}
	return n
}

// life is the time between two cuts, on the guest's clock.
type life struct{ from, to int64 }

// awake starts the object on its disk and waits until the agent that its init script starts runs.
func awake(t *testing.T, dir string, files map[string]string) *guest {
	t.Helper()
	const init = "rigctl clock set\n: >/tmp/agent.log\n(candor run --config /rig/bin/candor.toml >/tmp/agent.log 2>&1 &)\nwhile [ ! -e /tmp/stop ]; do sleep 1; done\n"
	g := boot(t, "arm", dir, init, files)
	eventually(t, "the agent starts", func() string {
		log := g.sh("cat /tmp/agent.log || true")
		if strings.Contains(log, "candor runs") {
			return ""
		}
		return "its log is: " + log
	})
	eventually(t, "the agent answers", func() string {
		// Between the lock and the socket there is a moment in which nobody answers, longer on a slow emulator.
		out, err := g.ctl("sh", "sh", "candor status --json --config /rig/bin/candor.toml")
		switch {
		case err != nil:
			return err.Error()
		case !strings.Contains(out, `"daemon": true`):
			return "status comes from the disk"
		}
		return ""
	})
	return g
}

// TestPowerCuts cuts the power of the i.MX6 board again and again at random moments, most of them while it writes and
// sends, and looks at what came of it: every acknowledged row at the receiver exactly once, no more lost at a cut than
// what flush allows, and the agent there after each.
func TestPowerCuts(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewSource(seed))
	b := newBackend(t)
	dir := t.TempDir()
	files := b.object(t, dir, "[[sensor]]\nname = \"air\"\ndriver = \"tmp105\"\nbus = \"i2c-1\"\naddress = 0x48\nevery = \"1s\"\n", cutFlush, "air.temperature")
	var lives []life
	for i := range cuts(t) {
		g := awake(t, dir, files)
		if i == 0 {
			g.grant()
		} else if last := lives[i-1]; last.to-last.from >= leastLife {
			g.reportsCut()
		}
		from := g.now()
		g.set("tmp0", "temperature", 10_000+250*(i%80))
		time.Sleep(time.Second + time.Duration(random.Intn(11_000))*time.Millisecond)
		to := g.now()
		g.cut()
		lives = append(lives, life{from, to})
		if (i+1)%10 == 0 {
			t.Logf("%d cuts", i+1)
		}
	}
	g := awake(t, dir, files)
	b.settle(t, g)
	n := b.once("all", g.candor("sent --json"))
	worst := lossAt(t, b, lives)
	g.candor("ledger verify") // fails the test when it finds anything
	g.candor("buffer verify")
	saw(t, "i.MX6: %d power cuts survived; %d rows at the receiver, none twice, all that the object's ledger calls accepted; most lost at a cut: %d s (flush %v)",
		len(lives), n, worst, cutFlush)
}

// reportsCut wants the object to say that its buffer was not closed in good order, and that nothing on the disk is damaged.
func (g *guest) reportsCut() {
	g.t.Helper()
	var b control.Buffer
	decode(g.t, g.candor("buffer show --json"), &b)
	if !b.Unclean || b.Quarantine > 0 || len(b.Gaps) > 0 || b.State != "ok" {
		g.t.Errorf("after a cut the buffer is %s, unclean %v, %d files damaged, gaps %q", b.State, b.Unclean, b.Quarantine, b.Gaps)
	}
}

// settle waits until what was on the disk at the start has arrived: the newest row of an earlier life is older than what arrives.
func (b *backend) settle(t *testing.T, g *guest) {
	t.Helper()
	begun := g.now()
	eventually(t, "rows of now arrive", func() string {
		for _, r := range b.rows("all") {
			if r.Time.Unix() > begun {
				return ""
			}
		}
		return fmt.Sprint(len(b.rows("all")), " rows, none of this start")
	})
	eventually(t, "nothing waits", func() string {
		for _, p := range g.status().Purposes {
			if p.Outgoing > 3 || p.Buffered > 15 || p.Parked > 0 {
				return fmt.Sprintf("%d batches, %d rows, %d parked", p.Outgoing, p.Buffered, p.Parked)
			}
		}
		return ""
	})
}

// lossAt returns the most seconds that a cut cost, and fails where it was more than flush.
func lossAt(t *testing.T, b *backend, lives []life) (worst int64) {
	t.Helper()
	var times []int64
	for _, r := range b.rows("all") {
		times = append(times, r.Time.Unix())
	}
	slices.Sort(times)
	for i, l := range lives {
		if l.to-l.from < leastLife {
			continue // it had no time for a commit
		}
		after, _ := slices.BinarySearch(times, l.to+2)
		last := int64(0)
		if after > 0 {
			last = times[after-1]
		}
		loss := l.to - last
		if last < l.from {
			loss = l.to - l.from
		}
		if worst = max(worst, loss); loss > leastLife {
			t.Errorf("cut %d lost the last %d s of %d s", i+1, loss, l.to-l.from)
		}
	}
	return worst
}
