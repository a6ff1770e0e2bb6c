package tinyconf_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/candor-edge/candor/tinyconf"
)

const hidden = "hunter2"

// holder has a Secret wherever one may be.
type holder struct {
	Public  tinyconf.Secret
	Pointer *tinyconf.Secret
	List    []tinyconf.Secret
	Map     map[string]tinyconf.Secret
	Rest    tinyconf.Rest
	inner   tinyconf.Secret
	rest    tinyconf.Rest
}

func newHolder(t *testing.T) holder {
	t.Helper()
	s := tinyconf.Literal(hidden)
	var c struct{ Rest tinyconf.Rest }
	if err := tinyconf.Load("c.toml", []byte(`token = "`+hidden+`"`), &c); err != nil {
		t.Fatal(err)
	}
	return holder{s, &s, []tinyconf.Secret{s}, map[string]tinyconf.Secret{"k": s}, c.Rest, s, c.Rest}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	h := newHolder(t)
	hexed := fmt.Sprintf("%x", hidden)
	check := func(how, text string) {
		t.Helper()
		for _, trace := range []string{hidden, hexed, strings.ToUpper(hexed), "104 117 110"} {
			if strings.Contains(text, trace) {
				t.Errorf("%s shows %s", how, text)
			}
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%t", "%T", "%10.3s", "%-20v", "%o", "%!"} {
		for _, v := range []any{h, &h, h.Public, h.Pointer, h.List, h.Map, h.Rest, []any{h.inner, h.rest}} {
			check(verb, fmt.Sprintf(verb, v))
		}
	}
	check("print", fmt.Sprint(h, h.inner)+fmt.Sprintln(h.Public))
	check("error", fmt.Errorf("token %w %v", errors.New("x"), h.Public).Error())
	var out bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("m", "secret", h.Public, "holder", h, "pointer", &h, slog.Group("g", "s", h.Pointer), "list", h.List)
	}
	if n := strings.Count(out.String(), "secret=[secret]") + strings.Count(out.String(), `"secret":"[secret]"`); n != 2 {
		t.Errorf("slog wrote %s", &out)
	}
	check("slog", out.String())
	for name, marshal := range map[string]func(any) ([]byte, error){"json": json.Marshal, "xml": xml.Marshal} {
		for _, v := range []any{h, h.Public, h.Pointer, h.List} {
			text, err := marshal(v)
			check(name, fmt.Sprint(string(text), err))
		}
	}
	err := toml.NewEncoder(&out).Encode(h)
	check("toml", fmt.Sprint(&out, err))
	for _, verb := range []string{"%v", "%s", "%#v", "%x"} {
		if got := fmt.Sprintf(verb, h.Public); got != "[secret]" {
			t.Errorf("%s gives %q", verb, got)
		}
	}
	if got := h.Rest.String() + h.Rest.GoString(); got != "1 keys1 keys" {
		t.Errorf("a Rest prints as %s", got)
	}
}

func TestSecretSources(t *testing.T) {
	for _, tc := range []struct {
		text    string
		literal bool
		source  string
		err     string
	}{
		{"file:/etc/x", false, "file:/etc/x", ""},
		{"credential:acme-token.v1", false, "credential:acme-token.v1", ""},
		{hidden, true, "in the configuration file", ""},
		{"file", true, "in the configuration file", ""},
		{"http://x", true, "in the configuration file", ""},
		{"", true, "", `found no text, write "file:PATH" or "credential:NAME"`},
		{hidden, false, "", `found the value itself, which does not belong in this file, write "file:PATH" or "credential:NAME"`},
		{"file:" + hidden, true, "", `"file:" needs a path from the root, as in "file:/etc/candor/token"`},
		{"credential:../" + hidden, true, "", `"credential:" needs a name of letters, digits, dots, - and _, as in "credential:acme-token"`},
		{"credential:..", false, "", `"credential:" needs a name of letters, digits, dots, - and _, as in "credential:acme-token"`},
		{"credential:", false, "", `"credential:" needs a name of letters, digits, dots, - and _, as in "credential:acme-token"`},
	} {
		s, err := tinyconf.ParseSecret(tc.text, tc.literal)
		if (err == nil) != (tc.err == "") || err != nil && err.Error() != tc.err {
			t.Errorf("%q: %v, want %s", tc.text, err, tc.err)
		}
		if err == nil && (s.Source() != tc.source || !s.IsSet()) {
			t.Errorf("%q is from %s, want %s", tc.text, s.Source(), tc.source)
		}
	}
	var s tinyconf.Secret
	if s.IsSet() || s.Source() != "not set" {
		t.Errorf("the zero value is %s", s.Source())
	}
	if err := s.UnmarshalTOML(hidden); err == nil || s.IsSet() {
		t.Error("a literal is taken without the tag")
	}
}

func TestSecretRead(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"token": hidden + "\n", "serial": "1000abcd\x00", "empty": "", "blank": " \n\x00", "long": strings.Repeat("x", 64<<10+1)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	env := tinyconf.SystemEnv()
	file := "file:" + dir + "/"
	for _, tc := range []struct{ ref, want, err string }{
		{file + "token", hidden, ""},
		{"credential:token", hidden, ""},
		{"credential:serial", "1000abcd", ""},
		{"plain text", "plain text", ""},
		{"credential:empty", "", "credential:empty: the file is empty"},
		{"credential:blank", "", "credential:blank: there is nothing but white space"},
		{"credential:long", "", "credential:long: the file is longer than 65536 bytes"},
		{file + "none", "", file + "none: open " + dir + "/none: no such file or directory"},
	} {
		s, err := tinyconf.ParseSecret(tc.ref, true)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.ReadText(env)
		if got != tc.want || (err == nil) != (tc.err == "") || err != nil && err.Error() != tc.err {
			t.Errorf("%s gives %q (%v), want %q (%s)", tc.ref, got, err, tc.want, tc.err)
		}
	}
	token, _ := tinyconf.ParseSecret("credential:token", false)
	if got, err := token.Read(env); err != nil || string(got) != hidden+"\n" {
		t.Errorf("Read gives %q (%v), want the bytes as they are", got, err)
	}
	if _, err := token.Read(tinyconf.Env{}); err == nil || err.Error() != "credential:token: $CREDENTIALS_DIRECTORY is not set, add LoadCredential=token:PATH to the service" {
		t.Errorf("no directory: %v", err)
	}
	if _, err := token.Read(tinyconf.Env{Credentials: dir}); err == nil {
		t.Error("read without a way to open")
	}
	if _, err := (tinyconf.Secret{}).Read(env); err == nil {
		t.Error("read of nothing")
	}
	env.Open = func(string) (io.ReadCloser, error) { return badCloser{strings.NewReader("x")}, nil }
	if got, err := token.Read(env); !errors.Is(err, fs.ErrClosed) || got != nil {
		t.Errorf("a failing close gives %q, %v", got, err)
	}
}
