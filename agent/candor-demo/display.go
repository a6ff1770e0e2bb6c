package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// display shows what happens. It is used by one goroutine.
type display interface {
	// note tells that something happened.
	note(text string) error
	// show shows how things are.
	show(v *view) error
	// every is how often show is worth its while.
	every() time.Duration
}

// lines prints one block after the other, for pipes and files.
type lines struct {
	w      io.Writer
	glyphs glyphs
	pause  time.Duration
}

const blockWidth = 80

func (l *lines) every() time.Duration { return l.pause }

func (l *lines) note(text string) error {
	_, err := fmt.Fprintf(l.w, "%s\n\n", text)
	return err
}

func (l *lines) show(v *view) error {
	var b strings.Builder
	for _, line := range v.render(blockWidth, l.glyphs) {
		b.WriteString(strings.TrimRight(line.text, " ") + "\n")
	}
	_, err := fmt.Fprintln(l.w, b.String())
	return err
}

// screen redraws one picture on a terminal in raw mode.
type screen struct {
	w      io.Writer
	fd     int // of the terminal that is drawn on
	glyphs glyphs
	colour bool
}

const (
	frameTime = 200 * time.Millisecond
	maxWidth  = 110
)

func (s *screen) every() time.Duration { return frameTime }

func (s *screen) note(string) error { return nil } // the view carries them

func (s *screen) show(v *view) error {
	width, height, err := term.GetSize(s.fd)
	if err != nil || width < 1 || height < 1 {
		width, height = blockWidth, 24
	}
	picture := v.render(min(max(width, minWidth), maxWidth), s.glyphs)
	for _, n := range v.notes {
		picture = append(picture, line{"  " + n, plainText})
	}
	if v.page != "" {
		picture = append(picture, line{v.page, bold})
	}
	if v.keys != "" {
		picture = append(picture, line{v.keys, faint})
	}
	picture = picture[:min(len(picture), height)]
	var b strings.Builder
	b.WriteString("\x1b[H")
	for i, l := range picture {
		if i > 0 {
			b.WriteString("\r\n")
		}
		// Cleared before it is written: after a line of full width the cursor stands on its last sign.
		erase := "\x1b[K"
		if i == len(picture)-1 {
			erase = "\x1b[J"
		}
		b.WriteString(erase + s.styled(line{strings.TrimRight(fit(l.text, width, s.glyphs), " "), l.style}))
	}
	_, err = io.WriteString(s.w, b.String())
	return err
}

func (s *screen) styled(l line) string {
	code := map[style]string{bold: "1", good: "32", alert: "33", faint: "2"}[l.style]
	if !s.colour || code == "" {
		return l.text
	}
	return "\x1b[" + code + "m" + l.text + "\x1b[0m"
}

// terminal is one that was put into raw mode, with its cursor hidden.
type terminal struct {
	fd   int
	w    io.Writer
	old  *term.State
	once sync.Once
	err  error
}

// grabTerminal puts the terminal into raw mode and clears it.
func grabTerminal(fd int, w io.Writer) (*terminal, error) {
	old, err := term.MakeRaw(fd)
	if err != nil {
		return nil, fmt.Errorf("terminal: %w", err)
	}
	t := &terminal{fd: fd, w: w, old: old}
	if _, err := io.WriteString(w, "\x1b[?25l\x1b[2J"); err != nil {
		_ = t.restore()
		return nil, fmt.Errorf("terminal: %w", err)
	}
	return t, nil
}

// restore makes the terminal what it was, once, below the picture. It may be called from any goroutine.
func (t *terminal) restore() error {
	t.once.Do(func() {
		t.err = term.Restore(t.fd, t.old)
		_, _ = io.WriteString(t.w, "\x1b[?25h\r\n")
	})
	return t.err
}
