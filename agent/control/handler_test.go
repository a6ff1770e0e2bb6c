package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func ask(h http.Handler, role Role, method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if role != "" {
		r = r.WithContext(WithRole(r.Context(), role))
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestRoles is the whole matrix: every path for every role, and that a refused request never reaches the backend.
func TestRoles(t *testing.T) {
	const named = `{"on_behalf":"Ms Martin"}`
	type row struct{ nobody, technician, person, root int }
	tried := map[string]bool{}
	for _, c := range []struct {
		method, path, body string
		want               row
	}{
		{"GET", "/v1/status", "", row{403, 200, 200, 200}},
		{"GET", "/v1/health", "", row{403, 200, 200, 200}},
		{"GET", "/metrics", "", row{403, 200, 200, 200}},
		{"GET", "/v1/sheet?language=fr", "", row{403, 403, 200, 200}},
		{"GET", "/v1/sensor/read", "", row{403, 200, 200, 200}},
		{"GET", "/v1/sensor/scan", "", row{403, 200, 200, 200}},
		{"GET", "/v1/buffer", "", row{403, 200, 200, 200}},
		{"GET", "/v1/buffer/verify", "", row{403, 200, 200, 200}},
		{"GET", "/v1/buffer/export", "", row{403, 403, 200, 200}},
		{"POST", "/v1/uplink/test", "", row{403, 200, 200, 200}},
		{"POST", "/v1/uplink/retry", "", row{403, 200, 200, 200}},
		{"GET", "/v1/consent", "", row{403, 403, 200, 200}},
		{"GET", "/v1/preview", "", row{403, 403, 200, 200}},
		{"GET", "/v1/sent", "", row{403, 403, 200, 200}},
		{"GET", "/v1/charter", "", row{403, 403, 200, 200}},
		{"GET", "/v1/charter?language=fr", "", row{403, 403, 400, 400}},
		{"GET", "/v1/live?field=hall.temperature", "", row{403, 403, 200, 200}},
		{"GET", "/v1/sent/copy?stream=000102030405060708090a0b0c0d0e0f&seq=1", "", row{403, 403, 200, 200}},
		{"GET", "/v1/export?what=all", "", row{403, 403, 200, 200}},
		{"POST", "/v1/consent/mine/withdraw", `{"keep_history":true}`, row{403, 403, 200, 403}},
		{"POST", "/v1/consent/trends/grant", "", row{403, 403, 200, 403}},
		{"POST", "/v1/consent/trends/withdraw", "", row{403, 403, 200, 403}},
		{"POST", "/v1/consent/trends/grant", `{"on_behalf":"  "}`, row{403, 403, 200, 403}},
		{"POST", "/v1/consent/trends/grant", named, row{403, 403, 200, 200}},
		{"POST", "/v1/consent/trends/withdraw", named, row{403, 403, 200, 200}},
		{"POST", "/v1/consent/trends/refuse", "", row{403, 403, 200, 403}},
		{"POST", "/v1/consent/trends/refuse", named, row{403, 403, 200, 200}},
		{"GET", "/v1/charter", "", row{403, 403, 200, 200}},
		{"GET", "/v1/ledger", "", row{403, 403, 200, 200}},
		{"GET", "/v1/ledger/verify?head=00", "", row{403, 403, 200, 200}},
		{"GET", "/v1/ledger/export", "", row{403, 403, 200, 200}},
		{"POST", "/v1/erase", `{"all":true}`, row{403, 403, 200, 403}},
		{"POST", "/v1/erase", `{"all":true,"on_behalf":"Ms Martin"}`, row{403, 403, 200, 200}},
		{"POST", "/v1/transfer", "", row{403, 403, 200, 403}},
		{"POST", "/v1/transfer", `{"wait":3,"on_behalf":"Ms Martin"}`, row{403, 403, 200, 200}},
		{"POST", "/v1/pause", "", row{403, 403, 200, 403}},
		{"POST", "/v1/pause", named, row{403, 403, 200, 200}},
		{"POST", "/v1/resume", "", row{403, 403, 200, 403}},
		{"POST", "/v1/resume", named, row{403, 403, 200, 200}},
		{"GET", "/v1/service", "", row{403, 403, 200, 200}},
		{"POST", "/v1/service/heat%2Fcontrol/on", "", row{403, 403, 200, 403}},
		{"POST", "/v1/service/heat%2Fcontrol/on", named, row{403, 403, 200, 200}},
		{"POST", "/v1/service/heat%2Fcontrol/off", "", row{403, 403, 200, 403}},
		{"POST", "/v1/service/heat%2Fcontrol/off", named, row{403, 403, 200, 200}},
		{"GET", "/v1/sent?last=1", "", row{403, 403, 200, 200}},
		{"GET", "/v1/moment?language=fr", "", row{403, 403, 200, 200}},
		{"GET", "/v1/deletions", "", row{403, 403, 200, 200}},
		{"GET", "/v1/senses", "", row{403, 403, 200, 200}},
		{"POST", "/v1/pair", "", row{403, 403, 200, 403}},
		{"POST", "/v1/pair", named, row{403, 403, 200, 200}},
		{"POST", "/v1/unpair", named, row{403, 403, 200, 200}},
	} {
		path, _, _ := strings.Cut(c.path, "?")
		if parts := strings.Split(path, "/"); len(parts) == 5 && parts[2] == "consent" {
			path = "/v1/consent/{purpose}/" + parts[4]
		} else if len(parts) == 5 && parts[2] == "service" {
			path = "/v1/service/{name}/" + parts[4]
		}
		tried[c.method+" "+path] = true
		for role, want := range map[Role]int{"": c.want.nobody, Technician: c.want.technician, Person: c.want.person, Root: c.want.root, "king": 403} {
			t.Run(fmt.Sprintf("%s %s %s %q", c.method, c.path, c.body, role), func(t *testing.T) {
				f := &fake{}
				w := ask(NewHandler(f), role, c.method, c.path, c.body)
				if w.Code != want {
					t.Errorf("status %d, want %d: %s", w.Code, want, w.Body)
				}
				if reached := len(f.seen()) > 0; reached != (want == 200) {
					t.Errorf("the backend was reached: %v", f.seen())
				}
				if w.Code == 403 && !strings.Contains(w.Body.String(), `"hint"`) {
					t.Errorf("a refusal without a hint: %s", w.Body)
				}
			})
		}
	}
	for _, rt := range (&server{backend: &fake{}}).routes() {
		if !tried[rt.method+" "+rt.path] {
			t.Errorf("nobody tried %s %s", rt.method, rt.path)
		}
		if what, _ := about(rt.path); what == "" && !slices.Contains(rt.roles, Technician) {
			t.Errorf("the ledger has no words for who is refused %s", rt.path)
		}
	}
}

func TestRequestsRefused(t *testing.T) {
	for _, c := range []struct {
		method, path, body string
		status             int
		code               Code
	}{
		{"GET", "/", "", 404, ErrNotFound},
		{"GET", "/v1/statuses", "", 404, ErrNotFound},
		{"POST", "/v1/status", "", 405, ErrMethod},
		{"GET", "/v1/consent/trends/grant", "", 405, ErrMethod},
		{"GET", "/v1/status?verbose=1", "", 400, ErrBadRequest},
		{"GET", "/v1/consent?language=" + strings.Repeat("x", 40), "", 400, ErrBadRequest},
		{"GET", "/v1/consent?language=../fr", "", 400, ErrBadRequest},
		{"GET", "/v1/consent?language=f", "", 400, ErrBadRequest},
		{"GET", "/v1/consent?language=fr-", "", 400, ErrBadRequest},
		{"GET", "/v1/consent?language=fr-a-b-c-d", "", 400, ErrBadRequest},
		{"GET", "/v1/preview?purpose=" + strings.Repeat("x", 65), "", 404, ErrNotFound},
		{"POST", "/v1/consent/" + strings.Repeat("x", 65) + "/grant", "", 404, ErrNotFound},
		{"POST", "/v1/erase", `{}`, 400, ErrBadRequest},
		{"POST", "/v1/erase", `{"all":true,"purpose":"x"}`, 400, ErrBadRequest},
		{"POST", "/v1/transfer", `{"wait":46}`, 400, ErrBadRequest},
		{"GET", "/v1/ledger?x=1", "", 400, ErrBadRequest},
		{"GET", "/v1/live?since=yesterday", "", 400, ErrBadRequest},
		{"GET", "/v1/export", "", 400, ErrBadRequest},
		{"GET", "/v1/export?what=everything", "", 400, ErrBadRequest},
		{"GET", "/v1/export?what=raw&from=x", "", 400, ErrBadRequest},
		{"GET", "/v1/sent/copy?stream=../x&seq=1", "", 400, ErrBadRequest},
		{"GET", "/v1/sent/copy?stream=000102030405060708090a0b0c0d0e0f&seq=-1", "", 400, ErrBadRequest},
		{"POST", "/v1/consent/trends/withdraw", `{"keep_history":true}`, 400, ErrBadRequest},
		{"POST", "/v1/consent/mine/grant", `{"keep_history":true}`, 400, ErrBadRequest},
		{"POST", "/v1/consent/trends/grant", "yes", 400, ErrBadRequest},
		{"POST", "/v1/consent/trends/grant", `{"onbehalf":"x"}`, 400, ErrBadRequest},
		{"POST", "/v1/consent/trends/grant", `{} {}`, 400, ErrBadRequest},
		{"POST", "/v1/consent/trends/grant", `{"on_behalf":"a\nb"}`, 400, ErrBadRequest},
		{"POST", "/v1/consent/trends/grant", `{"on_behalf":"` + strings.Repeat("x", 201) + `"}`, 400, ErrBadRequest},
		{"POST", "/v1/consent/trends/grant", `{"on_behalf":"` + strings.Repeat("x", maxBody) + `"}`, 400, ErrBadRequest},
		{"POST", "/v1/consent/trends/grant", `{"language":"not a language"}`, 400, ErrBadRequest},
	} {
		t.Run(c.method+" "+c.path[:min(len(c.path), 40)]+" "+c.body[:min(len(c.body), 40)], func(t *testing.T) {
			f := &fake{}
			w := ask(NewHandler(f), Person, c.method, c.path, c.body)
			var body errorBody
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatalf("no JSON error: %v: %s", err, w.Body)
			}
			if w.Code != c.status || body.Error.Code != c.code || body.Error.Text == "" {
				t.Errorf("%d %s %q, want %d %s", w.Code, body.Error.Code, body.Error.Text, c.status, c.code)
			}
			if len(f.seen()) > 0 {
				t.Errorf("the backend was reached: %v", f.seen())
			}
		})
	}
}

func TestBackendErrors(t *testing.T) {
	hinted := Errorf(ErrNotFound, "did you mean trends?", "no purpose is called %q", "trend")
	for _, c := range []struct {
		name string
		err  error
		code Code
		text string
		hint string
		http int
	}{
		{"typed", hinted, ErrNotFound, `no purpose is called "trend"`, "did you mean trends?", 404},
		{"wrapped", fmt.Errorf("grant: %w", hinted), ErrNotFound, `grant: no purpose is called "trend"`, "did you mean trends?", 404},
		{"code", fmt.Errorf("the charter refuses it: %w", ErrConflict), ErrConflict, "the charter refuses it: conflict", "", 409},
		{"unavailable", Errorf(ErrUnavailable, "", "the ledger can't be read"), ErrUnavailable, "the ledger can't be read", "", 503},
		{"other", errors.New("boom"), ErrInternal, "boom", "", 500},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := NewHandler(&fake{err: c.err})
			if w := ask(h, Person, "POST", "/v1/consent/trend/grant", ""); w.Code != c.http {
				t.Errorf("status %d, want %d", w.Code, c.http)
			}
			_, err := Local(h, Person).Grant(t.Context(), "trend", Decision{})
			var e *Error
			if !errors.As(err, &e) || e.Code != c.code || e.Text != c.text || e.Hint != c.hint {
				t.Errorf("the client got %#v", err)
			}
			if !errors.Is(err, c.code) {
				t.Errorf("errors.Is(%v, %s) is false", err, c.code)
			}
		})
	}
}

func TestClientAsks(t *testing.T) {
	f := &fake{}
	c := Local(NewHandler(f), Root)
	ctx := t.Context()
	if _, err := c.Status(ctx); err != nil {
		t.Error(err)
	}
	if a, err := c.Consent(ctx, "fr-CA"); err != nil || a.Language != "fr-CA" || a.Controller != "Acme" {
		t.Errorf("%+v, %v", a, err)
	}
	if p, err := c.Preview(ctx, "a&b=c"); err != nil || len(p) != 1 || string(p[0].SenML) != `[{"n":"x","v":1}]` {
		t.Errorf("%+v, %v", p, err)
	}
	if s, err := c.Sent(ctx); err != nil || len(s) != 2 || s[1].Seq != 2 || s[1].SentAt.IsZero() {
		t.Errorf("%+v, %v", s, err)
	}
	if d, err := c.Grant(ctx, "a/b c?", Decision{OnBehalf: "Ms Martin", Language: "fr"}); err != nil || d.Purpose != "a/b c?" || d.State != "given" {
		t.Errorf("%+v, %v", d, err)
	}
	if f.last != (Decision{OnBehalf: "Ms Martin", Language: "fr", Channel: ChannelCLI}) {
		t.Errorf("the backend got %+v", f.last)
	}
	if d, err := c.Withdraw(ctx, "trends", Decision{OnBehalf: "Ms Martin"}); err != nil || d.State != "withdrawn" {
		t.Errorf("%+v, %v", d, err)
	}
	want := []string{"status", "consent fr-CA", "preview a&b=c", "sent", "grant a/b c? root", "withdraw trends root"}
	if got := f.seen(); !slices.Equal(got, want) {
		t.Errorf("the backend was asked %q, want %q", got, want)
	}
	for _, odd := range []string{"", ".", ".."} {
		if _, err := c.Grant(ctx, odd, Decision{OnBehalf: "x"}); !errors.Is(err, ErrNotFound) {
			t.Errorf("grant %q: %v", odd, err)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := c.Status(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

// TestTechnicianSeesNoLife asks for the state as both: everything that rises with what happens in the home is in one answer and
// not in the other.
func TestTechnicianSeesNoLife(t *testing.T) {
	h := NewHandler(&fake{})
	person, err := Local(h, Person).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p := person.Purposes[0]; person.Limited || person.Buffer.Waiting != 3 || person.Buffer.Gaps[0] != "15 rows" || p.Buffered != 4 || p.Sent.Rows != 7 || p.Sent.WireBytes != 8 || person.Buffer.Bytes != 10 {
		t.Errorf("the person does not see everything: %+v", person)
	}
	technician, err := Local(h, Technician).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, b, f := technician.Purposes[0], technician.Buffer, technician.Sensors[0].Faults[0]
	if p.Buffered+p.Outgoing+p.Parked != 0 || p.Sent.Batches != 0 || !p.NextSend.IsZero() || b.Waiting != 0 || len(b.Gaps) != 1 || strings.Contains(b.Gaps[0], "15") || p.Sent.Rows+p.Sent.WireBytes != 0 || b.Bytes+b.Written != 0 || b.Segments != 0 || b.Dropped != nil || f.Count != 0 || f.Where != "" {
		t.Errorf("a technician sees counts of events: %+v", technician)
	}
	if person.Paused.IsZero() || !technician.Paused.IsZero() || !strings.HasPrefix(technician.Truth, "Paused: ") || strings.ContainsAny(technician.Truth, "0123456789") {
		t.Errorf("a technician sees when somebody paused: %v, %q", technician.Paused, technician.Truth)
	}
	if !technician.Limited || p.State != person.Purposes[0].State || b.MaxBytes != 11 || f.What == "" || f.Hint == "" {
		t.Errorf("a technician does not see what works: %+v", technician)
	}
}

// TestListsAreLists: an empty answer is [] for every reader.
func TestListsAreLists(t *testing.T) {
	h := NewHandler(empty{&fake{}})
	for path, want := range map[string]string{
		"/v1/preview": "[]\n", "/v1/sent": "[\n]\n",
		"/v1/consent": `{"language":"","controller":"","purposes":[],"withheld":[]}` + "\n",
	} {
		if w := ask(h, Person, "GET", path, ""); w.Body.String() != want {
			t.Errorf("%s answers %q", path, w.Body)
		}
	}
	if w := ask(h, Person, "GET", "/v1/status", ""); strings.Contains(w.Body.String(), "null") {
		t.Errorf("the status has a null: %s", w.Body)
	}
}

type empty struct{ *fake }

func (empty) Preview(context.Context, string) ([]Preview, error) { return nil, nil }
func (empty) Sent(context.Context) ([]Sent, error)               { return nil, nil }
func (empty) Consent(context.Context, string) (Consent, error)   { return Consent{}, nil }
func (empty) Status(context.Context) (Status, error)             { return Status{}, nil }

// What came through the page says so, and no body can: a receipt is not to be forged by whoever sends the request.
func TestChannelComesFromTheServer(t *testing.T) {
	f := &fake{}
	h := NewHandler(f)
	for _, c := range []struct{ channel, want string }{{"", ChannelCLI}, {ChannelPage, ChannelPage}} {
		r := httptest.NewRequest("POST", "/v1/consent/trends/grant", strings.NewReader(`{}`))
		ctx := WithRole(r.Context(), Person)
		if c.channel != "" {
			ctx = WithChannel(ctx, c.channel)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.WithContext(ctx))
		if w.Code != 200 || f.last.Channel != c.want {
			t.Errorf("through %q: status %d, channel %q", c.channel, w.Code, f.last.Channel)
		}
	}
	for _, body := range []string{`{"channel":"page"}`, `{"Channel":"page"}`, `{"-":"page"}`} {
		if w := ask(h, Person, "POST", "/v1/consent/trends/grant", body); w.Code != 400 {
			t.Errorf("%s: status %d", body, w.Code)
		}
	}
}

func TestSentLast(t *testing.T) {
	for query, want := range map[string]int{"": 2, "?last=1": 1, "?last=0": 0, "?last=99": 2} {
		var got []Sent
		w := ask(NewHandler(&fake{}), Person, "GET", "/v1/sent"+query, "")
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got) != want {
			t.Errorf("%q gives %d lines, %v, want %d", query, len(got), err, want)
		}
	}
	if w := ask(NewHandler(&fake{}), Person, "GET", "/v1/sent?last=-1", ""); w.Code != 400 {
		t.Errorf("a negative count: %d", w.Code)
	}
}
