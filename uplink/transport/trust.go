package transport

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/candor-edge/candor/tinyconf"
)

// trust says whom a route believes over TLS, and as whom it comes. Files are read again at every handshake, so a renewed
// certificate, or another authority, needs no restart; a file that can't be read leaves what was read last.
type trust struct {
	route   Route
	env     Env
	host    string
	pins    [][sha256.Size]byte
	mu      sync.Mutex
	roots   *x509.CertPool // nil: the system's
	present *tls.Certificate
}

// newTrust reads the files of a route once, so that faults show at the start.
func newTrust(r *Route, env Env, host string) (*trust, error) {
	t := &trust{route: *r, env: env, host: host}
	if r.Pin != "" {
		var err error
		if t.pins, err = parsePins(r.Pin); err != nil {
			return nil, fmt.Errorf("route to %s: pin: %w", r.Recipient, err)
		}
	}
	if err := t.readRoots(); err != nil {
		return nil, fmt.Errorf("route to %s: ca: %w", r.Recipient, err)
	}
	if err := t.readPair(); err != nil {
		return nil, fmt.Errorf("route to %s: %w", r.Recipient, err)
	}
	return t, nil
}

// config is version 1.3 and nothing older. The chain is verified in verify, not by the library: only there can a clock that
// nobody vouches for be told from a certificate that is over.
func (t *trust) config() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		ServerName:         t.host,
		InsecureSkipVerify: true, // verify does it, for every connection: see there
		VerifyConnection:   t.verify,
		Time:               t.env.Now,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return t.pair(), nil
		},
	}
}

func (t *trust) readRoots() error {
	if t.route.CA == "" {
		return nil
	}
	pem, err := readFile(t.env.Secrets, t.route.CA)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return fmt.Errorf("%s holds no certificate in PEM form", t.route.CA)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.roots = pool
	return nil
}

func (t *trust) readPair() error {
	if t.route.Cert == "" {
		return nil
	}
	pem, err := readFile(t.env.Secrets, t.route.Cert)
	if err != nil {
		return fmt.Errorf("cert: %w", err)
	}
	key, err := t.route.Key.Read(t.env.Secrets)
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	pair, err := tls.X509KeyPair(pem, key)
	clear(key)
	if err != nil {
		return errors.New("cert and key don't fit together")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.present = &pair
	return nil
}

// pair is what the object shows: the newest that could be read. One whose time is over is shown all the same: whether it
// still counts after months off line is the recipient's to say.
func (t *trust) pair() *tls.Certificate {
	_ = t.readPair()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.present == nil {
		return &tls.Certificate{} // the route has none to show
	}
	return t.present
}

// verify decides about a server. Its chain must lead to one of the authorities and name the host, whatever the clock; a pin
// is checked beside that, never in its place. Dates are held against the clock, but for one case: the clock is not
// trusted and the key is pinned. Then an expired certificate is more likely a wrong clock, and the key is the right one.
func (t *trust) verify(s tls.ConnectionState) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the server shows no certificate")
	}
	_ = t.readRoots()
	t.mu.Lock()
	o := x509.VerifyOptions{Roots: t.roots, DNSName: t.host, Intermediates: x509.NewCertPool(), CurrentTime: t.env.Now()}
	t.mu.Unlock()
	leaf := s.PeerCertificates[0]
	for _, c := range s.PeerCertificates[1:] {
		o.Intermediates.AddCert(c)
	}
	pinned := slices.Contains(t.pins, sha256.Sum256(leaf.RawSubjectPublicKeyInfo))
	if len(t.pins) > 0 && !pinned {
		return errPin
	}
	_, err := leaf.Verify(o)
	var invalid x509.CertificateInvalidError
	if err == nil || !errors.As(err, &invalid) || invalid.Reason != x509.Expired || t.env.Trusted() {
		return t.explain(err)
	}
	if !pinned {
		return t.explain(err)
	}
	for _, c := range s.PeerCertificates { // a moment at which all of them were valid
		if at := c.NotBefore.Add(time.Second); at.After(o.CurrentTime) || c == leaf {
			o.CurrentTime = at
		}
	}
	_, err = leaf.Verify(o)
	return t.explain(err)
}

// explain says of an error about dates that it may be the clock.
func (t *trust) explain(err error) error {
	var invalid x509.CertificateInvalidError
	if err == nil || !errors.As(err, &invalid) || invalid.Reason != x509.Expired {
		return err
	}
	if t.env.Trusted() {
		return fmt.Errorf("the certificate of %s is not valid today by this object's clock: %w", t.host, err)
	}
	return fmt.Errorf("the certificate of %s is not valid by this object's clock, which nothing has set since it started: it may be the clock (it says %s); %w",
		t.host, t.env.Now().UTC().Format("2006-01-02 15:04"), err)
}

// parsePins reads pins, one or more with blanks or commas between them: a second one lets the server change its key while
// the object is off line.
func parsePins(text string) ([][sha256.Size]byte, error) {
	var out [][sha256.Size]byte
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' }) {
		pin, err := parsePin(word)
		if err != nil {
			return nil, err
		}
		out = append(out, pin)
	}
	if len(out) == 0 {
		return nil, errNoPin
	}
	return out, nil
}

var errPin = errors.New("the server's key is not the pinned one")

var errNoPin = errors.New(`is no pin; use "sha256:" and 64 hex digits, the SHA-256 of the server's public key`)

func parsePin(text string) ([sha256.Size]byte, error) {
	var pin [sha256.Size]byte
	digits, ok := strings.CutPrefix(text, "sha256:")
	raw, err := hex.DecodeString(strings.ReplaceAll(digits, ":", ""))
	if !ok || err != nil || len(raw) != len(pin) {
		return pin, errNoPin
	}
	copy(pin[:], raw)
	return pin, nil
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
