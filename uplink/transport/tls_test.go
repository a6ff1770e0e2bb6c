package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/candor-edge/candor/tinyconf"
)

// authority signs certificates for a test.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	pair, _ := a.issue("authority", func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage, c.BasicConstraintsValid = true, x509.KeyUsageCertSign, true
	})
	a.cert, a.key = pair.Leaf, pair.PrivateKey.(*ecdsa.PrivateKey)
	return a
}

// issue makes a certificate of this authority, or its own, and writes it and its key to files with that name.
func (a *authority) issue(name string, change func(*x509.Certificate)) (tls.Certificate, string) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(a.t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	if change != nil {
		change(c)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	must(a.t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	must(a.t, err)
	path := filepath.Join(a.dir, name)
	must(a.t, os.WriteFile(path+".pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(a.t, os.WriteFile(path+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600))
	leaf, err := x509.ParseCertificate(der)
	must(a.t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, path
}

// serve answers every upload with yes, over TLS, and counts what it was given.
func (a *authority) serve(cert tls.Certificate, change func(*tls.Config)) (url string, got *int) {
	a.t.Helper()
	got = new(int)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*got++
		if r.ProtoMajor != 1 || r.TLS.Version != tls.VersionTLS13 || r.TLS.DidResume {
			a.t.Errorf("%s over TLS %x, resumed %t", r.Proto, r.TLS.Version, r.TLS.DidResume)
		}
		b, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, yes(name, 1, string(b)))
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}}
	if change != nil {
		change(srv.TLS)
	}
	srv.StartTLS()
	a.t.Cleanup(srv.Close)
	return strings.Replace(srv.URL, "127.0.0.1", "localhost", 1), got
}

func pinOf(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func secretFile(t *testing.T, path string) tinyconf.Secret {
	t.Helper()
	s, err := tinyconf.ParseSecret("file:"+path, false)
	must(t, err)
	return s
}

func TestTLS(t *testing.T) {
	loaded, _ := upload(t)
	a, stranger := newAuthority(t), newAuthority(t)
	good, _ := a.issue("server", nil)
	same, _ := a.issue("other", nil)
	foreign, _ := stranger.issue("server", nil)
	old, _ := a.issue("old", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	named, _ := a.issue("named", func(c *x509.Certificate) { c.DNSNames = []string{"stranger.example\nlevel=ERROR"} })
	_, client := a.issue("client", nil)
	_, imposter := stranger.issue("client", nil)
	authorities := x509.NewCertPool()
	authorities.AddCert(a.cert)
	mutual := func(c *tls.Config) { c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, authorities }
	ca := func(r *Route, _ *Env) { r.CA = filepath.Join(a.dir, "authority.pem") }
	pin := func(c *x509.Certificate) func(*Route, *Env) { return func(r *Route, _ *Env) { r.Pin = pinOf(c) } }
	cert := func(path string) func(*Route, *Env) {
		return func(r *Route, _ *Env) { r.Cert, r.Key = path+".pem", secretFile(t, path+".key") }
	}
	clock := func(_ *Route, e *Env) { e.Now = func() time.Time { return time.Now().Add(-24 * time.Hour) } }
	tests := []struct {
		name   string
		server tls.Certificate
		config func(*tls.Config)
		route  []func(*Route, *Env)
		ok     bool
	}{
		{"its authority", good, nil, []func(*Route, *Env){ca}, true},
		{"an authority nobody named", good, nil, nil, false},
		{"another authority", foreign, nil, []func(*Route, *Env){ca}, false},
		{"expired", old, nil, []func(*Route, *Env){ca}, false},
		{"another name", named, nil, []func(*Route, *Env){ca}, false},
		{"not yet valid by the object's clock", good, nil, []func(*Route, *Env){ca, clock}, false},
		{"pinned", good, nil, []func(*Route, *Env){ca, pin(good.Leaf)}, true},
		{"another key than the pinned", same, nil, []func(*Route, *Env){ca, pin(good.Leaf)}, false},
		{"pinned, but nobody vouches", foreign, nil, []func(*Route, *Env){ca, pin(foreign.Leaf)}, false},
		{"mutual", good, mutual, []func(*Route, *Env){ca, cert(client)}, true},
		{"mutual, without a certificate", good, mutual, []func(*Route, *Env){ca}, false},
		{"mutual, with a stranger's", good, mutual, []func(*Route, *Env){ca, cert(imposter)}, false},
		{"TLS 1.2", good, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, []func(*Route, *Env){ca}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url, got := a.serve(tt.server, tt.config)
			l := open(t, url, tt.route...)
			err := l.Send(t.Context(), name, loaded)
			silent(t, err)
			if (err == nil) != tt.ok || (*got > 0) != tt.ok {
				t.Fatalf("%v, and the server got %d requests", err, *got)
			}
			if !tt.ok && (Judge(err) != Retry || errors.Is(err, ErrNoProof)) {
				t.Errorf("%v", err)
			}
			if tt.ok {
				l.Close()
				must(t, l.Send(t.Context(), name, loaded)) // a second connection: sessions are not resumed
			}
		})
	}
}

// Over https nothing is said to a server that speaks no TLS.
func TestHTTPSToAServerWithoutTLS(t *testing.T) {
	loaded, _ := upload(t)
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request in clear") }))
	defer srv.Close()
	err := open(t, strings.Replace(srv.URL, "http:", "https:", 1)).Send(t.Context(), name, loaded)
	silent(t, err)
	if err == nil || Left(err) {
		t.Errorf("%v, left %t", err, Left(err))
	}
}

// What a clock that nothing has set is forgiven: the dates of a pinned key, and nothing else.
func TestAClockThatNobodySet(t *testing.T) {
	loaded, _ := upload(t)
	a, stranger := newAuthority(t), newAuthority(t)
	good, _ := a.issue("server", nil)
	foreign, _ := stranger.issue("server", nil)
	named, _ := a.issue("named", func(c *x509.Certificate) { c.DNSNames = []string{"stranger.example"} })
	for _, tt := range []struct {
		name    string
		server  tls.Certificate
		by      time.Duration
		trusted bool
		pin     string
		want    string // "": it gets through
	}{
		{"1970, pinned", good, -56 * 365 * 24 * time.Hour, false, pinOf(good.Leaf), ""},
		{"ten years ahead, pinned", good, 10 * 365 * 24 * time.Hour, false, pinOf(good.Leaf), ""},
		{"pinned with a spare", good, 10 * 365 * 24 * time.Hour, false, pinOf(foreign.Leaf) + " " + pinOf(good.Leaf), ""},
		{"1970, not pinned", good, -56 * 365 * 24 * time.Hour, false, "", "it may be the clock"},
		{"ahead and trusted, pinned", good, 10 * 365 * 24 * time.Hour, true, pinOf(good.Leaf), "not valid today by this object's clock"},
		{"another name, pinned", named, -24 * time.Hour, false, pinOf(named.Leaf), "stranger.example"},
		{"nobody vouches, pinned", foreign, -24 * time.Hour, false, pinOf(foreign.Leaf), "unknown authority"},
		{"another key", good, -24 * time.Hour, false, pinOf(foreign.Leaf), "not the pinned one"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			url, _ := a.serve(tt.server, nil)
			l := open(t, url, func(r *Route, e *Env) {
				r.CA, r.Pin = filepath.Join(a.dir, "authority.pem"), tt.pin
				e.Now = func() time.Time { return time.Now().Add(tt.by) }
				e.Trusted = func() bool { return tt.trusted }
			})
			err := l.Send(t.Context(), name, loaded)
			silent(t, err)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want a word about %q", err, tt.want)
			}
		})
	}
}

// A certificate, an authority and a token that were renewed on disk are used without a restart.
func TestRenewal(t *testing.T) {
	loaded, _ := upload(t)
	a, later := newAuthority(t), newAuthority(t)
	good, _ := a.issue("server", nil)
	_, client := a.issue("client", nil)
	_, renewed := later.issue("client", nil)
	authorities := x509.NewCertPool()
	authorities.AddCert(later.cert)
	url, got := a.serve(good, func(c *tls.Config) { c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, authorities })
	ca := filepath.Join(t.TempDir(), "ca.pem")
	copyFile := func(from, to string) {
		t.Helper()
		b, err := os.ReadFile(from)
		must(t, err)
		must(t, os.WriteFile(to, b, 0o600))
	}
	copyFile(filepath.Join(later.dir, "authority.pem"), ca)
	l := open(t, url, func(r *Route, _ *Env) { r.CA, r.Cert, r.Key = ca, client+".pem", secretFile(t, client+".key") })
	if err := l.Send(t.Context(), name, loaded); err == nil {
		t.Fatal("a server that nobody vouches for was believed")
	}
	copyFile(filepath.Join(a.dir, "authority.pem"), ca)
	if err := l.Send(t.Context(), name, loaded); err == nil || *got != 0 {
		t.Fatal("the old certificate was taken")
	}
	copyFile(renewed+".pem", client+".pem")
	must(t, os.WriteFile(client+".key", []byte("half written"), 0o600)) // in the middle of a renewal the old pair stays
	if err := l.Send(t.Context(), name, loaded); err == nil {
		t.Fatal("half a pair was used")
	}
	copyFile(renewed+".key", client+".key")
	must(t, l.Send(t.Context(), name, loaded))
}
