package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// This file reads bbolt's pages without bbolt. bbolt maps a file into memory and trusts it: a damaged page can end in a
// panic, a fault or a walk without end, none of which an agent can afford. Here every number is checked before it is
// used, every walk is bounded, and reading costs no mapped memory. bbolt itself only ever opens a file that passed.
//
// Layout (bbolt file format 2, numbers in the machine's order; all targets are little-endian):
//
//	page     id u64, flags u16, count u16, overflow u32, then elements of 16 bytes
//	branch   pos u32, key size u32, page u64
//	leaf     flags u32, pos u32, key size u32, value size u32; key and value at pos from the element's start
//	meta     magic u32, version u32, page size u32, flags u32, root page u64, root sequence u64, free list u64,
//	         pages in use u64, transaction u64, FNV-1a of all that u64
const (
	pageSize   = 4096
	pageHead   = 16
	elemSize   = 16
	metaSize   = 64
	metaMagic  = 0xED0CDAED
	metaFormat = 2
	maxDepth   = 12

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagFreelist = 0x10

	leafBucket   = 0x01
	inlineBucket = 16 // bytes of a bucket value before its inline page
)

// errPages is the damage that was found; what is wrong is wrapped around it.
var errPages = errors.New("damaged file")

func damage(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errPages, fmt.Sprintf(format, args...))
}

type meta struct{ root, freelist, pages, tx uint64 }

// pages is one bbolt file, open for reading.
type pages struct {
	f    io.ReaderAt
	meta meta
	both bool // both meta pages are valid, so meta is the newest there was
	seen int  // pages visited in this walk
}

// openPages reads the meta pages.
func openPages(f io.ReaderAt, size int64) (*pages, error) {
	p := &pages{f: f}
	found := 0
	for i := range 2 {
		b := make([]byte, pageHead+metaSize)
		if _, err := f.ReadAt(b, int64(i)*pageSize); err != nil {
			continue
		}
		m, ok := parseMeta(b[pageHead:])
		if !ok {
			continue
		}
		if found++; found == 1 || m.tx > p.meta.tx {
			p.meta = m
		}
	}
	p.both = found == 2
	switch {
	case found == 0:
		return nil, damage("no valid meta page")
	case p.meta.pages > uint64(size)/pageSize:
		return nil, damage("%d pages in use, the file holds %d", p.meta.pages, size/pageSize)
	}
	return p, nil
}

func parseMeta(b []byte) (meta, bool) {
	h := fnv.New64a()
	_, _ = h.Write(b[:metaSize-8])
	if binary.NativeEndian.Uint32(b) != metaMagic || binary.NativeEndian.Uint32(b[4:]) != metaFormat || binary.NativeEndian.Uint32(b[8:]) != pageSize ||
		binary.NativeEndian.Uint64(b[metaSize-8:]) != h.Sum64() {
		return meta{}, false
	}
	return meta{root: binary.NativeEndian.Uint64(b[16:]), freelist: binary.NativeEndian.Uint64(b[32:]), pages: binary.NativeEndian.Uint64(b[40:]), tx: binary.NativeEndian.Uint64(b[48:])}, true
}

// node is a page of the tree, or the page inside a bucket's value.
type node struct {
	at       int64  // offset in the file
	size     int64  // bytes it may use
	branch   bool   // else a leaf
	count    int    // elements
	overflow uint64 // pages that belong to it beside the first
	buf      []byte // its first bytes, at most one page
}

// element is one entry of a node. In a branch only key and page are set.
type element struct {
	key   []byte
	page  uint64
	flags uint32
	at    int64  // offset of the value in the file
	size  int    // bytes of the value
	head  []byte // its first bytes, as far as they were read with the key
}

// node reads the head of page id and checks it.
func (p *pages) node(id uint64) (node, error) { return p.nodeIn(id, make([]byte, pageSize)) }

// nodeIn is node with the memory of one page, which the node keeps.
func (p *pages) nodeIn(id uint64, buf []byte) (node, error) {
	if id < 2 || id >= p.meta.pages {
		return node{}, damage("page %d is outside the %d in use", id, p.meta.pages)
	}
	if p.seen++; uint64(p.seen) > p.meta.pages {
		return node{}, damage("pages lead in a circle")
	}
	if _, err := p.f.ReadAt(buf, int64(id)*pageSize); err != nil {
		return node{}, damage("page %d: %v", id, err)
	}
	if got := binary.NativeEndian.Uint64(buf); got != id {
		return node{}, damage("page %d calls itself %d", id, got)
	}
	n, err := parseNode(buf, int64(id)*pageSize, pageSize)
	if err != nil {
		return n, err
	}
	if n.overflow >= p.meta.pages-id {
		return node{}, damage("page %d runs over the end", id)
	}
	n.size += int64(n.overflow) * pageSize
	return n, nil
}

func parseNode(buf []byte, at, size int64) (node, error) {
	n := node{at: at, size: size, count: int(binary.NativeEndian.Uint16(buf[10:])), overflow: uint64(binary.NativeEndian.Uint32(buf[12:])), buf: buf}
	switch binary.NativeEndian.Uint16(buf[8:]) {
	case flagBranch:
		n.branch = true
	case flagLeaf:
	default:
		return node{}, damage("a page of another kind at %d", at)
	}
	if n.branch && n.count == 0 || pageHead+n.count*elemSize > len(buf) && n.overflow == 0 {
		return node{}, damage("a page at %d with %d elements", at, n.count)
	}
	return n, nil
}

// bytes reads from a node, from memory where it can.
func (p *pages) bytes(n *node, off, size int64) ([]byte, error) {
	if off < 0 || size < 0 || off+size > n.size {
		return nil, damage("page at %d: an element runs over its end", n.at)
	}
	if off+size <= int64(len(n.buf)) {
		return n.buf[off : off+size], nil
	}
	b := make([]byte, size)
	if _, err := p.f.ReadAt(b, n.at+off); err != nil {
		return nil, damage("page at %d: %v", n.at, err)
	}
	return b, nil
}

// element reads entry i.
func (p *pages) element(n *node, i int) (element, error) {
	off := int64(pageHead + i*elemSize)
	b, err := p.bytes(n, off, elemSize)
	if err != nil {
		return element{}, err
	}
	var e element
	pos, ksize := int64(binary.NativeEndian.Uint32(b[4:])), int64(binary.NativeEndian.Uint32(b[8:]))
	if n.branch {
		pos, ksize = int64(binary.NativeEndian.Uint32(b)), int64(binary.NativeEndian.Uint32(b[4:]))
		e.page = binary.NativeEndian.Uint64(b[8:])
	} else {
		e.flags, e.size = binary.NativeEndian.Uint32(b), int(binary.NativeEndian.Uint32(b[12:])&(1<<31-1))
	}
	if ksize > keySize {
		return element{}, damage("page at %d: a key of %d bytes", n.at, ksize)
	}
	// What lies behind the key is mostly looked at next: reading it along saves a call.
	b, err = p.bytes(n, off+pos, min(ksize+int64(min(e.size, headSize)), max(ksize, n.size-off-pos)))
	if err != nil {
		return element{}, err
	}
	e.key, e.head = b[:ksize:ksize], b[ksize:]
	if end := off + pos + ksize + int64(e.size); end > n.size {
		return element{}, damage("page at %d: a value runs over its end", n.at)
	}
	e.at = n.at + off + pos + ksize
	return e, nil
}

// bucket finds the root node of the only bucket.
func (p *pages) bucket() (node, error) {
	root, err := p.node(p.meta.root)
	if err != nil {
		return node{}, err
	}
	if root.branch || root.count != 1 {
		return node{}, damage("%d buckets where one belongs", root.count)
	}
	e, err := p.element(&root, 0)
	if err != nil {
		return node{}, err
	}
	return p.bucketNode(e)
}

func (p *pages) bucketNode(e element) (node, error) {
	if e.flags != leafBucket || string(e.key) != bucketName || e.size < inlineBucket {
		return node{}, damage("the bucket is not there")
	}
	v := make([]byte, e.size)
	if _, err := p.f.ReadAt(v, e.at); err != nil {
		return node{}, damage("bucket: %v", err)
	}
	if id := binary.NativeEndian.Uint64(v); id != 0 {
		return p.node(id)
	}
	if e.size < inlineBucket+pageHead {
		return node{}, damage("a bucket of %d bytes", e.size)
	}
	n, err := parseNode(v[inlineBucket:], e.at+inlineBucket, int64(e.size-inlineBucket))
	if err == nil && (n.branch || n.overflow != 0 || binary.NativeEndian.Uint64(n.buf) != 0) {
		err = damage("the inline bucket is no leaf")
	}
	return n, err
}

// value reads the whole value of a leaf's element.
func (p *pages) value(e element) ([]byte, error) {
	if e.size > maxRecord {
		return nil, damage("a value of %d bytes", e.size)
	}
	b := make([]byte, e.size)
	if _, err := p.f.ReadAt(b, e.at); err != nil {
		return nil, damage("value: %v", err)
	}
	return b, nil
}

// prefix reads at most n bytes of a value.
func (p *pages) prefix(e element, n int) ([]byte, error) {
	if e.size = min(e.size, n); e.size <= len(e.head) {
		return e.head[:e.size], nil
	}
	return p.value(e)
}
