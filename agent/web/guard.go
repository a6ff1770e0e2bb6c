package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// contents is the policy of contents of every answer: the page's own four files and its own API, and nothing else from
// anywhere, no inline script or style, no frame, no form that a browser sends by itself.
const contents = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// harden sets what every answer says about itself.
func harden(h http.Header) {
	h.Set("Content-Security-Policy", contents)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
}

// ownHost says whether a Host header names this machine's loopback interface as an address or as localhost. A name that an
// attacker has resolve to 127.0.0.1 is neither (DNS rebinding). The port may differ from ours: behind `ssh -L` it does.
func ownHost(host string) bool {
	name, port := host, ""
	if h, p, err := net.SplitHostPort(host); err == nil {
		name, port = h, p
	}
	if strings.Trim(port, "0123456789") != "" {
		return false
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil && addr.IsLoopback() && addr.Zone() == ""
}

// ownOrigin says whether a request was made by the page itself: by the Origin header where there is one, and there has to be
// for all that changes something, and by what the browser says of where it comes from (Fetch Metadata).
func ownOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return false
	}
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return r.Method == http.MethodGet || r.Method == http.MethodHead
	}
	return len(origins) == 1 && origins[0] == "http://"+r.Host
}

// ownNavigation says whether a file may be loaded: by the page, or by a person who typed the address or followed a bookmark,
// never into the page of another.
func ownNavigation(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return true
	}
	return r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}
