//go:build soak

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Ten thousand connections that say nothing, half a request, or a request
// nobody may make: the receiver stays within 32 KB for each, those with a
// credential are served meanwhile, every batch once, and all the others are
// let go in time.
func TestSoakTenThousandConnections(t *testing.T) {
	const connections, batches, token = 10_000, 300, "0123456789abcdef-right"
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Cur < connections+500 {
		t.Skipf("%d open files are allowed here, too few", files.Cur)
	}
	tokens, dir := filepath.Join(t.TempDir(), "tokens"), t.TempDir()
	must(t, os.WriteFile(tokens, []byte(token+"\n"), 0o600))
	p := start(t, "-listen", "127.0.0.1:0", "-dir", dir, "-token", tokens)
	auth := http.Header{"Authorization": {"Bearer " + token}}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	o := newObject(t, 1)
	if code, ok := deliver(client, p.url+"/announcements", auth, o.signed); !ok {
		t.Fatal(code)
	}
	before := resident(t, p)
	began := time.Now()
	conns := make([]net.Conn, connections)
	var dialing sync.WaitGroup
	for part := range 32 {
		dialing.Go(func() {
			for i := part; i < connections; i += 32 {
				c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
				if err != nil {
					t.Error(err)
					return
				}
				conns[i] = c
				switch i % 3 {
				case 1:
					io.WriteString(c, "POST /batches HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("x", 2000))
				case 2:
					io.WriteString(c, "POST /batches HTTP/1.1\r\nHost: x\r\nContent-Type: application/cose\r\nContent-Length: 1000000\r\n\r\n"+strings.Repeat("x", 2000))
				}
			}
		})
	}
	dialing.Wait()
	peak := resident(t, p)
	for seq := uint64(1); seq <= batches; seq++ {
		if code, ok := deliver(client, p.url+"/batches", auth, o.batch(t, seq, 3)); !ok {
			t.Fatal(seq, code)
		}
	}
	served := time.Since(began)
	peak = max(peak, resident(t, p))
	for _, c := range conns {
		if c == nil {
			continue
		}
		must(t, c.SetReadDeadline(began.Add(time.Minute)))
		if _, err := io.Copy(io.Discard, c); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Error("a connection was not let go: ", err)
		}
		c.Close()
	}
	t.Logf("%d connections, %.1f KB each; %d batches among them within %s; all let go after %s",
		connections, float64(peak-before)/1e3/connections, batches, served.Round(time.Millisecond), time.Since(began).Round(time.Second))
	if peak-before > connections*32_000 {
		t.Errorf("%d connections took %d bytes", connections, peak-before)
	}
	rows, err := os.ReadFile(filepath.Join(dir, "service.jsonl"))
	must(t, err)
	if n := strings.Count(string(rows), "\n"); n != batches*3 {
		t.Errorf("%d rows, want %d", n, batches*3)
	}
}

// resident is the memory of a program, in bytes.
func resident(t *testing.T, p *program) (n int64) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Skip("memory is read in /proc: ", err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	if _, err := fmt.Sscan(rest, &n); err != nil {
		t.Fatal(err)
	}
	return n * 1024
}
