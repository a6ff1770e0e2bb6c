package pages

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
)

// ErrNotFound is a key that is not in the file.
var ErrNotFound = errors.New("record is not in its file")

// Get reads the value of a key. A key that is not there is [ErrNotFound].
func (p *File) Get(key []byte) ([]byte, error) {
	p.seen = 0
	n, err := p.bucket()
	for depth := 0; err == nil && n.branch; depth++ {
		if depth == maxDepth {
			return nil, Damaged("a tree deeper than %d", maxDepth)
		}
		var e Element
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
		switch c := bytes.Compare(e.Key, key); {
		case c == 0 && e.flags == 0:
			return p.Value(e)
		case c > 0:
			return nil, ErrNotFound
		}
	}
	return nil, ErrNotFound
}

// child finds the element of a branch under which key belongs: the last that does not begin behind it.
func (p *File) child(n *node, key []byte) (Element, error) {
	var hit Element
	lo, hi := 0, n.count
	for lo < hi {
		mid := (lo + hi) / 2
		e, err := p.element(n, mid)
		if err != nil {
			return hit, err
		}
		if bytes.Compare(e.Key, key) <= 0 {
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
	*File
	used  set                   // pages of the tree
	last  []byte                // key visited last
	bound []byte                // key of the branch element above; nothing below it may be less
	bufs  [maxDepth + 1][]byte  // a page for each depth
	visit func(e Element) error // what it is handed is valid until it returns
}

// Walk visits every element in order of keys. It fails on the first thing that is not as bbolt would have left it:
// page numbers, kinds, bounds, order of keys, a page used twice or listed as free. An element and what [File.Prefix] gives of it are
// valid until visit returns.
func (p *File) Walk(visit func(e Element) error) error {
	p.seen = 0
	w := &walker{File: p, used: newSet(p.meta.pages), visit: visit}
	n, err := p.bucket()
	if err != nil {
		return err
	}
	if err := w.node(n, 0); err != nil {
		return err
	}
	w.used.add(p.meta.root, 0)
	free, err := p.free()
	if err != nil {
		return err
	}
	for _, id := range free {
		if w.used.has(id) {
			return Damaged("page %d is in use and free", id)
		}
	}
	return nil
}

// below reads a node of some depth into that depth's memory.
func (w *walker) below(id uint64, depth int) (node, error) {
	if w.bufs[depth] == nil {
		w.bufs[depth] = make([]byte, Size)
	}
	return w.nodeIn(id, w.bufs[depth])
}

func (w *walker) inOrder(key []byte) bool { return w.last == nil || bytes.Compare(w.last, key) < 0 }

func (w *walker) node(n node, depth int) error {
	if depth == maxDepth {
		return Damaged("a tree deeper than %d", maxDepth)
	}
	if n.at%Size == 0 && !w.used.add(uint64(n.at/Size), n.overflow) {
		return Damaged("page %d is used twice", n.at/Size)
	}
	for i := range n.count {
		e, err := w.element(&n, i)
		if err != nil {
			return err
		}
		if !n.branch {
			if e.flags != 0 || len(e.Key) == 0 || !w.inOrder(e.Key) || bytes.Compare(e.Key, w.bound) < 0 {
				return Damaged("page at %d: keys out of order", n.at)
			}
			w.last = append(w.last[:0], e.Key...)
			if err := w.visit(e); err != nil {
				return err
			}
			continue
		}
		if !w.inOrder(e.Key) {
			return Damaged("page at %d: branches out of order", n.at)
		}
		w.bound = append(w.bound[:0], e.Key...)
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
func (p *File) free() ([]uint64, error) {
	id := p.meta.freelist
	if id < 2 || id >= p.meta.pages {
		return nil, Damaged("the free list is outside the file")
	}
	b := make([]byte, Size)
	if _, err := p.f.ReadAt(b, int64(id)*Size); err != nil {
		return nil, Damaged("free list: %v", err)
	}
	overflow := uint64(binary.NativeEndian.Uint32(b[12:]))
	if binary.NativeEndian.Uint64(b) != id || binary.NativeEndian.Uint16(b[8:]) != flagFreelist || overflow >= p.meta.pages-id {
		return nil, Damaged("the free list is not there")
	}
	count, at := uint64(binary.NativeEndian.Uint16(b[10:])), uint64(pageHead)
	if count == 0xFFFF { // then the first entry is the count
		count, at = binary.NativeEndian.Uint64(b[pageHead:]), pageHead+8
	}
	if count > p.meta.pages || at+count*8 > (overflow+1)*Size {
		return nil, Damaged("a free list of %d pages", count)
	}
	list := make([]byte, count*8)
	if _, err := p.f.ReadAt(list, int64(id*Size+at)); err != nil {
		return nil, Damaged("free list: %v", err)
	}
	ids := make([]uint64, count)
	for i := range ids {
		ids[i] = binary.NativeEndian.Uint64(list[i*8:])
		if ids[i] < 2 || ids[i] >= p.meta.pages || i > 0 && ids[i] <= ids[i-1] || ids[i]-id <= overflow {
			return nil, Damaged("the free list is not in order")
		}
	}
	return ids, nil
}

// Salvage visits what can still be found in leaf pages, whatever the state of the tree. When both meta pages are good
// it leaves out free pages, which hold what never was or is no longer part of the file; else, or when it is to look everywhere, it takes them
// too, since the newest transaction may be only there. The same key may be visited more than once. What is visited is read with the file
// that comes with it.
func (p *File) Salvage(size int64, everywhere bool, visit func(p *File, e Element)) {
	all := uint64(size) / Size
	var free []uint64
	if p.meta.pages != 0 && p.both && !everywhere {
		all = min(all, p.meta.pages)
		free, _ = p.free()
	}
	scan := &File{f: p.f, form: p.form, meta: meta{pages: all}}
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

func (p *File) leaf(n *node, visit func(p *File, e Element)) {
	for i := range n.count {
		e, err := p.element(n, i)
		switch {
		case err != nil:
		case e.flags == 0 && len(e.Key) == p.form.Key:
			visit(p, e)
		case e.flags == leafBucket:
			// Only the page inside the value: a bucket elsewhere is found as pages of its own.
			if inner, err := p.bucketNode(e); err == nil && inner.at%Size != 0 {
				p.leaf(&inner, visit)
			}
		}
	}
}
