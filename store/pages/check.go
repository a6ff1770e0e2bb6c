package pages

import (
	"encoding/binary"
	"io"
)

// Check tells whether bbolt can be trusted with a file of size bytes, whatever buckets it has: that no number in a page of a tree or in the
// free list leads out of its page or of the file, that no page is used twice, and none that is used is free. Keys and values may be any, in
// any order: bbolt finds less then, and that is all. It gives bbolt's number of the newest transaction that the file shows.
//
// Nobody may write to the file meanwhile. The cost grows with the pages in use, and not with the size of values.
func Check(f io.ReaderAt, size int64) (transaction uint64, err error) {
	p, err := Open(f, size, anyForm())
	if err != nil {
		return 0, err
	}
	c, err := p.trees()
	if err != nil {
		return 0, err
	}
	free, err := p.free()
	if err != nil {
		return 0, err
	}
	for _, id := range free {
		if c.used.has(id) {
			return 0, Damaged("page %d is in use and free", id)
		}
	}
	return p.meta.tx, nil
}

// CheckTrees is [Check] for what a transaction of bbolt shows: the trees under its root page, of as many pages. It may be called within a
// transaction that only reads, while another one writes.
func CheckTrees(f io.ReaderAt, root, pages uint64) error {
	p := &File{f: f, form: anyForm(), meta: meta{root: root, pages: pages}}
	_, err := p.trees()
	return err
}

// anyForm has room for all that bbolt takes: keys of 32 KiB.
func anyForm() Form { return Form{Key: 32 << 10} }

// checker looks at every tree of a file.
type checker struct {
	*File
	used set
	bufs [2 * maxDepth][]byte // a page for each depth: that of a bucket's tree goes on from where the bucket is
}

func (p *File) trees() (*checker, error) {
	p.seen = 0
	c := &checker{File: p, used: newSet(p.meta.pages)}
	return c, c.page(p.meta.root, 0)
}

// page looks at a page and what is below it.
func (c *checker) page(id uint64, depth int) error {
	if depth == len(c.bufs) {
		return Damaged("a tree deeper than %d", depth)
	}
	if c.bufs[depth] == nil {
		c.bufs[depth] = make([]byte, Size)
	}
	n, err := c.nodeIn(id, c.bufs[depth])
	if err != nil {
		return err
	}
	if !c.used.add(id, n.overflow) {
		return Damaged("page %d is used twice", id)
	}
	return c.elements(&n, depth)
}

func (c *checker) elements(n *node, depth int) error {
	for i := range n.count {
		e, err := c.element(n, i)
		switch {
		case err != nil:
		case n.branch:
			err = c.page(e.page, depth+1)
		case len(e.Key) == 0:
			err = Damaged("page at %d: a key of no bytes", n.at)
		case e.flags == leafBucket:
			err = c.below(e, depth)
		case e.flags != 0:
			err = Damaged("page at %d: an element of another kind", n.at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// below looks at what is in a bucket.
func (c *checker) below(e Element, depth int) error {
	var head [inlineBucket]byte
	if e.Size < inlineBucket {
		return Damaged("a bucket of %d bytes", e.Size)
	}
	if _, err := c.f.ReadAt(head[:], e.At); err != nil {
		return Damaged("bucket: %v", err)
	}
	if id := binary.NativeEndian.Uint64(head[:]); id != 0 {
		return c.page(id, depth+1)
	}
	n, err := c.inline(e)
	if err != nil {
		return err
	}
	for i := range n.count {
		if e, err := c.element(&n, i); err != nil {
			return err
		} else if e.flags != 0 || len(e.Key) == 0 {
			return Damaged("bucket at %d: an element of another kind", n.at)
		}
	}
	return nil
}
