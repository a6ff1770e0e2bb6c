package transport

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	verdicts := map[Verdict][]int{
		Poison:  {413, 422},
		Clash:   {409},
		Unknown: {428},
		Retry:   {410, 204, 301, 307, 400, 401, 403, 404, 405, 408, 415, 418, 429, 500, 502, 503, 504},
	}
	for want, list := range verdicts {
		for _, status := range list {
			if got := Judge(fmt.Errorf("recipient acme: %w", &Refusal{Status: status})); got != want {
				t.Errorf("%d is verdict %d, want %d", status, got, want)
			}
		}
	}
	if Judge(&Refusal{Status: 410, Code: "withdrawn"}) != Gone || Judge(&Refusal{Status: 410, Code: "gone"}) != Retry {
		t.Error("a 410 ends a yes only with the recipient's own word for it")
	}
	for _, err := range []error{ErrNoProof, errors.New("anything"), &fault{}} {
		if Judge(err) != Retry {
			t.Errorf("%v is not tried again", err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		header string
		want   time.Duration
	}{
		{"", 0}, {"0", 0}, {"1", time.Second}, {"120", 2 * time.Minute}, {" 120 ", 2 * time.Minute},
		{"86400", 24 * time.Hour}, {"86401", 24 * time.Hour}, {"99999999999999999999999", 24 * time.Hour},
		{"-5", 0}, {"+5", 0}, {"1.5", 0}, {"soon", 0}, {"0x10", 0},
		{now.Add(time.Minute).Format(http.TimeFormat), time.Minute},
		{now.Add(-time.Minute).Format(http.TimeFormat), 0},
		{now.Add(1000 * time.Hour).Format(http.TimeFormat), 24 * time.Hour},
		{"Friday, 01-May-26 12:00:30 GMT", 30 * time.Second}, // RFC 850
		{"Fri May  1 12:00:30 2026", 30 * time.Second},       // asctime
	}
	for _, tt := range tests {
		if got := retryAfter(tt.header, now); got != tt.want {
			t.Errorf("Retry-After: %s gives %v, want %v", tt.header, got, tt.want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "1", "99999999999999999999", "Fri, 01 May 2026 12:00:00 GMT", "-1"} {
		f.Add(s)
	}
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, header string) {
		if got := retryAfter(header, now); got < 0 || got > maxRetryAfter {
			t.Errorf("%q gives %v", header, got)
		}
	})
}

func TestCodesOfStrangers(t *testing.T) {
	for code, want := range map[string]string{"alphabet": "alphabet", "too-slow-2": "too-slow-2", "": "", "Alphabet": "", "a b": "", "a\nlevel=ERROR": "",
		strings.Repeat("a", 64): strings.Repeat("a", 64), strings.Repeat("a", 65): "", "é": ""} {
		if got := cleanCode(code); got != want {
			t.Errorf("%q is shown as %q, want %q", code, got, want)
		}
	}
	r := &Refusal{Status: 422, Code: "alphabet"}
	if got := r.Error(); got != "the recipient answered 422 Unprocessable Entity (alphabet)" {
		t.Error(got)
	}
}

// A date to wait for is taken by the clock of whoever names it.
func TestADateByTheRecipientsClock(t *testing.T) {
	h := http.Header{"Retry-After": {"Wed, 21 Oct 2015 07:30:00 GMT"}, "Date": {"Wed, 21 Oct 2015 07:28:00 GMT"}}
	if got := waitOf(h); got != "120" {
		t.Errorf("%q", got)
	}
	h.Set("Date", "Wed, 21 Oct 2015 07:31:00 GMT")
	if got := waitOf(h); got != "0" {
		t.Errorf("%q", got)
	}
	for _, as := range []string{"17", "", "geheim"} {
		if got := waitOf(http.Header{"Retry-After": {as}, "Date": {"Wed, 21 Oct 2015 07:28:00 GMT"}}); got != as {
			t.Errorf("%q became %q", as, got)
		}
	}
}
