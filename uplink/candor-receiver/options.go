package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"time"
)

const usage = `candor-receiver takes what objects send and keeps it, as files or in a NATS JetStream.

  candor-receiver -listen ADDR -dir DIR [flags]
  candor-receiver -listen ADDR -nats URL [flags]
  candor-receiver -config FILE [-check]
  candor-receiver keygen [-suite x25519|mlkem768x25519] FILE

It prints one line, "listening on URL", when it is ready, and answers under /
and under /v1; /healthz, /readyz and /metrics are for those who run it. keygen writes a secret key for -hpke to a new file and prints
the public one, which goes to the objects.

`

// options are the command line. It is checked before anything is opened.
type options struct {
	listen, dir           string
	token, hpke, answer   string
	cert, key, clientCA   string
	mqtt                  broker
	plain                 bool
	workers, uploadsAtAll int

	nats        cluster
	forgetEvery time.Duration
	file        string
	checkOnly   bool
}

// usageError is a command line that can't be followed.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// exitCode is 2 for wrong use and 1 for everything else, as the candor command
// has it.
func exitCode(err error) int {
	var u *usageError
	if errors.As(err, &u) {
		return 2
	}
	return 1
}

func parseOptions(args []string, stderr io.Writer) (*options, error) {
	o := new(options)
	f := flag.NewFlagSet("candor-receiver", flag.ContinueOnError)
	f.SetOutput(io.Discard) // a wrong flag is one line, and not lost below all the others
	f.Usage = func() {}
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "`address` to listen on; port 0 takes a free one")
	f.StringVar(&o.dir, "dir", "", "`directory` to keep things in; made if it is not there")
	f.StringVar(&o.token, "token", "", "`file` with a bearer token a line; without it whoever gets through may send")
	f.StringVar(&o.cert, "cert", "", "`file` with the TLS certificate chain, PEM")
	f.StringVar(&o.key, "key", "", "`file` with the certificate's key, PEM")
	f.StringVar(&o.clientCA, "client-ca", "", "`file` with the authorities that sign the certificates objects show, PEM")
	f.StringVar(&o.hpke, "hpke", "", "`file` with the secret keys that open sealed messages, one a line as keygen writes it, the newest first")
	f.StringVar(&o.answer, "answer-key", "", "`file` with the key that signs answers: "+answerWord+"BASE64 of 32 random bytes")
	o.mqtt.flags(f)
	o.nats.flags(f)
	f.DurationVar(&o.forgetEvery, "forget-every", time.Hour, "how often rows whose delete-by has come are removed")
	f.StringVar(&o.file, "config", "", "`file` with these flags as keys of a [receiver] table, TOML; the command line goes before it")
	f.BoolVar(&o.checkOnly, "check", false, "read the configuration and the files it names, say what is wrong, and end")
	f.BoolVar(&o.plain, "plain", false, "speak http on an address others can reach, because TLS ends in front of it")
	f.IntVar(&o.uploadsAtAll, "uploads", 64, "`number` of uploads read at the same time; the next is told to come back")
	f.IntVar(&o.workers, "workers", 0, "`number` of uploads verified and stored at the same time; 0 is four a processor")
	err := f.Parse(args)
	f.SetOutput(stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stderr, usage)
		f.PrintDefaults()
		return nil, err
	case err != nil:
		return nil, &usageError{fmt.Errorf("%w, see -h", err)}
	}
	if f.NArg() > 0 {
		return nil, &usageError{fmt.Errorf("unexpected %q; everything is given by flags, see -h", f.Arg(0))}
	}
	if o.file != "" {
		if err := readFile(o.file, f); err != nil {
			return nil, &usageError{err}
		}
	}
	if err := o.check(); err != nil {
		return nil, &usageError{err}
	}
	return o, nil
}

// check finds what can't be followed.
func (o *options) check() error {
	host, _, err := net.SplitHostPort(o.listen)
	switch {
	case err != nil:
		return fmt.Errorf("-listen: %w; it is HOST:PORT", err)
	case o.dir == "" && o.nats.url == "":
		return errors.New("-dir is needed, or -nats: where to keep what objects send")
	case o.dir != "" && o.nats.url != "":
		return errors.New("-dir and -nats contradict one another: things are kept in one place")
	case o.forgetEvery < time.Second:
		return errors.New("-forget-every is a second at least")
	case (o.cert == "") != (o.key == ""):
		return errors.New("-cert and -key come together")
	case o.clientCA != "" && o.cert == "":
		return errors.New("-client-ca needs -cert and -key: certificates are shown over TLS only")
	case o.plain && o.cert != "":
		return errors.New("-plain and -cert contradict one another")
	case o.uploadsAtAll < 1 || o.workers < 0:
		return errors.New("-uploads is at least 1 and -workers at least 0")
	}
	if err := o.mqtt.check(); err != nil {
		return err
	}
	if err := o.nats.check(); err != nil {
		return err
	}
	if o.cert == "" && !o.plain && !loopback(host) {
		return fmt.Errorf("-listen %s can be reached by others and would speak plain http: give -cert and -key, or -plain if TLS ends in front of it", o.listen)
	}
	return nil
}

// loopback says whether only this machine can reach a host.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
