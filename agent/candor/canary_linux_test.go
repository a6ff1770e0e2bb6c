package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The canaries are what nobody granted: a number, in its unit and scaled as the agent has it, and a token.
const (
	canaryNumber = 54321.987
	canaryScaled = 54321987
	canaryToken  = "canary-7f3a9c-anna"
)

// canaryForms is every way in which a canary is looked for: as bytes, decimal, hex and base64, each also back to front.
func canaryForms() map[string][]byte {
	raw := map[string][]byte{
		"token": []byte(canaryToken), "decimal": strconv.AppendFloat(nil, canaryNumber, 'f', 3, 64), "scaled": strconv.AppendInt(nil, canaryScaled, 10),
		"int64 big-endian": binary.BigEndian.AppendUint64(nil, canaryScaled), "int64 little-endian": binary.LittleEndian.AppendUint64(nil, canaryScaled),
		"cbor": binary.BigEndian.AppendUint32([]byte{0x1a}, canaryScaled), "hex number": fmt.Appendf(nil, "%x", canaryScaled),
		"float": binary.BigEndian.AppendUint64(nil, math.Float64bits(canaryNumber)), "varint": binary.AppendVarint(nil, canaryScaled), "uvarint": binary.AppendUvarint([]byte{}, canaryScaled),
	}
	out := map[string][]byte{}
	for name, b := range raw {
		if len(b) < 5 {
			continue // so short that it is found anywhere
		}
		out[name] = b
		out[name+" in hex"] = []byte(hex.EncodeToString(b))
		out[name+" in capital hex"] = bytes.ToUpper(out[name+" in hex"])
		for shift := range 3 { // where in a group of three bytes it begins; what depends on its neighbours is cut off
			padded := append(make([]byte, shift), b...)
			text := base64.StdEncoding.EncodeToString(padded[:len(padded)/3*3])
			text = text[(shift*8+5)/6:]
			if len(text) >= 7 {
				out[fmt.Sprint(name, " in base64 from ", shift)] = []byte(text)
				out[fmt.Sprint(name, " in base64 of addresses from ", shift)] = []byte(strings.NewReplacer("+", "-", "/", "_").Replace(text))
			}
		}
	}
	for name, b := range out {
		if !strings.HasSuffix(name, "-endian") { // these are each other's
			back := slices.Clone(b)
			slices.Reverse(back)
			out[name+" back to front"] = back
		}
	}
	return out
}

// holds says whether a form is in a content. The digits of a number, seven or eight, are also in the middle of tokens and hashes once in some
// hundred megabytes of them: they count where they are a number of their own, with zeros before them or none.
func holds(content []byte, name string, form []byte) bool {
	digits := "0123456789abcdefABCDEF"
	switch strings.TrimSuffix(name, " back to front") {
	case "hex number":
	case "scaled":
		digits = "abcdefABCDEF" // next to others it may be a part of a longer number, and that is a leak too
	default:
		return bytes.Contains(content, form)
	}
	isDigit := func(at int) bool { return at >= 0 && at < len(content) && strings.IndexByte(digits, content[at]) >= 0 }
	for at := 0; ; at++ {
		next := bytes.Index(content[at:], form)
		if next < 0 {
			return false
		}
		at += next
		before, after := at-1, at+len(form)
		for before >= 0 && content[before] == '0' {
			before--
		}
		for after < len(content) && content[after] == '0' {
			after++
		}
		if !isDigit(before) && !isDigit(after) {
			return true
		}
	}
}

func TestHolds(t *testing.T) {
	form := []byte("33ce343")
	for text, want := range map[string]bool{"33ce343": true, `"33ce343"`: true, "v=033ce343 ": true, "0x33ce343,": true, "a33ce343": false, "33ce3437": false, "a00033ce343": false,
		"933ce343 then 33ce343": true, "": false} {
		if got := holds([]byte(text), "hex number", form); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

func findCanaries(t *testing.T, where string, content []byte) {
	t.Helper()
	for name, form := range canaryForms() {
		if holds(content, name, form) {
			t.Errorf("%s holds a value that nobody granted, as %s", where, name)
		}
	}
}

// findCanariesIn looks in the names and bytes of all files below a directory.
func findCanariesIn(t *testing.T, dir string) (files int) {
	t.Helper()
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // files come and go while the agent runs
		}
		if content, err := os.ReadFile(path); err == nil {
			files++
			findCanaries(t, path, append(content, d.Name()...))
		}
		return nil
	})
	return files
}

// TestCanariesWouldBeFound holds every form against texts in which somebody else hid the canaries.
func TestCanariesWouldBeFound(t *testing.T) {
	for _, hidden := range []string{
		"x" + canaryToken + "y", hex.EncodeToString([]byte("x" + canaryToken)), base64.StdEncoding.EncodeToString([]byte("x" + canaryToken + "yz")),
		base64.RawURLEncoding.EncodeToString([]byte("xy" + canaryToken + "yz")), "anna-c9a3f7-yranac", `{"v":54321.987}`, "789.12345", "54321987",
		`{"v":"33ce343"}`, "0x033ce343", "343ec33", string(binary.BigEndian.AppendUint64(nil, canaryScaled)), string(binary.LittleEndian.AppendUint64(nil, canaryScaled)),
	} {
		found := false
		for name, form := range canaryForms() {
			found = found || holds([]byte(hidden), name, form)
		}
		if !found {
			t.Errorf("a canary is not seen in %q", hidden)
		}
	}
}

// TestCanariesAreNowhere lets the programs live with values that nobody granted, kills the daemon in the middle, and looks for
// them in everything that is written, said and sent.
func TestCanariesAreNowhere(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, 1)
	receiver := w.startReceiver()
	defer func() { _ = receiver.Process.Kill(); _ = receiver.Wait() }()
	h := w.house(t, "state")
	var csv bytes.Buffer
	csv.WriteString("t_ms,people,light,badge\n")
	for i := range 400 {
		fmt.Fprintf(&csv, "%d,%d,%.3f,%s\n", int64(1_700_000_000_000)+int64(i)*1000, i%7, canaryNumber, canaryToken)
	}
	h.write("room.csv", csv.String())
	var mu sync.Mutex
	var sent bytes.Buffer
	uploads := 0
	tap := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		mu.Lock()
		_ = r.Header.Write(&sent)
		sent.WriteString(r.Method + r.URL.String())
		sent.Write(body)
		if strings.HasSuffix(r.URL.Path, "/batches") {
			uploads++
		}
		mu.Unlock()
		onward, err := http.NewRequest(r.Method, "http://"+w.url+r.URL.Path, bytes.NewReader(body))
		if err != nil {
			return
		}
		onward.Header = r.Header
		said, err := http.DefaultClient.Do(onward)
		if err != nil {
			out.WriteHeader(http.StatusBadGateway)
			return
		}
		defer func() { _ = said.Body.Close() }()
		out.WriteHeader(said.StatusCode)
		_, _ = io.Copy(out, said.Body)
	}))
	defer tap.Close()
	h.config("state", strings.TrimPrefix(tap.URL, "http://"))
	h.mustDecide(t, "grant")
	said := func(args ...string) {
		out, _ := h.command("candor", append(args, "--config", "candor.toml")...).CombinedOutput()
		findCanaries(t, "candor "+strings.Join(args, " "), out)
	}
	look := func() {
		for _, verb := range []string{"status", "status --json", "consent show", "sent", "sent --all --json", "preview", "buffer show", "buffer verify", "ledger show", "ledger verify", "sensor list", "doctor"} {
			said(strings.Fields(verb)...)
		}
	}
	kill := h.daemon(t)
	time.Sleep(300 * time.Millisecond)
	look()
	kill(os.Kill)
	if findCanariesIn(t, filepath.Join(h.dir, "state"))+findCanariesIn(t, filepath.Join(h.dir, "state-keys")) < 3 {
		t.Error("after the kill there are hardly any files: nothing was looked at")
	}
	out, _ := h.command("candor", "run", "--once", "--config", "candor.toml", "--deadline", "30s").CombinedOutput()
	findCanaries(t, "what the agent logs", out)
	look()
	h.mustDecide(t, "withdraw")
	look()
	findCanariesIn(t, filepath.Join(h.dir, "state"))
	findCanariesIn(t, filepath.Join(h.dir, "state-keys"))
	findCanariesIn(t, filepath.Join(w.dir, "out"))
	mu.Lock()
	defer mu.Unlock()
	findCanaries(t, "what was sent", sent.Bytes())
	if uploads == 0 {
		t.Error("nothing was sent: nothing was looked at")
	}
}
