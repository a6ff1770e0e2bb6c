package pages

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// glancer looks at as much of a file as bbolt does when it appends to it.
type glancer struct {
	*File
	used  set               // first pages of the nodes
	known map[uint64]uint64 // how many pages follow, of nodes that were read
	last  []byte            // key of the branch seen last
	buf   [pageHead]byte
}

// Glance checks what bbolt relies on when it appends to a file: the branches, the way to the last leaf, that leaf, and that
// nothing which the tree has is listed as free. It gives the value of the last key, which must be that one. Other
// leaves are not read: bbolt does not look at them either, so damage there can neither make it panic nor be made worse by it.
// The cost grows with the branches, one page for more than a hundred leaves, and not with what is in the file.
func (p *File) Glance(last []byte) (value []byte, err error) {
	p.seen = 0
	g := &glancer{File: p, used: newSet(p.meta.pages), known: map[uint64]uint64{}}
	n, err := p.bucket()
	if err != nil {
		return nil, err
	}
	if n.at%Size != 0 { // the bucket is a part of the root page, and small
		if err := p.Walk(func(Element) error { return nil }); err != nil {
			return nil, err
		}
		return g.leaf(&n, last)
	}
	g.used.add(p.meta.root, 0)
	g.known[p.meta.root] = 0
	if !g.used.add(uint64(n.at/Size), 0) {
		return nil, Damaged("page %d is used twice", p.meta.root)
	}
	level := []node{n}
	for depth := 0; level[0].branch; depth++ {
		if depth == maxDepth {
			return nil, Damaged("a tree deeper than %d", maxDepth)
		}
		if level, err = g.below(level); err != nil {
			return nil, err
		}
	}
	leaf := &level[len(level)-1]
	g.known[uint64(leaf.at/Size)] = leaf.overflow
	if value, err = g.leaf(leaf, last); err != nil {
		return nil, err
	}
	return value, g.settle()
}

// below reads the nodes under a level of branches. Of leaves it reads the last one only and lists the others.
func (g *glancer) below(level []node) (next []node, err error) {
	var ids []uint64
	g.last = nil
	for i := range level {
		n := &level[i]
		if !n.branch {
			return nil, Damaged("page at %d: a leaf among branches", n.at)
		}
		g.known[uint64(n.at/Size)] = n.overflow
		ids = slices.Grow(ids, n.count)
		for j := range n.count {
			page, key, err := g.branch(n, j)
			if err != nil {
				return nil, err
			}
			if page < 2 || page >= g.meta.pages || g.last != nil && bytes.Compare(g.last, key) >= 0 {
				return nil, Damaged("page at %d: branches out of order", n.at)
			}
			if !g.used.add(page, 0) {
				return nil, Damaged("page %d is used twice", page)
			}
			ids, g.last = append(ids, page), key
		}
	}
	end := ids[len(ids)-1] // a branch has an element, parseNode has seen to it
	n, err := g.node(end)
	if err != nil {
		return nil, err
	}
	if !n.branch {
		return []node{n}, nil
	}
	for _, id := range ids[:len(ids)-1] {
		b, err := g.node(id)
		if err != nil {
			return nil, err
		}
		next = append(next, b)
	}
	return append(next, n), nil
}

// branch reads entry i of a branch, the quick way where all of it is in memory.
func (g *glancer) branch(n *node, i int) (page uint64, key []byte, err error) {
	if off := pageHead + i*elemSize; off+elemSize <= len(n.buf) {
		b := n.buf[off : off+elemSize]
		at, size := int64(off)+int64(binary.NativeEndian.Uint32(b)), int64(binary.NativeEndian.Uint32(b[4:]))
		if size <= int64(g.form.Key) && at+size <= int64(len(n.buf)) {
			return binary.NativeEndian.Uint64(b[8:]), n.buf[at : at+size], nil
		}
	}
	e, err := g.element(n, i)
	return e.page, e.Key, err
}

// leaf checks the last leaf and gives the value of its last key, which must be end.
func (g *glancer) leaf(n *node, end []byte) ([]byte, error) {
	last := g.last // nothing in the leaf may be before the branch that leads to it
	var e Element
	for i := range n.count {
		var err error
		if e, err = g.element(n, i); err != nil {
			return nil, err
		}
		c := bytes.Compare(last, e.Key)
		if e.flags != 0 || c > 0 || c == 0 && i > 0 || len(e.Key) == 0 {
			return nil, Damaged("page at %d: keys out of order", n.at)
		}
		last = e.Key
	}
	if !bytes.Equal(e.Key, end) {
		return nil, Damaged("another key stands at the end")
	}
	return g.Value(e)
}

// settle holds the nodes that were found against each other and against the free list.
func (g *glancer) settle() error {
	for id, overflow := range g.known {
		for i := id + 1; i <= id+overflow; i++ {
			if g.used.has(i) {
				return Damaged("page %d is used twice", i)
			}
		}
	}
	free, err := g.free()
	if err != nil {
		return err
	}
	at, node, end := uint64(0), uint64(0), uint64(0) // the node before a free page must end before it
	for _, id := range free {
		for ; at <= id; at++ {
			if g.used.has(at) {
				node = at
			}
		}
		if end < node {
			overflow, err := g.overflow(node)
			if err != nil {
				return err
			}
			end = node + overflow
		}
		if end >= id && node != 0 {
			return Damaged("page %d is in use and free", id)
		}
	}
	return nil
}

// overflow is how many pages follow the first one of a node.
func (g *glancer) overflow(id uint64) (uint64, error) {
	if n, known := g.known[id]; known {
		return n, nil
	}
	b := g.buf[:]
	if _, err := g.f.ReadAt(b, int64(id)*Size); err != nil {
		return 0, Damaged("page %d: %v", id, err)
	}
	n := uint64(binary.NativeEndian.Uint32(b[12:]))
	if binary.NativeEndian.Uint64(b) != id || n >= g.meta.pages-id {
		return 0, Damaged("page %d is not what it should be", id)
	}
	return n, nil
}
