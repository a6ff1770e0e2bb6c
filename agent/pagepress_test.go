package agent

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/candor-edge/candor/store/ledger"
)

// The kernel says whose a connection is, over both kinds of address.
func TestUIDOf(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Logf("%s: not on this machine: %v", address, err)
			continue
		}
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		from, to := client.LocalAddr().(*net.TCPAddr).AddrPort(), l.Addr().(*net.TCPAddr).AddrPort()
		if uid, err := uidOf(from, to); err != nil || int(uid) != os.Getuid() {
			t.Errorf("%s: %d, %v", address, uid, err)
		}
		if _, err := uidOf(netip.AddrPortFrom(from.Addr(), 1), to); err == nil {
			t.Errorf("%s: a connection that is none has an account", address)
		}
		_, _ = client.Close(), l.Close()
	}
}

// TestThePageByAPress holds the button of a running object and asks for its page as the account of this test: the owner of the object comes
// in, once, and the ledger says how; root does not.
func TestThePageByAPress(t *testing.T) {
	cfg, err := LoadConfig(writeConfig(t, "[signals]\npause = \"GPIO23\"\n[page]\nlisten = \"127.0.0.1:0\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := Open(cfg, Options{Detached: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	a.button.hold() // before the page is served: nothing comes of it
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.pageLoop(ctx) }()
	defer func() { stop(); <-ended }()
	for deadline := time.Now().Add(time.Minute); a.page.URL() == "" && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	url := a.page.URL()
	press := func() (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"press", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", strings.TrimSuffix(url, "/"))
		r.Header.Set("Content-Type", "application/json")
		got, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = got.Body.Close() }()
		body, _ := io.ReadAll(got.Body)
		time.Sleep(1100 * time.Millisecond) // until the next try
		return got.StatusCode, string(body)
	}
	if code, body := press(); code != http.StatusForbidden {
		t.Errorf("before the button was held: %d %s", code, body)
	}
	a.button.hold()
	code, body := press()
	want := []string{"the button was held: the page may be opened once within two minutes"}
	if os.Getuid() == 0 {
		if code != http.StatusForbidden || !strings.Contains(body, "root") {
			t.Errorf("root: %d %s", code, body)
		}
	} else {
		want = append(want, "the page was opened, after the button was held")
		if code != http.StatusOK || !strings.Contains(body, "token") {
			t.Errorf("the owner: %d %s", code, body)
		}
		if code, body := press(); code != http.StatusForbidden {
			t.Errorf("a second page: %d %s", code, body)
		}
		if !a.book.Paired() {
			t.Error("the object does not count as handed over")
		}
	}
	var said []string
	if err := a.book.Events(func(e ledger.Event) error {
		if e.Kind == ledger.Act && e.Channel == buttonChannel {
			said = append(said, e.Text)
		}
		return nil
	}); err != nil || fmt.Sprint(said) != fmt.Sprint(want) {
		t.Errorf("the ledger says %q, want %q, %v", said, want, err)
	}
}
