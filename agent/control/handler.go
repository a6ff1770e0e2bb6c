package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/candor-edge/candor/store/consent"
)

const (
	maxBody     = 4 << 10 // bytes of a request's body
	maxOnBehalf = 200     // bytes of the text that says on whose behalf
	maxPurpose  = 64      // bytes of a purpose's id; longer is none
)

// route is one line of the API: who may use which path with which method.
type route struct {
	method string
	path   string
	roles  []Role
	serve  func(r *http.Request) (any, error)
}

// server answers the requests of one backend. It has no state of its own.
type server struct {
	backend Backend
}

// routes is the whole API. A technician sees the state and nothing else; decisions belong to the person, and to root who passes
// one on. API.md describes each.
func (s *server) routes() []route {
	everyone := []Role{Technician, Person, Root}
	household := []Role{Person, Root}
	return []route{
		{"GET", "/v1/status", everyone, s.status},
		{"GET", "/v1/health", everyone, s.health},
		{"GET", "/metrics", everyone, s.metrics},
		{"GET", "/v1/sheet", household, s.sheet},
		{"GET", "/v1/consent", household, s.consent},
		{"GET", "/v1/charter", household, s.charter},
		{"GET", "/v1/preview", household, s.preview},
		{"GET", "/v1/sent", household, s.sent},
		{"GET", "/v1/sensor/read", everyone, s.look},
		{"GET", "/v1/sensor/scan", everyone, s.scan},
		{"GET", "/v1/buffer", everyone, s.buffer},
		{"GET", "/v1/buffer/verify", everyone, s.verifyBuffer},
		{"GET", "/v1/buffer/export", household, s.exportBuffer},
		{"POST", "/v1/uplink/test", everyone, s.testUplink},
		{"POST", "/v1/uplink/retry", everyone, s.retryParked},
		{"GET", "/v1/live", household, s.live},
		{"GET", "/v1/sent/copy", household, s.sentCopy},
		{"GET", "/v1/export", household, s.export},
		{"POST", "/v1/consent/{purpose}/grant", household, s.decide(s.backend.Grant)},
		{"POST", "/v1/consent/{purpose}/withdraw", household, s.decide(s.backend.Withdraw)},
		{"POST", "/v1/consent/{purpose}/refuse", household, s.decide(s.backend.Refuse)},
		{"GET", "/v1/service", household, s.services},
		{"POST", "/v1/service/{name}/on", household, s.switchService(true)},
		{"POST", "/v1/service/{name}/off", household, s.switchService(false)},
		{"GET", "/v1/ledger", household, s.ledger},
		{"GET", "/v1/ledger/verify", household, s.verifyLedger},
		{"GET", "/v1/ledger/export", household, s.exportLedger},
		{"POST", "/v1/erase", household, s.erase},
		{"POST", "/v1/transfer", household, s.transfer},
		{"POST", "/v1/pause", household, decided(s.backend.Pause)},
		{"POST", "/v1/resume", household, decided(s.backend.Resume)},
		{"GET", "/v1/moment", household, s.moment},
		{"GET", "/v1/deletions", household, s.deletions},
		{"GET", "/v1/senses", household, s.senses},
		{"POST", "/v1/pair", household, decided(s.backend.Pair)},
		{"POST", "/v1/unpair", household, decided(s.backend.Unpair)},
	}
}

// Routes lists the whole API of a backend, each as its method and its path, for what must look at every one of them. The backend
// is not asked anything.
func Routes(b Backend) []string {
	var out []string
	for _, rt := range (&server{backend: b}).routes() {
		out = append(out, rt.method+" "+rt.path)
	}
	return out
}

// NewHandler serves the API of a backend. The role of who asks comes from the request's context ([WithRole]); a
// request without one is refused. The handler is safe for concurrent use if the backend is.
func NewHandler(b Backend) http.Handler {
	s := &server{backend: b}
	return pages{s, s.routes()}
}

// pages finds the route of a path. http.ServeMux would do, and is 50 KB of the device binary.
type pages struct {
	*server
	list []route
}

// ServeHTTP implements http.Handler.
func (p pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, rt := range p.list {
		if rt.matches(r) {
			served{rt, p.server}.ServeHTTP(w, r)
			return
		}
	}
	writeError(w, Errorf(ErrNotFound, "", "there is nothing at this path"))
}

// matches holds a path against the route's, part by part, and notes what stands for the part in braces, of which there is at
// most one.
func (rt route) matches(r *http.Request) bool {
	before, rest, open := strings.Cut(rt.path, "{")
	path := r.URL.EscapedPath()
	if !open {
		return path == rt.path
	}
	name, after, _ := strings.Cut(rest, "}")
	middle, begins := strings.CutPrefix(path, before)
	middle, ends := strings.CutSuffix(middle, after)
	value, err := url.PathUnescape(middle)
	if !begins || !ends || middle == "" || strings.Contains(middle, "/") || err != nil {
		return false
	}
	r.SetPathValue(name, value)
	return true
}

// served is a route with who answers it.
type served struct {
	route
	*server
}

// ServeHTTP implements http.Handler.
func (rt served) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != rt.method {
		w.Header().Set("Allow", rt.method)
		writeError(w, Errorf(ErrMethod, "", "%s is asked with %s", rt.path, rt.method))
		return
	}
	role := roleOf(r.Context())
	if err := rt.permit(role); err != nil {
		rt.witness(role, rt.path, true)
		writeError(w, err)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	answer, err := rt.serve(r)
	if refused := errors.Is(err, ErrNotAllowed); refused || err == nil {
		rt.witness(role, rt.path, refused)
	}
	if err != nil {
		writeError(w, err)
		return
	}
	writeAnswer(w, answer)
}

func (rt route) permit(role Role) error {
	switch {
	case slices.Contains(rt.roles, role):
		return nil
	case role == Technician:
		return Errorf(ErrNotAllowed, "candor status", "a technician may see the state of the object, and nothing of what it measures or who agreed to what")
	}
	return Errorf(ErrNotAllowed, "run this as the owner of the state directory, or as root", "you are neither the person this object belongs to nor its technician")
}

func (s *server) status(r *http.Request) (any, error) {
	if err := noQuery(r); err != nil {
		return nil, err
	}
	status, err := s.backend.Status(r.Context())
	status.Sensors, status.Purposes, status.Routes = list(status.Sensors), list(status.Purposes), list(status.Routes)
	if err == nil && roleOf(r.Context()) == Technician {
		status = status.ForTechnician()
	}
	return status, err
}

func (s *server) consent(r *http.Request) (any, error) {
	if err := noQuery(r, "language"); err != nil {
		return nil, err
	}
	lang := r.URL.Query().Get("language")
	if err := checkLanguage(lang); err != nil {
		return nil, err
	}
	answer, err := s.backend.Consent(r.Context(), lang)
	answer.Purposes, answer.Withheld = list(answer.Purposes), list(answer.Withheld)
	return answer, err
}

// list is l as JSON wants it: a list without entries is [], never null.
func list[E any](l []E) []E {
	if l == nil {
		return []E{}
	}
	return l
}

func (s *server) preview(r *http.Request) (any, error) {
	if err := noQuery(r, "purpose", "language"); err != nil {
		return nil, err
	}
	ctx, err := inLanguage(r)
	if err != nil {
		return nil, err
	}
	purpose := r.URL.Query().Get("purpose")
	if len(purpose) > maxPurpose {
		return nil, Errorf(ErrNotFound, "candor consent show", "no purpose has so long a name")
	}
	previews, err := s.backend.Preview(ctx, purpose)
	return list(previews), err
}

func (s *server) sent(r *http.Request) (any, error) {
	if err := noQuery(r, "last"); err != nil {
		return nil, err
	}
	last := -1
	if text := r.URL.Query().Get("last"); text != "" {
		n, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return nil, Errorf(ErrBadRequest, "candor sent", "last is how many lines are wanted, counted from the end")
		}
		last = int(n)
	}
	lines, err := s.backend.Sent(r.Context())
	if err == nil && last >= 0 {
		lines = lines[max(len(lines)-last, 0):]
	}
	return lines, err
}

type decider func(ctx context.Context, purpose string, role Role, d Decision) (Decided, error)

func (s *server) decide(do decider) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		purpose := r.PathValue("purpose")
		if len(purpose) > maxPurpose {
			return nil, Errorf(ErrNotFound, "candor consent show", "no purpose has so long a name")
		}
		return decided(func(ctx context.Context, role Role, d Decision) (Decided, error) {
			if d.KeepHistory && (purpose != consent.MineID || !strings.HasSuffix(r.URL.Path, "/withdraw")) {
				return Decided{}, Errorf(ErrBadRequest, "candor consent withdraw "+consent.MineID, "to keep the history is for the withdrawal of %s only", consent.MineID)
			}
			return do(ctx, purpose, role, d)
		})(r)
	}
}

// decided serves what takes a decision and nothing else.
func decided[A any](do func(context.Context, Role, Decision) (A, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		if err := noQuery(r); err != nil {
			return nil, err
		}
		var d Decision
		if err := readBody(r, &d); err != nil {
			return nil, err
		}
		role, err := d.check(r)
		if err != nil {
			return nil, err
		}
		return do(r.Context(), role, d)
	}
}

// check says who decides: the person, or root who says on whose behalf.
func (d *Decision) check(r *http.Request) (Role, error) {
	if err := checkLanguage(d.Language); err != nil {
		return "", err
	}
	if err := checkOnBehalf(d.OnBehalf); err != nil {
		return "", err
	}
	d.Channel = channelOf(r.Context())
	role := roleOf(r.Context())
	if role == Root && strings.TrimSpace(d.OnBehalf) == "" {
		return "", Errorf(ErrNotAllowed, "add --on-behalf TEXT, with the name of the person who said so; the receipt keeps it",
			"only the person decides; root can pass on what the person said, and must say on whose behalf")
	}
	return role, nil
}

// noQuery refuses parameters nobody would look at: a parameter that is taken and ignored misleads.
func noQuery(r *http.Request, known ...string) error {
	for name := range r.URL.Query() {
		if !slices.Contains(known, name) {
			return Errorf(ErrBadRequest, "", "the parameter %q is not known here", name)
		}
	}
	return nil
}

// checkLanguage lets through what looks like a language tag of RFC 5646: up to four parts of letters and digits.
func checkLanguage(lang string) error {
	if lang == "" {
		return nil
	}
	parts := strings.Split(lang, "-")
	ok := len(parts) <= 4 && len(parts[0]) >= 2 && len(parts[0]) <= 3
	for _, part := range parts {
		ok = ok && part != "" && len(part) <= 8 && !strings.ContainsFunc(part, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
		})
	}
	if !ok {
		return Errorf(ErrBadRequest, "use a language tag, as fr or en", "that is no language tag")
	}
	return nil
}

// checkOnBehalf keeps what would forge lines or overflow out of a receipt.
func checkOnBehalf(text string) error {
	if len(text) > maxOnBehalf {
		return Errorf(ErrBadRequest, "", "the text that says on whose behalf has %d bytes; at most %d", len(text), maxOnBehalf)
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return Errorf(ErrBadRequest, "", "the text that says on whose behalf has characters that can't be printed")
	}
	return nil
}

// readBody reads one JSON object, strictly. An empty body is the zero value.
func readBody(r *http.Request, into any) error {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return Errorf(ErrBadRequest, "", "the body could not be read, or has more than %d bytes", maxBody)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return Errorf(ErrBadRequest, "", "the body is no decision: %w", err)
	}
	if dec.More() {
		return Errorf(ErrBadRequest, "", "the body goes on after the decision")
	}
	return nil
}
