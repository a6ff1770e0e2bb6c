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
	file, mime string // its name in page/, and its type
	gz         string
}

// assetAt is the file at a path. There are no others.
func assetAt(path string) (a asset, ok bool) {
	const html, script, style = "text/html; charset=utf-8", "text/javascript; charset=utf-8", "text/css; charset=utf-8"
	switch path {
	case "/":
		return asset{"page.html", html, pageHTML}, true
	case "/page.css":
		return asset{"page.css", style, pageCSS}, true
	case "/page.js":
		return asset{"page.js", script, pageJS}, true
	case "/words.js":
		return asset{"words.js", script, wordsJS}, true
	case "/uplot.js":
		return asset{"uplot.js", script, uplotJS}, true
	case "/uplot.css":
		return asset{"uplot.css", style, uplotCSS}, true
	case "/icon.svg":
		return asset{"icon.svg", "image/svg+xml", iconSVG}, true
	}
	return asset{}, false
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
