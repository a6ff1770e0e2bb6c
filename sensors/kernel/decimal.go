package kernel

import (
	"errors"
	"io"
	"io/fs"
	"math/big"
	"strings"
)

// longest is the most that is read of a file; sysfs has no longer ones.
const longest = 4096

var (
	errLong   = errors.New("the file is longer than 4 KiB")
	errNumber = errors.New("the file holds no number")
)

// readText reads a small file whole, without the space around it.
func readText(fsys fs.FS, name string) (string, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was read only
	b, err := io.ReadAll(io.LimitReader(f, longest+1))
	if err != nil {
		return "", err
	}
	if len(b) > longest {
		return "", errLong
	}
	return strings.TrimSpace(string(b)), nil
}

// readNumber reads a file that holds one decimal number.
func readNumber(fsys fs.FS, name string) (*big.Rat, error) {
	text, err := readText(fsys, name)
	if err != nil {
		return nil, err
	}
	return parseNumber(text)
}

// parseNumber reads a decimal number as the kernel writes them: sign, digits, perhaps a point and digits. The text is
// not in the error: it may be what somebody's home measured.
func parseNumber(text string) (*big.Rat, error) {
	const most = 40 // digits; an int64 with nine behind the point has 29
	digits := strings.TrimLeft(text, "+-")
	if len(text)-len(digits) > 1 || digits == "" || len(text) > most {
		return nil, errNumber
	}
	whole, part, point := strings.Cut(digits, ".")
	if !isDigits(whole) || point && !isDigits(part) {
		return nil, errNumber
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, errNumber
	}
	return r, nil
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// round gives the nearest whole number, halves away from zero; false when it does not fit.
func round(r *big.Rat) (int64, bool) {
	twice := new(big.Int).Lsh(new(big.Int).Abs(r.Num()), 1)
	twice.Add(twice, r.Denom())
	n := twice.Quo(twice, new(big.Int).Lsh(r.Denom(), 1))
	if r.Sign() < 0 {
		n.Neg(n)
	}
	return n.Int64(), n.IsInt64()
}
