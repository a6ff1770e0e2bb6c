package agent_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/candor-edge/candor/agent"
)

// When a yes lapses nothing leaves any more from that moment on, also not what was taken before it and waits: not only from the next look
// at the yeses on, which comes once a minute.
func TestNothingLeavesFromTheMomentAYesLapses(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"candor.toml": "[device]\nstate = \"state\"\n[buffer]\nflush = \"1s\"\n[policy]\nfile = \"policy.toml\"\n[[route]]\nrecipient = \"acme\"\nurl = \"http://127.0.0.1:1\"\n" +
			"[[sensor]]\nname = \"s\"\ndriver = \"simulated\"\nroom = \"livingroom\"\nevery = \"5s\"\nseed = 1\n",
		"policy.toml": header + purpose("all", "time = \"1s\"\nupload = \"5s\"\nexpires = \"1d\"\n"+rule("s.temperature", "action = \"keep\"")),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		handler, closeSink := newReceiver(t, out)
		defer closeSink()
		var mu sync.Mutex
		var last time.Time
		l := newPipeListener()
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			last = time.Now()
			mu.Unlock()
			handler.ServeHTTP(w, r)
		})}
		go func() { _ = srv.Serve(l) }()
		defer func() { _ = srv.Close() }()
		cfg, err := agent.LoadConfig(filepath.Join(dir, "candor.toml"))
		if err != nil {
			t.Fatal(err)
		}
		open := func() *agent.Agent {
			a, err := agent.Open(cfg, agent.Options{Clock: bubbleClock{}, Dial: l.dial, Detached: true})
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		a := open()
		grant(t, a, "all")
		lapses := time.Now().Add(24 * time.Hour)
		_ = a.Close()
		time.Sleep(24*time.Hour - 2*time.Minute - 23*time.Second - 400*time.Millisecond) // it lapses between two looks
		a = open()
		defer func() { _ = a.Close() }()
		ctx, stop := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() {
			if err := a.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(4 * time.Minute)
		stop()
		run.Wait()
		mu.Lock()
		defer mu.Unlock()
		if early := lapses.Sub(last); early > time.Minute {
			t.Errorf("the last upload came %v before the yes lapsed: nothing is seen by this test", early)
		} else if early < 0 {
			t.Errorf("something left %v after the yes had lapsed", -early)
		}
	})
}
