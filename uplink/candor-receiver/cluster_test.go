package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestClusterFlags(t *testing.T) {
	for flags, want := range map[string]string{
		"-nats nats://localhost:4222,nats://127.0.0.1:4223":   "",
		"-nats tls://nats.example:4222 -nats-ca x":            "",
		"-nats nats://nats.example:4222 -nats-plain":          "",
		"-nats nats://nats.example:4222":                      "in the clear",
		"-nats tls://a.example:4222,nats://nats.example:4222": "in the clear",
		"-nats https://nats.example":                          "nats://HOST:PORT",
		"-nats tls://u:geheim@nats.example":                   "-nats-creds",
		"-nats tls://nats.example -nats-replicas 6":           "1 to 5",
		"-dir x -nats-ca y":                                   "go with -nats",
		"-dir x -nats tls://nats.example":                     "contradict",
	} {
		_, err := parseOptions(strings.Fields(flags), io.Discard)
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim")) {
			t.Errorf("%s: %v, want a word about %q", flags, err, want)
		}
	}
}

// -check reads every file that is named, also those of brokers and clusters.
func TestCheckReadsEveryFile(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad")
	must(t, os.WriteFile(bad, []byte("geheim"), 0o600))
	nowhere := filepath.Join(dir, "nowhere")
	for flags, want := range map[string]string{
		"-mqtt mqtt://localhost/acme -mqtt-auth " + nowhere: "-mqtt-auth",
		"-mqtt mqtt://localhost/acme -mqtt-auth " + bad:     "USER:PASSWORD",
		"-mqtt mqtt://localhost/acme -mqtt-ca " + bad:       "no PEM certificate",
		"-token " + nowhere:  "-token",
		"-token " + bad:      "16 characters",
		"-hpke " + bad:       "-hpke",
		"-answer-key " + bad: "-answer-key",
	} {
		err := run(context.Background(), append([]string{"-check", "-dir", dir}, strings.Fields(flags)...), new(bytes.Buffer), io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v, want a word about %q", flags, err, want)
		}
	}
	err := run(context.Background(), []string{"-check", "-nats", "nats://localhost:1", "-nats-creds", nowhere}, new(bytes.Buffer), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "-nats-creds") {
		t.Error(err)
	}
}
