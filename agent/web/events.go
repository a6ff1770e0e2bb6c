package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"github.com/candor-edge/candor/agent/control"
)

// How often an open page is told how things stand: at once when the sender says so, but not more often than that, and every
// second in any case. A line that says nothing keeps the connection from looking dead.
const (
	eventLeast = 100 * time.Millisecond
	eventMost  = time.Second
	eventAlive = 10 * time.Second
	eventTake  = 10 * time.Second // for the page to take one
)

// events tells a page the moment, whenever it has changed, as server-sent events. It ends with the session.
func (s *Server) events(w http.ResponseWriter, r *http.Request, x *session) {
	if s.streams.Add(1) > maxStreams {
		s.streams.Add(-1)
		refuse(w, http.StatusServiceUnavailable, control.ErrUnavailable, "too many pages are open")
		return
	}
	defer s.streams.Add(-1)
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{}) // the request is read; what bounds it from here on is the session
	w.Header().Set("Content-Type", "text/event-stream")
	language := r.URL.Query().Get("language")
	write := func(text []byte) bool {
		_ = rc.SetWriteDeadline(time.Now().Add(eventTake))
		_, err := w.Write(text)
		return err == nil && rc.Flush() == nil
	}
	var before []byte
	told := time.Now()
	for {
		woken := s.woken()
		if !s.sessions.alive(x) {
			write([]byte("event: end\ndata: {}\n\n"))
			return
		}
		now, err := s.o.Backend.Moment(asPerson(r.Context()), language)
		if err == nil && moved(&before, &now) {
			data, err := json.Marshal(&now)
			if err != nil || !write(append(append([]byte("event: moment\ndata: "), data...), "\n\n"...)) {
				return
			}
			told = time.Now()
		}
		if time.Since(told) > eventAlive {
			if !write([]byte(":\n\n")) {
				return
			}
			told = time.Now()
		}
		if !pause(r.Context().Done(), x.ended, woken) {
			return
		}
	}
}

// moved says whether a moment differs from the one told before in more than its time.
func moved(before *[]byte, now *control.Moment) bool {
	still := *now
	still.Now = time.Time{}
	data, err := json.Marshal(&still)
	if err != nil || bytes.Equal(data, *before) {
		return false
	}
	*before = data
	return true
}

// pause waits until it is time to look again; false when nobody listens any more.
func pause(gone, ended, woken <-chan struct{}) bool {
	least, most := time.NewTimer(eventLeast), time.NewTimer(eventMost)
	defer least.Stop()
	defer most.Stop()
	select {
	case <-gone:
		return false
	case <-ended:
		return true
	case <-most.C:
		return true
	case <-woken:
	}
	select {
	case <-gone:
		return false
	case <-ended:
	case <-least.C:
	}
	return true
}
