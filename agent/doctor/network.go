package doctor

import (
	"cmp"
	"path"
	"strings"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/uplink/transport"
)

// test tries the ways to the recipients once: with a message where a ledger can note it, else without one.
func (w *walk) test() []control.UplinkTest {
	switch {
	case w.tested:
	case w.ask() != nil:
		w.tests, w.err = w.Object.TestUplink(w.ctx, "")
	default:
		w.tests = w.Walk(w.ctx)
	}
	w.tested = true
	return w.tests
}

// routes says whether there is a way to each recipient of a yes, and whether its files can be read.
func (w *walk) routes() *Check {
	tests := w.test()
	if w.err != nil {
		return w.say("routes-unknown", w.err.Error())
	}
	if s := w.ask(); s != nil {
		for i := range s.Purposes {
			if p := &s.Purposes[i]; p.State == "given" && !w.routed(p.Recipient) {
				return w.say("route-missing", p.Recipient, p.ID)
			}
		}
	}
	if len(tests) == 0 {
		return w.say("routes-none")
	}
	if c := w.step(transport.StepFiles); c != nil {
		return c
	}
	var to []string
	for i := range tests {
		to = append(to, tests[i].Recipient)
	}
	return w.say("routes", strings.Join(to, ", "))
}

func (w *walk) routed(recipient string) bool {
	for i := range w.Config.Routes {
		if w.Config.Routes[i].Recipient == recipient {
			return true
		}
	}
	return false
}

// step is the first way that can't be gone at one stretch; nil when all can.
func (w *walk) step(name string) *Check {
	for i := range w.tests {
		t := &w.tests[i]
		for _, s := range t.Steps {
			if s.Name != name || s.OK {
				continue
			}
			evidence, code := s.Text, "route-"+string(s.Fault)
			if !strings.Contains(evidence, t.Recipient) {
				evidence = "to " + t.Recipient + ": " + evidence
			}
			switch s.Fault {
			case transport.FaultLookup, transport.FaultSilent:
				links := w.links()
				if links == "" {
					return w.say("route-no-link", evidence+"; no network link is up")
				}
				evidence += w.servers() + "; the link is up (" + links + ")"
			}
			return w.say(code, evidence)
		}
	}
	return nil
}

// stretch is a check of one stretch that is well where every way got past it.
func (w *walk) stretch(name string) *Check {
	if c := w.step(name); c != nil {
		return c
	}
	for i := range w.tests {
		for _, s := range w.tests[i].Steps {
			if s.Name == name {
				return w.say("stretch", cmp.Or(s.Text, "well"))
			}
		}
	}
	return w.say("stretch-none")
}

// links are the network links that are up, but the machine's own; "" when there is none.
func (w *walk) links() (up string) {
	for _, n := range w.each("sys/class/net", "", "operstate") {
		if link, state := path.Base(path.Dir(n)), w.text(n); link != "lo" && state != "down" && state != "lowerlayerdown" {
			up += " " + link
		}
	}
	return strings.TrimSpace(up)
}

// servers are the name servers that were asked.
func (w *walk) servers() (asked string) {
	for _, f := range w.table("etc/resolv.conf", " ") {
		if f[0] == "nameserver" {
			asked += " " + f[len(f)-1]
		}
	}
	if asked == "" {
		return "; no name server is in /etc/resolv.conf"
	}
	return "; name servers:" + asked
}

// daemon comes last: all else may be well, and nobody there to do it.
func (w *walk) daemon() *Check {
	switch {
	case w.Daemon:
		return w.say("daemon")
	case w.unit() == nil:
		return w.say("daemon-dead")
	}
	return w.say("service-dead")
}
