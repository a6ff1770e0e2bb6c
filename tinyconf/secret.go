package tinyconf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// maxSecret bounds what a secret's file may hold: keys and tokens are small.
const maxSecret = 64 << 10

// Secret says where a secret is: "file:/absolute/path", "credential:NAME" (a systemd
// credential), or, in a field tagged literal, the secret itself. Nothing is read
// before [Secret.Read]. It cannot be printed: fmt, slog and encoders show
// [secret] or nothing at all. A copy refers to the same secret. The zero value
// means none was given.
type Secret struct {
	body **secret // see hide
}

type secret struct {
	scheme string // "file", "credential" or "literal"
	value  string
}

// hide puts v where fmt won't print it. For what lies in another struct's unexported
// fields, fmt calls no methods: it prints a pointer as an address, but with a verb that
// pointers don't have it prints what the pointer points at. So there are two.
func hide[T any](v T) **T {
	p := &v
	return &p
}

// Env is what a Secret reads from.
type Env struct {
	// Credentials is the directory of systemd credentials, empty when there is none.
	Credentials string
	// Open opens a file for reading.
	Open func(path string) (io.ReadCloser, error)
}

// ErrNoCredentials is that systemd has handed this process no credentials: it is not the service.
var ErrNoCredentials = errors.New("$CREDENTIALS_DIRECTORY is not set")

// SystemEnv is the Env of this process: its files, and $CREDENTIALS_DIRECTORY
// (systemd.exec(5)).
func SystemEnv() Env {
	return Env{
		Credentials: os.Getenv("CREDENTIALS_DIRECTORY"),
		Open:        func(path string) (io.ReadCloser, error) { return os.Open(path) },
	}
}

// Literal makes a Secret that holds value itself.
func Literal(value string) Secret { return Secret{hide(secret{"literal", value})} }

// ParseSecret reads a reference, or with literal anything else as the secret
// itself. Its errors never hold the text.
func ParseSecret(text string, literal bool) (Secret, error) {
	scheme, value, _ := strings.Cut(text, ":")
	switch {
	case text == "":
		return Secret{}, errors.New(`found no text, write "file:PATH" or "credential:NAME"`)
	case scheme == "file" && strings.Contains(text, ":"):
		if !filepath.IsAbs(value) {
			return Secret{}, errors.New(`"file:" needs a path from the root, as in "file:/etc/candor/token"`)
		}
		return Secret{hide(secret{scheme, value})}, nil
	case scheme == "credential" && strings.Contains(text, ":"):
		if !isCredential(value) {
			return Secret{}, errors.New(`"credential:" needs a name of letters, digits, dots, - and _, as in "credential:acme-token"`)
		}
		return Secret{hide(secret{scheme, value})}, nil
	case literal:
		return Literal(text), nil
	}
	return Secret{}, errors.New(`found the value itself, which does not belong in this file, write "file:PATH" or "credential:NAME"`)
}

// isCredential keeps a name inside its directory.
func isCredential(name string) bool {
	return name != "" && len(name) <= 255 && strings.Trim(name, ".") != "" &&
		!strings.ContainsFunc(name, func(r rune) bool { return r > 0x7f || !isBare(byte(r)) && r != '.' })
}

// IsSet tells whether a secret was given.
func (s Secret) IsSet() bool { return s.body != nil }

// Source says where the secret is, for a technician: "file:/path",
// "credential:name", "in the configuration file", or "not set".
func (s Secret) Source() string {
	switch body := s.reveal(); body.scheme {
	case "":
		return "not set"
	case "literal":
		return "in the configuration file"
	default:
		return body.scheme + ":" + body.value
	}
}

func (s Secret) reveal() secret {
	if s.body == nil {
		return secret{}
	}
	return **s.body
}

// Read gives the secret's bytes as they are, at most 64 KiB and at least one. The caller
// may keep and change them. Errors name the source and wrap the cause.
func (s Secret) Read(env Env) ([]byte, error) {
	body := s.reveal()
	path := body.value
	switch {
	case body.scheme == "":
		return nil, errors.New("no secret is set")
	case body.scheme == "literal":
		return []byte(body.value), nil
	case body.scheme == "credential" && env.Credentials == "":
		return nil, fmt.Errorf("%s: %w, add LoadCredential=%s:PATH to the service", s.Source(), ErrNoCredentials, body.value)
	case body.scheme == "credential":
		path = filepath.Join(env.Credentials, body.value)
	}
	if env.Open == nil {
		return nil, fmt.Errorf("%s: no way to open files was given", s.Source())
	}
	data, err := readSecret(env, path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Source(), err)
	}
	return data, nil
}

func readSecret(env Env, path string) (data []byte, err error) {
	f, err := env.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closeErr := f.Close(); err == nil && closeErr != nil {
			data, err = nil, closeErr
		}
	}()
	data, err = io.ReadAll(io.LimitReader(f, maxSecret+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) == 0:
		return nil, errors.New("the file is empty")
	case len(data) > maxSecret:
		return nil, fmt.Errorf("the file is longer than %d bytes", maxSecret)
	}
	return data, nil
}

// ReadText gives the secret as one text, without white space and NUL bytes around it:
// editors end files with a line feed, the device tree ends its texts with NUL.
func (s Secret) ReadText(env Env) (string, error) {
	data, err := s.Read(env)
	if err != nil {
		return "", err
	}
	text := string(bytes.Trim(data, " \t\r\n\x00"))
	if text == "" {
		return "", fmt.Errorf("%s: there is nothing but white space", s.Source())
	}
	return text, nil
}

// UnmarshalTOML reads a reference; literals are for [Load] with the tag.
func (s *Secret) UnmarshalTOML(value any) error { return s.set(value, false) }

func (s *Secret) set(value any, literal bool) error {
	text, ok := value.(string)
	if !ok { // what it is instead may be the secret, unquoted
		return errors.New(`this is no text, write "file:PATH" or "credential:NAME" in quotes`)
	}
	parsed, err := ParseSecret(text, literal)
	if err == nil {
		*s = parsed
	}
	return err
}

// String gives [secret].
func (s Secret) String() string { return "[secret]" }

// GoString gives [secret].
func (s Secret) GoString() string { return s.String() }

// Format writes [secret] whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue gives [secret].
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
