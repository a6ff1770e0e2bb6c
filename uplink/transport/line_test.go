package transport

import (
	"context"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/tinyconf"
	"github.com/candor-edge/candor/uplink/wire"
)

const (
	body  = "the signed bytes of an upload, with geheim-body in them"
	token = "geheim-token"
)

type testKeys struct{ aead cipher.AEAD }

func (k testKeys) Sealer(consent.GrantID, int64) (cipher.AEAD, error) { return k.aead, nil }
func (k testKeys) Opener(consent.GrantID, int64) (cipher.AEAD, bool)  { return k.aead, true }
func (k testKeys) Discard(consent.GrantID, int64) error               { return nil }

type noStreams struct{}

func (noStreams) Stream(*consent.Purpose, uint64) (uint32, error) { return 1, nil }

// upload gives an upload as the store hands it out, loaded and not.
func upload(t *testing.T) (loaded, bare store.Outgoing) {
	t.Helper()
	aead, err := chacha20poly1305.New(make([]byte, 32))
	must(t, err)
	s, err := store.Open(store.Options{Dir: t.TempDir(), Keys: testKeys{aead}, Streams: noStreams{}, Rand: rand.NewChaCha8([32]byte{}),
		Free: func(string) (int64, error) { return math.MaxInt64, nil }})
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	must(t, s.Enroll(1, 1, 1))
	out, err := s.Cut(1, 0, func(store.Lot) ([]store.Upload, []store.Row, error) {
		return []store.Upload{{Bytes: []byte(body), Rows: 3}}, nil, nil
	})
	must(t, err)
	return out[0], s.Outgoing(1)[0]
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// yes is the body of an acceptance.
func yes(stream wire.StreamID, seq uint64, of string) string {
	sum := sha256.Sum256([]byte(of))
	return fmt.Sprintf(`{"accepted":{"stream":%q,"seq":%d,"digest":%q}}`, stream, seq, hex.EncodeToString(sum[:16]))
}

var name = wire.StreamID{1, 2, 3}

// open makes a line to a URL.
func open(t *testing.T, url string, change ...func(*Route, *Env)) *Line {
	t.Helper()
	r := Route{Recipient: "acme", URL: url, Auth: tinyconf.Literal(token), Timeout: tinyconf.Duration(2 * time.Second)}
	e := Env{Secrets: tinyconf.SystemEnv()}
	for _, c := range change {
		c(&r, &e)
	}
	l, err := Open(r, e)
	must(t, err)
	t.Cleanup(l.Close)
	return l
}

// silent fails when an error tells what it must not.
func silent(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if text := err.Error(); strings.Contains(text, "geheim") || strings.Contains(text, hex.EncodeToString(name[:])) || strings.ContainsAny(text, "\n\r\x1b") || len(text) > 500 {
		t.Errorf("the error tells too much: %q", text)
	}
}

func TestWhatIsSent(t *testing.T) {
	loaded, bare := upload(t)
	var got *http.Request
	var read []byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		read, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, yes(name, loaded.Seq(), body))
	}))
	defer srv.Close()
	l := open(t, srv.URL+"/v1/")
	must(t, l.Send(t.Context(), name, loaded))
	if got.URL.Path != "/v1/batches" || got.Method != http.MethodPost || string(read) != body || got.ContentLength != int64(len(body)) {
		t.Errorf("%s %s with %q", got.Method, got.URL, read)
	}
	want := map[string]string{"Authorization": "Bearer " + token, "Content-Type": `application/cose; cose-type="cose-sign1"`, "User-Agent": "candor", "Content-Length": fmt.Sprint(len(body))}
	for k, v := range got.Header {
		if want[k] != v[0] {
			t.Errorf("header %s: %s", k, v)
		}
	}
	got = nil
	if err := l.Send(t.Context(), name, bare); err == nil || got != nil {
		t.Error("an upload that was not loaded was sent")
	}
	if err := l.Send(t.Context(), name, store.Outgoing{}); err == nil || got != nil {
		t.Error("no upload was sent")
	}
	if _, err := l.Control(t.Context(), Control{}); err == nil || got != nil {
		t.Error("a control message that is none was sent")
	}
}

func TestProof(t *testing.T) {
	loaded, _ := upload(t)
	good := yes(name, 1, body)
	tests := []struct {
		name   string
		status int
		body   string
		ok     bool
	}{
		{"202", 202, good, true},
		{"200", 200, good, true},
		{"more members", 202, strings.Replace(good, "{", `{"more":[1,2],`, 1), true},
		{"201", 201, good, false},
		{"204", 204, "", false},
		{"no body", 202, "", false},
		{"another stream", 202, yes(wire.StreamID{9}, 1, body), false},
		{"another number", 202, yes(name, 2, body), false},
		{"another digest", 202, yes(name, 1, "x"), false},
		{"empty object", 202, "{}", false},
		{"null", 202, "null", false},
		{"a portal", 200, "<html>Welcome! geheim</html>", false},
		{"cut", 202, good[:len(good)-3], false},
		{"trailing", 202, good + good, false},
		{"huge", 202, good[:len(good)-1] + strings.Repeat(" ", 1<<20) + "}", false},
		{"just too long", 202, good + strings.Repeat(" ", maxAnswer), false},
		{"an error with proof", 500, good, false},
		{"redirect with proof", 307, good, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}))
			defer srv.Close()
			err := open(t, srv.URL).Send(t.Context(), name, loaded)
			silent(t, err)
			if (err == nil) != tt.ok {
				t.Fatalf("%v", err)
			}
			var refusal *Refusal
			if !tt.ok && tt.status <= 202 && tt.status != 201 && !errors.Is(err, ErrNoProof) {
				t.Errorf("%v, want ErrNoProof", err)
			}
			if !tt.ok && tt.status > 202 && (!errors.As(err, &refusal) || refusal.Status != tt.status) {
				t.Errorf("%v, want a refusal", err)
			}
			if !tt.ok && (Judge(err) != Retry || !Left(err)) {
				t.Errorf("verdict %d, left %t", Judge(err), Left(err))
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	loaded, _ := upload(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(503)
		_, _ = io.WriteString(w, `{"error":{"code":"busy","text":"geheim text of a stranger"}}`)
	}))
	defer srv.Close()
	err := open(t, srv.URL).Send(t.Context(), name, loaded)
	silent(t, err)
	var r *Refusal
	if !errors.As(err, &r) || r.Status != 503 || r.Code != "busy" || r.RetryAfter != 7*time.Second || !strings.Contains(err.Error(), "acme") {
		t.Errorf("%v: %+v", err, r)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	loaded, _ := upload(t)
	var followed sync.Map
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Store("yes", true) }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, status) }))
		err := open(t, srv.URL).Send(t.Context(), name, loaded)
		if err == nil || Judge(err) != Retry {
			t.Errorf("%d: %v", status, err)
		}
		srv.Close()
	}
	if _, ok := followed.Load("yes"); ok {
		t.Error("an upload followed a redirect")
	}
}

// raw is a server that reads a request and answers with these bytes; nil: never.
func raw(t *testing.T, answer []byte) string { return rawTelling(t, answer, func() {}) }

// rawTelling is raw, and calls read each time something of a request has been read.
func rawTelling(t *testing.T, answer []byte, read func()) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				_ = c.SetDeadline(time.Now().Add(time.Minute))
				buf := make([]byte, 64<<10)
				_, _ = c.Read(buf)
				read()
				if answer == nil {
					_, _ = c.Read(buf)
					return
				}
				_, _ = c.Write(answer)
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

func TestErrorsAreForATechnician(t *testing.T) {
	loaded, _ := upload(t)
	tests := []struct {
		name   string
		answer string
		want   string
	}{
		{"no HTTP", "geheim garbage\r\n\r\n", "not HTTP"},
		{"bad status", "HTTP/1.1 geheim OK\r\n\r\n", "not HTTP"},
		{"bad header", "HTTP/1.1 200 OK\r\ngeheim\x1b[31m\r\n\r\n", "not HTTP"},
		{"bad length", "HTTP/1.1 200 OK\r\nContent-Length: geheim\r\n\r\n", ""},
		{"closed", "", "closed the connection"},
		{"cut body", "HTTP/1.1 202 Accepted\r\nContent-Length: 500\r\n\r\n" + yes(name, 1, body), "the answer was cut"},
		{"endless header", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("geheim", 1<<20) + "\r\n\r\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := open(t, raw(t, []byte(tt.answer))).Send(t.Context(), name, loaded)
			silent(t, err)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "recipient acme") || Judge(err) != Retry || !Left(err) {
				t.Errorf("%v, want a word about %q", err, tt.want)
			}
		})
	}
}

func TestTimeouts(t *testing.T) {
	loaded, _ := upload(t)
	short := func(r *Route, _ *Env) { r.Timeout = tinyconf.Duration(200 * time.Millisecond) }
	drip := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, " ")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(20 * time.Millisecond)
		}
	}))
	defer drip.Close()
	for what, url := range map[string]string{"silence": raw(t, nil), "a drip": drip.URL} {
		started := time.Now()
		err := open(t, url, short).Send(t.Context(), name, loaded)
		if took := time.Since(started); err == nil || took > 20*time.Second { // the server would hold on for longer
			t.Errorf("%s: %v after %v", what, err, took)
		}
		silent(t, err)
		if what == "silence" && !strings.Contains(err.Error(), "in time") {
			t.Error(err)
		}
	}
}

// A request ends when its context does, wherever it is, and says so as context.Canceled. It is cancelled when it is seen to be there,
// and not after a time in which a loaded machine may not have come so far.
func TestCancel(t *testing.T) {
	loaded, _ := upload(t)
	there := make(chan struct{}, 8)
	tell := func() { there <- struct{}{} }
	half := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(202)
		_, _ = io.WriteString(w, `{"accepted":`)
		_ = http.NewResponseController(w).Flush()
		tell()
		<-r.Context().Done()
	}))
	defer half.Close()
	dialing := func(_ *Route, e *Env) {
		e.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) { tell(); <-ctx.Done(); return nil, ctx.Err() }
	}
	tests := []struct {
		name string
		line *Line
		left bool
	}{
		{"while connecting", open(t, "https://acme.example", dialing), false},
		{"before the answer", open(t, rawTelling(t, nil, tell)), true},
		{"within the answer", open(t, half.URL), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			for len(there) > 0 { // of the one before
				<-there
			}
			cancelled := make(chan time.Time, 1)
			go func() {
				<-there
				time.Sleep(20 * time.Millisecond) // for the request to be done with its writing
				cancelled <- time.Now()
				cancel()
			}()
			err := tt.line.Send(ctx, name, loaded)
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if took := time.Since(<-cancelled); took > 10*time.Second { // a route gives up after 30 s
				t.Errorf("it ended %v after it was cancelled", took)
			}
			if Left(err) != tt.left {
				t.Errorf("something of it may have left: %t, want %t", Left(err), tt.left)
			}
		})
	}
}

func TestPlainHTTPStaysHere(t *testing.T) {
	loaded, _ := upload(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, yes(name, 1, body)) }))
	defer srv.Close()
	for _, tt := range []struct {
		ip   net.IP
		here bool
	}{{net.IPv4(127, 0, 0, 1), true}, {net.IPv6loopback, true}, {net.IPv4(192, 0, 2, 7), false}} {
		l := open(t, "http://localhost:8080", func(_ *Route, e *Env) {
			e.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
				c, err := (&net.Dialer{}).DialContext(ctx, network, strings.TrimPrefix(srv.URL, "http://"))
				return elsewhere{c, tt.ip}, err
			}
		})
		err := l.Send(t.Context(), name, loaded)
		if (err == nil) != tt.here || !tt.here && Left(err) {
			t.Errorf("localhost at %v: %v", tt.ip, err)
		}
	}
}

// elsewhere is a connection that says it ends at another address.
type elsewhere struct {
	net.Conn
	ip net.IP
}

func (e elsewhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: e.ip, Port: 8080} }

func signed(t *testing.T, kind wire.Kind, payload []byte, err error) []byte {
	t.Helper()
	must(t, err)
	return wire.AppendSigned(nil, wire.SignWith(ed25519.NewKeyFromSeed(make([]byte, 32))), kind, payload)
}

func TestControlMessages(t *testing.T) {
	deletion, err := wire.AppendDeletion(nil, &wire.Deletion{Stream: name, Epoch: 1})
	del := signed(t, wire.KindDeletion, deletion, err)
	a := &wire.Announcement{Stream: name, Key: make([]byte, 32), Purpose: "p", Recipient: "acme", Tick: 1, Access: wire.GroundConsent, Basis: wire.GroundConsent,
		Receipt: wire.Receipt{Language: "en"}, Groups: []wire.Group{{Source: "room", Fields: []wire.FieldSpec{{Name: "room.motion", Type: wire.Boolean}}}}}
	announcement, err := wire.AppendAnnouncement(nil, a)
	ann := signed(t, wire.KindAnnouncement, announcement, err)
	batch, err := (&wire.Encoder{}).AppendBatch(nil, &wire.Batch{Seq: 1, Groups: []wire.Rows{{Time: []int64{1}, Columns: []wire.Column{{Nums: []int64{1}}}}}}, 0)
	bat := signed(t, wire.KindBatch, batch, err)
	freshness, err := wire.AppendFreshness(nil, &wire.Freshness{Stream: name, Epoch: 1})
	fre := signed(t, wire.KindFreshness, freshness, err)
	tes := signed(t, wire.KindTest, wire.AppendTest(nil, &wire.Test{}), nil)
	kinds := []wire.Kind{wire.KindAnnouncement, wire.KindBatch, wire.KindDeletion, wire.KindFreshness, wire.KindTest, 0, 99}
	for what, bytes := range map[string][]byte{"announcement": ann, "deletion": del, "freshness": fre, "test": tes, "batch": bat, "garbage": []byte(body), "nothing": nil, "cut": ann[:len(ann)-1]} {
		for _, kind := range kinds {
			c, err := NewControl(kind, bytes)
			ok := kind == wire.KindAnnouncement && what == "announcement" || kind == wire.KindDeletion && what == "deletion" ||
				kind == wire.KindFreshness && what == "freshness" || kind == wire.KindTest && what == "test"
			if (err == nil) != ok {
				t.Errorf("%s as %v: %v", what, kind, err)
			}
			if ok && (c.Kind() != kind || c.Size() != len(bytes) || c.stream != name && kind != wire.KindTest) {
				t.Errorf("%s: kind %v, %d bytes", what, c.Kind(), c.Size())
			}
			silent(t, err)
		}
	}
	var paths []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		b, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, yes(name, 0, string(b)))
	}))
	defer srv.Close()
	l := open(t, srv.URL)
	for _, m := range []struct {
		kind  wire.Kind
		bytes []byte
	}{{wire.KindAnnouncement, ann}, {wire.KindDeletion, del}} {
		c, err := NewControl(m.kind, m.bytes)
		must(t, err)
		_, err = l.Control(t.Context(), c)
		must(t, err)
	}
	if fmt.Sprint(paths) != "[/announcements /deletions]" {
		t.Errorf("went to %v", paths)
	}
}

func FuzzNewControl(f *testing.F) {
	deletion, _ := wire.AppendDeletion(nil, &wire.Deletion{Stream: name, Epoch: 1})
	f.Add(uint8(wire.KindDeletion), wire.AppendSigned(nil, wire.SignWith(ed25519.NewKeyFromSeed(make([]byte, 32))), wire.KindDeletion, deletion))
	f.Add(uint8(wire.KindAnnouncement), []byte(body))
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		if c, err := NewControl(wire.Kind(kind), b); err == nil && (c.path() == "" || c.Size() != len(b)) {
			t.Errorf("a control message that goes nowhere: %v", c.Kind())
		}
	})
}

// A proxy that the environment names is not asked: an upload goes where the configuration says.
func TestNoProxyIsAsked(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the proxy was asked") }))
	defer proxy.Close()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	loaded, _ := upload(t)
	for _, url := range []string{"https://recipient.invalid", "mqtts://recipient.invalid/acme"} {
		asked := ""
		l := open(t, url, func(_ *Route, e *Env) {
			e.Dial = func(_ context.Context, _, address string) (net.Conn, error) {
				asked = address
				return nil, errors.New("not here")
			}
		})
		if err := l.Send(t.Context(), name, loaded); err == nil || !strings.HasPrefix(asked, "recipient.invalid:") {
			t.Errorf("%s: connected to %q, %v", url, asked, err)
		}
	}
}
