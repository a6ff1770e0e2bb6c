package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/candor-edge/candor/uplink/receive"
	"github.com/candor-edge/candor/uplink/wire"
)

// tries bounds how often a message is sent until it is answered.
const tries = 60

// post is a sender over HTTP, of one worker.
type post struct {
	client *http.Client
	urls   []string
	token  string
	seal   *wire.SealKey // nil: sent as it is
	c      *counts
}

// send tries until there is an answer for good. What it shows beside the
// message names the person, as a careless client would: none of it may be kept.
func (p *post) send(ctx context.Context, device int, kind wire.Kind, path string, signed []byte, want ...int) (int, []byte, error) {
	body, media := signed, receive.TypeSigned
	if p.seal != nil {
		sealed, err := wire.Seal(p.seal, receive.SealInfo(kind), nil, signed)
		if err != nil {
			return 0, nil, err
		}
		body, media = sealed, receive.TypeSealed
	}
	var last error
	for try := range tries {
		if try > 0 {
			p.c.retries++
			select {
			case <-ctx.Done():
				return 0, nil, ctx.Err()
			case <-time.After(min(time.Duration(try)*20*time.Millisecond, time.Second)):
			}
		}
		p.c.requests++
		began := time.Now()
		status, answer, err := p.once(ctx, device, path, media, body)
		switch {
		case err != nil:
			last = err
			continue
		case slices.Contains(want, status):
			if kind == wire.KindBatch && status == http.StatusAccepted {
				p.c.took.add(time.Since(began))
			}
			if status < 300 && kind != wire.KindFreshness {
				err = proof(answer, signed)
			}
			return status, answer, err
		case status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests:
			last = fmt.Errorf("%s: %d %s", path, status, answer)
		default:
			p.c.failed++
			return status, answer, fmt.Errorf("%s: %d, wanted %d: %s", path, status, want, answer)
		}
	}
	p.c.failed++
	return 0, nil, fmt.Errorf("given up after %d tries: %w", tries, last)
}

func (p *post) once(ctx context.Context, device int, path, media string, body []byte) (int, []byte, error) {
	who := personOf(device)
	url := p.urls[int(p.c.requests)%len(p.urls)] + path
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"?mail="+who.mail, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", media)
	r.Header.Set("User-Agent", "object/"+who.serial)
	r.Header.Set("From", who.mail)
	r.Header.Set("X-Phone", who.phone)
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	resp, err := p.client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, answer, err
}

// yes is the body of an answer to what is kept.
type yes struct {
	Accepted struct {
		Digest string
		Erased []receive.Erased
	}
}

// proof says whether an answer is by somebody who read the message.
func proof(answer, signed []byte) error {
	var y yes
	sum := sha256.Sum256(signed)
	if err := json.Unmarshal(answer, &y); err != nil || y.Accepted.Digest != hex.EncodeToString(sum[:16]) {
		return fmt.Errorf("an answer that proves nothing: %.80q", answer)
	}
	return nil
}

// erasedRows reads from the answer to a deletion how many rows went.
func erasedRows(answer []byte) (uint64, error) {
	var y yes
	if err := json.Unmarshal(answer, &y); err != nil {
		return 0, err
	}
	for _, e := range y.Accepted.Erased {
		if strings.HasSuffix(e.Store, "rows") {
			return e.Count, nil
		}
	}
	return 0, errors.New("no store with rows is named")
}
