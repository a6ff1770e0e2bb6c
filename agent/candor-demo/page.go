package main

import (
	"context"
	"errors"
	"net"

	"github.com/candor-edge/candor/agent/control"
)

// usualPage is where the page of the demo is when nothing else is there.
const usualPage = "127.0.0.1:8088"

// pageAddress is where the page can listen: the usual place, or any that is free.
func pageAddress() string {
	l, err := net.Listen("tcp", usualPage)
	if err != nil {
		return "127.0.0.1:0"
	}
	_ = l.Close() // the agent listens there next
	return usualPage
}

// pair has the object show the code that opens its page, once the page is served.
func (d *demo) pair(ctx context.Context) error {
	p, err := d.object.Pair(ctx, control.Person, control.Decision{})
	if errors.Is(err, control.ErrUnavailable) {
		return nil // not served yet
	}
	if err != nil {
		return err
	}
	d.page = "The page of this simulated object: " + p.URL + "  code " + p.Code
	if d.keys {
		return nil // the picture shows it
	}
	return d.display.note(d.page)
}
