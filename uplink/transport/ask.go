package transport

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/candor-edge/candor/uplink/wire"
)

// ErrNoAnswer is an answer to a question that does not answer it: another stream, another question, or not signed by the
// key that the route names.
var ErrNoAnswer = errors.New("the answer is not one to what was asked, or not signed by answer_key of the [[route]]; something between answers for the recipient")

// answerWord stands before the key that signs a recipient's answers, as candor-receiver prints it.
const answerWord = "candor-answer-ed25519:"

// parseAnswerKey reads the public key of a recipient's answers.
func parseAnswerKey(text string) (ed25519.PublicKey, error) {
	data, ok := strings.CutPrefix(text, answerWord)
	key, err := base64.StdEncoding.Strict().DecodeString(data)
	if !ok || err != nil || len(key) != ed25519.PublicKeySize {
		return nil, errors.New("is no key; use what candor-receiver prints when it starts, " + answerWord + "BASE64")
	}
	return key, nil
}

// Ask asks whether a stream is as far as this object thinks, see PROTOCOL.md §7. The question is a [Control] of
// [wire.KindFreshness]. An error is for [Judge]; Unknown says that the stream is not announced there.
func (l *Line) Ask(ctx context.Context, c Control) (*wire.FreshnessAnswer, error) {
	if c.kind != wire.KindFreshness {
		return nil, errors.New("no question")
	}
	payload, err := wire.SignedPayload(c.body)
	if err != nil {
		return nil, err
	}
	question, err := wire.DecodeFreshness(payload)
	if err != nil {
		return nil, err
	}
	m, err := l.wrap(c)
	if err != nil {
		return nil, err
	}
	a, err := l.exchange(ctx, m, http.StatusOK)
	if err != nil {
		return nil, err
	}
	said, err := l.freshness(a)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return nil, l.named(context.Canceled)
	case err != nil || said.Stream != question.Stream || said.Epoch != question.Epoch || said.Nonce != question.Nonce:
		return nil, l.named(ErrNoAnswer)
	}
	return said, nil
}

// freshness reads an answer, with the signature where the route names a key.
func (l *Line) freshness(a answer) (*wire.FreshnessAnswer, error) {
	if a.cut {
		return nil, ErrNoAnswer
	}
	payload, err := a.body, error(nil)
	media, _, _ := mime.ParseMediaType(a.media)
	switch {
	case l.answerKey != nil:
		payload, err = wire.OpenSigned(wire.KindFreshnessAnswer, l.answerKey, a.body)
	case media == "application/cose": // signed by a key that nobody named here: worth as much as the connection
		payload, err = wire.SignedPayload(a.body)
	}
	if err != nil {
		return nil, err
	}
	return wire.DecodeFreshnessAnswer(payload)
}

// deletionProof is what the recipient signed about a deletion. A route that names the key takes no deletion as done
// without it.
func (l *Line) deletionProof(said []byte, stream wire.StreamID) ([]byte, error) {
	if l.answerKey == nil {
		return said, nil
	}
	payload, err := wire.OpenSigned(wire.KindDeletionAnswer, l.answerKey, said)
	if err != nil {
		return nil, l.named(ErrNoAnswer)
	}
	if d, err := wire.DecodeDeletionAnswer(payload); err != nil || d.Stream != stream {
		return nil, l.named(ErrNoAnswer)
	}
	return said, nil
}

// Test sends a message of [wire.TestSize] bytes without any name or reading, and returns nil when the recipient took it.
func (l *Line) Test(ctx context.Context, c Control) error {
	if c.kind != wire.KindTest {
		return errors.New("no test message")
	}
	m, err := l.wrap(c)
	if err != nil {
		return err
	}
	_, err = l.exchange(ctx, m, http.StatusNoContent)
	var r *Refusal
	if errors.As(err, &r) && r.Status < 400 {
		err = l.named(fmt.Errorf("the answer to a test is 204, and this was %d: %w", r.Status, ErrNoProof))
	}
	return err
}
