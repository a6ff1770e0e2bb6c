package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// look is how often a running process is asked for its peak of memory.
const look = 10 * time.Millisecond

// grace is how long a process may take to end when it is asked to.
const grace = 20 * time.Second

// usage is what a process has used from start to exit.
type usage struct {
	cpu     time.Duration // user and system
	elapsed time.Duration
	peak    int64 // bytes resident, VmHWM
	written int64 // bytes, write_bytes of /proc/PID/io
}

// process is a program that was started. It is ended by its own number only.
type process struct {
	cmd   *exec.Cmd
	name  string
	began time.Time
	log   string        // file of its standard error
	done  chan struct{} // closed when it has ended and was waited for
	used  usage
	err   error
}

// begin starts a program. When ctx is done it is killed.
func begin(ctx context.Context, dir, path string, args ...string) (*process, error) {
	p := &process{name: strings.Join(append([]string{lastOf(path)}, args[:min(len(args), 2)]...), " "), done: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, path, args...)
	log, err := os.CreateTemp(dir, "stderr-")
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has it as its own
	p.cmd.Dir, p.cmd.Stderr, p.log = dir, log, log.Name()
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.watch()
	return p, nil
}

func lastOf(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// watch keeps the newest peak until the process has ended. The rusage of a child is no use for that: after fork it
// begins with the peak of the parent.
func (p *process) watch() {
	defer close(p.done)
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		var info unix.Siginfo
		for unix.Waitid(unix.P_PID, p.cmd.Process.Pid, &info, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
			continue
		}
	}()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for running := true; running; {
		p.used.peak = max(p.used.peak, p.status("VmHWM"))
		select {
		case <-exited:
			running = false
		case <-tick.C:
		}
	}
	p.used.elapsed = time.Since(p.began)
	p.used.written = number(procFile(p.cmd.Process.Pid, "io"), "write_bytes:") // it has ended and is not waited for yet
	p.err = p.cmd.Wait()
	p.used.cpu = p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// status is a size in /proc/PID/status, in bytes; 0 when it is not there any more.
func (p *process) status(key string) int64 {
	return number(procFile(p.cmd.Process.Pid, "status"), key+":") * 1024
}

// ticks is the CPU time of the process so far, in the hundredths of a second that /proc/PID/stat has on every Linux; 0 when it
// is not there any more.
func (p *process) ticks() (sum int64) {
	text := procFile(p.cmd.Process.Pid, "stat")
	f := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:]) // a name may have blanks
	for _, i := range []int{11, 12} {                          // utime and stime are numbers 14 and 15, the first of f is number 3
		if i < len(f) {
			n, _ := strconv.ParseInt(string(f[i]), 10, 64)
			sum += n
		}
	}
	return sum
}

func procFile(pid int, name string) []byte {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name)) // none is as good as an empty one: it tells nothing
	return b
}

// number is what follows a key at the start of a line of a file in /proc; 0 when it is not there.
func number(text []byte, key string) int64 {
	for line := range bytes.Lines(text) {
		rest, found := bytes.CutPrefix(line, []byte(key))
		if f := bytes.Fields(rest); found && len(f) > 0 {
			n, _ := strconv.ParseInt(string(f[0]), 10, 64)
			return n
		}
	}
	return 0
}

// ended waits for the process and gives what it used. An error has what it wrote on standard error last.
func (p *process) ended() (usage, error) {
	<-p.done
	if p.err == nil {
		return p.used, nil
	}
	text := strings.TrimSpace(p.said())
	return p.used, fmt.Errorf("%s: %w: %s", p.name, p.err, text[max(0, len(text)-600):])
}

// said is what it has written on standard error so far.
func (p *process) said() string {
	b, _ := os.ReadFile(p.log) // gone is as good as empty
	return string(b)
}

// wait lets the process run for a time and says so when it ended before that.
func (p *process) wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-p.done:
		_, err := p.ended()
		return errors.Join(fmt.Errorf("%s ended by itself", p.name), err)
	case <-time.After(d):
		return nil
	}
}

// stop asks the process to end and waits for it.
func (p *process) stop() (usage, error) {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return usage{}, err
	}
	select {
	case <-p.done:
	case <-time.After(grace):
		_ = p.cmd.Process.Kill()
		<-p.done
		return p.used, fmt.Errorf("%s did not end in %s", p.name, grace)
	}
	return p.ended()
}

// kill ends the process without warning.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.done
}

// end makes sure that the process is gone.
func (p *process) end() { _, _ = p.stop() }
