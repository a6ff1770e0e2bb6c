package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/candor-edge/candor/tinyconf"
)

// Resolver gives the addresses of a host's name; net.Resolver.LookupHost outside tests.
type Resolver func(ctx context.Context, host string) ([]string, error)

// The stretches of the way to a recipient, in the order in which they are walked.
const (
	StepFiles = "files" // what the route names on this object: token, certificate, key
	StepName  = "dns"
	StepReach = "tcp"
	StepTLS   = "tls"
	StepAuth  = "auth"
	StepReply = "round trip" // a message went there and the right answer came back
)

// StepFault says in one word why a stretch can't be walked.
type StepFault string

// The faults. FaultClock is a certificate that is not valid by a clock that nothing has set.
const (
	FaultFiles     StepFault = "files"
	FaultLookup    StepFault = "lookup"
	FaultRefused   StepFault = "refused"
	FaultSilent    StepFault = "silent" // no answer in time, or no way there
	FaultExpired   StepFault = "expired"
	FaultClock     StepFault = "clock"
	FaultHost      StepFault = "host" // the certificate is another host's
	FaultAuthority StepFault = "authority"
	FaultPin       StepFault = "pin"
	FaultProtocol  StepFault = "protocol" // what answers speaks something else
	FaultToken     StepFault = "token"    // 401 or 403
	FaultService   StepFault = "service"  // the token is handed to the service alone, and this is not it
	FaultAnswer    StepFault = "answer"   // any other answer, or none
)

// Step is one stretch of the way to a recipient. Text holds nothing secret.
type Step struct {
	Name  string    `json:"name"`
	OK    bool      `json:"ok"`
	Text  string    `json:"text"`
	Fault StepFault `json:"fault,omitempty"`
}

// walkTime bounds one stretch: somebody stands there and waits.
const walkTime = 10 * time.Second

// Walk goes the way of a route as far as it gets without a message: name, connection, TLS. It stops at the first stretch that
// can't be walked and sends nothing but what TLS needs. The route's files are read; secrets that systemd hands to the service
// alone are done without where this is not the service.
func Walk(ctx context.Context, r Route, env Env) []Step {
	text := "token, keys and certificates can be read"
	l, err := Open(r, env)
	if errors.Is(err, tinyconf.ErrNoCredentials) {
		text = "its secrets are handed to the service alone; the way is walked without"
		var none tinyconf.Secret
		r.Auth, r.Seal, r.Cert, r.Key = none, none, "", none
		l, err = Open(r, env)
	}
	if err != nil {
		return []Step{{Name: StepFiles, Text: err.Error(), Fault: FaultFiles}}
	}
	defer l.Close()
	steps := []Step{{Name: StepFiles, OK: true, Text: text}}
	host, port := l.base.Hostname(), l.base.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80", "mqtts": "8883", "mqtt": "1883"}[l.base.Scheme]
	}
	addresses, step := lookUp(ctx, host, env)
	if steps = append(steps, step); !step.OK {
		return steps
	}
	conn, step := connect(ctx, addresses, port, env)
	if steps = append(steps, step); !step.OK {
		return steps
	}
	defer func() { _ = conn.Close() }()
	if l.base.Scheme == "http" || l.base.Scheme == "mqtt" {
		return append(steps, Step{Name: StepTLS, OK: true, Text: "none: it does not leave this machine"})
	}
	return append(steps, shake(ctx, conn, r, env, host))
}

func lookUp(ctx context.Context, host string, env Env) ([]string, Step) {
	if net.ParseIP(host) != nil {
		return []string{host}, Step{Name: StepName, OK: true, Text: host + " is an address: there is no name to look up"}
	}
	resolve := env.Resolve
	if resolve == nil {
		resolve = net.DefaultResolver.LookupHost
	}
	ctx, cancel := context.WithTimeout(ctx, walkTime)
	defer cancel()
	addresses, err := resolve(ctx, host)
	if err != nil || len(addresses) == 0 {
		why := "it has no address"
		var dns *net.DNSError
		if errors.As(err, &dns) {
			why = dns.Err
		} else if err != nil {
			why = err.Error()
		}
		return nil, Step{Name: StepName, Text: fmt.Sprintf("%s can't be looked up: %s", host, oneLine(why)), Fault: FaultLookup}
	}
	return addresses, Step{Name: StepName, OK: true, Text: host + " has an address"}
}

// connect takes the first address that answers.
func connect(ctx context.Context, addresses []string, port string, env Env) (net.Conn, Step) {
	ctx, cancel := context.WithTimeout(ctx, walkTime)
	defer cancel()
	s := Step{Name: StepReach}
	for _, a := range addresses {
		conn, err := abrupt(env.dialer())(ctx, "tcp", net.JoinHostPort(a, port))
		if err == nil {
			s.OK, s.Text, s.Fault = true, "port "+port+" takes connections", ""
			return conn, s
		}
		s.Fault, s.Text = FaultSilent, oneLine(err.Error())
		if errors.Is(err, syscall.ECONNREFUSED) {
			s.Fault = FaultRefused
		}
	}
	return nil, s
}

// shake shakes hands as every connection of the route does.
func shake(ctx context.Context, conn net.Conn, r Route, env Env, host string) Step {
	s := Step{Name: StepTLS}
	if env.Now == nil {
		env.Now = time.Now
	}
	if env.Trusted == nil {
		env.Trusted = func() bool { return true }
	}
	trust, err := newTrust(&r, env, host)
	if err != nil {
		s.Fault, s.Text = FaultFiles, err.Error()
		return s
	}
	ctx, cancel := context.WithTimeout(ctx, walkTime)
	defer cancel()
	c := tls.Client(conn, trust.config())
	if err = c.HandshakeContext(ctx); err == nil {
		s.OK, s.Text = true, "the certificate is right and valid"
		return s
	}
	s.Fault, s.Text = tlsFault(err, env.Trusted()), plain(host, err, false).Error()
	return s
}

func tlsFault(err error, trusted bool) StepFault {
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && !trusted:
		return FaultClock
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return FaultExpired
	case errors.As(err, &name):
		return FaultHost
	case errors.As(err, &unknown), errors.As(err, &invalid):
		return FaultAuthority
	case errors.Is(err, errPin):
		return FaultPin
	case errors.Is(err, context.DeadlineExceeded):
		return FaultSilent
	}
	return FaultProtocol
}

// Failed makes of the error of a test message the steps that were walked and the one that was not. walked are those of [Walk],
// asked for only where no answer came.
func Failed(err error, walked func() []Step) []Step {
	var refusal *Refusal
	answered := errors.As(err, &refusal) || errors.Is(err, ErrNoProof)
	if !answered {
		steps := walked()
		if !steps[len(steps)-1].OK {
			return steps
		}
		if errors.Is(err, tinyconf.ErrNoCredentials) {
			return append(steps, Step{Name: StepAuth, Text: err.Error(), Fault: FaultService})
		}
	}
	steps := through(StepTLS)
	switch {
	case refusal != nil && (refusal.Status == 401 || refusal.Status == 403),
		strings.Contains(err.Error(), "remote error: tls: ") && strings.Contains(err.Error(), "certificate"): // ours; TLS 1.3 tells after the handshake
		return append(steps, Step{Name: StepAuth, Text: err.Error(), Fault: FaultToken})
	case answered:
		steps = through(StepAuth)
	}
	return append(steps, Step{Name: StepReply, Text: err.Error(), Fault: FaultAnswer})
}

// Passed are the steps of a test message that was answered as it should be.
func Passed() []Step { return through(StepReply) }

// through are the steps up to one, all of them well: an answer came over them.
func through(last string) (steps []Step) {
	for _, name := range []string{StepFiles, StepName, StepReach, StepTLS, StepAuth, StepReply} {
		steps = append(steps, Step{Name: name, OK: true})
		if name == last {
			break
		}
	}
	return steps
}
