package receive

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/candor-edge/candor/uplink/wire"
)

const goodToken = "0123456789abcdef-right"

// newHandler serves a sink; change may adjust the configuration.
func newHandler(t testing.TB, s *DirSink, change func(*Config)) *Handler {
	t.Helper()
	c := Config{Streams: s, Sink: s, Log: quiet(), Now: today, Export: s, Err: s.Err}
	if change != nil {
		change(&c)
	}
	h, err := NewHandler(c)
	must(t, err)
	return h
}

// post sends a signed message.
func post(h http.Handler, path string, body []byte) *httptest.ResponseRecorder {
	return postAs(h, path, body, nil)
}

func postAs(h http.Handler, path string, body []byte, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", TypeSigned)
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// answerBody is any JSON answer.
type answerBody struct {
	Accepted *accepted `json:"accepted"`
	Error    *refused  `json:"error"`
}

func decodeAnswer(t testing.TB, w *httptest.ResponseRecorder) answerBody {
	t.Helper()
	var a answerBody
	d := json.NewDecoder(w.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		t.Fatalf("%d: %v", w.Code, err)
	}
	return a
}

func wantAccepted(t testing.TB, w *httptest.ResponseRecorder, status int, o *object, seq uint64, signed []byte) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	d := signedDigest(signed)
	a := decodeAnswer(t, w).Accepted
	if a == nil || a.Stream != o.a.Stream.String() || a.Seq != seq || a.Digest != hex.EncodeToString(d[:]) {
		t.Fatalf("accepted %+v", a)
	}
	if w.Header().Get("Content-Length") == "" || w.Header().Get("Content-Type") != TypeJSON {
		t.Errorf("headers %v", w.Header())
	}
}

func wantRefused(t testing.TB, w *httptest.ResponseRecorder, status int, code Code) {
	t.Helper()
	a := decodeAnswer(t, w)
	if w.Code != status || a.Error == nil || a.Error.Code != code || a.Error.Text == "" {
		t.Fatalf("status %d, %+v, want %d %s", w.Code, a.Error, status, code)
	}
}

// A whole life: announced, sent, sent again, asked, withdrawn.
func TestLifeOfAStream(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	h := newHandler(t, s, nil)
	o := newObject(t, 1, nil)
	one, two := o.batch(o.numbers(1, 20000, 21000)), o.batch(o.numbers(2, 22000))
	other := o.batch(o.numbers(1, 20001))

	wantRefused(t, post(h, "/batches", one), 428, CodeUnknown)
	wantAccepted(t, post(h, "/announcements", o.signed), 202, o, 0, o.signed)
	wantAccepted(t, post(h, "/announcements", o.signed), 200, o, 0, o.signed)
	wantAccepted(t, post(h, "/batches", two), 202, o, 2, two)
	wantAccepted(t, post(h, "/batches", one), 202, o, 1, one)
	wantAccepted(t, post(h, "/batches", one), 202, o, 1, one)
	wantRefused(t, post(h, "/batches", other), 409, CodeConflict)
	changed := newObject(t, 1, func(a *wire.Announcement) { a.RetentionDays++ })
	wantRefused(t, post(h, "/announcements", changed.signed), 409, CodeConflict)
	if rows := readRows(t, s.at.rows("service")); len(rows) != 3 {
		t.Fatalf("%d rows, want 3", len(rows))
	}

	w := post(h, "/freshness", o.question())
	a, err := wire.DecodeFreshnessAnswer(w.Body.Bytes())
	if err != nil || w.Code != 200 || a.Last != 2 || a.Withdrawn || a.Nonce != [16]byte{7} || w.Header().Get("Content-Type") != TypeCBOR {
		t.Fatalf("freshness: %d %+v %v", w.Code, a, err)
	}
	del := o.deletion()
	for range 2 {
		wantAccepted(t, post(h, "/deletions", del), 202, o, 0, del)
	}
	if rows := readRows(t, s.at.rows("service")); len(rows) != 0 {
		t.Fatalf("%d rows after the deletion", len(rows))
	}
	wantRefused(t, post(h, "/batches", one), 410, CodeWithdrawn)
	wantRefused(t, post(h, "/batches", o.batch(o.numbers(3, 1))), 410, CodeWithdrawn)
	wantRefused(t, post(h, "/announcements", o.signed), 410, CodeWithdrawn)
	if a, err = wire.DecodeFreshnessAnswer(post(h, "/freshness", o.question()).Body.Bytes()); err != nil || !a.Withdrawn || a.Last != 2 {
		t.Fatalf("freshness after withdrawal: %+v %v", a, err)
	}
	if w := post(h, "/tests", testMessage(o)); w.Code != 204 || w.Body.Len() != 0 {
		t.Fatalf("test: %d", w.Code)
	}
}

// A new start knows what the one before answered.
func TestRestartRemembers(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	h := newHandler(t, s, nil)
	o, gone := newObject(t, 1, nil), newObject(t, 2, nil)
	must(t, o.announce(s))
	must(t, gone.announce(s))
	batches := map[uint64][]byte{}
	for _, seq := range []uint64{1, 4, 2} { // 3 is on its way
		batches[seq] = o.batch(o.numbers(seq, int64(seq)))
		wantAccepted(t, post(h, "/batches", batches[seq]), 202, o, seq, batches[seq])
	}
	del := gone.deletion()
	wantAccepted(t, post(h, "/deletions", del), 202, gone, 0, del)
	must(t, s.Close())
	s = mustOpen(t, dir)
	h = newHandler(t, s, nil)
	if st, err := s.ByID(context.Background(), o.a.Stream); err != nil || st.Last != 4 || st.Withdrawn {
		t.Errorf("%+v", st)
	}
	for seq, b := range batches {
		wantAccepted(t, post(h, "/batches", b), 202, o, seq, b)
		wantRefused(t, post(h, "/batches", o.batch(o.numbers(seq, 99))), 409, CodeConflict)
	}
	three := o.batch(o.numbers(3, 3))
	wantAccepted(t, post(h, "/batches", three), 202, o, 3, three)
	wantAccepted(t, post(h, "/announcements", o.signed), 200, o, 0, o.signed)
	wantRefused(t, post(h, "/announcements", gone.signed), 410, CodeWithdrawn)
	wantAccepted(t, post(h, "/deletions", del), 202, gone, 0, del)
	if rows := readRows(t, s.at.rows("service")); len(rows) != 4 {
		t.Errorf("%d rows, want 4", len(rows))
	}
}

func TestRefusals(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	h := newHandler(t, s, func(c *Config) { c.Bodies = 4 })
	o := newObject(t, 1, nil)
	sized := newObject(t, 2, func(a *wire.Announcement) { a.Size, a.Rows = 512, 2 })
	stranger := newObject(t, 3, func(a *wire.Announcement) { a.Stream = o.a.Stream; a.Key = o.key.Public().(ed25519.PublicKey) })
	must(t, o.announce(s))
	must(t, sized.announce(s))
	unknown := newObject(t, 4, nil)

	long := o.numbers(1, 1)
	long.DeleteBy = todayNumber + 395 + graceDays + 1
	far := o.numbers(1, 1)
	far.Groups[0].Time[0] = maxMicros/o.a.Tick + 1
	late := o.numbers(1, 1)
	late.DeleteBy = 1<<32 - 1
	patient := newObject(t, 7, func(a *wire.Announcement) { a.RetentionDays = 1<<32 - 1 })
	must(t, patient.announce(s))
	after := patient.numbers(1, 1)
	after.DeleteBy = maxDay + 1
	contact := o.numbers(1, 1)
	contact.Groups[0].Columns[2].Tokens = []string{"bob@example.com "}
	label := o.numbers(1, 1)
	label.Groups[0].Columns[3].Tokens = []string{"evening"}
	unpadded := sized.numbers(1, 1)
	payload, err := sized.enc.AppendBatch(nil, unpadded, 0)
	must(t, err)
	wrongErase := *o
	wrongErase.capability[0]++
	otherEpoch, err := wire.AppendDeletion(nil, &wire.Deletion{Stream: o.a.Stream, Epoch: 4, Capability: o.capability})
	must(t, err)
	good := o.batch(o.numbers(1, 1))
	labels := func(text string) []byte {
		return newObject(t, 5, func(a *wire.Announcement) { a.Groups[0].Fields[3].Labels = []string{text} }).signed
	}

	tests := []struct {
		name, path string
		body       []byte
		status     int
		code       Code
	}{
		{"no such path", "/other", good, 404, CodeNotFound},
		{"root", "/", good, 404, CodeNotFound},
		{"empty", "/batches", nil, 422, CodeMalformed},
		{"text", "/batches", []byte("hello"), 422, CodeMalformed},
		{"cut", "/batches", good[:len(good)-1], 422, CodeMalformed},
		{"more", "/batches", append(bytes.Clone(good), 0), 422, CodeMalformed},
		{"altered", "/batches", flip(good, len(good)-1), 422, CodeSignature},
		{"batch as announcement", "/announcements", good, 422, CodeMalformed},
		{"batch signed as test", "/batches", o.sign(wire.KindTest, mustPayload(t, good)), 422, CodeSignature},
		{"batch of another key", "/batches", stranger.sign(wire.KindBatch, mustPayload(t, good)), 422, CodeSignature},
		{"batch that is no batch", "/batches", o.sign(wire.KindBatch, []byte{0xa0}), 422, CodeMalformed},
		{"unknown announcement", "/batches", unknown.batch(unknown.numbers(1, 1)), 428, CodeUnknown},
		{"kept too long", "/batches", o.batch(long), 422, CodeRetention},
		{"kept for ever", "/batches", o.batch(late), 422, CodeRetention},
		{"kept beyond the year 9999", "/batches", patient.batch(after), 422, CodeRetention},
		{"year 10000", "/batches", o.batch(far), 422, CodeTime},
		{"address as pseudonym", "/batches", o.batch(contact), 422, CodeContact},
		{"label not declared", "/batches", o.batch(label), 422, CodeAlphabet},
		{"out of range", "/batches", o.batch(o.numbers(1, 85001)), 422, CodeAlphabet},
		{"not the announced size", "/batches", sized.sign(wire.KindBatch, payload), 422, CodeSize},
		{"more rows than announced", "/batches", sized.batch(sized.numbers(1, 1, 2, 3)), 422, CodeAlphabet},
		{"announcement of another key", "/announcements", stranger.signed, 422, CodeSignature},
		{"announcement too long", "/announcements", make([]byte, MaxAnnouncement+1), 413, CodeTooLarge},
		{"e-mail as label", "/announcements", labels("ann@example.org"), 422, CodeContact},
		{"telephone as label", "/announcements", labels("+33 6 12 34 56 78"), 422, CodeContact},
		{"link as label", "/announcements", labels("see HTTPS://example.org"), 422, CodeContact},
		{"purpose with a slash", "/announcements", newObject(t, 6, func(a *wire.Announcement) { a.Purpose = "../x" }).signed, 422, CodePurpose},
		{"purpose too long", "/announcements", newObject(t, 6, func(a *wire.Announcement) { a.Purpose = strings.Repeat("x", 33) }).signed, 422, CodePurpose},
		{"deletion without the capability", "/deletions", wrongErase.deletion(), 422, CodeErase},
		{"deletion of another epoch", "/deletions", o.sign(wire.KindDeletion, otherEpoch), 422, CodeSignature},
		{"deletion of another key", "/deletions", unknown.sign(wire.KindDeletion, mustPayload(t, o.deletion())), 422, CodeSignature},
		{"deletion that is none", "/deletions", good, 422, CodeMalformed},
		{"question of an unknown stream", "/freshness", unknown.question(), 428, CodeUnknown},
		{"question of another key", "/freshness", unknown.sign(wire.KindFreshness, mustPayload(t, o.question())), 422, CodeSignature},
		{"test of another length", "/tests", o.question(), 422, CodeSize},
		{"test that is none", "/tests", make([]byte, wire.TestSize), 422, CodeMalformed},
		{"too large", "/batches", make([]byte, MaxBody+1), 413, CodeTooLarge},
		{"too large inside", "/batches", make([]byte, wire.MaxMessage+1), 413, CodeTooLarge},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) { wantRefused(t, post(h, c.path, c.body), c.status, c.code) })
	}
	wantAccepted(t, post(h, "/batches", good), 202, o, 1, good)
	if rows := readRows(t, s.at.rows("service")); len(rows) != 1 {
		t.Errorf("%d rows, want the good one only", len(rows))
	}
}

func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

func mustPayload(t testing.TB, signed []byte) []byte {
	t.Helper()
	p, err := wire.SignedPayload(signed)
	must(t, err)
	return p
}

func TestRequestsThatAreNotRight(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	tokens, err := ReadTokens(strings.NewReader("# ours\n\n another-token-of-length \n" + goodToken + "\n"))
	must(t, err)
	h := newHandler(t, s, func(c *Config) { c.Tokens = tokens })
	o := newObject(t, 1, nil)
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", token) }
	}
	header := func(k, v string) func(*http.Request) {
		return func(r *http.Request) { bearer("Bearer " + goodToken)(r); r.Header.Set(k, v) }
	}
	tests := []struct {
		name   string
		change func(*http.Request)
		status int
		code   Code
	}{
		{"no token", nil, 401, CodeUnauthorized},
		{"wrong token", bearer("Bearer 0123456789abcdef-wrong"), 401, CodeUnauthorized},
		{"token cut", bearer("Bearer " + goodToken[:20]), 401, CodeUnauthorized},
		{"another scheme", bearer("Basic " + goodToken), 401, CodeUnauthorized},
		{"no scheme", bearer(goodToken), 401, CodeUnauthorized},
		{"no media type", header("Content-Type", ""), 415, CodeMediaType},
		{"JSON", header("Content-Type", "application/json"), 415, CodeMediaType},
		{"another COSE", header("Content-Type", `application/cose; cose-type="cose-mac0"`), 415, CodeMediaType},
		{"sealed to nobody", header("Content-Type", TypeSealed), 415, CodeMediaType},
		{"gzip", header("Content-Encoding", "gzip"), 415, CodeMediaType},
		{"GET", func(r *http.Request) { r.Method = http.MethodGet }, 405, CodeMethod},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			w := postAs(h, "/announcements", o.signed, c.change)
			if w.Code == 401 && w.Header().Get("WWW-Authenticate") == "" || w.Code == 405 && w.Header().Get("Allow") != "POST" {
				t.Errorf("headers %v", w.Header())
			}
			wantRefused(t, w, c.status, c.code)
		})
	}
	for _, good := range []func(*http.Request){bearer("bearer " + goodToken), header("Content-Encoding", "identity"), header("Content-Type", "application/cose"), bearer("Bearer another-token-of-length")} {
		if w := postAs(h, "/announcements", o.signed, good); w.Code > 202 {
			t.Errorf("refused with %d %s", w.Code, w.Body)
		}
	}
}

func TestTokensFile(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "comments only": "# a\n", "short": "hunter2\n", "blank inside": "0123456789 0123456789\n"} {
		if _, err := ReadTokens(strings.NewReader(text)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A compressed body is refused before a byte of it is unpacked.
func TestBombIsRefused(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	z.Write(make([]byte, 64<<20))
	z.Close()
	h := newHandler(t, mustOpen(t, t.TempDir()), nil)
	w := postAs(h, "/batches", bomb.Bytes(), func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") })
	wantRefused(t, w, 415, CodeMediaType)
	wantRefused(t, post(h, "/batches", bomb.Bytes()), 422, CodeMalformed)
}

func TestSealed(t *testing.T) {
	for _, suite := range []wire.Suite{wire.SuiteX25519, wire.SuiteMLKEM768X25519} {
		t.Run(suite.String(), func(t *testing.T) {
			key, err := wire.GenerateOpenKey(suite)
			must(t, err)
			h := newHandler(t, mustOpen(t, t.TempDir()), func(c *Config) { c.Open = key })
			o := newObject(t, 1, nil)
			seal := func(kind wire.Kind, signed []byte) []byte {
				sealed, err := wire.Seal(key.Public(), SealInfo(kind), nil, signed)
				must(t, err)
				return sealed
			}
			sealed := func(r *http.Request) { r.Header.Set("Content-Type", TypeSealed) }
			wantAccepted(t, postAs(h, "/announcements", seal(wire.KindAnnouncement, o.signed), sealed), 202, o, 0, o.signed)
			batch := o.batch(o.numbers(1, 5))
			// Sealed anew each time, and still the same batch.
			for range 2 {
				wantAccepted(t, postAs(h, "/batches", seal(wire.KindBatch, batch), sealed), 202, o, 1, batch)
			}
			wantRefused(t, postAs(h, "/batches", seal(wire.KindTest, batch), sealed), 422, CodeSeal)
			wantRefused(t, postAs(h, "/batches", flip(seal(wire.KindBatch, batch), 60), sealed), 422, CodeSeal)
			wantRefused(t, postAs(h, "/batches", []byte{1}, sealed), 422, CodeMalformed)

			// The key changes: what was sealed to the old one is taken until it is given up.
			newer, err := wire.GenerateOpenKey(wire.SuiteX25519)
			must(t, err)
			h.Open, h.Older = newer, []*wire.OpenKey{key}
			wantAccepted(t, postAs(h, "/batches", seal(wire.KindBatch, batch), sealed), 202, o, 1, batch)
			wantRefused(t, postAs(h, "/batches", flip(seal(wire.KindBatch, batch), 60), sealed), 422, CodeSeal)
			h.Older = nil
			wantRefused(t, postAs(h, "/batches", seal(wire.KindBatch, batch), sealed), 422, CodeSeal)
		})
	}
}

func TestSignedAnswers(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	pub := key.Public().(ed25519.PublicKey)
	s := mustOpen(t, t.TempDir())
	h := newHandler(t, s, func(c *Config) { c.Answer = key })
	o := newObject(t, 1, nil)
	must(t, o.announce(s))
	w := post(h, "/freshness", o.question())
	payload, err := wire.OpenSigned(wire.KindFreshnessAnswer, pub, w.Body.Bytes())
	if err != nil || w.Header().Get("Content-Type") != TypeSigned {
		t.Fatal(err, w.Header())
	}
	if a, err := wire.DecodeFreshnessAnswer(payload); err != nil || a.Stream != o.a.Stream {
		t.Fatal(a, err)
	}
	signed, err := base64.StdEncoding.DecodeString(decodeAnswer(t, post(h, "/deletions", o.deletion())).Accepted.Answer)
	must(t, err)
	payload, err = wire.OpenSigned(wire.KindDeletionAnswer, pub, signed)
	must(t, err)
	a, err := wire.DecodeDeletionAnswer(payload)
	if err != nil || a.Stream != o.a.Stream || a.Epoch != 3 || a.Day != todayNumber || !slices.Equal(a.Stores, []string{"rows", "signed messages"}) || !slices.Equal(a.Counts, []uint64{0, 0}) {
		t.Fatal(a, err)
	}
}

// Withdrawn before it was ever announced: the request is kept, and a late
// announcement finds it; one that is forged stops nobody.
func TestDeletionBeforeAnnouncement(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	h := newHandler(t, s, nil)
	o, victim, thief := newObject(t, 1, nil), newObject(t, 2, nil), newObject(t, 3, nil)
	del := o.deletion()
	wantAccepted(t, post(h, "/deletions", del), 202, o, 0, del)
	for i := range maxPendingStream + 1 {
		forged, err := wire.AppendDeletion(nil, &wire.Deletion{Stream: victim.a.Stream, Epoch: uint64(i), Capability: thief.capability})
		must(t, err)
		signed := thief.sign(wire.KindDeletion, forged)
		for range 2 { // the same again is kept once
			w := post(h, "/deletions", signed)
			if i == maxPendingStream {
				wantRefused(t, w, 503, CodeBusy)
			} else if w.Code != 202 {
				t.Fatal(w.Code)
			}
		}
	}
	must(t, s.Close())
	s = mustOpen(t, dir)
	h = newHandler(t, s, nil)
	wantRefused(t, post(h, "/announcements", o.signed), 410, CodeWithdrawn)
	wantRefused(t, post(h, "/batches", o.batch(o.numbers(1, 1))), 410, CodeWithdrawn)
	wantAccepted(t, post(h, "/announcements", victim.signed), 202, victim, 0, victim.signed)
	batch := victim.batch(victim.numbers(1, 1))
	wantAccepted(t, post(h, "/batches", batch), 202, victim, 1, batch)
	raw, err := os.ReadFile(s.at.raw(o.a.Stream))
	if err != nil || !bytes.Equal(raw, slices.Concat(o.signed, del)) || len(s.st.unpurged()) != 0 {
		t.Errorf("the proof of the withdrawn stream is not complete: %v", err)
	}
	if s.st.waiting != 0 || len(s.st.pending) != 0 {
		t.Errorf("%d requests still wait", s.st.waiting)
	}
}

func TestHealth(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	h := newHandler(t, s, nil)
	get := func(method string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/health", nil))
		return w
	}
	if w := get("GET"); w.Code != 200 || w.Body.String() != "ok" {
		t.Fatal(w.Code, w.Body)
	}
	wantRefused(t, get("POST"), 405, CodeMethod)
	s.breakDown(errJournal)
	w := get("GET")
	if w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	wantRefused(t, w, 503, CodeStorage)
	wantRefused(t, post(h, "/announcements", newObject(t, 1, nil).signed), 503, CodeStorage)
}

// Neither values nor tokens nor bodies nor capabilities are logged.
func TestLogsHoldNothing(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	tokens, err := ReadTokens(strings.NewReader(goodToken))
	must(t, err)
	s, err := OpenDir(t.TempDir(), log)
	must(t, err)
	defer s.Close()
	h := newHandler(t, s, func(c *Config) { c.Log, c.Tokens = log, tokens })
	o := newObject(t, 1, nil)
	auth := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+goodToken) }
	bad := o.numbers(1, 73731)
	bad.Groups[0].Columns[3].Tokens = []string{"zzsecretzz"}
	for _, m := range []struct {
		path string
		body []byte
	}{{"/batches", o.batch(bad)}, {"/announcements", o.signed}, {"/batches", o.batch(bad)}, {"/batches", o.batch(o.numbers(2, 99731))}, {"/deletions", o.deletion()}, {"/batches", o.batch(bad)}} {
		postAs(h, m.path, m.body, auth)
		post(h, m.path, m.body)
	}
	log.Info("tokens", "t", tokens)
	text := out.String()
	if !strings.Contains(text, "code=alphabet") || !strings.Contains(text, "code=unauthorized") {
		t.Fatal("the refusals are not logged:\n" + text)
	}
	for _, secret := range []string{"73731", "73.731", "99731", "zzsecretzz", goodToken, hex.EncodeToString(o.capability[:4]), o.a.Stream.String()} {
		if strings.Contains(text, secret) {
			t.Errorf("%s is in the log:\n%s", secret, text)
		}
	}
}
