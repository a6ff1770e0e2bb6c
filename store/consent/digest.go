package consent

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// canon writes values so that no two different sequences of them give the same bytes: each text with its length, each
// list with its count, numbers as eight bytes.
type canon struct{ h hash.Hash }

func newCanon(label string) canon {
	return canon{hmac.New(sha256.New, []byte("candor 1 "+label))}
}

func (c canon) number(n int64) {
	_, _ = c.h.Write(binary.BigEndian.AppendUint64(nil, uint64(n))) // binary.Write would bring 12 KB of reflection
}

func (c canon) text(s string) {
	c.number(int64(len(s)))
	_, _ = c.h.Write([]byte(s))
}

func (c canon) texts(list []string) {
	c.number(int64(len(list)))
	for _, s := range list {
		c.text(s)
	}
}

func (c canon) digest() (d Digest) {
	c.h.Sum(d[:0])
	return d
}

// purposeDigest names the compiled rules: the extent (see Terms.extent), and the shape of every row.
func purposeDigest(p *Purpose) Digest {
	c := newCanon("purpose")
	c.text(string(p.Extent[:]))
	c.number(int64(len(p.Groups)))
	for _, g := range p.Groups {
		c.text(g.Source)
		c.number(int64(g.Window))
		c.number(int64(len(g.Fields)))
		for _, f := range g.Fields {
			c.texts([]string{f.Field, f.Unit, string(f.Class), f.Actions})
			c.texts(f.Labels)
			for _, n := range []int64{int64(f.Scale), int64(f.Type), f.Step, f.Min, f.Max} {
				c.number(n)
			}
		}
	}
	return c.digest()
}

// planDigest names the whole plan with its grants.
func planDigest(p *Plan) Digest {
	c := newCanon("plan")
	c.number(int64(len(p.purposes)))
	for _, q := range p.purposes {
		c.text(string(q.Digest[:]))
		c.text(string(q.State))
		c.number(int64(q.Grant.ID))
		c.number(int64(q.Grant.From))
		c.number(int64(q.Grant.Until))
	}
	return c.digest()
}
