package wire

// Sizes. A signed message is its payload, the head of the byte string that
// holds the payload (1 to 5 bytes), and signedFixed bytes around it.
const (
	signedFixed = len(signedPrefix) + 2 + signatureSize

	// SignedOverhead is the most that signing adds to a payload of up to
	// 65,535 bytes; SignedSize is exact.
	SignedOverhead = signedFixed + 3
)

// SignedSize is the length of the signed message around a payload of n bytes.
func SignedSize(n int) int { return signedFixed + headLen(uint64(n)) + n }

// PaddedSize is the length a signed message has when it is padded to size: the
// largest length up to size that a message can have. It is size itself except
// for 331, 65612 and 65613 (and 98, below any batch), where the head of the
// payload grows by more than the payload did.
func PaddedSize(size int) int {
	for size > signedFixed+1 && payloadFor(size) < 0 {
		size--
	}
	return size
}

// payloadFor is the payload length that makes a signed message of size bytes,
// -1 if there is none.
func payloadFor(size int) int {
	for _, head := range [...]int{1, 2, 3, 5} {
		n := size - signedFixed - head
		if n >= 0 && headLen(uint64(n)) == head {
			return n
		}
	}
	return -1
}

// appendPadding appends key 15 and a value of zeros, n bytes in all, n at
// least 2. Where no byte string has the length left, because its head grows,
// an empty one is put before it in an array.
func appendPadding(dst []byte, n int) []byte {
	dst = appendUint(dst, keyPadding)
	n--
	body, ok := stringBody(n)
	if !ok {
		dst = append(appendArray(dst, 2), majorBytes<<5)
		body, _ = stringBody(n - 2)
	}
	dst = appendHead(dst, majorBytes, uint64(body))
	for range body {
		dst = append(dst, 0)
	}
	return dst
}

// stringBody is the length of the string whose encoding has n bytes.
func stringBody(n int) (int, bool) {
	for _, head := range [...]int{1, 2, 3, 5} {
		if b := n - head; b >= 0 && headLen(uint64(b)) == head {
			return b, true
		}
	}
	return 0, false
}

// padding reads the value of key 15.
func (r *reader) padding() error {
	if r.left() > 0 && r.data[r.pos]>>5 == majorArray {
		if _, err := r.array(2, 2); err != nil {
			return err
		}
		if _, err := r.bytes(0); err != nil {
			return err
		}
	}
	at := r.pos
	pad, err := r.bytes(MaxMessage)
	if err != nil {
		return err
	}
	for _, c := range pad {
		if c != 0 {
			r.pos = at
			return r.fail(ErrValue, "padding is zeros only")
		}
	}
	return nil
}
