package doctor

import (
	"fmt"
	"io/fs"
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

// routes says whether there is a way to each recipient of a purpose, and whether its files can be read.
func (w *walk) routes() Check {
	tests := w.test()
	if w.err != nil {
		return found(Unknown, "routes-unknown", w.err.Error())
	}
	if s := w.ask(); s != nil {
		for _, p := range s.Purposes {
			if p.State == "given" && !w.routed(p.Recipient) {
				return found(Broken, "route-missing", fmt.Sprintf("purpose %s has a yes, and no [[route]] leads to %s", p.ID, p.Recipient)).
					because("add a [[route]] to "+p.Recipient+" to "+w.File+", then start the daemon again", "candor config reference", w.edit())
			}
		}
	}
	if len(tests) == 0 {
		return found(Skipped, "routes-none", "no [[route]] leads to a recipient of the policy: nothing can leave")
	}
	if c, bad := w.step(transport.StepFiles); bad {
		return c
	}
	var to []string
	for _, t := range tests {
		to = append(to, t.Recipient)
	}
	return found(OK, "routes", "to "+strings.Join(to, ", "))
}

func (w *walk) routed(recipient string) bool {
	for _, r := range w.Config.Routes {
		if r.Recipient == recipient {
			return true
		}
	}
	return false
}

// step judges one stretch of all ways: the first that fails at it speaks.
func (w *walk) step(name string) (Check, bool) {
	for i := range w.tests {
		t := &w.tests[i]
		for _, s := range t.Steps {
			if s.Name == name && !s.OK {
				evidence := s.Text
				if !strings.Contains(evidence, t.Recipient) {
					evidence = "to " + t.Recipient + ": " + evidence
				}
				do, command, root := w.mend(&s)
				return found(Broken, "route-"+string(s.Fault), evidence+w.link(&s)).because(do, command, root), true
			}
		}
	}
	return Check{}, false
}

// stretch is a check of one stretch that is well where every way got past it.
func (w *walk) stretch(name, well string) Check {
	if c, bad := w.step(name); bad {
		return c
	}
	for _, t := range w.tests {
		for _, s := range t.Steps {
			if s.Name == name {
				return found(OK, "stretch", well)
			}
		}
	}
	return found(Skipped, "stretch-none", "not tried: no message is sent that no ledger could note, and none without a route")
}

func (w *walk) dns() Check { return w.stretch(transport.StepName, "the names have addresses") }
func (w *walk) tcp() Check { return w.stretch(transport.StepReach, "connections are taken") }
func (w *walk) tls() Check { return w.stretch(transport.StepTLS, "certificates are right and valid") }
func (w *walk) auth() Check {
	return w.stretch(transport.StepAuth, "the recipient knows this object's token or certificate")
}
func (w *walk) roundTrip() Check {
	return w.stretch(transport.StepReply, "a message without reading or identifier was answered as it should be")
}

// mend is the one thing to do about a stretch.
func (w *walk) mend(s *transport.Step) (do, command string, root bool) {
	switch s.Fault {
	case transport.FaultFiles:
		return "put the file there that it names, for the daemon to read", "candor config check --config " + w.File, w.edit()
	case transport.FaultLookup:
		if w.links() == "" {
			return "plug the cable in, or bring the wireless network up", "", false
		}
		return "give it a name server that answers, in the router or in /etc/resolv.conf", "", true
	case transport.FaultRefused:
		return "ask the recipient: nobody listens there; or mend url of the [[route]] in " + w.File, "", w.edit()
	case transport.FaultSilent:
		if w.links() == "" {
			return "plug the cable in, or bring the wireless network up", "", false
		}
		return "let the router or firewall pass outgoing connections to that port", "", false
	case transport.FaultClock:
		return "set the clock first: the certificate may well be valid", "sudo timedatectl set-ntp true", true
	case transport.FaultExpired:
		return "the recipient has to renew its certificate, where the clock of this object is right", "", false
	case transport.FaultAuthority:
		return "name the recipient's authority in ca of the [[route]]; where that is right, something between reads along: try another network", "", w.edit()
	case transport.FaultHost:
		return "mend url of the [[route]], or look for a portal that answers for others on this network", "", w.edit()
	case transport.FaultPin:
		return "get the new pin from the recipient, by another way than this network, into pin of the [[route]]", "", w.edit()
	case transport.FaultToken:
		return "put a token or certificate that the recipient knows where auth or cert of the [[route]] points; then try it", "candor uplink test", w.edit()
	}
	return "look for a portal or proxy on this network, then for the url of the [[route]]", "candor uplink test", false
}

// links are the network links that are up, but the machine's own; "" when there is none.
func (w *walk) links() (up string) {
	names, _ := fs.Glob(w.Root, "sys/class/net/*/operstate")
	for _, n := range names {
		if link := path.Base(path.Dir(n)); link != "lo" && w.text(n) != "down" && w.text(n) != "lowerlayerdown" {
			up += " " + link
		}
	}
	return strings.TrimSpace(up)
}

// link adds to what can't be reached how the links are.
func (w *walk) link(s *transport.Step) string {
	asked := ""
	switch s.Fault {
	case transport.FaultLookup:
		for line := range strings.Lines(w.text("etc/resolv.conf")) {
			if server, ok := strings.CutPrefix(strings.TrimSpace(line), "nameserver "); ok {
				asked += " " + server
			}
		}
		if asked != "" {
			asked = "; asked:" + asked
		} else {
			asked = "; no name server is in /etc/resolv.conf"
		}
	case transport.FaultSilent:
	default:
		return ""
	}
	if up := w.links(); up != "" {
		return asked + "; the link is up (" + up + ")"
	}
	return asked + "; no network link is up"
}

// daemon comes last: all else may be well, and nobody there to do it.
func (w *walk) daemon() Check {
	if w.Daemon {
		return found(OK, "daemon", "it runs")
	}
	if w.unit() == "" {
		return found(Broken, "daemon-dead", "no daemon runs, so nothing is sensed or sent").because("start it", "candor run --config "+w.File, false)
	}
	return found(Broken, "daemon-dead", "the service candor is installed and does not run: nothing is sensed or sent").because("start it; if it ends again, its log says why: journalctl -u candor", "sudo systemctl start candor", true)
}
