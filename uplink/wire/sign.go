package wire

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"strconv"
)

// Kind is what a signed message is. It enters the signature and is not sent,
// so that a message can't be passed off as one of another kind.
type Kind uint8

// The kinds. The number is for programs, the name is what is signed.
const (
	KindBatch           Kind = iota + 1 // by the stream's key
	KindAnnouncement                    // by the stream's key, which is in it
	KindDeletion                        // by the stream's key
	KindDeletionAnswer                  // by the recipient's key
	KindFreshness                       // by the stream's key
	KindFreshnessAnswer                 // by the recipient's key
	KindTest                            // by a key of the moment
)

// String returns the kind's name.
func (k Kind) String() string {
	switch k {
	case KindBatch:
		return "batch"
	case KindAnnouncement:
		return "announcement"
	case KindDeletion:
		return "deletion"
	case KindDeletionAnswer:
		return "deletion-answer"
	case KindFreshness:
		return "freshness"
	case KindFreshnessAnswer:
		return "freshness-answer"
	case KindTest:
		return "test"
	}
	return "kind-" + strconv.Itoa(int(k))
}

// aad is the external_aad of RFC 9052 section 4.3: protocol, version, kind.
func (k Kind) aad() string { return "candor/" + strconv.Itoa(Version) + "/" + k.String() }

// A signed message is COSE_Sign1 (RFC 9052 section 4.2) with tag 18, the
// protected header {1: -19} (Ed25519, RFC 9864), no unprotected header, the
// payload, and the signature. Everything but the payload's length is fixed.
const (
	signatureSize = ed25519.SignatureSize
	protected     = "\xa1\x01\x32"
	signedPrefix  = "\xd2\x84\x43" + protected + "\xa0"
)

// Signer returns the Ed25519 signature of a message, 64 bytes. It may keep
// neither message nor result.
type Signer func(message []byte) []byte

// SignWith returns the signer of a private key, which it keeps.
func SignWith(key ed25519.PrivateKey) Signer {
	return func(message []byte) []byte { return ed25519.Sign(key, message) }
}

// AppendSigned appends the signed message around payload to dst. The payload
// must not lie in the free part of dst. It panics when key does not return 64
// bytes, since such a key signs nothing.
func AppendSigned(dst []byte, key Signer, kind Kind, payload []byte) []byte {
	start := len(dst)
	dst = slices.Grow(dst, SignedSize(len(payload))+64)
	dst = appendToBeSigned(dst, kind, payload)
	signature := key(dst[start:])
	if len(signature) != signatureSize {
		panic(fmt.Sprintf("wire: the signer returned %d bytes, a signature has %d", len(signature), signatureSize))
	}
	dst = append(dst[:start], signedPrefix...)
	dst = appendBytes(dst, payload)
	return appendBytes(dst, signature)
}

// appendToBeSigned appends the Sig_structure of RFC 9052 section 4.4.
func appendToBeSigned(dst []byte, kind Kind, payload []byte) []byte {
	dst = appendText(appendArray(dst, 4), "Signature1")
	dst = appendBytes(dst, []byte(protected))
	dst = appendBytes(dst, []byte(kind.aad()))
	return appendBytes(dst, payload)
}

// OpenSigned verifies a signed message and returns its payload, which points
// into data. A message of another kind, by another key, or with anything
// changed is an [ErrSignature]; one that is not of the one allowed form is the
// fault found there.
func OpenSigned(kind Kind, pub ed25519.PublicKey, data []byte) ([]byte, error) {
	payload, signature, err := splitSigned(data)
	if err != nil {
		return nil, in(err, "signed "+kind.String())
	}
	if len(pub) != ed25519.PublicKeySize {
		return nil, in(faultf(ErrSignature, "a public key has %d bytes, found %d", ed25519.PublicKeySize, len(pub)), "signed "+kind.String())
	}
	if !ed25519.Verify(pub, appendToBeSigned(make([]byte, 0, len(payload)+64), kind, payload), signature) {
		return nil, in(faultf(ErrSignature, "another key, another kind of message, or altered"), "signed "+kind.String())
	}
	return payload, nil
}

// SignedPayload returns the payload of a signed message without verifying
// anything, to find out whose key to verify with. It points into data. Nothing
// in it may be believed.
func SignedPayload(data []byte) ([]byte, error) {
	payload, _, err := splitSigned(data)
	if err != nil {
		return nil, in(err, "signed message")
	}
	return payload, nil
}

// OpenAnnouncement verifies an announcement with the key it carries and
// returns it with its payload's digest. That proves that whoever holds the
// stream's key wrote it, and nothing about who that is.
func OpenAnnouncement(data []byte) (*Announcement, [16]byte, error) {
	payload, err := SignedPayload(data)
	if err != nil {
		return nil, [16]byte{}, err
	}
	a, err := DecodeAnnouncement(payload)
	if err != nil {
		return nil, [16]byte{}, err
	}
	if _, err := OpenSigned(KindAnnouncement, a.Key, data); err != nil {
		return nil, [16]byte{}, err
	}
	return a, AnnouncementDigest(payload), nil
}

func splitSigned(data []byte) (payload, signature []byte, err error) {
	r := &reader{data: data}
	if len(data) > MaxMessage {
		return nil, nil, r.fail(ErrLimit, "more than %d bytes", MaxMessage)
	}
	for ; r.pos < len(signedPrefix); r.pos++ {
		if r.left() == 0 {
			return nil, nil, r.fail(ErrTruncated, "the headers are cut")
		}
		if data[r.pos] != signedPrefix[r.pos] {
			return nil, nil, r.fail(ErrForm, "not COSE_Sign1 with Ed25519 and no other headers")
		}
	}
	if payload, err = r.bytes(MaxMessage); err != nil {
		return nil, nil, in(err, "payload")
	}
	at := r.pos
	if signature, err = r.bytes(signatureSize); err != nil {
		return nil, nil, in(err, "signature")
	}
	if len(signature) != signatureSize {
		r.pos = at
		return nil, nil, in(r.fail(ErrValue, "expected %d bytes", signatureSize), "signature")
	}
	if r.left() > 0 {
		return nil, nil, r.fail(ErrTrailing, "%d bytes after the message", r.left())
	}
	return payload, signature, nil
}
