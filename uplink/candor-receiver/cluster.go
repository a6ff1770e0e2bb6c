package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"

	"github.com/candor-edge/candor/uplink/receive/jetstream"
)

// cluster are the flags about NATS.
type cluster struct {
	url, creds, ca string
	plain          bool
	replicas       int
}

func (c *cluster) flags(f *flag.FlagSet) {
	f.StringVar(&c.url, "nats", "", "`URL` of the NATS servers to keep things in instead of files, with commas between: nats://HOST:PORT or tls://HOST:PORT")
	f.StringVar(&c.creds, "nats-creds", "", "`file` with the NATS user's credentials")
	f.IntVar(&c.replicas, "nats-replicas", 0, "`number` of servers everything is kept on, 1 to 5; 0 leaves it as it is and begins with 1")
	f.StringVar(&c.ca, "nats-ca", "", "`file` with the authorities that vouch for the NATS servers, PEM; default: the system's")
	f.BoolVar(&c.plain, "nats-plain", false, "speak nats:// to other machines, because the network between is your own")
}

// check finds what can't be followed.
func (c *cluster) check() error {
	switch {
	case c.url == "" && *c != (cluster{}):
		return errors.New("-nats-creds, -nats-ca, -nats-plain and -nats-replicas go with -nats")
	case c.url == "":
		return nil
	case c.replicas < 0 || c.replicas > 5:
		return errors.New("-nats-replicas is 1 to 5")
	}
	for text := range strings.SplitSeq(c.url, ",") {
		u, err := url.Parse(text)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "nats" && u.Scheme != "tls":
			return errors.New("-nats is nats://HOST:PORT or tls://HOST:PORT, several with commas between")
		case u.User != nil:
			return errors.New("-nats carries a user; credentials go into the file of -nats-creds")
		case u.Scheme == "nats" && !c.plain && !loopback(u.Hostname()):
			return fmt.Errorf("-nats nats://%s would carry what people agreed to in the clear: use tls, or -nats-plain where the network between is your own", u.Host)
		}
	}
	return nil
}

// readable tries the files that the client of NATS reads itself.
func (c *cluster) readable() error {
	for name, path := range map[string]string{"-nats-creds": c.creds, "-nats-ca": c.ca} {
		if path == "" {
			continue
		}
		if _, err := os.ReadFile(path); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (c *cluster) open(ctx context.Context, log *slog.Logger) (*jetstream.Sink, error) {
	return jetstream.Open(ctx, jetstream.Options{URL: c.url, Credentials: c.creds, CA: c.ca, Replicas: c.replicas, Log: log})
}
