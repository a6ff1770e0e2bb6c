package control

import (
	"bufio"
	"encoding/json"
	"net/http"
)

// writeAnswer writes v as JSON. A list of [Sent] goes out entry by entry, one a line, since it can hold years.
func writeAnswer(w http.ResponseWriter, v any) {
	if sent, ok := v.([]Sent); ok {
		header(w, http.StatusOK)
		writeList(w, sent)
		return
	}
	if each, ok := v.(lines); ok {
		writeLines(w, each)
		return
	}
	if text, ok := v.(plain); ok {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		header(w, http.StatusOK)
		_, _ = w.Write([]byte(text))
		return
	}
	data, err := json.Marshal(v)
	if err != nil {
		writeError(w, Errorf(ErrInternal, "", "the answer can't be written as JSON: %w", err))
		return
	}
	header(w, http.StatusOK)
	_, _ = w.Write(append(data, '\n')) // a client that left needs no answer
}

func writeList(w http.ResponseWriter, sent []Sent) {
	buf := bufio.NewWriterSize(w, 16<<10)
	_, _ = buf.WriteString("[")
	for i := range sent {
		data, err := json.Marshal(&sent[i])
		if err != nil { // a time beyond the year 9999; the list is cut, and so is no JSON
			break
		}
		if i > 0 {
			_, _ = buf.WriteString(",")
		}
		_, _ = buf.WriteString("\n")
		_, _ = buf.Write(data)
	}
	_, _ = buf.WriteString("\n]\n")
	_ = buf.Flush()
}

func writeError(w http.ResponseWriter, err error) {
	e := asError(err)
	var body errorBody
	body.Error.Code, body.Error.Text, body.Error.Hint = e.Code, e.Text, e.Hint
	data, err := json.Marshal(body)
	if err != nil { // three strings always marshal
		data = []byte(`{"error":{"code":"internal","text":"the error can't be written"}}`)
	}
	header(w, e.Code.status())
	_, _ = w.Write(append(data, '\n'))
}

func header(w http.ResponseWriter, status int) {
	h := w.Header()
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
}
