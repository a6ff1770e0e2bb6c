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

// number is a decimal number: n / 10^point. Of package math/big it needs what cryptography has brought along.
type number struct {
	n     *big.Int
	point int
}

// readNumber reads a file that holds one decimal number.
func readNumber(fsys fs.FS, name string) (number, error) {
	text, err := readText(fsys, name)
	if err != nil {
		return number{}, err
	}
	return parseNumber(text)
}

// parseNumber reads a decimal number as the kernel writes them: sign, digits, perhaps a point and digits. The text is
// not in the error: it may be what somebody's home measured.
func parseNumber(text string) (number, error) {
	const most = 40 // digits; an int64 with nine behind the point has 29
	digits := strings.TrimLeft(text, "+-")
	if len(text)-len(digits) > 1 || digits == "" || len(text) > most {
		return number{}, errNumber
	}
	whole, part, point := strings.Cut(digits, ".")
	if !isDigits(whole) || point && !isDigits(part) {
		return number{}, errNumber
	}
	v := number{new(big.Int), len(part)}
	for _, d := range whole + part {
		v.n.Add(v.n.Mul(v.n, big.NewInt(10)), big.NewInt(int64(d-'0')))
	}
	if text[0] == '-' {
		v.n.Neg(v.n)
	}
	return v, nil
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// plus is a + b.
func (a number) plus(b number) number {
	for ; a.point < b.point; a.point++ {
		a.n = new(big.Int).Mul(a.n, big.NewInt(10))
	}
	for ; b.point < a.point; b.point++ {
		b.n = new(big.Int).Mul(b.n, big.NewInt(10))
	}
	return number{new(big.Int).Add(a.n, b.n), a.point}
}

// times is a * b.
func (a number) times(b number) number { return number{new(big.Int).Mul(a.n, b.n), a.point + b.point} }

// round gives the nearest whole number to a * num / den, halves away from zero; false when it does not fit.
func (a number) round(num, den int64) (int64, bool) {
	below := big.NewInt(den)
	for range a.point {
		below.Mul(below, big.NewInt(10))
	}
	twice := new(big.Int).Mul(new(big.Int).Abs(a.n), big.NewInt(2*num))
	n := twice.Add(twice, below).Quo(twice, below.Lsh(below, 1))
	if a.n.Sign() < 0 {
		n.Neg(n)
	}
	return n.Int64(), n.IsInt64()
}
