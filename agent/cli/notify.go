package cli

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/candor-edge/candor/agent/control"
)

// manager is systemd, as far as this process has to tell it something. Without systemd nothing is told.
type manager struct {
	there    bool
	patience time.Duration // after which it gives up on a process that tells nothing; 0: it never does
	settled  string        // what else it is told with READY
	alive    chan struct{} // holds one: data flows
	log      *slog.Logger
}

// manager reads what systemd wrote into the environment (sd_notify(3), sd_watchdog_enabled(3)).
func (g *global) manager(log *slog.Logger) *manager {
	m := &manager{there: g.env.Getenv("NOTIFY_SOCKET") != "", alive: make(chan struct{}, 1), log: log}
	if micros, err := strconv.ParseInt(g.env.Getenv("WATCHDOG_USEC"), 10, 64); err == nil && m.there {
		m.patience = time.Duration(micros) * time.Microsecond
	}
	return m
}

// watch has the sampling loops feed the watchdog: onFlow is [agent.Agent.OnFlow]. A watchdog with less patience than the sensor
// that is read least often needs is given more, and where none is read on a schedule it is put to sleep: silence says nothing then.
func (m *manager) watch(onFlow func(apart time.Duration, tell func()) (every time.Duration)) {
	if m.patience <= 0 {
		return
	}
	every := onFlow(m.patience/6, func() {
		select {
		case m.alive <- struct{}{}:
		default: // systemd does not listen; sampling does not wait for it
		}
	})
	switch {
	case every == 0:
		m.settled = "\nWATCHDOG_USEC=0"
		m.log.Warn("no sensor is read on a schedule, so the watchdog of systemd sleeps")
	case 3*every > m.patience:
		m.settled = "\nWATCHDOG_USEC=" + strconv.FormatInt((3*every).Microseconds(), 10)
	}
}

// follow tells that the agent is up once its socket answers, which it does when the first plan is in force, and that it is going
// when ctx ends.
func (m *manager) follow(ctx context.Context, socket string) {
	if !m.there {
		return
	}
	for {
		client, err := control.Dial(socket)
		if err == nil {
			client.Close()
			break
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(lockPause):
		}
	}
	m.tell(daemon.SdNotifyReady + m.settled)
	for ctx.Err() == nil {
		select {
		case <-m.alive:
			m.tell(daemon.SdNotifyWatchdog)
		case <-ctx.Done():
		}
	}
	m.tell(daemon.SdNotifyStopping)
}

func (m *manager) tell(what string) {
	if _, err := daemon.SdNotify(false, what); err != nil {
		m.log.Warn("systemd could not be told something", "what", what, "error", err)
	}
}
