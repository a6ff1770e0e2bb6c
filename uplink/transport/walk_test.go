package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/candor-edge/candor/tinyconf"
	"github.com/candor-edge/candor/uplink/wire"
)

// The walk ends at the first stretch that can't be gone, and says in one word why.
func TestWalk(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	good, _ := a.issue("server", nil)
	old, _ := a.issue("old", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	named, _ := a.issue("named", func(c *x509.Certificate) { c.DNSNames = []string{"stranger.example"} })
	foreign, _ := stranger.issue("foreign", nil)
	shut, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	closed := "https://" + strings.Replace(shut.Addr().String(), "127.0.0.1", "localhost", 1)
	must(t, shut.Close())
	for _, tt := range []struct {
		name   string
		url    string
		server *tls.Certificate
		change func(*Route, *Env)
		last   string
		fault  StepFault
	}{
		{"all is well", "", &good, nil, StepTLS, ""},
		{"no name", "", &good, func(_ *Route, e *Env) {
			e.Resolve = func(_ context.Context, host string) ([]string, error) {
				return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
			}
		}, StepName, FaultLookup},
		{"nobody listens", closed, nil, nil, StepReach, FaultRefused},
		{"no way there", closed, nil, func(_ *Route, e *Env) {
			e.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no route to host") }
		}, StepReach, FaultSilent},
		{"over", "", &old, nil, StepTLS, FaultExpired},
		{"1970", "", &good, func(_ *Route, e *Env) {
			e.Now, e.Trusted = func() time.Time { return time.Unix(0, 0) }, func() bool { return false }
		}, StepTLS, FaultClock},
		{"another host", "", &named, nil, StepTLS, FaultHost},
		{"another authority", "", &foreign, nil, StepTLS, FaultAuthority},
		{"another key", "", &good, func(r *Route, _ *Env) { r.Pin = pinOf(old.Leaf) }, StepTLS, FaultPin},
		{"a token that only the service has", "", &good, func(r *Route, _ *Env) {
			var err error
			if r.Auth, err = tinyconf.ParseSecret("credential:acme-token", false); err != nil {
				panic(err)
			}
		}, StepTLS, ""},
		{"no such file", closed, nil, func(r *Route, _ *Env) { r.CA = "not there" }, StepFiles, FaultFiles},
	} {
		t.Run(tt.name, func(t *testing.T) {
			url := tt.url
			if tt.server != nil {
				url, _ = a.serve(*tt.server, nil)
			}
			r := Route{Recipient: "acme", URL: url, CA: filepath.Join(a.dir, "authority.pem"), Timeout: defaultTimeout}
			env := Env{Secrets: tinyconf.SystemEnv()}
			if tt.change != nil {
				tt.change(&r, &env)
			}
			steps := Walk(t.Context(), r, env)
			for _, s := range steps[:len(steps)-1] {
				if !s.OK || s.Text == "" {
					t.Errorf("went on after %+v", s)
				}
			}
			if s := steps[len(steps)-1]; s.Name != tt.last || s.Fault != tt.fault || s.OK != (tt.fault == "") || s.Text == "" {
				t.Errorf("%+v, want %s %s", s, tt.last, tt.fault)
			}
		})
	}
}

// A recipient that answers needs no walk; where none answers the walk says why, and where that finds nothing it is the answer.
func TestFailed(t *testing.T) {
	walk := func(steps ...Step) func() []Step { return func() []Step { return steps } }
	dead := func() []Step { t.Error("walked, although the recipient has answered"); return nil }
	a := newAuthority(t)
	good, _ := a.issue("server", nil)
	url, _ := a.serve(good, func(c *tls.Config) { c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool() })
	var c Control
	c.kind = wire.KindTest
	shown := open(t, url, func(r *Route, _ *Env) { r.CA = filepath.Join(a.dir, "authority.pem") }).Test(t.Context(), c)
	for _, tt := range []struct {
		err    error
		walked func() []Step
		name   string
		fault  StepFault
	}{
		{fmt.Errorf("recipient acme: %w", &Refusal{Status: 401}), dead, StepAuth, FaultToken},
		{&Refusal{Status: 404}, dead, StepReply, FaultAnswer},
		{ErrNoProof, dead, StepReply, FaultAnswer},
		{shown, walk(Step{Name: StepTLS, OK: true}), StepAuth, FaultToken},
		{fmt.Errorf("auth: %w", tinyconf.ErrNoCredentials), walk(Step{Name: StepTLS, OK: true}), StepAuth, FaultService},
		{errors.New("reset"), walk(Step{Name: StepReach, Fault: FaultRefused}), StepReach, FaultRefused},
		{errors.New("reset"), walk(Step{Name: StepTLS, OK: true}), StepReply, FaultAnswer},
	} {
		steps := Failed(tt.err, tt.walked)
		if s := steps[len(steps)-1]; s.OK || s.Name != tt.name || s.Fault != tt.fault {
			t.Errorf("%v: %+v, want %s %s", tt.err, s, tt.name, tt.fault)
		}
	}
	if steps := Passed(); len(steps) != 6 || steps[5].Name != StepReply || !steps[5].OK {
		t.Errorf("%+v", steps)
	}
}
