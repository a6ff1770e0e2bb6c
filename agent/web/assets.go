package web

import (
	"bytes"
	"compress/gzip"
	"embed"
	"io"
	"net/http"
	"strings"
)

// The page is embedded compressed, once, and sent as it is.
//
//go:embed page/*.gz
var files embed.FS

// asset is one file of the page.
type asset struct {
	mime string
	gz   []byte
}

// assetNames are the files of the page by their path, with their types. There are no others.
func assetNames() map[string][2]string {
	return map[string][2]string{
		"/":          {"page.html", "text/html; charset=utf-8"},
		"/page.css":  {"page.css", "text/css; charset=utf-8"},
		"/page.js":   {"page.js", "text/javascript; charset=utf-8"},
		"/words.js":  {"words.js", "text/javascript; charset=utf-8"},
		"/uplot.js":  {"uplot.js", "text/javascript; charset=utf-8"},
		"/uplot.css": {"uplot.css", "text/css; charset=utf-8"},
		"/icon.svg":  {"icon.svg", "image/svg+xml"},
	}
}

func assets() map[string]asset {
	out := map[string]asset{}
	for path, a := range assetNames() {
		gz, err := files.ReadFile("page/" + a[0] + ".gz")
		if err != nil { // a test holds that they are all there
			continue
		}
		out[path] = asset{mime: a[1], gz: gz}
	}
	return out
}

func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "bad-method", "a file is asked with GET")
		return
	}
	w.Header().Set("Content-Type", a.mime)
	w.Header().Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(a.gz)
		return
	}
	plain, err := gzip.NewReader(bytes.NewReader(a.gz))
	if err != nil {
		refuse(w, http.StatusInternalServerError, "internal", "the file is damaged")
		return
	}
	_, _ = io.Copy(w, plain)
}
