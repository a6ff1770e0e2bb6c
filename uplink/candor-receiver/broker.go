package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/candor-edge/candor/uplink/receive"
)

// broker are the flags about MQTT.
type broker struct {
	url, auth, ca string
}

func (b *broker) flags(f *flag.FlagSet) {
	f.StringVar(&b.url, "mqtt", "", "`URL` of an MQTT 5 broker to take messages from too: mqtts://HOST/PREFIX; mqtt:// on this machine")
	f.StringVar(&b.auth, "mqtt-auth", "", "`file` with USER:PASSWORD for the broker")
	f.StringVar(&b.ca, "mqtt-ca", "", "`file` with the authorities that vouch for the broker, PEM; default: the system's")
}

// check finds what can't be followed.
func (b *broker) check() error {
	switch {
	case b.url == "" && (b.auth != "" || b.ca != ""):
		return errors.New("-mqtt-auth and -mqtt-ca go with -mqtt")
	case b.url == "":
		return nil
	}
	u, err := url.Parse(b.url)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "mqtts" && u.Scheme != "mqtt" || strings.Trim(u.Path, "/") == "":
		return errors.New("-mqtt is mqtts://HOST/PREFIX")
	case u.User != nil:
		return errors.New("-mqtt carries a user; credentials go into the file of -mqtt-auth")
	case u.Scheme == "mqtt" && !loopback(u.Hostname()):
		return fmt.Errorf("-mqtt: mqtt is for this machine only; use mqtts to reach %s", u.Hostname())
	}
	return nil
}

// config reads the files the flags name; nil without a broker.
func (b *broker) config(log *slog.Logger) (*receive.ConsumerConfig, error) {
	if b.url == "" {
		return nil, nil
	}
	c := &receive.ConsumerConfig{Log: log}
	var err error
	if c.URL, err = url.Parse(b.url); err != nil {
		return nil, err
	}
	if b.auth != "" {
		text, err := os.ReadFile(b.auth)
		if err != nil {
			return nil, fmt.Errorf("-mqtt-auth: %w", err)
		}
		var ok bool
		if c.User, c.Password, ok = strings.Cut(strings.TrimSpace(string(text)), ":"); !ok {
			return nil, fmt.Errorf("-mqtt-auth %s: it holds one line, USER:PASSWORD", b.auth)
		}
	}
	if b.ca != "" {
		pem, err := os.ReadFile(b.ca)
		if err != nil {
			return nil, fmt.Errorf("-mqtt-ca: %w", err)
		}
		c.TLS = &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: x509.NewCertPool()}
		if !c.TLS.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("-mqtt-ca %s: no PEM certificate in it", b.ca)
		}
	}
	return c, nil
}

// listen has a consumer answer what comes by the broker, and count it as what
// comes by HTTP; nil without a broker.
func listen(ctx context.Context, c *receive.ConsumerConfig, config receive.Config, m *receive.Metrics) (*receive.Consumer, error) {
	if c == nil {
		return nil, nil
	}
	var err error
	if c.Handler, err = overBroker(config, m); err != nil {
		return nil, err
	}
	return receive.NewConsumer(ctx, *c)
}

// overBroker answers what comes by a broker.
func overBroker(config receive.Config, m *receive.Metrics) (http.Handler, error) {
	config.Tokens = nil // a message carries none: the broker says who may publish
	config.Export = nil // and would read what is given back: that goes over HTTP alone
	handler, err := receive.NewHandler(config)
	if err != nil {
		return nil, err
	}
	return m.Count(handler), nil
}
