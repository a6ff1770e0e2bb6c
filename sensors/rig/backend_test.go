//go:build hardwaresim

package rig_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// backend is the real candor-receiver, and TLS in front of it with an authority of the test's own. The guest sees it at
// 10.0.2.2, which is this machine's loopback.
type backend struct {
	t    *testing.T
	dir  string // what the receiver keeps
	ca   string // file, PEM
	port string
}

func newBackend(t *testing.T) *backend {
	t.Helper()
	b := &backend{t: t, dir: filepath.Join(t.TempDir(), "out")}
	cmd := exec.Command(bin.receiver, "-listen", "127.0.0.1:0", "-dir", b.dir)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	in := bufio.NewReader(stderr)
	var at string
	for at == "" {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatalf("the receiver did not start: %s %v", line, err)
		}
		if _, rest, ok := strings.Cut(line, "listening on "); ok {
			at = strings.FieldsFunc(rest, func(r rune) bool { return r == '\n' || r == ' ' || r == '"' })[0]
		}
	}
	go func() { _, _ = io.Copy(io.Discard, in) }() // a full pipe would stop it; ends with the receiver
	b.front(at)
	return b
}

// front puts TLS before the receiver.
func (b *backend) front(at string) {
	b.t.Helper()
	target, err := url.Parse(at)
	if err != nil {
		b.t.Fatal(err)
	}
	cert, ca := certificate(b.t)
	b.ca = filepath.Join(filepath.Dir(b.dir), "ca.pem")
	write(b.t, b.ca, string(ca))
	srv := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(target))
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13}
	srv.StartTLS()
	b.t.Cleanup(srv.Close)
	_, b.port, _ = net.SplitHostPort(srv.Listener.Addr().String())
}

// certificate makes an authority and a certificate for the host as the guest sees it.
func certificate(t *testing.T) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rig"}, NotBefore: time.Now().Add(-24 * time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true, IsCA: true,
		IPAddresses: []net.IP{net.IPv4(10, 0, 2, 2)},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// row is a line of the receiver's files.
type row struct {
	Stream string             `json:"stream"`
	Epoch  uint64             `json:"epoch"`
	Seq    uint64             `json:"seq"`
	Row    int                `json:"row"`
	Time   time.Time          `json:"time"`
	Values map[string]float64 `json:"values"`
}

// rows are what the receiver has of a purpose; none when it never heard of it. A last line that is being written is left out.
func (b *backend) rows(purpose string) []row {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, purpose+".jsonl"))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		b.t.Fatal(err)
	}
	var out []row
	for l := range bytes.Lines(text) {
		var r row
		if !bytes.HasSuffix(l, []byte("\n")) {
			break
		}
		if err := json.Unmarshal(l, &r); err != nil {
			b.t.Fatalf("%s: %v", purpose, err)
		}
		out = append(out, r)
	}
	return out
}

// once wants every row at most once, and all rows that the agent's ledger says were accepted.
func (b *backend) once(purpose, sent string) int {
	b.t.Helper()
	type batch struct {
		Stream string `json:"stream"`
		Epoch  uint64 `json:"epoch"`
		Seq    uint64 `json:"seq"`
	}
	has := map[batch]map[int]bool{}
	all := b.rows(purpose)
	for _, r := range all {
		k := batch{r.Stream, r.Epoch, r.Seq}
		if has[k] == nil {
			has[k] = map[int]bool{}
		}
		if has[k][r.Row] {
			b.t.Errorf("%s: batch %d has row %d twice", purpose, r.Seq, r.Row)
		}
		has[k][r.Row] = true
	}
	var ledger []struct {
		batch
		Purpose string `json:"purpose"`
		Rows    int    `json:"rows"`
		Result  string `json:"result"`
	}
	if err := json.Unmarshal([]byte(sent), &ledger); err != nil {
		b.t.Fatalf("candor sent: %v\n%s", err, sent)
	}
	for _, l := range ledger {
		if l.Purpose == purpose && l.Result == "accepted" && len(has[l.batch]) != l.Rows {
			b.t.Errorf("%s: the agent says that %d rows of batch %d were accepted, the receiver has %d", purpose, l.Rows, l.Seq, len(has[l.batch]))
		}
	}
	return len(all)
}

// object writes a configuration with these sensors and a policy with one purpose over these fields, and returns the files
// for the guest.
func (b *backend) object(t *testing.T, dir, sensors string, flush time.Duration, fields ...string) map[string]string {
	t.Helper()
	toml := fmt.Sprintf(`[device]
state = "/data/state"
language = "en"
[buffer]
flush = "%v"
[policy]
file = "policy.toml"
[[route]]
recipient = "acme"
url = "https://10.0.2.2:%s"
ca = "ca.pem"
timeout = "20s"
`, flush, b.port) + sensors
	policy := `version = 1
[controller]
name = "Acme"
country = "FR"
[[recipient]]
id = "acme"
name = "Acme"
country = "FR"
role = "controller"
[[purpose]]
id = "all"
title = { fr = "banc d'essai", en = "the rig" }
access = "consent"
basis = "consent"
recipient = "acme"
retention = "30d"
time = "1s"
`
	for _, f := range fields {
		policy += fmt.Sprintf("[[purpose.rule]]\nfield = %q\naction = \"keep\"\n", f)
	}
	files := map[string]string{"candor.toml": filepath.Join(dir, "candor.toml"), "policy.toml": filepath.Join(dir, "policy.toml"), "ca.pem": b.ca}
	write(t, files["candor.toml"], toml)
	write(t, files["policy.toml"], policy)
	return files
}
