package receive

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/candor-edge/candor/uplink/wire"
)

// due makes a batch whose rows have to be gone by a day.
func (o *object) due(seq uint64, day uint32, values ...int64) []byte {
	b := o.numbers(seq, values...)
	b.DeleteBy = day
	return o.batch(b)
}

// Rows go on their day, with their signed messages, and nothing else does;
// what went is not stored again, whenever the receiver was started.
func TestForgetsOnTheDay(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	h := newHandler(t, s, nil)
	o, other := newObject(t, 1, nil), newObject(t, 2, nil)
	must(t, o.announce(s))
	must(t, other.announce(s))
	const soon = todayNumber + 5
	short, long, theirs := o.due(1, soon, 1, 2, 3), o.due(2, soon+1, 4), other.due(1, soon+9, 5, 6)
	for _, m := range [][]byte{short, long, theirs} {
		if w := post(h, "/batches", m); w.Code != 202 {
			t.Fatal(w.Code, w.Body)
		}
	}
	forget := func(day uint32, batches, rows int) {
		t.Helper()
		n, err := s.Forget(context.Background(), day)
		if got := len(readRows(t, s.at.rows("service"))); err != nil || n != batches || got != rows {
			t.Fatalf("day %d: %d batches went and %d rows are left: %v", day, n, got, err)
		}
	}
	forget(soon-1, 0, 6)
	forget(soon, 1, 3)
	raw, err := os.ReadFile(s.at.raw(o.a.Stream))
	if err != nil || !bytes.Equal(raw, append(bytes.Clone(o.signed), long...)) {
		t.Fatalf("the signed messages are not announcement and second batch: %v", err)
	}
	wantAccepted(t, post(h, "/batches", short), 202, o, 1, short)
	wantRefused(t, post(h, "/batches", o.due(1, soon, 9)), 409, CodeConflict)
	must(t, s.Close())
	s = mustOpen(t, dir)
	h = newHandler(t, s, nil)
	wantAccepted(t, post(h, "/batches", short), 202, o, 1, short)
	three := o.due(3, soon+2, 7)
	wantAccepted(t, post(h, "/batches", three), 202, o, 3, three)
	forget(soon, 0, 4)
	forget(soon+5, 2, 2)
	del := o.deletion()
	a := decodeAnswer(t, post(h, "/deletions", del)).Accepted
	if fmt.Sprint(a.Erased) != "[{rows 0} {signed messages 0}]" {
		t.Errorf("erased %v of what was gone already", a.Erased)
	}
	forget(soon+9, 1, 0)
}

// An object whose clock was years ahead once counts on from there and relies on no clock. When its rows were taken nobody can say, so that they
// are kept for as long as one that is taken today, whatever the object asks for, and gone then from both files.
func TestRowsOfAnUnknownTimeAreKeptAsIfOfToday(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	h := newHandler(t, s, nil)
	o := newObject(t, 1, nil)
	must(t, o.announce(s))
	const last, years = todayNumber + 395 + graceDays, 3650
	unknown := func(seq uint64, day uint32, c wire.Clock, values ...int64) []byte {
		b := o.numbers(seq, values...)
		b.Clock, b.DeleteBy = c, day
		for i := range b.Groups[0].Time {
			b.Groups[0].Time[i] = int64(i)
		}
		return o.batch(b)
	}
	lost := wire.Clock{Untrusted: true, Boot: [8]byte{1}, Base: 9}
	ahead, honest, known := unknown(1, last+years, lost, 1, 2), unknown(2, last-9, lost, 3), o.due(3, last, 4)
	for i, m := range [][]byte{ahead, honest, known} {
		wantAccepted(t, post(h, "/batches", m), 202, o, uint64(i+1), m)
	}
	wantRefused(t, post(h, "/batches", unknown(4, last+years, wire.Clock{Untrusted: true, Boot: [8]byte{1}, Base: 9, Anchored: true, Wall: 9}, 1)), 422, CodeRetention)
	must(t, s.Close())
	s = mustOpen(t, dir)
	for _, c := range []struct {
		day           uint32
		batches, rows int
		left          [][]byte
	}{{last - 10, 0, 4, [][]byte{ahead, honest, known}}, {last - 9, 1, 3, [][]byte{ahead, known}}, {last, 2, 0, nil}} {
		n, err := s.Forget(context.Background(), c.day)
		if got := len(readRows(t, s.at.rows("service"))); err != nil || n != c.batches || got != c.rows {
			t.Errorf("day %d: %d batches went and %d rows are left: %v", c.day, n, got, err)
		}
		raw, err := os.ReadFile(s.at.raw(o.a.Stream))
		if want := append(bytes.Clone(o.signed), bytes.Join(c.left, nil)...); err != nil || !bytes.Equal(raw, want) {
			t.Errorf("day %d: %d bytes of signed messages are left, want %d: %v", c.day, len(raw), len(want), err)
		}
	}
}

// Killed while it forgets: the rows are all there or the due ones are gone,
// and never half of it; the next run finishes.
func TestKilledWhileForgetting(t *testing.T) {
	dir, snaps := t.TempDir(), map[string]string{}
	s, err := openDir(dir, quiet(), func(point string) error {
		if strings.HasPrefix(point, "forget") {
			to := filepath.Join(t.TempDir(), "copy")
			must(t, os.CopyFS(to, os.DirFS(dir)))
			snaps[point] = to
		}
		return nil
	})
	must(t, err)
	o := newObject(t, 1, nil)
	must(t, o.announce(s))
	h := newHandler(t, s, nil)
	post(h, "/batches", o.due(1, todayNumber, 1, 2))
	post(h, "/batches", o.due(2, todayNumber+1, 3))
	_, err = s.Forget(context.Background(), todayNumber)
	must(t, err)
	must(t, s.Close())
	for point, rows := range map[string]int{"forget rewritten": 3, "forget committed": 1} {
		s := mustOpen(t, snaps[point])
		if got := len(readRows(t, s.at.rows("service"))); got != rows {
			t.Errorf("%s: %d rows, want %d", point, got, rows)
		}
		_, err := s.Forget(context.Background(), todayNumber)
		must(t, err)
		if got := len(readRows(t, s.at.rows("service"))); got != 1 {
			t.Errorf("%s: %d rows in the end", point, got)
		}
		raw, err := os.ReadFile(s.at.raw(o.a.Stream))
		if err != nil || len(raw) != len(o.signed)+len(o.due(2, todayNumber+1, 3)) {
			t.Errorf("%s: %d bytes of signed messages: %v", point, len(raw), err)
		}
		noLeftovers(t, snaps[point])
	}
}

// A deletion says how much it removed, the same when it comes again and after
// a restart.
func TestDeletionCounts(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	h := newHandler(t, s, nil)
	o, other := newObject(t, 1, nil), newObject(t, 2, nil)
	must(t, o.announce(s))
	must(t, other.announce(s))
	post(h, "/batches", o.batch(o.numbers(1, 1, 2, 3)))
	post(h, "/batches", o.batch(o.numbers(2)))
	post(h, "/batches", other.batch(other.numbers(1, 1)))
	for range 3 {
		a := decodeAnswer(t, post(h, "/deletions", o.deletion())).Accepted
		if a == nil || fmt.Sprint(a.Erased) != "[{rows 3} {signed messages 2}]" {
			t.Fatalf("%+v", a)
		}
		must(t, s.Close())
		s = mustOpen(t, dir)
		h = newHandler(t, s, nil)
	}
}

// accessBody asks for a stream.
func accessBody(o *object, c wire.Capability) []byte {
	text, err := json.Marshal(map[string]string{"stream": o.a.Stream.String(), "capability": hex.EncodeToString(c[:])})
	must(o.t, err)
	return text
}

func asJSON(r *http.Request) { r.Header.Set("Content-Type", TypeJSON) }

// Who holds the capability of a stream gets its rows, all of them and no
// others, without any credential; who does not learns not even that it exists.
func TestAccess(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	tokens, err := ReadTokens(strings.NewReader(goodToken))
	must(t, err)
	h := newHandler(t, s, func(c *Config) { c.Tokens = tokens })
	o, other, unknown := newObject(t, 1, nil), newObject(t, 2, nil), newObject(t, 3, nil)
	must(t, o.announce(s))
	must(t, other.announce(s))
	bearer := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+goodToken) }
	one, two := o.batch(o.numbers(1, 1, 2)), o.batch(o.numbers(2, 3))
	for _, m := range [][]byte{one, other.batch(other.numbers(1, 9)), two} {
		if w := postAs(h, "/batches", m, bearer); w.Code != 202 {
			t.Fatal(w.Code)
		}
	}
	w := postAs(h, "/access", accessBody(o, o.capability), asJSON)
	var want []byte
	all, err := os.ReadFile(s.at.rows("service"))
	must(t, err)
	for line := range bytes.Lines(all) {
		if rowStream(line) == o.a.Stream.String() {
			want = append(want, line...)
		}
	}
	if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), want) || bytes.Count(want, []byte("\n")) != 3 || w.Header().Get("Content-Type") != TypeRows {
		t.Fatalf("%d %s\nwant\n%s", w.Code, w.Body, want)
	}
	w = postAs(h, "/access", accessBody(o, o.capability), func(r *http.Request) { asJSON(r); r.Header.Set("Accept", TypeMessages) })
	if !bytes.Equal(w.Body.Bytes(), append(bytes.Clone(one), two...)) {
		t.Error("the signed batches are not what was sent")
	}

	wrong := o.capability
	wrong[31]++
	var answers []string
	for name, body := range map[string][]byte{
		"wrong": accessBody(o, wrong), "another's": accessBody(o, other.capability), "unknown": accessBody(unknown, unknown.capability),
	} {
		w := postAs(h, "/access", body, asJSON)
		answers = append(answers, fmt.Sprint(w.Code, w.Header(), w.Body))
		if w.Code != 404 || answers[0] != answers[len(answers)-1] {
			t.Errorf("%s: told apart: %s", name, answers[len(answers)-1])
		}
	}
	for name, body := range map[string][]byte{"empty": nil, "long": bytes.Repeat([]byte(" "), maxAccess+1), "another member": []byte(`{"stream":"","capability":"","x":1}`),
		"two": append(accessBody(o, o.capability), "{}"...), "base64": []byte(`{"stream":"` + o.a.Stream.String() + `","capability":"` + base64.StdEncoding.EncodeToString(o.capability[:]) + `"}`)} {
		t.Run(name, func(t *testing.T) { wantRefused(t, postAs(h, "/access", body, asJSON), 422, CodeMalformed) })
	}
	wantRefused(t, post(h, "/access", accessBody(o, o.capability)), 415, CodeMediaType)
	wantRefused(t, postAs(h, "/access", nil, func(r *http.Request) { r.Method = http.MethodGet }), 405, CodeMethod)
	if w := postAs(h, "/deletions", o.deletion(), bearer); w.Code != 202 {
		t.Fatal(w.Code)
	}
	wantRefused(t, postAs(h, "/access", accessBody(o, o.capability), asJSON), 410, CodeWithdrawn)
	wantRefused(t, postAs(h, "/access", accessBody(o, wrong), asJSON), 404, CodeNotFound)
}
