package transport

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/candor-edge/candor/tinyconf"
)

// Route is one [[route]] table of candor.toml: how to reach a recipient that the policy names.
type Route struct {
	Recipient string            `toml:"recipient" conf:"required"`
	URL       string            `toml:"url" conf:"required"` // https://host/path, mqtts://host/prefix; http:// and mqtt:// to this machine
	Seal      tinyconf.Secret   `toml:"seal"`                // the recipient's public HPKE key: messages are sealed to it
	AnswerKey string            `toml:"answer_key"`          // "candor-answer-ed25519:BASE64": answers must be signed by it
	Auth      tinyconf.Secret   `toml:"auth"`                // bearer token; for a broker USER:PASSWORD
	Fleet     bool              `toml:"fleet"`               // many objects have the same token, so that it names none of them
	CA        string            `toml:"ca"`                  // PEM file of the authorities to trust instead of the system's
	Pin       string            `toml:"pin"`                 // "sha256:HEX" of the server's public key (SubjectPublicKeyInfo); several with blanks between
	Cert      string            `toml:"cert"`                // PEM file of the client certificate (mutual TLS)
	Key       tinyconf.Secret   `toml:"key"`                 // its private key
	Budget    string            `toml:"budget"`              // bytes a day of a metered link: "5MiB/d"
	Windows   []string          `toml:"windows"`             // when something may be sent, UTC: "01:00-05:00"; none: always
	Timeout   tinyconf.Duration `toml:"timeout"`             // for one request; default 30s
}

const defaultTimeout = tinyconf.Duration(30 * time.Second)

// Defaults implements tinyconf.Defaulter.
func (r *Route) Defaults() { r.Timeout = defaultTimeout }

// Check implements tinyconf.Checker.
func (r *Route) Check(ctx *tinyconf.Context) {
	if r.URL != "" {
		if _, err := parseURL(r.URL); err != nil {
			ctx.Fault("url", "%v", err)
		}
	}
	if r.Pin != "" {
		if _, err := parsePins(r.Pin); err != nil {
			ctx.Fault("pin", "%v", err)
		}
	}
	if _, err := r.Limits(); err != nil {
		key, _, _ := strings.Cut(err.Error(), ":")
		ctx.Fault(key, "%s", strings.TrimPrefix(err.Error(), key+": "))
	}
	if r.AnswerKey != "" {
		if _, err := parseAnswerKey(r.AnswerKey); err != nil {
			ctx.Fault("answer_key", "%v", err)
		}
	}
	if (r.Cert != "") != r.Key.IsSet() {
		ctx.Fault("cert", "a client certificate needs both cert and key")
	}
	if r.Fleet && !r.Auth.IsSet() {
		ctx.Fault("fleet", "says whose token auth is, and there is no auth")
	}
	if u, err := parseURL(r.URL); err == nil && (u.Scheme == "http" || u.Scheme == "mqtt") && (r.CA != "" || r.Pin != "" || r.Cert != "") {
		ctx.Fault("url", "ca, pin and cert are for https and mqtts, and this is %s", u.Scheme)
	} else if err == nil && brokerScheme(u.Scheme) && !speaksMQTT {
		ctx.Fault("url", "this candor was built without MQTT (tag nomqtt); use the one that has it, candor-mqtt, or an https:// URL")
	}
}

// brokerScheme tells whether a URL leads to a broker.
func brokerScheme(scheme string) bool { return scheme == "mqtt" || scheme == "mqtts" }

// parseURL accepts https to anywhere and http to this machine, without user, query or fragment; and what parseBroker does.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("is no URL; use https://host/path")
	}
	switch {
	case brokerScheme(u.Scheme):
		return parseBroker(text, u)
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("does not begin with https://; use https://host/path")
	case u.Hostname() == "":
		return nil, errors.New("names no host; use https://host/path")
	case !ascii(u.Hostname()):
		return nil, errors.New("names its host in other letters than ASCII; write it as DNS has it, xn--…")
	case u.User != nil:
		return nil, errors.New("carries a user; credentials go into auth")
	case strings.ContainsAny(text, "?#"):
		return nil, errors.New("carries a query or fragment; use https://host/path")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("http is for this machine only (127.0.0.1, ::1, localhost); use https to reach %s", u.Hostname())
	}
	u.RawPath = strings.TrimRight(u.EscapedPath(), "/")
	if u.Path, err = url.PathUnescape(u.RawPath); err != nil {
		return nil, errors.New("is no URL; use https://host/path")
	}
	return u, nil
}

// parseBroker accepts mqtts to anywhere and mqtt to this machine, with a prefix for the topics.
func parseBroker(text string, u *url.URL) (*url.URL, error) {
	prefix := strings.Trim(u.Path, "/")
	switch {
	case u.Hostname() == "":
		return nil, errors.New("names no host; use mqtts://host/prefix")
	case !ascii(u.Hostname()):
		return nil, errors.New("names its host in other letters than ASCII; write it as DNS has it, xn--…")
	case u.User != nil:
		return nil, errors.New("carries a user; credentials go into auth, as USER:PASSWORD")
	case strings.ContainsAny(text, "?#"):
		return nil, errors.New("carries a query or fragment; use mqtts://host/prefix")
	case u.Scheme == "mqtt" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("mqtt is for this machine only (127.0.0.1, ::1, localhost); use mqtts to reach %s", u.Hostname())
	case prefix == "" || u.RawPath != "" || strings.ContainsAny(prefix, "+#$\x00") || len(prefix) > 200:
		return nil, errors.New("names no prefix for the topics, or one with signs that have a meaning in topics; use mqtts://host/prefix")
	}
	u.Path = "/" + prefix
	return u, nil
}

// ascii is what a host's name has to be: the device binary can't spell others for DNS (agent/package/slim).
func ascii(host string) bool {
	return strings.IndexFunc(host, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
