package ledger

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

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
