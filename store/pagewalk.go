package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
)

// errNotFound is a key that is not in the file.
var errNotFound = errors.New("record is not in its file")

// get reads the value of a key.
func (p *pages) get(key []byte) ([]byte, error) {
	p.seen = 0
	n, err := p.bucket()
	for depth := 0; err == nil && n.branch; depth++ {
		if depth == maxDepth {
			return nil, damage("a tree deeper than %d", maxDepth)
		}
		var e element
		if e, err = p.child(&n, key); err == nil {
			n, err = p.node(e.page)
		}
	}
	if err != nil {
		return nil, err
	}
	for i := range n.count {
		e, err := p.element(&n, i)
		if err != nil {
			return nil, err
		}
		switch c := bytes.Compare(e.key, key); {
		case c == 0 && e.flags == 0:
			return p.value(e)
		case c > 0:
			return nil, errNotFound
		}
	}
	return nil, errNotFound
}

// child finds the element of a branch under which key belongs: the last that does not begin behind it.
func (p *pages) child(n *node, key []byte) (element, error) {
	var hit element
	lo, hi := 0, n.count
	for lo < hi {
		mid := (lo + hi) / 2
		e, err := p.element(n, mid)
		if err != nil {
			return hit, err
		}
		if bytes.Compare(e.key, key) <= 0 {
			hit, lo = e, mid+1
		} else {
			hi = mid
		}
	}
	if lo == 0 {
		return p.element(n, 0)
	}
	return hit, nil
}

// walker visits a whole tree and checks it on the way.
type walker struct {
	*pages
	used  []uint64              // pages of the tree, a bit each
	last  []byte                // key visited last
	bound []byte                // key of the branch element above; nothing below it may be less
	bufs  [maxDepth + 1][]byte  // a page for each depth
	visit func(e element) error // what it is handed is valid until it returns
}

// walk visits every element in order of keys. It fails on the first thing that is not as bbolt would have left it:
// page numbers, kinds, bounds, order of keys, a page used twice or listed as free. An element and what prefix gives of it are
// valid until visit returns.
func (p *pages) walk(visit func(e element) error) error {
	p.seen = 0
	w := &walker{pages: p, used: make([]uint64, p.meta.pages/64+1), visit: visit}
	n, err := p.bucket()
	if err != nil {
		return err
	}
	if err := w.node(n, 0); err != nil {
		return err
	}
	w.mark(p.meta.root, 0)
	free, err := p.free()
	if err != nil {
		return err
	}
	for _, id := range free {
		if w.isUsed(id) {
			return damage("page %d is in use and free", id)
		}
	}
	return nil
}

// mark notes the pages of a node, all of which are below the number of pages in use; false when one is used already.
func (w *walker) mark(id, overflow uint64) bool {
	for i := id; i <= id+overflow; i++ {
		if w.isUsed(i) {
			return false
		}
		w.used[i/64] |= 1 << (i % 64)
	}
	return true
}

func (w *walker) isUsed(id uint64) bool { return w.used[id/64]&(1<<(id%64)) != 0 }

// below reads a node of some depth into that depth's memory.
func (w *walker) below(id uint64, depth int) (node, error) {
	if w.bufs[depth] == nil {
		w.bufs[depth] = make([]byte, pageSize)
	}
	return w.nodeIn(id, w.bufs[depth])
}

func (w *walker) inOrder(key []byte) bool { return w.last == nil || bytes.Compare(w.last, key) < 0 }

func (w *walker) node(n node, depth int) error {
	if depth == maxDepth {
		return damage("a tree deeper than %d", maxDepth)
	}
	if n.at%pageSize == 0 && !w.mark(uint64(n.at/pageSize), n.overflow) {
		return damage("page %d is used twice", n.at/pageSize)
	}
	for i := range n.count {
		e, err := w.element(&n, i)
		if err != nil {
			return err
		}
		if !n.branch {
			if e.flags != 0 || len(e.key) == 0 || !w.inOrder(e.key) || bytes.Compare(e.key, w.bound) < 0 {
				return damage("page at %d: keys out of order", n.at)
			}
			w.last = append(w.last[:0], e.key...)
			if err := w.visit(e); err != nil {
				return err
			}
			continue
		}
		if !w.inOrder(e.key) {
			return damage("page at %d: branches out of order", n.at)
		}
		w.bound = append(w.bound[:0], e.key...)
		below, err := w.below(e.page, depth+1)
		if err != nil {
			return err
		}
		if err := w.node(below, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// free reads the list of free pages.
func (p *pages) free() ([]uint64, error) {
	id := p.meta.freelist
	if id < 2 || id >= p.meta.pages {
		return nil, damage("the free list is outside the file")
	}
	b := make([]byte, pageSize)
	if _, err := p.f.ReadAt(b, int64(id)*pageSize); err != nil {
		return nil, damage("free list: %v", err)
	}
	overflow := uint64(binary.NativeEndian.Uint32(b[12:]))
	if binary.NativeEndian.Uint64(b) != id || binary.NativeEndian.Uint16(b[8:]) != flagFreelist || overflow >= p.meta.pages-id {
		return nil, damage("the free list is not there")
	}
	count, at := uint64(binary.NativeEndian.Uint16(b[10:])), uint64(pageHead)
	if count == 0xFFFF { // then the first entry is the count
		count, at = binary.NativeEndian.Uint64(b[pageHead:]), pageHead+8
	}
	if count > p.meta.pages || at+count*8 > (overflow+1)*pageSize {
		return nil, damage("a free list of %d pages", count)
	}
	list := make([]byte, count*8)
	if _, err := p.f.ReadAt(list, int64(id*pageSize+at)); err != nil {
		return nil, damage("free list: %v", err)
	}
	ids := make([]uint64, count)
	for i := range ids {
		ids[i] = binary.NativeEndian.Uint64(list[i*8:])
		if ids[i] < 2 || ids[i] >= p.meta.pages || i > 0 && ids[i] <= ids[i-1] || ids[i]-id <= overflow {
			return nil, damage("the free list is not in order")
		}
	}
	return ids, nil
}

// salvage visits what can still be found in leaf pages, whatever the state of the tree. When both meta pages are good
// it leaves out free pages, which hold what never was or is no longer part of the file; else it takes them too, since
// the newest transaction may be only there. The same key may be visited more than once.
func salvage(p *pages, size int64, visit func(p *pages, e element)) {
	all := uint64(size) / pageSize
	var free []uint64
	if p.meta.pages != 0 && p.both {
		all = min(all, p.meta.pages)
		free, _ = p.free()
	}
	scan := &pages{f: p.f, meta: meta{pages: all}}
	for id := uint64(2); id < all; id++ {
		if _, found := slices.BinarySearch(free, id); found {
			continue
		}
		scan.seen = 0
		n, err := scan.node(id)
		if err != nil || n.branch {
			continue
		}
		scan.leaf(&n, visit)
	}
}

func (p *pages) leaf(n *node, visit func(p *pages, e element)) {
	for i := range n.count {
		e, err := p.element(n, i)
		switch {
		case err != nil:
		case e.flags == 0 && len(e.key) == keySize:
			visit(p, e)
		case e.flags == leafBucket:
			// Only the page inside the value: a bucket elsewhere is found as pages of its own.
			if inner, err := p.bucketNode(e); err == nil && inner.at%pageSize != 0 {
				p.leaf(&inner, visit)
			}
		}
	}
}
