package tinyconf

import (
	"fmt"
	"strconv"
)

// The I2C addresses that a part may have: the 7-bit ones without those the bus
// keeps for itself that no sensor answers to (NXP UM10204 §3.1.12). Linux
// tools scan the same range.
const (
	firstAddress = 0x03
	lastAddress  = 0x77
)

// Address is a 7-bit I2C address from 0x03 to 0x77, written as an integer (0x76)
// or a text ("0x76"). The zero value means none was given.
type Address uint8

// String gives two hexadecimal digits, as in 0x76, the form of data sheets.
func (a Address) String() string { return fmt.Sprintf("0x%02x", uint8(a)) }

// ParseAddress reads hexadecimal with 0x, or decimal. Its errors say what was
// found and what would do.
func ParseAddress(s string) (Address, error) {
	n, err := strconv.ParseInt(s, 0, 64)
	if err != nil {
		return 0, fmt.Errorf("found %s, an I2C address is needed as in 0x76", short(s))
	}
	return newAddress(n)
}

func newAddress(n int64) (Address, error) {
	switch {
	case n >= firstAddress && n <= lastAddress:
		return Address(n), nil
	case n > 0x7f && n <= 0xff:
		return 0, fmt.Errorf("found %#02x (%d), I2C addresses of parts go from 0x03 to 0x77; as an 8-bit address it would be 0x%02x", n, n, n>>1)
	case n < 0:
		return 0, fmt.Errorf("found %d, I2C addresses of parts go from 0x03 to 0x77", n)
	}
	return 0, fmt.Errorf("found %#02x (%d), I2C addresses of parts go from 0x03 to 0x77", n, n)
}

// UnmarshalText reads what [ParseAddress] reads.
func (a *Address) UnmarshalText(text []byte) error {
	parsed, err := ParseAddress(string(text))
	if err == nil {
		*a = parsed
	}
	return err
}

// UnmarshalTOML reads an integer or a text.
func (a *Address) UnmarshalTOML(value any) error {
	switch v := value.(type) {
	case string:
		return a.UnmarshalText([]byte(v))
	case int64:
		parsed, err := newAddress(v)
		if err == nil {
			*a = parsed
		}
		return err
	}
	return fmt.Errorf("found %s, an I2C address is needed as in 0x76", found(value))
}

// MarshalText gives String.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }
