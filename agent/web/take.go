package web

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/agent/export"
)

// A browser saves a file by following an address, which carries the cookie and not the page's token. So the page first asks for
// an address that works once, for a minute, in its own session.
const (
	ticketLife = time.Minute
	takeTime   = time.Minute // for the browser to take the next piece
)

// wish is what the person wants to take away.
type wish struct {
	What   string    `json:"what"`
	Format string    `json:"format"` // json, cbor, csv, facts
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to,omitzero"`
}

type ticket struct {
	wish    wish
	session *session
	until   time.Time
}

// tickets are the addresses that are good for one file.
type tickets struct {
	now  func() time.Time
	rand io.Reader

	mu   sync.Mutex
	open map[string]ticket
}

func (t *tickets) give(x *session, w wish) (string, error) {
	name, err := secret(t.rand)
	if err != nil {
		return "", err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	for old, x := range t.open {
		if !now.Before(x.until) {
			delete(t.open, old)
		}
	}
	if len(t.open) >= maxTickets {
		return "", fmt.Errorf("%d files wait to be taken already", maxTickets)
	}
	t.open[name] = ticket{wish: w, session: x, until: now.Add(ticketLife)}
	return name, nil
}

// spend is the wish behind an address, once.
func (t *tickets) spend(name string, x *session) (wish, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	got, ok := t.open[name]
	if !ok || got.session != x || !t.now().Before(got.until) {
		return wish{}, false
	}
	delete(t.open, name)
	return got.wish, true
}

// file is how a wish is written, what that is and how its name ends; false when there is no such file. Values and receipts are
// two tables of CSV, so there is none of everything.
func (w *wish) file() (form func(*bufio.Writer) export.Form, mime, ending string, ok bool) {
	if !slices.Contains([]string{"raw", "sent", "receipts", "all"}, w.What) || w.What == "all" && w.Format == "csv" {
		return nil, "", "", false
	}
	switch w.Format {
	case "json":
		return export.JSON, "application/senml+json", "json", true
	case "cbor":
		return export.CBOR, "application/senml+cbor", "cbor", true
	case "csv":
		table := func(to *bufio.Writer) export.Form { return export.Table(to, w.What == "receipts") }
		return table, "text/csv; charset=utf-8", "csv", true
	case "facts":
		return export.Facts, "application/json", "metadata.json", true
	}
	return nil, "", "", false
}

// ask gives an address from which the file can be taken once.
func (s *Server) ask(w http.ResponseWriter, r *http.Request, x *session) {
	var want wish
	if err := readJSON(r, &want); err != nil {
		refuse(w, http.StatusBadRequest, control.ErrBadRequest, "what is wanted can't be read")
		return
	}
	if _, _, _, ok := want.file(); !ok {
		refuse(w, http.StatusBadRequest, control.ErrBadRequest, "what is raw, sent, receipts or all; format is json, cbor, csv (not of all) or facts")
		return
	}
	name, err := s.tickets.give(x, want)
	if err != nil {
		refuse(w, http.StatusTooManyRequests, control.ErrUnavailable, err.Error())
		return
	}
	answer(w, struct {
		Path string `json:"path"`
	}{"/take/" + name})
}

// take writes the file. What fails after the first bytes ends the connection, so that a browser does not call it whole.
func (s *Server) take(w http.ResponseWriter, r *http.Request, x *session) {
	want, ok := s.tickets.spend(r.PathValue("ticket"), x)
	if !ok {
		refuse(w, http.StatusNotFound, control.ErrNotFound, "this address was used, or is over")
		return
	}
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{})
	out := bufio.NewWriterSize(patient{w, rc}, 16<<10)
	form, mime, ending, _ := want.file()
	w.Header().Set("Content-Type", mime)
	w.Header().Set("Content-Disposition", `attachment; filename="candor-`+want.What+"."+ending+`"`)
	q := control.ExportQuery{What: want.What, From: want.From, To: want.To}
	err := export.Collect(asPerson(r.Context()), q, s.o.Backend.Export, form(out), nil)
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	s.o.Backend.Exported(q, control.ChannelPage)
	s.Wake()
}

// patient gives each piece its own time to be taken.
type patient struct {
	w  io.Writer
	rc *http.ResponseController
}

// Write implements io.Writer.
func (p patient) Write(b []byte) (int, error) {
	_ = p.rc.SetWriteDeadline(time.Now().Add(takeTime))
	return p.w.Write(b)
}
