package simulated

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// zipped returns text as gzip.
func zipped(text string) string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write([]byte(text)) // a bytes.Buffer takes everything
	_ = w.Close()
	return out.String()
}

func open(t testing.TB, text string) *lines {
	t.Helper()
	l, err := openLines(io.NopCloser(strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLines(t *testing.T) {
	wide := strings.Repeat("x", 100_000) // longer than the reader's buffer
	for _, c := range []struct {
		name, text string
		want       []string
		number     int // of the last line
	}{
		{"nothing", "", nil, 0},
		{"plain", "a\nb\n", []string{"a", "b"}, 2},
		{"no end", "a\nb", []string{"a", "b"}, 2},
		{"CRLF", "a\r\nb\r\n", []string{"a", "b"}, 2},
		{"blank", "\n\na\n \t\r\nb\n\n", []string{"a", "b"}, 5},
		{"mark", "\xef\xbb\xbfa\nb", []string{"a", "b"}, 2},
		{"only the mark", "\xef\xbb\xbf", nil, 0},
		{"gzip", zipped("\xef\xbb\xbfa\nb\n"), []string{"a", "b"}, 2},
		{"two gzips", zipped("a\n") + zipped("b\n"), []string{"a", "b"}, 2},
		{"wide", wide + "\nb\n" + wide, []string{wide, "b", wide}, 3},
		{"too wide", strings.Repeat("x", maxLine+1) + "\nb\n", []string{"too long", "b"}, 2},
		{"too wide at the end", "b\n" + strings.Repeat("x", maxLine+1), []string{"b", "too long"}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := open(t, c.text)
			var got []string
			number := 0
			for {
				line, tooLong, err := l.next()
				if err != nil {
					if !errors.Is(err, io.EOF) {
						t.Fatal(err)
					}
					break
				}
				if tooLong {
					line = []byte("too long")
				}
				got = append(got, string(line))
				number = l.number
			}
			if !slices.Equal(got, c.want) || number != c.number {
				t.Errorf("%.60q, the last in line %d; want %.60q, %d", got, number, c.want, c.number)
			}
		})
	}
}

func TestLinesBroken(t *testing.T) {
	whole := zipped(strings.Repeat("1,2\n", 1000))
	l := open(t, whole[:len(whole)-9])
	var err error
	for err == nil {
		_, _, err = l.next()
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a file that was cut off ends with %v", err)
	}
	if _, err := openLines(io.NopCloser(strings.NewReader("\x1f\x8bnot gzip"))); err == nil {
		t.Error("what only starts like gzip was opened")
	}
}

func TestSplit(t *testing.T) {
	many := strings.Repeat("1,", maxColumns)
	for _, c := range []struct {
		line string
		want string // cells with | between them; "bad" when there are none
	}{
		{`1,2,3`, "1|2|3"},
		{`1,,3`, "1||3"},
		{`,,`, "||"},
		{` 1 ,	2,3 `, "1|2|3"},
		{`"1",2`, "1|2"},
		{`1,"2"`, "1|2"},
		{` "1" , "2" `, "1|2"},
		{`"a,b",2`, "a,b|2"},
		{`"say ""hi""",2`, `say "hi"|2`},
		{`"",2`, "|2"},
		{`"",""`, "|"},
		{`"1",`, "1|"},
		{`""""`, `"`},
		{`" 1 ",2`, "1|2"},
		{`"1,2`, "bad"},
		{`"1"2,3`, "bad"},
		{`1"2,3`, "bad"},
		{`1,2"`, "bad"},
		{`"`, "bad"},
		{`"""`, "bad"},
		{many + "1", strings.ReplaceAll(many, ",", "|") + "1"},
		{many + "1,1", "bad"},
		{many + `"1"`, strings.ReplaceAll(many, ",", "|") + "1"},
		{many + `"1",1`, "bad"},
	} {
		l := open(t, "")
		for range 2 { // the second time the buffers are used again
			cells, ok := l.split([]byte(c.line))
			got := string(bytes.Join(cells, []byte("|")))
			if !ok {
				got = "bad"
			}
			if got != c.want {
				t.Errorf("split(%.40q) = %.40q; want %.40q", c.line, got, c.want)
			}
		}
	}
}

// TestSplitAlike: quotes around a cell that needs none change nothing.
func TestSplitAlike(t *testing.T) {
	l := open(t, "")
	for _, line := range []string{"1,2,3", "a, b ,c", ",", "1,,"} {
		plain, _ := l.split([]byte(line))
		want := fmt.Sprintf("%q", plain)
		cells := strings.Split(line, ",")
		for i := range cells {
			quoted := slices.Clone(cells)
			quoted[i] = `"` + quoted[i] + `"`
			got, ok := l.split([]byte(strings.Join(quoted, ",")))
			if text := fmt.Sprintf("%q", got); !ok || text != want {
				t.Errorf("%q with quotes: %s, want %s", quoted, text, want)
			}
		}
	}
}
