package transport

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/candor-edge/candor/tinyconf"
	"github.com/candor-edge/candor/uplink/wire"
)

// Only an answer to this very question counts, and where the route names a key only one that it signed.
func TestAnswersToQuestions(t *testing.T) {
	question, err := wire.AppendFreshness(nil, &wire.Freshness{Stream: name, Epoch: 3, Nonce: [16]byte{7}})
	c, err := NewControl(wire.KindFreshness, signed(t, wire.KindFreshness, question, err))
	must(t, err)
	seed := make([]byte, 32)
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	good := wire.FreshnessAnswer{Stream: name, Epoch: 3, Nonce: [16]byte{7}, Last: 5}
	say := func(a wire.FreshnessAnswer) []byte {
		payload, err := wire.AppendFreshnessAnswer(nil, &a)
		must(t, err)
		return payload
	}
	with := func(change func(*wire.FreshnessAnswer)) []byte { a := good; change(&a); return say(a) }
	cose := `application/cose; cose-type="cose-sign1"`
	sign := func(seed byte, kind wire.Kind) []byte {
		s := make([]byte, 32)
		s[0] = seed
		return wire.AppendSigned(nil, wire.SignWith(ed25519.NewKeyFromSeed(s)), kind, say(good))
	}
	for _, tt := range []struct {
		what, media string
		body        []byte
		keyed, ok   bool
	}{
		{"bare", "application/cbor", say(good), false, true},
		{"signed, no key named", cose, sign(0, wire.KindFreshnessAnswer), false, true},
		{"signed by the named key", cose, sign(0, wire.KindFreshnessAnswer), true, true},
		{"bare, a key named", "application/cbor", say(good), true, false},
		{"signed by another key", cose, sign(1, wire.KindFreshnessAnswer), true, false},
		{"signed as something else", cose, sign(0, wire.KindDeletionAnswer), true, false},
		{"another stream", "application/cbor", with(func(a *wire.FreshnessAnswer) { a.Stream[0]++ }), false, false},
		{"another epoch", "application/cbor", with(func(a *wire.FreshnessAnswer) { a.Epoch++ }), false, false},
		{"an old answer", "application/cbor", with(func(a *wire.FreshnessAnswer) { a.Nonce[0]++ }), false, false},
		{"a portal", "text/html", []byte("<html>geheim"), false, false},
		{"nothing", "application/cbor", nil, false, false},
		{"cut", "application/cbor", say(good)[:20], false, false},
	} {
		t.Run(tt.what, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if b, _ := io.ReadAll(r.Body); r.URL.Path != "/freshness" || string(b) != string(c.body) {
					t.Errorf("%s with %d bytes", r.URL.Path, len(b))
				}
				w.Header().Set("Content-Type", tt.media)
				_, _ = w.Write(tt.body)
			}))
			defer srv.Close()
			l := open(t, srv.URL, func(r *Route, _ *Env) {
				if tt.keyed {
					r.AnswerKey = answerWord + base64.StdEncoding.EncodeToString(public)
				}
			})
			got, err := l.Ask(t.Context(), c)
			silent(t, err)
			if (err == nil) != tt.ok || tt.ok && *got != good || !tt.ok && (!errors.Is(err, ErrNoAnswer) || Judge(err) != Retry) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// A test is taken by 204 alone; a portal's page is no yes.
func TestTests(t *testing.T) {
	c, err := NewControl(wire.KindTest, signed(t, wire.KindTest, wire.AppendTest(nil, &wire.Test{Nonce: [16]byte{1}}), nil))
	must(t, err)
	for status, ok := range map[int]bool{204: true, 200: false, 302: false, 401: false, 503: false} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if b, _ := io.ReadAll(r.Body); len(b) != wire.TestSize || r.URL.Path != "/tests" {
				t.Errorf("%d bytes to %s", len(b), r.URL.Path)
			}
			w.WriteHeader(status)
		}))
		if err := open(t, srv.URL).Test(t.Context(), c); (err == nil) != ok {
			t.Errorf("%d: %v", status, err)
		}
		srv.Close()
	}
}

// On a sealed route every message is sealed, under the name of its own kind.
func TestControlMessagesAreSealed(t *testing.T) {
	key, err := wire.GenerateOpenKey(wire.SuiteX25519)
	must(t, err)
	deletion, err := wire.AppendDeletion(nil, &wire.Deletion{Stream: name, Epoch: 1})
	c, err := NewControl(wire.KindDeletion, signed(t, wire.KindDeletion, deletion, err))
	must(t, err)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		inner, err := wire.Open(key, wire.SealInfo(wire.KindDeletion), nil, b)
		if err != nil || r.Header.Get("Content-Type") != "application/vnd.candor.sealed" {
			t.Error(err, r.Header)
		}
		_, _ = io.WriteString(w, yes(name, 0, string(inner)))
	}))
	defer srv.Close()
	_, err = open(t, srv.URL, func(r *Route, _ *Env) { r.Seal = tinyconf.Literal(key.Public().String()) }).Control(t.Context(), c)
	must(t, err)
	secret, err := key.Secret()
	must(t, err)
	if _, err := Open(Route{Recipient: "acme", URL: srv.URL, Seal: tinyconf.Literal(secret)}, Env{}); err == nil {
		t.Error("a secret key on an object was taken")
	}
}

// A token that is refused is read again.
func TestARenewedToken(t *testing.T) {
	loaded, _ := upload(t)
	file := t.TempDir() + "/token"
	write := func(text string) { must(t, os.WriteFile(file, []byte(text), 0o600)) }
	write("old")
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer new" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, yes(name, 1, body))
	}))
	defer srv.Close()
	l := open(t, srv.URL, func(r *Route, _ *Env) { r.Auth = secretFile(t, file) })
	if err := l.Send(t.Context(), name, loaded); err == nil {
		t.Fatal("the old token was taken")
	}
	write("new")
	_ = l.Send(t.Context(), name, loaded) // is refused with what was read before
	must(t, l.Send(t.Context(), name, loaded))
}
