package transport

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/candor-edge/candor/tinyconf"
)

func TestURLs(t *testing.T) {
	tests := []struct{ url, want string }{ // want "": refused
		{"https://ingest.acme.example/v1", "https://ingest.acme.example/v1"},
		{"https://ingest.acme.example/v1/", "https://ingest.acme.example/v1"},
		{"https://ingest.acme.example", "https://ingest.acme.example"},
		{"https://ingest.acme.example:8443/", "https://ingest.acme.example:8443"},
		{"HTTPS://ingest.acme.example/v1", "https://ingest.acme.example/v1"},
		{"https://ingest.acme.example/a%2Fb/", "https://ingest.acme.example/a%2Fb"},
		{"https://[2001:db8::1]/v1", "https://[2001:db8::1]/v1"},
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080"},
		{"http://127.9.9.9", "http://127.9.9.9"},
		{"http://[::1]:8080/x", "http://[::1]:8080/x"},
		{"http://localhost:8080/", "http://localhost:8080"},
		{"http://ingest.acme.example/v1", ""},
		{"http://localhost.acme.example/", ""},
		{"http://127.0.0.1.acme.example/", ""},
		{"http://10.0.0.1/", ""},
		{"http://0.0.0.0/", ""},
		{"http://127.1/", ""},
		{"https://user:geheim@acme.example/", ""},
		{"https://user@acme.example/", ""},
		{"https://société.example/", ""},
		{"https://soci%C3%A9t%C3%A9.example/", ""},
		{"mqtts://société.example/prefix", ""},
		{"user:geheim@acme.example/", ""},
		{"https://acme.example/?token=geheim", ""},
		{"https://acme.example/?", ""},
		{"https://acme.example/#geheim", ""},
		{"https://acme.example/#", ""},
		{"https:///v1", ""},
		{"https://:443/v1", ""},
		{"https:acme.example/geheim", ""},
		{"https://acme.example:geheim/", ""},
		{"https://acme.example/%zz", ""},
		{"https://acme.example/\ngeheim", ""},
		{"ftp://acme.example/", ""},
		{"mqtts://acme.example/", ""},
		{"mqtts://acme.example/candor", "mqtts://acme.example/candor"},
		{"mqtts://acme.example:8884/a/b/", "mqtts://acme.example:8884/a/b"},
		{"mqtt://localhost:1883/candor", "mqtt://localhost:1883/candor"},
		{"mqtt://acme.example/candor", ""},
		{"mqtts://acme.example/+/geheim", ""},
		{"mqtts://acme.example/%23", ""},
		{"mqtts://u:geheim@acme.example/candor", ""},
		{"acme.example/v1", ""},
		{"//acme.example/v1", ""},
		{"geheim:acme.example", ""},
		{"", ""},
	}
	for _, tt := range tests {
		u, err := parseURL(tt.url)
		switch {
		case err == nil && tt.want != u.String():
			t.Errorf("%q is taken as %q, want %q", tt.url, u, tt.want)
		case err != nil && tt.want != "":
			t.Errorf("%q is refused: %v", tt.url, err)
		case err != nil && strings.Contains(err.Error(), "geheim"):
			t.Errorf("the error repeats what is secret: %v", err)
		}
	}
}

func FuzzURLs(f *testing.F) {
	for _, s := range []string{"https://a.example/v1", "http://localhost", "http://[::1]:80/x/", "https://u:p@h/", "https://h/?", "https://h/a%2F"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := parseURL(text)
		if err != nil {
			return
		}
		again, err := parseURL(u.String())
		if err != nil || again.String() != u.String() {
			t.Fatalf("%q gives %q, which gives %v (%v)", text, u, again, err)
		}
		if u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(u.String(), "/") {
			t.Fatalf("%q gives %q", text, u)
		}
		if u.Scheme != "https" && u.Scheme != "mqtts" && !loopback(u.Hostname()) {
			t.Fatalf("%q leads away without TLS", text)
		}
	})
}

func TestPins(t *testing.T) {
	digits := strings.Repeat("0a", 32)
	for text, ok := range map[string]bool{
		"sha256:" + digits: true, "sha256:" + strings.ToUpper(digits): true, "sha256:" + strings.Repeat("0a:", 31) + "0a": true,
		digits: false, "sha256:" + digits[2:]: false, "sha256:" + digits + "00": false, "sha1:" + digits: false, "sha256:" + strings.Repeat("xx", 32): false, "": false,
	} {
		if _, err := parsePin(text); (err == nil) != ok {
			t.Errorf("pin %q: %v", text, err)
		}
	}
}

// holder is a file with routes.
type holder struct {
	Routes []Route `toml:"route"`
}

func TestRoutesInAFile(t *testing.T) {
	tests := []struct{ name, text, fault string }{ // fault "": good
		{"plain", `url = "https://acme.example/v1"`, ""},
		{"no url", ``, "url"},
		{"bad url", `url = "ftp://acme.example"`, "https://host/path"},
		{"pin", `url = "https://acme.example"` + "\npin = \"sha256:12\"", "pin"},
		{"cert without key", `url = "https://acme.example"` + "\ncert = \"c.pem\"", "cert"},
		{"key without cert", `url = "https://acme.example"` + "\nkey = \"file:/k.pem\"", "cert"},
		{"both", `url = "https://acme.example"` + "\ncert = \"c.pem\"\nkey = \"file:/k.pem\"", ""},
		{"ca with http", `url = "http://localhost"` + "\nca = \"ca.pem\"", "this is http"},
		{"ca with HTTP", `url = "HTTP://localhost"` + "\nca = \"ca.pem\"", "this is http"},
		{"the token itself", `url = "https://acme.example"` + "\nauth = \"geheim\"", "file:PATH"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var h holder
			err := tinyconf.Load("candor.toml", []byte("[[route]]\nrecipient = \"acme\"\n"+tt.text+"\n"), &h)
			switch {
			case tt.fault == "" && (err != nil || h.Routes[0].Timeout != defaultTimeout):
				t.Error(err, h.Routes)
			case tt.fault != "" && (err == nil || !strings.Contains(err.Error(), tt.fault)):
				t.Errorf("%v, want a word about %s", err, tt.fault)
			case err != nil && strings.Contains(err.Error(), "geheim"):
				t.Errorf("the error repeats the token: %v", err)
			}
		})
	}
}

func TestOpenSaysWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	secret := func(path string) tinyconf.Secret {
		s, err := tinyconf.ParseSecret("file:"+path, false)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	junk := file("junk.pem", "geheim")
	tests := []struct {
		name  string
		route Route
		want  string
	}{
		{"url", Route{URL: "ftp://x"}, "url"},
		{"no token file", Route{Auth: secret(dir + "/none")}, "auth"},
		{"no ca file", Route{CA: dir + "/none"}, "ca"},
		{"ca without a certificate", Route{CA: junk}, "no certificate"},
		{"no cert file", Route{Cert: dir + "/none", Key: secret(junk)}, "cert"},
		{"no key file", Route{Cert: junk, Key: secret(dir + "/none")}, "key"},
		{"cert and key are junk", Route{Cert: junk, Key: secret(junk)}, "fit together"},
		{"pin", Route{Pin: "sha256:1"}, "pin"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.route.Recipient = "acme"
			if tt.route.URL == "" {
				tt.route.URL = "https://acme.example"
			}
			_, err := Open(tt.route, Env{Secrets: tinyconf.SystemEnv()})
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "acme") || strings.Contains(err.Error(), "geheim") {
				t.Errorf("%v, want a word about %q and the recipient, and nothing of what is in the files", err, tt.want)
			}
		})
	}
}
