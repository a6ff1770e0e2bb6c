package web

import (
	"compress/gzip"
	_ "embed"
	"io"
	"net/http"
	"strings"
)

// The page is embedded compressed, once, and sent as it is.
var (
	//go:embed page/page.html.gz
	pageHTML string
	//go:embed page/page.css.gz
	pageCSS string
	//go:embed page/page.js.gz
	pageJS string
	//go:embed page/words.js.gz
	wordsJS string
	//go:embed page/uplot.js.gz
	uplotJS string
	//go:embed page/uplot.css.gz
	uplotCSS string
	//go:embed page/icon.svg.gz
	iconSVG string
)

// asset is one file of the page.
type asset struct {
	path, file string // as it is asked for, and its name in page/
	mime       string
	gz         string
}

// assets are the files of the page. There are no others.
func assets() []asset {
	const script, style = "text/javascript; charset=utf-8", "text/css; charset=utf-8"
	return []asset{
		{"/", "page.html", "text/html; charset=utf-8", pageHTML},
		{"/page.css", "page.css", style, pageCSS},
		{"/page.js", "page.js", script, pageJS},
		{"/words.js", "words.js", script, wordsJS},
		{"/uplot.js", "uplot.js", script, uplotJS},
		{"/uplot.css", "uplot.css", style, uplotCSS},
		{"/icon.svg", "icon.svg", "image/svg+xml", iconSVG},
	}
}

// assetAt is the file at a path; nil when there is none.
func (s *Server) assetAt(path string) *asset {
	for i := range s.assets {
		if s.assets[i].path == path {
			return &s.assets[i]
		}
	}
	return nil
}

func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "bad-method", "a file is asked with GET")
		return
	}
	w.Header().Set("Content-Type", a.mime)
	w.Header().Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, a.gz)
		return
	}
	plain, err := gzip.NewReader(strings.NewReader(a.gz))
	if err != nil {
		refuse(w, http.StatusInternalServerError, "internal", "the file is damaged")
		return
	}
	_, _ = io.Copy(w, plain)
}
