//go:build soak

package uplink

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// mosquitto is the broker of the distribution, as a process of its own.
type mosquitto struct {
	t       *testing.T
	program string
	config  string
	addr    string
	process *exec.Cmd
}

func newMosquitto(t *testing.T) *mosquitto {
	t.Helper()
	m := &mosquitto{t: t}
	for _, name := range []string{"mosquitto", "/usr/sbin/mosquitto"} {
		if path, err := exec.LookPath(name); err == nil {
			m.program = path
		}
	}
	if m.program == "" {
		t.Skip("there is no mosquitto on this machine; on Debian it is in the package of that name")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	m.addr = free.Addr().String()
	must(t, free.Close())
	_, port, err := net.SplitHostPort(m.addr)
	must(t, err)
	m.config = filepath.Join(t.TempDir(), "mosquitto.conf")
	must(t, os.WriteFile(m.config, []byte(fmt.Sprintf("listener %s 127.0.0.1\nallow_anonymous true\npersistence false\n", port)), 0o600))
	m.start()
	t.Cleanup(m.kill)
	return m
}

func (m *mosquitto) start() {
	m.t.Helper()
	m.process = exec.Command(m.program, "-c", m.config)
	must(m.t, m.process.Start())
	for i := 0; ; i++ {
		c, err := net.Dial("tcp", m.addr)
		if err == nil {
			_ = c.Close()
			return
		}
		if i > 100 {
			m.t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// kill ends the broker as a power cut does.
func (m *mosquitto) kill() {
	_ = m.process.Process.Kill()
	_ = m.process.Wait()
}

// A Mosquitto that is killed in the middle, again and again, loses nothing and doubles nothing.
func TestSoakMosquittoIsKilled(t *testing.T) {
	m := newMosquitto(t)
	url := "mqtt://" + m.addr + "/acme"
	there := consume(t, url, nil, 2)
	g := newRig(t, offer("trends", "acme", "1s", "1s", ""))
	overMQTT(t, g, url, nil)
	want := 0
	for i := range 10 {
		g.sense(8000, 0)
		want += 8000
		var dying sync.WaitGroup
		dying.Go(func() {
			time.Sleep(time.Duration(20+13*i) * time.Millisecond)
			m.kill()
		})
		_ = g.drain(200 * time.Millisecond)
		dying.Wait()
		m.start()
		must(t, g.drain(time.Minute))
		if n := there.rows(t, "trends"); n != want {
			t.Fatalf("%d rows arrived after %d kills, want %d", n, i+1, want)
		}
	}
	t.Logf("%d kills survived, %d rows, each once", 10, want)
}
