package simulation

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// TestLives lives lives, in a process of its own: see [watch]. It prints a tally of each as a line.
func TestLives(t *testing.T) {
	if os.Getenv("CANDOR_LIVES") == "" {
		t.Skip("run by TestSimulation, in a process of its own")
	}
	dir, err := fastDir()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	d := &disk{root: filepath.Join(dir, "disk")}
	if err := watch(d.ask); err != nil {
		t.Skipf("this machine's kernel tells of no calls: %v", err)
	}
	seed, lives, days, perDay := number("SEED", 1), number("CANDOR_LIVES", 1), number("CANDOR_DAYS", 30), number("CANDOR_PER_DAY", 10)
	for i := range lives {
		s := write(uint64(seed+i), days, perDay)
		began := time.Now()
		tally := live(t, dir, d, s)
		line, err := json.Marshal(tally)
		if err != nil {
			t.Fatal(err)
		}
		if os.Getenv("CANDOR_EVENTS") != "" {
			for _, e := range s.Events {
				fmt.Println("  ", e)
			}
		}
		fmt.Printf("LIFE %d %v %s\n", seed+i, time.Since(began).Round(time.Millisecond), line)
	}
}
