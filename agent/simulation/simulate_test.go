//go:build linux && (amd64 || arm64)

package simulation

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// number is a variable of the environment.
func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// order is what a process of lives is asked for.
type order struct {
	first, lives, days, perMonth int
	patience                     time.Duration // with the search for a shorter history
}

func (o order) env() []string {
	return append(os.Environ(), fmt.Sprintf("CANDOR_LIVES=%d", o.lives), fmt.Sprintf("CANDOR_FIRST=%d", o.first), fmt.Sprintf("CANDOR_DAYS=%d", o.days),
		fmt.Sprintf("CANDOR_PER_MONTH=%d", o.perMonth), fmt.Sprintf("CANDOR_PATIENCE=%d", int(o.patience.Seconds())), "GOGC=400", "GOMAXPROCS=1")
}

// told is one line of a process of lives.
type told struct {
	Seed  uint64 `json:"seed"`
	Tally *tally `json:"tally"`
	Story string `json:"story,omitempty"` // the shortest history found that breaks the promise
	Why   string `json:"why,omitempty"`
	Skip  string `json:"skip,omitempty"`
}

const linePrefix, beginPrefix = "candor life: ", "candor begins the life of seed "

// silence is how long a life and the search for a shorter one may take at most: a quiet core lives a year in ten seconds. One that goes
// round for ever is ended.
const silence = 20 * time.Minute

// TestLives lives lives, in a process of its own: see [watch]. It prints a line for each.
func TestLives(t *testing.T) {
	if os.Getenv("CANDOR_LIVES") == "" {
		t.Skip("run by TestSimulation, in a process of its own")
	}
	say := func(x told) {
		line, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(linePrefix + string(line))
	}
	dir, err := fastDir()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	d := &disk{root: filepath.Join(dir, "disk")}
	if err := watch(d.ask); err != nil {
		say(told{Skip: err.Error()})
		return
	}
	for i := range number("CANDOR_LIVES", 1) {
		s := write(uint64(number("CANDOR_FIRST", 1)+i), number("CANDOR_DAYS", 30), number("CANDOR_PER_MONTH", 30))
		if os.Getenv("CANDOR_EVENTS") != "" {
			fmt.Println(s.story())
		}
		fmt.Printf("%s%d\n", beginPrefix, s.Seed)
		x := told{Seed: s.Seed, Tally: live(t, dir, d, s)}
		if len(x.Tally.Violations) > 0 {
			var shorter *script
			var found *tally
			if patience := time.Duration(number("CANDOR_PATIENCE", 30)) * time.Second; patience > 0 {
				shorter, found = shrink(t, dir, d, s, promise(x.Tally.Violations[0]), patience)
			}
			if found != nil {
				x.Story, x.Why = shorter.story(), found.Violations[0]
			} else {
				x.Story, x.Why = s.story(), x.Tally.Violations[0]+" (no shorter one was found)"
			}
		}
		say(x)
		if len(x.Tally.Violations) > 0 && os.Getenv("CANDOR_FIRST_ONLY") != "" {
			return
		}
	}
}

// run lives what is ordered in a process of its own, and gives each line to take. A process that ends in the middle of a life fails the test;
// the lives after that one are lived in another.
func (o order) run(t *testing.T, limit time.Duration, take func(told)) {
	for end, until := time.Now().Add(limit), o.first+o.lives; o.first < until && time.Now().Before(end); {
		o.lives = until - o.first
		last, died := o.process(t, time.Until(end), take)
		if !died || last < o.first { // all are lived, or it did not come as far as a life
			return
		}
		o.first = last + 1
	}
}

// process is run in one process. It returns the seed of the last life that was begun, and whether the process died in it.
func (o order) process(t *testing.T, limit time.Duration, take func(told)) (last int, died bool) {
	last = o.first - 1
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	c := exec.CommandContext(ctx, os.Args[0], "-test.run", "^TestLives$", "-test.timeout", "0", "-test.count", "1")
	c.Env = o.env()
	var rest, errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.StdoutPipe()
	if err != nil {
		t.Error(err)
		return last, false
	}
	if err := c.Start(); err != nil {
		t.Error(err)
		return last, false
	}
	stuck := time.AfterFunc(silence, func() { _ = c.Process.Signal(syscall.SIGQUIT) }) // it tells where it is, and ends
	defer stuck.Stop()
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		stuck.Reset(silence)
		if text, ok := strings.CutPrefix(line, linePrefix); ok {
			var x told
			if err := json.Unmarshal([]byte(text), &x); err != nil {
				t.Errorf("%v: %s", err, text)
			} else {
				take(x)
			}
		} else if text, ok := strings.CutPrefix(line, beginPrefix); ok {
			last, _ = strconv.Atoi(strings.TrimSpace(text))
		} else {
			_, _ = io.WriteString(&rest, line)
		}
		if err != nil {
			break
		}
	}
	if err := c.Wait(); err != nil && ctx.Err() == nil {
		text := rest.String() + errs.String()
		t.Errorf("the process ended in the life of seed %d: %v\n%s", last, err, text[:min(len(text), 20_000)])
		return last, true
	}
	return last, false
}

// report tells what was lived, and fails for each violation.
type report struct {
	mu    sync.Mutex
	all   *tally
	lives int
	skip  string
}

func (r *report) take(t *testing.T, x told) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if x.Skip != "" {
		r.skip = x.Skip
		return
	}
	r.lives++
	r.all.add(x.Tally)
	if len(x.Tally.Violations) > 0 {
		t.Errorf("VIOLATION, seed %d: %s\nthe shortest history found:\n%s%s", x.Seed, strings.Join(x.Tally.Violations, "\n\t"), x.Story, x.Why)
	}
}

func (r *report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d lives, %.1f device-years, %d looks of the sensor, %d rows arrived, %d rows were owed at the end, %d calls that change a disk, at most %d bytes on it, %d violations\n",
		r.lives, float64(r.all.Days)/365, r.all.Looks, r.all.Rows, r.all.Due, r.all.Calls, r.all.Disk, len(r.all.Violations))
	for _, k := range slices.Sorted(maps.Keys(r.all.Faults)) {
		fmt.Fprintf(&b, "  %7d %s\n", r.all.Faults[k], k)
	}
	b.WriteString("checked:\n")
	for _, k := range slices.Sorted(maps.Keys(r.all.Checks)) {
		fmt.Fprintf(&b, "  %7d %s\n", r.all.Checks[k], k)
	}
	return b.String()
}

// TestSimulation lives a few short and eventful lives. make simulate lives many long ones.
func TestSimulation(t *testing.T) {
	if os.Getenv("CANDOR_LIVES") != "" {
		t.Skip("this is the process of lives")
	}
	o := order{first: number("SEED", 5), lives: number("LIVES", 2), days: number("DAYS", 15), perMonth: number("PER_MONTH", 90), patience: time.Duration(number("PATIENCE", 30)) * time.Second}
	r := &report{all: newTally()}
	o.run(t, 4*time.Minute, func(x told) { r.take(t, x) })
	if r.skip != "" {
		t.Skipf("this machine's kernel tells nobody of calls, so no power can be cut in the middle of a write: %s", r.skip)
	}
	t.Log(r)
	if os.Getenv("CANDOR_FIRST_ONLY") == "" && !t.Failed() && (r.lives != o.lives || r.all.Due == 0 || r.all.Faults["power cut"] == 0) {
		t.Error("nothing was proved: no rows were owed, or the power was never cut")
	}
}
