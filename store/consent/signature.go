package consent

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// A signature lies beside the file it is of, as "policy.toml.sig": one line, "ed25519:" and base64. It is over a label
// that says what the file is, a zero byte, and the file's exact bytes, so that a signed charter is no signed policy.

// Document is what is signed.
type Document string

// The documents a maker signs, each with a key of its own.
const (
	PolicyDocument  Document = "policy"
	CharterDocument Document = "charter"
)

// SignatureSuffix is added to a file's name for the name of its signature.
const SignatureSuffix = ".sig"

const signaturePrefix = "ed25519:"

// ErrSignature is that a document does not have the signature that its key asks for.
var ErrSignature = errors.New("wrong signature")

func (d Document) signed(data []byte) []byte {
	return append([]byte("candor 1 "+string(d)+"\x00"), data...)
}

// Sign makes the text of a signature file.
func (d Document) Sign(key ed25519.PrivateKey, data []byte) []byte {
	return fmt.Appendf(nil, "%s%s\n", signaturePrefix, base64.StdEncoding.EncodeToString(ed25519.Sign(key, d.signed(data))))
}

// Verify holds a document's bytes against the text of its signature file. Every error is an [ErrSignature].
func (d Document) Verify(key ed25519.PublicKey, data, signature []byte) error {
	text, ok := strings.CutPrefix(string(bytes.TrimSpace(signature)), signaturePrefix)
	if !ok {
		return fmt.Errorf("%w: the signature file does not begin with %q", ErrSignature, signaturePrefix)
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != ed25519.SignatureSize {
		return fmt.Errorf("%w: the signature file does not hold %d bytes in base64", ErrSignature, ed25519.SignatureSize)
	}
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, d.signed(data), raw) {
		return fmt.Errorf("%w: it is not by this key, or the file was changed after it was signed", ErrSignature)
	}
	return nil
}
