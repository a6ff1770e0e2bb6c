package main

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/candor-edge/candor/uplink/receive"
	"github.com/candor-edge/candor/uplink/wire"
)

// Words before the keys that sign answers, in key files and logs.
const (
	answerWord       = "candor-answer-ed25519-secret:"
	answerPublicWord = "candor-answer-ed25519:"
)

// config reads the files the options name.
func (o *options) config(log *slog.Logger) (*receive.Config, error) {
	c := &receive.Config{Log: log, Now: time.Now, Bodies: o.uploadsAtAll, Workers: o.workers}
	if o.token != "" {
		f, err := os.Open(o.token)
		if err != nil {
			return nil, fmt.Errorf("-token: %w", err)
		}
		defer f.Close()
		if c.Tokens, err = receive.ReadTokens(f); err != nil {
			return nil, fmt.Errorf("-token %s: %w", o.token, err)
		}
	}
	if o.hpke != "" {
		text, err := os.ReadFile(o.hpke)
		if err != nil {
			return nil, fmt.Errorf("-hpke: %w", err)
		}
		keys, err := parseOpenKeys(string(text))
		if err != nil {
			return nil, fmt.Errorf("-hpke %s: %w", o.hpke, err)
		}
		c.Open, c.Older = keys[0], keys[1:]
	}
	if o.answer != "" {
		text, err := os.ReadFile(o.answer)
		if err != nil {
			return nil, fmt.Errorf("-answer-key: %w", err)
		}
		if c.Answer, err = parseAnswerKey(string(text)); err != nil {
			return nil, fmt.Errorf("-answer-key %s: %w", o.answer, err)
		}
	}
	return c, nil
}

// mostKeys is how many keys -hpke takes: a message that none opens costs a try
// with each.
const mostKeys = 8

// parseOpenKeys reads a secret key a line, the newest first. No part of the
// text is in the error.
func parseOpenKeys(text string) (keys []*wire.OpenKey, err error) {
	n := 0
	for line := range strings.Lines(strings.TrimSpace(text)) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		key, err := wire.ParseOpenKey(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 || len(keys) > mostKeys {
		return nil, fmt.Errorf("it holds 1 to %d secret keys, one a line, the newest first; candor-receiver keygen makes one", mostKeys)
	}
	return keys, nil
}

// parseAnswerKey reads the key that signs answers. No part of it is in the error.
func parseAnswerKey(text string) (ed25519.PrivateKey, error) {
	data, ok := strings.CutPrefix(strings.TrimSpace(text), answerWord)
	seed, err := base64.StdEncoding.Strict().DecodeString(data)
	if !ok || err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("a key is %sBASE64 of %d bytes, on one line", answerWord, ed25519.SeedSize)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func answerPublic(key ed25519.PublicKey) string {
	return answerPublicWord + base64.StdEncoding.EncodeToString(key)
}

// tls returns the TLS configuration, nil for plain http.
func (o *options) tls() (*tls.Config, error) {
	if o.cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(o.cert, o.key)
	if err != nil {
		return nil, fmt.Errorf("-cert and -key: %w", err)
	}
	c := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}}
	if o.clientCA == "" {
		return c, nil
	}
	pem, err := os.ReadFile(o.clientCA)
	if err != nil {
		return nil, fmt.Errorf("-client-ca: %w", err)
	}
	c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("-client-ca %s: no PEM certificate in it", o.clientCA)
	}
	return c, nil
}

// keygen writes a new secret key to a file and prints the public one.
func keygen(args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("candor-receiver keygen", flag.ContinueOnError)
	f.SetOutput(stderr)
	name := f.String("suite", wire.SuiteX25519.String(), "`suite`: x25519 adds 48 bytes to a message, mlkem768x25519 adds 1136 and withstands quantum computers")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return &usageError{err}
	}
	suite := wire.SuiteX25519
	if *name == wire.SuiteMLKEM768X25519.String() {
		suite = wire.SuiteMLKEM768X25519
	}
	if f.NArg() != 1 || *name != suite.String() {
		return &usageError{errors.New("keygen takes one file, and -suite x25519 or mlkem768x25519")}
	}
	key, err := wire.GenerateOpenKey(suite)
	if err != nil {
		return err
	}
	secret, err := key.Secret()
	if err != nil {
		return err
	}
	file, err := os.OpenFile(f.Arg(0), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("keygen: %w; a key that is there is not replaced", err)
	}
	_, err = fmt.Fprintln(file, secret)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		_, err = fmt.Fprintln(stdout, key.Public())
	}
	return err
}
