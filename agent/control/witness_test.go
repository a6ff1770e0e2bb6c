package control

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestActsAreTold: what a technician or root does, or is refused, reaches the ledger; what the person does is hers.
func TestActsAreTold(t *testing.T) {
	const named = `{"on_behalf":"Ms Martin"}`
	for _, c := range []struct {
		role         Role
		method, path string
		body         string
		want         []Act
	}{
		{Technician, "GET", "/v1/status", "", nil},
		{Technician, "GET", "/metrics", "", nil},
		{Technician, "GET", "/v1/health", "", nil},
		{Technician, "POST", "/v1/uplink/retry", "", []Act{{Technician, "offer refused uploads again", false}}},
		{Technician, "POST", "/v1/uplink/test", "", []Act{{Technician, "send a test message", false}}},
		{Technician, "GET", "/v1/export?what=all", "", []Act{{Technician, "take the person's data", true}}},
		{Technician, "POST", "/v1/consent/Ms-Martin-said/grant", "", []Act{{Technician, "say yes", true}}},
		{"", "GET", "/v1/ledger", "", []Act{{"nobody", "see the ledger", true}}},
		{Root, "GET", "/v1/export?what=all", "", []Act{{Root, "take the person's data", false}}},
		{Root, "GET", "/v1/preview", "", []Act{{Root, "see the next upload", false}}},
		{Root, "GET", "/v1/consent", "", nil},
		{Root, "POST", "/v1/consent/trends/grant", "", []Act{{Root, "say yes", true}}},
		{Root, "POST", "/v1/consent/trends/grant", named, nil}, // its receipt says so
		{Root, "POST", "/v1/erase", `{"all":true}`, []Act{{Root, "erase", true}}},
		{Root, "POST", "/v1/transfer", "", []Act{{Root, "make the object another's", true}}},
		{Person, "GET", "/v1/export?what=all", "", nil},
		{Person, "POST", "/v1/uplink/retry", "", nil},
	} {
		f := &fake{}
		ask(NewHandler(f), c.role, c.method, c.path, c.body)
		if got := f.witnessed(); !slices.Equal(got, c.want) {
			t.Errorf("%s %s %s %s: %+v, want %+v", c.role, c.method, c.path, c.body, got, c.want)
		}
	}
}

type inWorkshop struct{ *fake }

func (inWorkshop) Look(context.Context, []string) (Looks, error) { return Looks{Workshop: true}, nil }

// TestWorkshopReadsAreTold: before the hand-over values are shown, and whom they were shown to is told.
func TestWorkshopReadsAreTold(t *testing.T) {
	f := &fake{}
	ask(NewHandler(inWorkshop{f}), Technician, "GET", "/v1/sensor/read", "")
	if got := f.witnessed(); !slices.Equal(got, []Act{{Technician, "see live values in the workshop", false}}) {
		t.Errorf("%+v", got)
	}
	ask(NewHandler(f), Technician, "GET", "/v1/sensor/read", "")
	if got := f.witnessed(); len(got) > 0 {
		t.Errorf("no values were shown, and it is told: %+v", got)
	}
}

// TestMetrics: the text is well-formed, and what tells of the home is in it for the person only: not for root either, as whom
// collectors run.
func TestMetrics(t *testing.T) {
	h := NewHandler(&fake{})
	events := []string{"candor_buffer_bytes", "candor_purpose_", "candor_paused", "_rows", "_written_", `purpose="trends"`}
	for role, all := range map[Role]bool{Technician: false, Root: false, Person: true} {
		w := ask(h, role, "GET", "/metrics", "")
		text := w.Body.String()
		if w.Code != 200 || w.Header().Get("Content-Type") != "text/plain; version=0.0.4; charset=utf-8" {
			t.Fatalf("%s: %d %s", role, w.Code, w.Header())
		}
		for _, word := range events {
			if strings.Contains(text, word) != all {
				t.Errorf("%s: %q: %v\n%s", role, word, !all, text)
			}
		}
		if !strings.Contains(text, "candor_healthy 0\n") || !strings.Contains(text, `candor_part_healthy{kind="sensor",name="hall"} 1`+"\n") {
			t.Errorf("%s: %s", role, text)
		}
		checkExposition(t, text)
	}
	if w := ask(h, "", "GET", "/metrics", ""); w.Code != 403 {
		t.Errorf("somebody who is nobody: %d", w.Code)
	}
}

// checkExposition holds a text to the exposition format: HELP, TYPE, then the samples of that family, each family once.
func checkExposition(t *testing.T, text string) {
	t.Helper()
	family, seen := "", map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
			family, _, _ = strings.Cut(rest, " ")
			if seen[family] {
				t.Errorf("%s is there twice", family)
			}
			seen[family] = true
			continue
		}
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			if name, kind, _ := strings.Cut(rest, " "); name != family || kind != "gauge" && kind != "counter" {
				t.Errorf("%q under %s", line, family)
			}
			continue
		}
		name := line[:strings.IndexAny(line, "{ ")]
		value := line[strings.LastIndexByte(line, ' ')+1:]
		if name != family || value == "" || strings.Trim(value, "-0123456789") != "" {
			t.Errorf("%q under %s", line, family)
		}
	}
	if len(seen) == 0 {
		t.Error("there are no metrics")
	}
}

// TestMetricsAreDescribed: every family is in API.md with its type, its labels and who sees it, and no other is.
func TestMetricsAreDescribed(t *testing.T) {
	text, err := os.ReadFile(apiFile)
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `(candor_[a-z_]+)` \\| (gauge|counter) \\| ([^|]*)\\| (everyone|person) \\|")
	var want []string
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		want = append(want, m[1]+" "+m[2]+" "+strings.Trim(strings.ReplaceAll(m[3], "`", ""), " ")+" "+m[4])
	}
	h := NewHandler(withRoute{&fake{}})
	technician := ask(h, Technician, "GET", "/metrics", "").Body.String()
	var got []string
	family := regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)\n\S+?(?:\{(\S+)\})? `)
	for _, m := range family.FindAllStringSubmatch(ask(h, Person, "GET", "/metrics", "").Body.String(), -1) {
		var labels []string
		for _, l := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(m[3], -1) {
			labels = append(labels, l[1])
		}
		who := "person"
		if strings.Contains(technician, "# TYPE "+m[1]+" ") {
			who = "everyone"
		}
		got = append(got, m[1]+" "+m[2]+" "+strings.Join(labels, ", ")+" "+who)
	}
	if !slices.Equal(got, want) {
		t.Errorf("API.md has\n%s\nand there are\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
}

type withRoute struct{ *fake }

func (f withRoute) Status(ctx context.Context) (Status, error) {
	s, err := f.fake.Status(ctx)
	s.Routes = []RouteStatus{{Recipient: "acme"}}
	return s, err
}

func TestLabels(t *testing.T) {
	var m metrics
	m.sample("x", -1, "a", "q\"\\\n", "b", "")
	if got := m.String(); got != `candor_x{a="q\"\\\n",b=""} -1`+"\n" {
		t.Error(got)
	}
}

func TestFingerprint(t *testing.T) {
	// SHA-256 of nothing, FIPS 180-4.
	if got := Fingerprint(nil); got != "e3b0 c442 98fc 1c14 9afb f4c8 996f b924" {
		t.Error(got)
	}
}
