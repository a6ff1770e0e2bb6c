package transport

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/candor-edge/candor/tinyconf"
)

// Route is one [[route]] table of candor.toml: how to reach a recipient that the policy names.
type Route struct {
	Recipient string            `toml:"recipient" conf:"required"`
	URL       string            `toml:"url" conf:"required"` // https://host/path, or http:// to this machine
	Auth      tinyconf.Secret   `toml:"auth"`                // bearer token
	Fleet     bool              `toml:"fleet"`               // many objects have the same token, so that it names none of them
	CA        string            `toml:"ca"`                  // PEM file of the authorities to trust instead of the system's
	Pin       string            `toml:"pin"`                 // "sha256:HEX" of the server's public key (SubjectPublicKeyInfo)
	Cert      string            `toml:"cert"`                // PEM file of the client certificate (mutual TLS)
	Key       tinyconf.Secret   `toml:"key"`                 // its private key
	Timeout   tinyconf.Duration `toml:"timeout"`             // for one request; default 30s
}

const defaultTimeout = tinyconf.Duration(30 * time.Second)

// Defaults implements tinyconf.Defaulter.
func (r *Route) Defaults() { r.Timeout = defaultTimeout }

// Check implements tinyconf.Checker.
func (r *Route) Check(ctx *tinyconf.Context) {
	if r.URL != "" {
		if _, err := parseURL(r.URL); err != nil {
			ctx.Fault("url", "%v", err)
		}
	}
	if r.Pin != "" {
		if _, err := parsePin(r.Pin); err != nil {
			ctx.Fault("pin", "%v", err)
		}
	}
	if (r.Cert != "") != r.Key.IsSet() {
		ctx.Fault("cert", "a client certificate needs both cert and key")
	}
	if r.Fleet && !r.Auth.IsSet() {
		ctx.Fault("fleet", "says whose token auth is, and there is no auth")
	}
	if u, err := parseURL(r.URL); err == nil && u.Scheme == "http" && (r.CA != "" || r.Pin != "" || r.Cert != "") {
		ctx.Fault("url", "ca, pin and cert are for https, and this is http")
	}
}

// parseURL accepts https to anywhere and http to this machine, without user, query or fragment.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("is no URL; use https://host/path")
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("does not begin with https://; use https://host/path")
	case u.Hostname() == "":
		return nil, errors.New("names no host; use https://host/path")
	case u.User != nil:
		return nil, errors.New("carries a user; credentials go into auth")
	case strings.ContainsAny(text, "?#"):
		return nil, errors.New("carries a query or fragment; use https://host/path")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("http is for this machine only (127.0.0.1, ::1, localhost); use https to reach %s", u.Hostname())
	}
	u.RawPath = strings.TrimRight(u.EscapedPath(), "/")
	if u.Path, err = url.PathUnescape(u.RawPath); err != nil {
		return nil, errors.New("is no URL; use https://host/path")
	}
	return u, nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func parsePin(text string) ([sha256.Size]byte, error) {
	var pin [sha256.Size]byte
	digits, ok := strings.CutPrefix(text, "sha256:")
	raw, err := hex.DecodeString(strings.ReplaceAll(digits, ":", ""))
	if !ok || err != nil || len(raw) != len(pin) {
		return pin, errors.New(`is no pin; use "sha256:" and 64 hex digits, the SHA-256 of the server's public key`)
	}
	copy(pin[:], raw)
	return pin, nil
}

// tlsConfig makes the TLS side of a route: version 1.3 and nothing older, the route's own authorities where it names
// them, the pin checked beside the chain, never in its place.
func (r *Route) tlsConfig(env tinyconf.Env, now func() time.Time) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS13, Time: now}
	if r.CA != "" {
		pem, err := readFile(env, r.CA)
		if err != nil {
			return nil, fmt.Errorf("route to %s: ca: %w", r.Recipient, err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("route to %s: ca: %s holds no certificate in PEM form", r.Recipient, r.CA)
		}
	}
	if r.Cert != "" {
		pem, err := readFile(env, r.Cert)
		if err != nil {
			return nil, fmt.Errorf("route to %s: cert: %w", r.Recipient, err)
		}
		key, err := r.Key.Read(env)
		if err != nil {
			return nil, fmt.Errorf("route to %s: key: %w", r.Recipient, err)
		}
		pair, err := tls.X509KeyPair(pem, key)
		clear(key)
		if err != nil {
			return nil, fmt.Errorf("route to %s: cert and key don't fit together", r.Recipient)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	if r.Pin != "" {
		pin, err := parsePin(r.Pin)
		if err != nil {
			return nil, fmt.Errorf("route to %s: pin: %w", r.Recipient, err)
		}
		c.VerifyConnection = func(s tls.ConnectionState) error { return checkPin(pin, s) }
	}
	return c, nil
}

func checkPin(pin [sha256.Size]byte, s tls.ConnectionState) error {
	if len(s.PeerCertificates) > 0 && sha256.Sum256(s.PeerCertificates[0].RawSubjectPublicKeyInfo) == pin {
		return nil
	}
	return errors.New("the server's key is not the pinned one")
}

// readFile reads a PEM file, at most a megabyte of it.
func readFile(env tinyconf.Env, name string) ([]byte, error) {
	f, err := env.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, 1<<20))
}
