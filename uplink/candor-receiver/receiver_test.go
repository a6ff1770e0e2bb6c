package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/candor-edge/candor/uplink/receive"
	"github.com/candor-edge/candor/uplink/wire"
)

// asProgram makes the test binary the receiver itself, to be killed.
const asProgram = "CANDOR_RECEIVER_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var listening = regexp.MustCompile(`^listening on (https?://\S+)$`)

// program is a receiver in a process of its own.
type program struct {
	cmd *exec.Cmd
	url string
	log *lockedBuffer
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) add(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.buf.WriteString(line + "\n")
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func start(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{cmd: exec.Command(os.Args[0], args...), log: new(lockedBuffer)}
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	out, err := p.cmd.StderrPipe()
	must(t, err)
	must(t, p.cmd.Start())
	t.Cleanup(func() { p.cmd.Process.Kill(); p.cmd.Wait() })
	url := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			p.log.add(lines.Text())
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				url <- m[1]
			}
		}
	}()
	select {
	case p.url = <-url:
	case <-time.After(time.Minute):
		t.Fatalf("it did not start: %s", p.log)
	}
	return p
}

// object sends batches of one stream.
type object struct {
	key    ed25519.PrivateKey
	a      wire.Announcement
	signed []byte
	digest [16]byte
	enc    wire.Encoder
}

func newObject(t testing.TB, n byte) *object {
	o := &object{key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32))}
	o.a = wire.Announcement{
		Stream: wire.StreamID{n}, Epoch: 1, Key: o.key.Public().(ed25519.PublicKey), Purpose: "service", Recipient: "acme", Tick: 1_000_000,
		Groups: []wire.Group{{Source: "room", Fields: []wire.FieldSpec{{Name: "room.temperature", Unit: "Cel", Scale: 2, Step: 1, Max: 10000}}}},
		Access: wire.GroundConsent, Basis: wire.GroundConsent, RetentionDays: 10, Receipt: wire.Receipt{Language: "en"},
	}
	payload, err := wire.AppendAnnouncement(nil, &o.a)
	must(t, err)
	o.digest = wire.AnnouncementDigest(payload)
	o.signed = wire.AppendSigned(nil, wire.SignWith(o.key), wire.KindAnnouncement, payload)
	return o
}

func (o *object) batch(t testing.TB, seq uint64, rows int) []byte {
	g := wire.Rows{Columns: make([]wire.Column, 1)}
	for r := range rows {
		g.Time = append(g.Time, int64(1423137600+r))
		g.Columns[0].Nums = append(g.Columns[0].Nums, int64((seq+uint64(r))%10000))
	}
	payload, err := o.enc.AppendBatch(nil, &wire.Batch{Announcement: o.digest, Seq: seq, DeleteBy: 16480, Groups: []wire.Rows{g}}, 0)
	must(t, err)
	return wire.AppendSigned(nil, wire.SignWith(o.key), wire.KindBatch, payload)
}

// deliver posts a message and says whether it was acknowledged, as an object
// would judge it: by the digest in the answer.
func deliver(client *http.Client, url string, header http.Header, body []byte) (int, bool) {
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, false
	}
	r.Header = header.Clone()
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	if r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", receive.TypeSigned)
	}
	resp, err := client.Do(r)
	if err != nil {
		return 0, false
	}
	defer resp.Body.Close()
	var answer struct{ Accepted struct{ Digest string } }
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&answer); err != nil {
		return resp.StatusCode, false
	}
	return resp.StatusCode, answer.Accepted.Digest != ""
}

// Killed in the middle of a load, again and again: nothing acknowledged is
// missing, nothing is there twice.
func TestKilledUnderLoad(t *testing.T) {
	const streams, batches, rows = 3, 200, 20
	dir := t.TempDir()
	objects := make([]*object, streams)
	acked := make([][]bool, streams)
	bodies := make([][][]byte, streams)
	for i := range objects {
		objects[i] = newObject(t, byte(i+1))
		acked[i] = make([]bool, batches+1)
		bodies[i] = make([][]byte, batches+1)
		for seq := 1; seq <= batches; seq++ {
			bodies[i][seq] = objects[i].batch(t, uint64(seq), rows)
		}
	}
	kills, left := 0, streams*batches
	for round := 0; left > 0; round++ {
		if round > 50 {
			t.Fatalf("%d batches are left after %d rounds", left, round)
		}
		p := start(t, "-listen", "127.0.0.1:0", "-dir", dir)
		client := &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}
		var all sync.WaitGroup
		for i, o := range objects {
			all.Go(func() {
				if code, ok := deliver(client, p.url+"/announcements", nil, o.signed); !ok {
					if code != 0 {
						t.Error("announcement:", code)
					}
					return
				}
				for seq := 1; seq <= batches; seq++ {
					// Now and then one that was acknowledged comes again.
					if acked[i][seq] && seq%7 != 0 {
						continue
					}
					code, ok := deliver(client, p.url+"/v1/batches", nil, bodies[i][seq])
					if code == 0 {
						return // killed
					}
					if code != 202 || !ok {
						t.Errorf("batch %d: %d", seq, code)
						return
					}
					acked[i][seq] = true
				}
			})
		}
		if round < 4 {
			time.Sleep(time.Duration(20+30*round) * time.Millisecond)
			must(t, p.cmd.Process.Signal(syscall.SIGKILL))
			kills++
		}
		all.Wait()
		client.CloseIdleConnections()
		p.cmd.Process.Kill()
		p.cmd.Wait()
		left = 0
		for i := range acked {
			for _, ok := range acked[i][1:] {
				if !ok {
					left++
				}
			}
		}
		checkRows(t, dir, objects, acked, rows, left == 0)
	}
	t.Logf("killed %d times", kills)
}

// checkRows opens the directory as the next start does and counts its rows.
func checkRows(t *testing.T, dir string, objects []*object, acked [][]bool, rows int, exact bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := run(ctx, []string{"-listen", "127.0.0.1:0", "-dir", dir}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "service.jsonl"))
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	must(t, err)
	defer f.Close()
	count := map[string]int{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var row struct {
			Stream   string
			Seq, Row int
		}
		must(t, json.Unmarshal(lines.Bytes(), &row))
		count[fmt.Sprint(row.Stream, row.Seq, row.Row)]++
	}
	total := 0
	for i, o := range objects {
		for seq, ok := range acked[i] {
			for r := range rows {
				n := count[fmt.Sprint(hex.EncodeToString(o.a.Stream[:]), seq, r)]
				if ok && n != 1 || n > 1 {
					t.Fatalf("stream %d batch %d row %d is there %d times, acknowledged: %v", i, seq, r, n, ok)
				}
				total += n
			}
		}
	}
	if total != len(count) || exact && total != len(objects)*(len(acked[0])-1)*rows {
		t.Fatalf("%d rows, %d of them expected", len(count), total)
	}
}

// A signal lets what is in progress finish, and the program ends well.
func TestSignalDrains(t *testing.T) {
	dir := t.TempDir()
	p := start(t, "-listen", "127.0.0.1:0", "-dir", dir)
	o := newObject(t, 1)
	client := &http.Client{Transport: &http.Transport{}}
	if code, ok := deliver(client, p.url+"/announcements", nil, o.signed); !ok {
		t.Fatal(code)
	}
	body := o.batch(t, 1, 5)
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	must(t, err)
	defer conn.Close()
	fmt.Fprintf(conn, "POST /batches HTTP/1.1\r\nHost: x\r\nContent-Type: application/cose\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(body))
	from := bufio.NewReader(conn)
	for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n"} { // the body is being read: the request is in progress
		if line, err := from.ReadString('\n'); line != want {
			t.Fatalf("%q %v", line, err)
		}
	}
	conn.Write(body[:50])
	must(t, p.cmd.Process.Signal(syscall.SIGTERM))
	time.Sleep(100 * time.Millisecond)
	conn.Write(body[50:])
	answer, _ := io.ReadAll(from)
	if !strings.HasPrefix(string(answer), "HTTP/1.1 202") {
		t.Errorf("the request in progress got %.80q", answer)
	}
	client.CloseIdleConnections()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("ended with %v: %s", err, p.log)
	}
}

func TestWrongUse(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no directory":      {[]string{"-listen", "127.0.0.1:0"}, "-dir is needed"},
		"open to all":       {[]string{"-listen", ":8080", "-dir", "x"}, "-plain"},
		"open to the LAN":   {[]string{"-listen", "192.0.2.1:80", "-dir", "x"}, "-plain"},
		"no port":           {[]string{"-listen", "localhost", "-dir", "x"}, "HOST:PORT"},
		"cert without key":  {[]string{"-cert", "a", "-dir", "x"}, "together"},
		"CA without cert":   {[]string{"-client-ca", "a", "-dir", "x"}, "-client-ca"},
		"plain with cert":   {[]string{"-plain", "-cert", "a", "-key", "b", "-dir", "x"}, "contradict"},
		"unknown flag":      {[]string{"-nonsense"}, "nonsense"},
		"an argument":       {[]string{"-dir", "x", "more"}, `"more"`},
		"no uploads":        {[]string{"-dir", "x", "-uploads", "0"}, "-uploads"},
		"keygen, no file":   {[]string{"keygen"}, "one file"},
		"keygen, bad suite": {[]string{"keygen", "-suite", "rot13", "f"}, "x25519"},
	} {
		t.Run(name, func(t *testing.T) {
			err := run(context.Background(), c.args, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.want) || exitCode(err) != 2 {
				t.Errorf("%v, exit code %d", err, exitCode(err))
			}
		})
	}
}

func TestFilesThatDoNotRead(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad")
	must(t, os.WriteFile(bad, []byte("Zm9vYmFy-secret\x00 and more\n"), 0o600))
	for _, flag := range []string{"-token", "-hpke", "-answer-key"} {
		for _, file := range []string{bad, filepath.Join(dir, "missing")} {
			err := run(context.Background(), []string{"-listen", "127.0.0.1:0", "-dir", dir, flag, file}, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), flag) || strings.Contains(err.Error(), "Zm9v") || exitCode(err) != 1 {
				t.Errorf("%s %s: %v", flag, file, err)
			}
		}
	}
	if err := run(context.Background(), []string{"-h"}, io.Discard, io.Discard); err != nil {
		t.Error("-h:", err)
	}
}

// keygen's file opens what is sealed to what it prints, and is not replaced.
func TestKeygenAndSealed(t *testing.T) {
	for _, suite := range []string{"x25519", "mlkem768x25519"} {
		dir := t.TempDir()
		file := filepath.Join(dir, "acme.hpke")
		var out bytes.Buffer
		must(t, run(context.Background(), []string{"keygen", "-suite", suite, file}, &out, io.Discard))
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Fatal(info, err)
		}
		if err := run(context.Background(), []string{"keygen", file}, io.Discard, io.Discard); !errors.Is(err, os.ErrExist) {
			t.Fatal("the key was replaced:", err)
		}
		key, err := wire.ParseSealKey(out.String())
		must(t, err)
		answerKey := filepath.Join(dir, "answer")
		must(t, os.WriteFile(answerKey, []byte(answerWord+"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"), 0o600))
		p := start(t, "-listen", "127.0.0.1:0", "-dir", filepath.Join(dir, "d"), "-hpke", file, "-answer-key", answerKey)
		o := newObject(t, 1)
		sealed, err := wire.Seal(key, receive.SealInfo(wire.KindAnnouncement), nil, o.signed)
		must(t, err)
		if code, ok := deliver(http.DefaultClient, p.url+"/announcements", http.Header{"Content-Type": {receive.TypeSealed}}, sealed); !ok {
			t.Errorf("%s: %d", suite, code)
		}
		// The next key goes before it in the file, and both open.
		next := filepath.Join(dir, "next.hpke")
		must(t, run(context.Background(), []string{"keygen", next}, io.Discard, io.Discard))
		older, err := os.ReadFile(file)
		must(t, err)
		newer, err := os.ReadFile(next)
		must(t, err)
		both, err := parseOpenKeys("# since March\n" + string(newer) + "\n" + string(older))
		if err != nil || len(both) != 2 || both[1].Public().String() != key.String() {
			t.Error(len(both), err)
		}
		if _, err := parseOpenKeys(string(newer) + "geheim"); err == nil || strings.Contains(err.Error(), "geheim") || !strings.Contains(err.Error(), "line 2") {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
		if log := p.log.String(); !strings.Contains(log, answerPublicWord) || strings.Contains(log, "AAAAAAAAAAAAA") {
			t.Errorf("log: %s", log)
		}
	}
}

// certificate makes a certificate and writes it with its key; without a parent
// it is an authority.
func certificate(t *testing.T, dir, name string, parent *tls.Certificate) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	spec := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: parent == nil,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	signer, by := spec, any(key)
	if parent != nil {
		signer, by = parent.Leaf, parent.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, spec, signer, &key.PublicKey, by)
	must(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	must(t, os.WriteFile(filepath.Join(dir, name+".pem"), certPEM, 0o600))
	must(t, os.WriteFile(filepath.Join(dir, name+".key"), keyPEM, 0o600))
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	must(t, err)
	return &pair
}

// Over mutual TLS only those get in whose certificate the authority signed,
// with TLS 1.3, and the token is asked for besides.
func TestMutualTLSAndToken(t *testing.T) {
	dir := t.TempDir()
	ca, stranger := certificate(t, dir, "ca", nil), certificate(t, dir, "stranger-ca", nil)
	certificate(t, dir, "server", ca)
	mine, theirs := certificate(t, dir, "client", ca), certificate(t, dir, "stranger", stranger)
	token := filepath.Join(dir, "tokens")
	must(t, os.WriteFile(token, []byte("0123456789abcdef0123\n"), 0o600))
	p := start(t, "-listen", "127.0.0.1:0", "-dir", filepath.Join(dir, "d"), "-token", token,
		"-cert", filepath.Join(dir, "server.pem"), "-key", filepath.Join(dir, "server.key"), "-client-ca", filepath.Join(dir, "ca.pem"))
	if !strings.HasPrefix(p.url, "https://") {
		t.Fatal(p.url)
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.Leaf)
	client := func(max uint16, certs ...tls.Certificate) *http.Client {
		c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: certs, MaxVersion: max}}}
		t.Cleanup(c.CloseIdleConnections)
		return c
	}
	o := newObject(t, 1)
	auth := http.Header{"Authorization": {"Bearer 0123456789abcdef0123"}}
	for name, c := range map[string]*http.Client{"no certificate": client(0), "a stranger's": client(0, *theirs), "TLS 1.2": client(tls.VersionTLS12, *mine)} {
		if code, _ := deliver(c, p.url+"/announcements", auth, o.signed); code != 0 {
			t.Errorf("%s: got in with %d", name, code)
		}
	}
	if code, _ := deliver(client(0, *mine), p.url+"/announcements", nil, o.signed); code != 401 {
		t.Errorf("without the token: %d", code)
	}
	if code, ok := deliver(client(0, *mine), p.url+"/announcements", auth, o.signed); !ok {
		t.Errorf("with both: %d", code)
	}
}
