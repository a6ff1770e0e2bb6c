package web

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// What a guesser gets: a code of 40 random bits that lives ten minutes and ends with the fifth wrong try, and one try in two
// seconds whoever makes it. That is a chance of one in 2^37 per code.
const (
	codeLife  = 10 * time.Minute
	codeTries = 5
	tryPause  = 2 * time.Second

	codeLetters = "ABCDEFGHJKMNPQRSTVWXYZ0123456789" // 32, without I, L, O and U: nothing to mistake, no words
	codeLength  = 8
)

var (
	errNoCode    = errors.New("no code is open")
	errWrongCode = errors.New("that is not the code")
	errTooSoon   = errors.New("the last try was a moment ago")
)

// pairing is the code that opens the page. There is one at a time.
type pairing struct {
	now  func() time.Time
	rand io.Reader

	mu    sync.Mutex
	code  string // "" when none is open
	until time.Time
	tries int // that are left
	next  time.Time
}

// open makes a code, and voids the one before it.
func (p *pairing) open() (code string, until time.Time, err error) {
	b := make([]byte, codeLength)
	if _, err := io.ReadFull(p.rand, b); err != nil {
		return "", time.Time{}, fmt.Errorf("no code could be made: %w", err)
	}
	for i := range b {
		b[i] = codeLetters[int(b[i])%len(codeLetters)] // 32 divides 256: each letter is as likely
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.code, p.until, p.tries = string(b), p.now().Add(codeLife), codeTries
	return p.code[:codeLength/2] + "-" + p.code[codeLength/2:], p.until, nil
}

// try spends the code if it is the right one. Whether one is open can't be told from how long it takes; last says that the code was
// voided by this try.
func (p *pairing) try(given string) (last bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if now.Before(p.next) {
		return false, errTooSoon
	}
	p.next = now.Add(tryPause)
	open := p.code != "" && now.Before(p.until)
	want := p.code
	if !open {
		p.code, want = "", strings.Repeat("?", codeLength)
	}
	right := subtle.ConstantTimeCompare([]byte(normal(given)), []byte(want)) == 1
	switch {
	case !open:
		return false, errNoCode
	case right:
		p.code = ""
		return false, nil
	}
	if p.tries--; p.tries <= 0 {
		p.code = ""
		return true, errWrongCode
	}
	return false, errWrongCode
}

// void ends the code that is open.
func (p *pairing) void() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.code = ""
}

// normal is a code as it was meant: without hyphens and blanks, in capitals, with the letters that are not in it read as what
// they look like.
func normal(given string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '-' || r == ' ':
			return -1
		case r >= 'a' && r <= 'z':
			r -= 'a' - 'A'
		}
		switch r {
		case 'I', 'L':
			return '1'
		case 'O':
			return '0'
		case 'U':
			return 'V'
		}
		return r
	}, given)
}
