package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path"
	"strings"

	"github.com/candor-edge/candor/agent/control"
)

const (
	cookieName  = "candor"
	tokenHeader = "X-Candor-Token"
)

// apiPaths are the paths of the API that the page has use for. What is not here is not reached through it.
func apiPaths() []string {
	return []string{
		"GET /v1/status", "GET /v1/consent", "GET /v1/charter", "GET /v1/preview", "GET /v1/sent", "GET /v1/sent/copy", "GET /v1/live", "GET /v1/senses",
		"GET /v1/deletions", "GET /v1/ledger", "GET /v1/ledger/verify", "GET /v1/ledger/export",
		"POST /v1/consent/{purpose}/grant", "POST /v1/consent/{purpose}/withdraw", "POST /v1/consent/{purpose}/refuse",
		"POST /v1/service/{name}/on", "POST /v1/service/{name}/off",
		"POST /v1/pause", "POST /v1/resume", "POST /v1/erase", "POST /v1/transfer",
	}
}

// Handler answers everything. It is what [Server.Run] serves.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", s.hello)
	mux.HandleFunc("POST /pair", s.pair)
	mux.HandleFunc("POST /press", s.press)
	mux.HandleFunc("POST /logout", s.within(true, s.logout))
	mux.HandleFunc("POST /awake", s.within(true, func(w http.ResponseWriter, _ *http.Request, _ *session) { answer(w, struct{}{}) }))
	mux.HandleFunc("GET /events", s.within(true, s.events))
	mux.HandleFunc("POST /take", s.within(true, s.ask))
	mux.HandleFunc("GET /take/{ticket}", s.within(false, s.take))
	for _, p := range apiPaths() {
		mux.HandleFunc(p, s.within(true, s.throughAPI))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, control.ErrNotFound, "there is nothing at this path")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		harden(w.Header())
		switch {
		case !ownHost(r.Host):
			refuse(w, http.StatusMisdirectedRequest, control.ErrNotAllowed, "this page is reached by 127.0.0.1 or localhost only")
			return
		case r.URL.RawPath != "" || r.URL.IsAbs() || !strings.HasPrefix(r.URL.Path, "/") || path.Clean(r.URL.Path) != r.URL.Path:
			refuse(w, http.StatusNotFound, control.ErrNotFound, "there is nothing at this path")
			return
		}
		if a, ok := assetAt(r.URL.Path); ok && ownNavigation(r) {
			a.serve(w, r)
			return
		}
		if !ownOrigin(r) {
			refuse(w, http.StatusForbidden, control.ErrNotAllowed, "this was not asked by the page itself")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		mux.ServeHTTP(w, r)
	})
}

// within lets through who has a session. A POST is something a person did, and moves the session's idle time.
func (s *Server) within(withToken bool, next func(http.ResponseWriter, *http.Request, *session)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		x := s.sessionOf(r, withToken, r.Method == http.MethodPost)
		if x == nil {
			refuse(w, http.StatusUnauthorized, control.ErrNotAllowed, "there is no session: candor pair shows a code that opens one")
			return
		}
		next(w, r, x)
	}
}

func (s *Server) sessionOf(r *http.Request, withToken, acted bool) *session {
	cookies := r.CookiesNamed(cookieName)
	if len(cookies) != 1 {
		return nil
	}
	return s.sessions.find(cookies[0].Value, r.Header.Get(tokenHeader), withToken, acted)
}

// asPerson is the context of whoever holds a session.
func asPerson(ctx context.Context) context.Context {
	return control.WithChannel(control.WithRole(ctx, control.Person), control.ChannelPage)
}

func (s *Server) throughAPI(w http.ResponseWriter, r *http.Request, _ *session) {
	if r.Method == http.MethodPost && !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		refuse(w, http.StatusUnsupportedMediaType, control.ErrBadRequest, "a decision is sent as application/json")
		return
	}
	s.api.ServeHTTP(w, r.WithContext(asPerson(r.Context())))
	if r.Method == http.MethodPost {
		s.Wake()
	}
}

// hello is what the page asks first. Without a session it tells nothing of this home.
func (s *Server) hello(w http.ResponseWriter, r *http.Request) {
	answer(w, struct {
		Open     bool   `json:"open"`
		Language string `json:"language"`
		Button   bool   `json:"button,omitempty"` // one that opens the page when it is held
	}{s.sessionOf(r, true, false) != nil, s.o.Language, s.o.Visitor != nil})
}

// pair opens a session for whoever has the code.
func (s *Server) pair(w http.ResponseWriter, r *http.Request) {
	var given struct {
		Code string `json:"code"`
	}
	if err := readJSON(r, &given); err != nil {
		refuse(w, http.StatusBadRequest, control.ErrBadRequest, "the body is no code")
		return
	}
	guessed, err := s.pairing.try(given.Code)
	if guessed && s.o.Guessed != nil {
		s.o.Guessed()
	}
	switch {
	case errors.Is(err, errTooSoon):
		w.Header().Set("Retry-After", "2")
		refuse(w, http.StatusTooManyRequests, control.ErrUnavailable, err.Error())
		return
	case errors.Is(err, errNoCode):
		refuse(w, http.StatusForbidden, control.ErrNotFound, err.Error())
		return
	case err != nil:
		refuse(w, http.StatusForbidden, control.ErrNotAllowed, err.Error())
		return
	}
	s.begin(w, r, s.o.Paired)
}

// begin opens a session, once who keeps the ledger has been told.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, told func(context.Context) error) {
	if told != nil {
		if err := told(r.Context()); err != nil {
			refuse(w, http.StatusServiceUnavailable, control.ErrUnavailable, err.Error())
			return
		}
	}
	cookie, token, err := s.sessions.begin()
	if err != nil {
		refuse(w, http.StatusInternalServerError, control.ErrInternal, err.Error())
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	answer(w, struct {
		Token    string `json:"token"`
		Language string `json:"language"`
	}{token, s.o.Language})
}

func (s *Server) logout(w http.ResponseWriter, _ *http.Request, x *session) {
	s.sessions.end(x)
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	answer(w, struct{}{})
}

// readJSON reads one small JSON object, strictly.
func readJSON(r *http.Request, into any) error {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return errors.New("it is not sent as application/json")
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if dec.More() {
		return errors.New("it goes on after the object")
	}
	return nil
}

func answer(w http.ResponseWriter, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		refuse(w, http.StatusInternalServerError, control.ErrInternal, "the answer can't be written")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(data, '\n')) // a page that left needs no answer
}

// refuse answers an error in the form of the API.
func refuse(w http.ResponseWriter, status int, code control.Code, text string) {
	var body struct {
		Error struct {
			Code control.Code `json:"code"`
			Text string       `json:"text"`
		} `json:"error"`
	}
	body.Error.Code, body.Error.Text = code, text
	data, err := json.Marshal(body)
	if err != nil { // two strings always marshal
		data = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n'))
}
