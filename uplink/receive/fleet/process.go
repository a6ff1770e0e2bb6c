package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a program that was started here and is ended here.
type process struct {
	name  string
	cmd   *exec.Cmd
	ended chan struct{}
	first int64 // bytes resident when the load began
}

// usage is what a program took.
type usage struct {
	name              string
	cpu               time.Duration
	first, last, peak int64 // bytes resident
}

func start(name string, cmd *exec.Cmd) (*process, error) {
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{name: name, cmd: cmd, ended: make(chan struct{})}
	go func() { // ends with the process, which stop waits for
		defer close(p.ended)
		_ = cmd.Wait()
	}()
	return p, nil
}

// stop asks the program to end, and makes it end after half a minute.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
		return fmt.Errorf("%s did not end by itself", p.name)
	}
	if !p.cmd.ProcessState.Success() {
		return fmt.Errorf("%s ended with %s", p.name, p.cmd.ProcessState)
	}
	return nil
}

// use reads what the process took so far; zero where there is no /proc.
func (p *process) use() usage {
	dir := "/proc/" + strconv.Itoa(p.cmd.Process.Pid)
	u := usage{name: p.name, first: p.first}
	if text, err := os.ReadFile(dir + "/stat"); err == nil {
		if words := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:])); len(words) > 12 {
			user, _ := strconv.ParseInt(words[11], 10, 64)
			system, _ := strconv.ParseInt(words[12], 10, 64)
			u.cpu = time.Duration(user+system) * time.Second / 100 // USER_HZ
		}
	}
	if text, err := os.ReadFile(dir + "/status"); err == nil {
		for line := range strings.Lines(string(text)) {
			for key, to := range map[string]*int64{"VmRSS:": &u.last, "VmHWM:": &u.peak} {
				if rest, ok := strings.CutPrefix(line, key); ok {
					kb, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
					*to = kb * 1024
				}
			}
		}
	}
	return u
}

// startReceiver starts the program and waits until it tells where it listens.
// What it logs is in the file.
func startReceiver(program, name, logFile string, args ...string) (*process, string, error) {
	log, err := os.Create(logFile)
	if err != nil {
		return nil, "", err
	}
	defer log.Close()
	cmd := exec.Command(program, append([]string{"-listen", "127.0.0.1:0", "-uploads", "1024"}, args...)...)
	cmd.Stderr = log
	p, err := start(name, cmd)
	if err != nil {
		return nil, "", fmt.Errorf("%w; `make fleet` builds it", err)
	}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if url := listeningOn(logFile); url != "" {
			p.first = p.use().last
			return p, url, nil
		}
		select {
		case <-p.ended:
			text, _ := os.ReadFile(logFile)
			return nil, "", fmt.Errorf("%s ended at once: %s", name, text)
		default:
		}
	}
	_ = p.stop()
	return nil, "", fmt.Errorf("%s does not listen after half a minute, see %s", name, logFile)
}

func listeningOn(logFile string) string {
	f, err := os.Open(logFile)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if url, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			return url
		}
	}
	return ""
}

// startNodes starts a cluster of NATS servers: this program again.
func startNodes(n int, dir string) (all []*process, urls []string, err error) {
	ports, err := freePorts(2 * n)
	if err != nil {
		return nil, nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	for i := range n {
		what := node{Name: "n" + strconv.Itoa(i), Dir: filepath.Join(dir, "n"+strconv.Itoa(i)), Port: ports[i], Route: ports[n+i], Routes: ports[n:]}
		text, err := json.Marshal(what)
		if err != nil {
			return all, nil, err
		}
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), asNode+"="+string(text))
		cmd.Stderr = os.Stderr
		p, err := start("NATS server "+what.Name, cmd)
		if err != nil {
			return all, nil, err
		}
		all, urls = append(all, p), append(urls, fmt.Sprintf("nats://127.0.0.1:%d", ports[i]))
	}
	return all, urls, nil
}

// freePorts finds ports nobody listens on now.
func freePorts(n int) (ports []int, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
