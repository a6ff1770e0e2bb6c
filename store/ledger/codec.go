package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/fxamacker/cbor/v2"
)

// codec is deterministic CBOR with strict limits, set once.
type codec struct {
	enc cbor.EncMode
	dec cbor.DecMode
}

func newCodec() (codec, error) {
	enc, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		return codec{}, fmt.Errorf("ledger: set up the encoder: %w", err)
	}
	dec, err := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		MaxNestedLevels:   8,
		MaxArrayElements:  4096,
		MaxMapPairs:       64,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		UTF8:              cbor.UTF8RejectInvalid,
		NaN:               cbor.NaNDecodeForbidden,
		Inf:               cbor.InfDecodeForbidden,
	}.DecMode()
	if err != nil {
		return codec{}, fmt.Errorf("ledger: set up the decoder: %w", err)
	}
	return codec{enc: enc, dec: dec}, nil
}

// encode fails for what decode would not take back: text that is not UTF-8, lists that are too long.
func (c codec) encode(v any) ([]byte, error) {
	b, err := c.enc.Marshal(v)
	if err == nil {
		var parsed any
		err = c.dec.Unmarshal(b, &parsed)
	}
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return b, nil
}

var errNotCanonical = errors.New("not in deterministic form")

// decode accepts only what encode would have written.
func (c codec) decode(b []byte, v any) error {
	if err := c.dec.Unmarshal(b, v); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	again, err := c.enc.Marshal(v)
	if err != nil || !bytes.Equal(again, b) {
		return errNotCanonical
	}
	return nil
}

var errChecksum = errors.New("wrong checksum")

// guarded appends the checksum of key and value to value.
func guarded(key, value []byte) []byte {
	return binary.BigEndian.AppendUint32(value, checksum(key, value))
}

// unguarded checks and takes off the checksum.
func unguarded(key, stored []byte) ([]byte, error) {
	if len(stored) < 4 {
		return nil, errChecksum
	}
	value := stored[:len(stored)-4]
	if binary.BigEndian.Uint32(stored[len(value):]) != checksum(key, value) {
		return nil, errChecksum
	}
	return value, nil
}

func checksum(key, value []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE(key), crc32.IEEETable, value)
}

func key64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
func key32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// uint64FromKey is the number of a key of eight bytes.
func uint64FromKey(k []byte) uint64 { return binary.BigEndian.Uint64(k) }

// uint32FromKey is the number of a key of four bytes.
func uint32FromKey(k []byte) uint32 { return binary.BigEndian.Uint32(k) }
