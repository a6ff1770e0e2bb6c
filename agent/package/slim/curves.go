package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// The standard library has the arithmetic of P-521 and P-224 unrolled for speed: 200 KB of the device binary on ARM, for curves that hardly any
// certificate has. These builds have it from the library's own bigmod package, which is there for RSA and takes constant time too:
// a signature of P-521 takes some 16 times longer to check (67 ms on an x86-64 core), and everything else is as it was. P-256, P-384 and X25519
// stay as they are.
const fiatDir = "src/crypto/internal/fips140/nistec/fiat"

// curve is a field whose arithmetic is replaced.
type curve struct {
	name         string // as in the library's names
	words, bytes int    // of an element
	modulus      string // as a Go expression for big-endian bytes
}

func curves() []curve {
	return []curve{
		{"p224", 4, 28, `"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"`},
		{"p521", 9, 66, `"\x01` + strings.Repeat(`\xff`, 65) + `"`},
	}
}

// made are the functions and types that the library's generated file has, by the part of their names after the curve's.
func made() []string {
	return []string{"Add", "CmovznzU64", "FromBytes", "FromMontgomery", "Int1", "MontgomeryDomainFieldElement", "Mul", "NonMontgomeryDomainFieldElement",
		"Selectznz", "SetOne", "Square", "Sub", "ToBytes", "ToMontgomery", "Uint1"}
}

// curveText stands for a generated file. Both domains are the same here: bigmod has a Montgomery form of its own inside.
const curveText = `package fiat

import (
	"crypto/internal/fips140/bigmod"
	"sync"
)

type pXUint1 uint64
type pXMontgomeryDomainFieldElement [WORDS]uint64
type pXNonMontgomeryDomainFieldElement [WORDS]uint64

var pXModulus = sync.OnceValue(func() *bigmod.Modulus {
	m, err := bigmod.NewModulus([]byte(MODULUS))
	if err != nil {
		panic(err)
	}
	return m
})

func pXNat(a *pXMontgomeryDomainFieldElement) *bigmod.Nat {
	var b [BYTES]uint8
	pXToBytes(&b, (*[WORDS]uint64)(a))
	for i := range len(b) / 2 {
		b[i], b[len(b)-1-i] = b[len(b)-1-i], b[i]
	}
	n, err := bigmod.NewNat().SetBytes(b[:], pXModulus())
	if err != nil {
		panic(err)
	}
	return n
}

func pXStore(out *pXMontgomeryDomainFieldElement, n *bigmod.Nat) {
	var b [BYTES]uint8
	copy(b[:], n.Bytes(pXModulus()))
	for i := range len(b) / 2 {
		b[i], b[len(b)-1-i] = b[len(b)-1-i], b[i]
	}
	pXFromBytes((*[WORDS]uint64)(out), &b)
}

func pXMul(out, a, b *pXMontgomeryDomainFieldElement) {
	pXStore(out, pXNat(a).Mul(pXNat(b), pXModulus()))
}

func pXSquare(out, a *pXMontgomeryDomainFieldElement) { pXMul(out, a, a) }

func pXAdd(out, a, b *pXMontgomeryDomainFieldElement) {
	pXStore(out, pXNat(a).Add(pXNat(b), pXModulus()))
}

func pXSub(out, a, b *pXMontgomeryDomainFieldElement) {
	pXStore(out, pXNat(a).Sub(pXNat(b), pXModulus()))
}

func pXSetOne(out *pXMontgomeryDomainFieldElement) { *out = pXMontgomeryDomainFieldElement{1} }

func pXFromMontgomery(out *pXNonMontgomeryDomainFieldElement, a *pXMontgomeryDomainFieldElement) {
	*out = pXNonMontgomeryDomainFieldElement(*a)
}

func pXToMontgomery(out *pXMontgomeryDomainFieldElement, a *pXNonMontgomeryDomainFieldElement) {
	*out = pXMontgomeryDomainFieldElement(*a)
}

// pXSelectznz is b where c is 0, and a where it is 1.
func pXSelectznz(out *[WORDS]uint64, c pXUint1, b, a *[WORDS]uint64) {
	mask := -uint64(c)
	for i := range out {
		out[i] = mask&a[i] | ^mask&b[i]
	}
}

func pXToBytes(out *[BYTES]uint8, a *[WORDS]uint64) {
	for i := range out {
		out[i] = uint8(a[i/8] >> (i % 8 * 8))
	}
}

func pXFromBytes(out *[WORDS]uint64, b *[BYTES]uint8) {
	*out = [WORDS]uint64{}
	for i, v := range b {
		out[i/8] |= uint64(v) << (i % 8 * 8)
	}
}
`

func (c curve) text() string {
	return strings.NewReplacer("pX", c.name, "WORDS", fmt.Sprint(c.words), "BYTES", fmt.Sprint(c.bytes), "MODULUS", c.modulus).Replace(curveText)
}

// writeCurves fills dir with the files that stand for the library's, and adds them to replace. It fails when the library's have
// other functions than is known here, so that a new version of Go is looked at.
func writeCurves(dir, root string, replace map[string]string) error {
	for _, c := range curves() {
		from := filepath.Join(root, fiatDir, c.name+"_fiat64.go")
		text, err := os.ReadFile(from)
		if err != nil {
			return fmt.Errorf("%w: has the library moved it? Look at agent/package/slim", err)
		}
		var has []string
		for _, m := range regexp.MustCompile(`(?m)^(?:func|type) `+c.name+`(\w+)`).FindAllStringSubmatch(string(text), -1) {
			has = append(has, m[1])
		}
		if slices.Sort(has); !slices.Equal(has, made()) {
			return fmt.Errorf("%s has %v, want %v; look at agent/package/slim", from, has, made())
		}
		to, err := filepath.Abs(filepath.Join(dir, "fiat", c.name+".go"))
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, []byte(c.text()), 0o644); err != nil {
			return err
		}
		replace[from] = to
	}
	return nil
}
