package store

import (
	"bytes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/candor-edge/candor/store/consent"
)

// Sizes and names of the layout in doc.go.
const (
	recordVersion = 1
	keySize       = 8 + 1 + 4
	headSize      = 1 + 4 + 4 + 8 + 8 + 4 + 4
	nonceSize     = 12
	tagSize       = 16
	recordMin     = headSize + nonceSize + tagSize

	kindChunk    byte = 'c'
	kindOutgoing byte = 'o'

	sealLabel = "candor buffer record 1\x00"

	sealedFlag = 1 << 32 // beside an upload's column bytes

	maxUpload = 4 << 20 // bytes of one upload
	maxRecord = maxUpload + 1<<20
)

var (
	errHead    = errors.New("record header is not valid")
	errNoKey   = errors.New("its key is gone")
	errDamaged = errors.New("record does not authenticate")
)

// header is what is known of a record without its key: its bbolt key and the clear bytes before the sealed ones.
type header struct {
	seq    uint64
	kind   byte
	stream uint32

	grant consent.GrantID
	day   int32  // names the key, together with grant
	epoch uint64 // of a chunk; 0 in an outgoing record
	place uint64 // chunk: its order in the stream. Outgoing: the batch's sequence number
	rows  uint32
	size  uint32 // bytes of rows (chunk) or of the upload (outgoing)
}

// key is the bbolt key: sequence, kind, stream, so that every record is appended behind all others.
func (h *header) key() []byte {
	k := make([]byte, 0, keySize)
	k = binary.BigEndian.AppendUint64(k, h.seq)
	k = append(k, h.kind)
	return binary.BigEndian.AppendUint32(k, h.stream)
}

func (h *header) appendClear(b []byte) []byte {
	b = append(b, recordVersion)
	b = binary.BigEndian.AppendUint32(b, uint32(h.grant))
	b = binary.BigEndian.AppendUint32(b, uint32(h.day))
	b = binary.BigEndian.AppendUint64(b, h.epoch)
	b = binary.BigEndian.AppendUint64(b, h.place)
	b = binary.BigEndian.AppendUint32(b, h.rows)
	return binary.BigEndian.AppendUint32(b, h.size)
}

// parseHeader reads the key and the first bytes of a value. It checks what can be checked without the record's key;
// total is the whole length of the value.
func parseHeader(key, value []byte, total int) (header, error) {
	if len(key) != keySize || len(value) < headSize || total < recordMin || total > maxRecord || value[0] != recordVersion {
		return header{}, errHead
	}
	h := header{
		seq:    binary.BigEndian.Uint64(key),
		kind:   key[8],
		stream: binary.BigEndian.Uint32(key[9:]),
		grant:  consent.GrantID(binary.BigEndian.Uint32(value[1:])),
		day:    int32(binary.BigEndian.Uint32(value[5:])),
		epoch:  binary.BigEndian.Uint64(value[9:]),
		place:  binary.BigEndian.Uint64(value[17:]),
		rows:   binary.BigEndian.Uint32(value[25:]),
		size:   binary.BigEndian.Uint32(value[29:]),
	}
	sealed := total - recordMin
	switch {
	case h.grant == 0, h.seq >= stateSeq:
		return header{}, errHead
	case h.kind == kindChunk:
		if h.rows == 0 || h.rows > maxChunkRows || int(h.size) != sealed || h.place > h.seq {
			return header{}, errHead
		}
	case h.kind == kindOutgoing:
		if int64(h.size) > int64(sealed) || h.epoch != 0 || h.place == 0 {
			return header{}, errHead
		}
	default:
		return header{}, errHead
	}
	return h, nil
}

// sealRecord makes the value of a record: header, nonce, sealed bytes. Key, header and a fixed label are
// authenticated with it, so that a record can be neither moved nor relabelled.
func sealRecord(aead cipher.AEAD, rand io.Reader, h *header, plain []byte) ([]byte, error) {
	if aead.NonceSize() != nonceSize || aead.Overhead() != tagSize {
		return nil, fmt.Errorf("store: a cipher with %d bytes of nonce and %d of tag, need %d and %d",
			aead.NonceSize(), aead.Overhead(), nonceSize, tagSize)
	}
	v := h.appendClear(make([]byte, 0, recordMin+len(plain)))
	aad := append(append([]byte(sealLabel), h.key()...), v...)
	v = v[:headSize+nonceSize]
	if _, err := io.ReadFull(rand, v[headSize:]); err != nil {
		return nil, fmt.Errorf("store: no randomness: %w", err)
	}
	return aead.Seal(v, v[headSize:], plain, aad), nil
}

// openRecord gives back what sealRecord sealed, in memory of its own.
func openRecord(aead cipher.AEAD, h *header, value []byte) ([]byte, error) {
	if len(value) < recordMin || aead.NonceSize() != nonceSize {
		return nil, errDamaged
	}
	clearBytes := h.appendClear(nil)
	if !bytes.Equal(clearBytes, value[:headSize]) {
		return nil, errDamaged
	}
	aad := append(append([]byte(sealLabel), h.key()...), clearBytes...)
	plain, err := aead.Open(nil, value[headSize:headSize+nonceSize], value[headSize+nonceSize:], aad)
	if err != nil {
		return nil, errDamaged
	}
	return plain, nil
}

// packUpload puts what is told about an upload before its bytes, so that all of it is sealed:
// uvarint column bytes, or'ed with [sealedFlag] and followed by 16 bytes that name what is inside when the upload is sealed
// to its recipient; uvarint number of fields, each uvarint length and bytes; then the upload.
func packUpload(u *Upload) ([]byte, error) {
	if len(u.Bytes) > maxUpload || len(u.Fields) > maxCells || u.Rows < 0 || u.ColumnBytes < 0 {
		return nil, fmt.Errorf("store: an upload of %d bytes and %d fields, at most %d and %d are possible",
			len(u.Bytes), len(u.Fields), maxUpload, maxCells)
	}
	columns := uint64(u.ColumnBytes)
	if u.Sealed {
		columns |= sealedFlag
	}
	b := binary.AppendUvarint(make([]byte, 0, len(u.Bytes)+256), columns)
	if u.Sealed {
		b = append(b, u.Inner[:]...)
	}
	b = binary.AppendUvarint(b, uint64(len(u.Fields)))
	for _, f := range u.Fields {
		if len(f) > maxToken {
			return nil, fmt.Errorf("store: a field name of %d bytes, at most %d are possible", len(f), maxToken)
		}
		b = binary.AppendUvarint(b, uint64(len(f)))
		b = append(b, f...)
	}
	return append(b, u.Bytes...), nil
}

// unpackUpload reads what packUpload wrote; size is the length of the upload's bytes, which it does not copy.
func unpackUpload(plain []byte, size int) (Upload, error) {
	r := rowReader{in: plain}
	columns, ok := r.uvarint()
	var u Upload
	if u.Sealed = columns&sealedFlag != 0; u.Sealed {
		columns &^= sealedFlag
		if len(r.in) < len(u.Inner) {
			return Upload{}, errDamaged
		}
		r.in = r.in[copy(u.Inner[:], r.in):]
	}
	n, ok2 := r.uvarint()
	if !ok || !ok2 || n > maxCells || columns > 1<<31-1 {
		return Upload{}, errDamaged
	}
	u.ColumnBytes, u.Fields = int(columns), make([]string, 0, n)
	for range n {
		l, ok := r.uvarint()
		if !ok || l > maxToken || l > uint64(len(r.in)) {
			return Upload{}, errDamaged
		}
		u.Fields = append(u.Fields, string(r.in[:l]))
		r.in = r.in[l:]
	}
	if len(r.in) != size {
		return Upload{}, errDamaged
	}
	u.Bytes = r.in
	return u, nil
}
