package ledger

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
)

// What the ledger key signs is COSE_Sign1 (RFC 9052 §4.2) with tag 18, the protected header {1: -19, 3: content type},
// no unprotected header and no external data, so that any implementation of it verifies with the public key alone. -19
// is Ed25519 of RFC 9864. The content type keeps one kind of thing from being passed off as another.
const (
	entryType        = "application/vnd.candor.ledger-entry+cbor"
	confirmationType = "application/vnd.candor.confirmation+json"
)

var errSigned = errors.New("not a signed message of the one allowed form")

// protectedHeader is the map {1: -19, 3: content type} in deterministic form.
func protectedHeader(contentType string) []byte {
	return appendHead([]byte{0xa2, 0x01, 0x32, 0x03}, 3, len(contentType), contentType)
}

// appendHead appends the head of a byte string (major 2) or text (3) of n bytes, and what it holds.
func appendHead[S []byte | string](dst []byte, major byte, n int, holds S) []byte {
	major <<= 5
	switch {
	case n < 24:
		dst = append(dst, major|byte(n))
	case n <= 0xff:
		dst = append(dst, major|24, byte(n))
	case n <= 0xffff:
		dst = binary.BigEndian.AppendUint16(append(dst, major|25), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint32(append(dst, major|26), uint32(n))
	}
	return append(dst, holds...)
}

// toBeSigned is the Sig_structure of RFC 9052 §4.4.
func toBeSigned(protected, payload []byte) []byte {
	b := append([]byte{0x84}, "\x6aSignature1"...)
	b = appendHead(b, 2, len(protected), protected)
	b = append(b, 0x40)
	return appendHead(b, 2, len(payload), payload)
}

// sign1 is the signed message around a payload.
func sign1(key ed25519.PrivateKey, contentType string, payload []byte) []byte {
	protected := protectedHeader(contentType)
	b := appendHead([]byte{0xd2, 0x84}, 2, len(protected), protected)
	b = append(b, 0xa0)
	b = appendHead(b, 2, len(payload), payload)
	return appendHead(b, 2, ed25519.SignatureSize, ed25519.Sign(key, toBeSigned(protected, payload)))
}

// split takes a signed message apart without verifying it. It accepts what sign1 makes and nothing else: what follows
// from the parts is compared with the whole.
func split(contentType string, message []byte) (payload, signature []byte, err error) {
	protected := protectedHeader(contentType)
	head := append(appendHead([]byte{0xd2, 0x84}, 2, len(protected), protected), 0xa0)
	end := len(message) - ed25519.SignatureSize - 2
	if end < len(head) || string(message[:len(head)]) != string(head) {
		return nil, nil, errSigned
	}
	for _, size := range []int{1, 2, 3, 5} { // of the payload's own head
		if n := end - len(head) - size; n >= 0 {
			payload = message[end-n : end]
			if string(appendHead([]byte(nil), 2, n, payload)) == string(message[len(head):end]) {
				signature = message[end+2:]
				if string(message[end:end+2]) != "\x58\x40" {
					return nil, nil, errSigned
				}
				return payload, signature, nil
			}
		}
	}
	return nil, nil, errSigned
}

// verified is the payload of a message that the key signed; false for any other.
func verified(key ed25519.PublicKey, contentType string, message []byte) ([]byte, bool) {
	payload, signature, err := split(contentType, message)
	if err != nil || len(key) != ed25519.PublicKeySize ||
		!ed25519.Verify(key, toBeSigned(protectedHeader(contentType), payload), signature) {
		return nil, false
	}
	return payload, true
}
