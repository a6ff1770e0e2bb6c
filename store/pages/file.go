package pages

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
)

// Layout (bbolt file format 2, numbers in the machine's order; all targets are little-endian):
//
//	page     id u64, flags u16, count u16, overflow u32, then elements of 16 bytes
//	branch   pos u32, key size u32, page u64
//	leaf     flags u32, pos u32, key size u32, value size u32; key and value at pos from the element's start
//	meta     magic u32, version u32, page size u32, flags u32, root page u64, root sequence u64, free list u64,
//	         pages in use u64, transaction u64, FNV-1a of all that u64
const (
	// Size is the bytes of a page.
	Size = 4096

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

// ErrDamaged is the damage that was found; what is wrong is wrapped around it.
var ErrDamaged = errors.New("damaged file")

// Damaged is an error that is [ErrDamaged] and says what was found.
func Damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

type meta struct{ root, freelist, pages, tx uint64 }

// Form is what the files of one kind may hold. Whatever claims to hold more is damaged.
type Form struct {
	Bucket string // the name of the only bucket
	Key    int    // bytes of a key at most; what can be salvaged has as many
	Value  int    // bytes of a value at most
	Head   int    // bytes of a value that are mostly looked at next: they are read with the key
}

// File is one bbolt file, read by pages. It is for one goroutine at a time.
type File struct {
	f    io.ReaderAt
	form Form
	meta meta
	both bool // both meta pages are valid, so meta is the newest there was
	seen int  // pages visited in this walk
}

// Open reads the meta pages of a file with size bytes. With the error [ErrDamaged] comes a file all the same: what [File.Salvage] finds in it
// is all it has.
func Open(f io.ReaderAt, size int64, form Form) (*File, error) {
	p := &File{f: f, form: form}
	found := 0
	for i := range 2 {
		b := make([]byte, pageHead+metaSize)
		if _, err := f.ReadAt(b, int64(i)*Size); err != nil {
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
	switch held := uint64(size) / Size; {
	case found == 0:
		return &File{f: f, form: form}, Damaged("no valid meta page")
	case p.meta.pages > held:
		return &File{f: f, form: form}, Damaged("%d pages in use, the file holds %d", p.meta.pages, held)
	}
	return p, nil
}

// Pages is how many pages are in use or were: what lies behind them is no part of the file.
func (p *File) Pages() uint64 { return p.meta.pages }

// Transaction is bbolt's number of the newest transaction that the file shows.
func (p *File) Transaction() uint64 { return p.meta.tx }

// Both says whether both meta pages are valid. With one of them a transaction newer than [File.Transaction] may be missing.
func (p *File) Both() bool { return p.both }

func parseMeta(b []byte) (meta, bool) {
	h := fnv.New64a()
	_, _ = h.Write(b[:metaSize-8])
	if binary.NativeEndian.Uint32(b) != metaMagic || binary.NativeEndian.Uint32(b[4:]) != metaFormat || binary.NativeEndian.Uint32(b[8:]) != Size ||
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

// Element is one entry of a tree.
type Element struct {
	Key  []byte
	At   int64 // where in the file the value is; for an element of a branch not set
	Size int   // bytes of the value; likewise

	page  uint64 // below an element of a branch
	flags uint32
	head  []byte // the first bytes of the value, as far as they were read with the key
}

// node reads the head of page id and checks it.
func (p *File) node(id uint64) (node, error) { return p.nodeIn(id, make([]byte, Size)) }

// nodeIn is node with the memory of one page, which the node keeps.
func (p *File) nodeIn(id uint64, buf []byte) (node, error) {
	if id < 2 || id >= p.meta.pages {
		return node{}, Damaged("page %d is outside the %d in use", id, p.meta.pages)
	}
	if p.seen++; uint64(p.seen) > p.meta.pages {
		return node{}, Damaged("pages lead in a circle")
	}
	if _, err := p.f.ReadAt(buf, int64(id)*Size); err != nil {
		return node{}, Damaged("page %d: %v", id, err)
	}
	if got := binary.NativeEndian.Uint64(buf); got != id {
		return node{}, Damaged("page %d calls itself %d", id, got)
	}
	n, err := parseNode(buf, int64(id)*Size, Size)
	if err != nil {
		return n, err
	}
	if n.overflow >= p.meta.pages-id {
		return node{}, Damaged("page %d runs over the end", id)
	}
	n.size += int64(n.overflow) * Size
	return n, nil
}

func parseNode(buf []byte, at, size int64) (node, error) {
	n := node{at: at, size: size, count: int(binary.NativeEndian.Uint16(buf[10:])), overflow: uint64(binary.NativeEndian.Uint32(buf[12:])), buf: buf}
	switch binary.NativeEndian.Uint16(buf[8:]) {
	case flagBranch:
		n.branch = true
	case flagLeaf:
	default:
		return node{}, Damaged("a page of another kind at %d", at)
	}
	if n.branch && n.count == 0 || pageHead+n.count*elemSize > len(buf) && n.overflow == 0 {
		return node{}, Damaged("a page at %d with %d elements", at, n.count)
	}
	return n, nil
}

// bytes reads from a node, from memory where it can.
func (p *File) bytes(n *node, off, size int64) ([]byte, error) {
	if off < 0 || size < 0 || off+size > n.size {
		return nil, Damaged("page at %d: an element runs over its end", n.at)
	}
	if off+size <= int64(len(n.buf)) {
		return n.buf[off : off+size], nil
	}
	b := make([]byte, size)
	if _, err := p.f.ReadAt(b, n.at+off); err != nil {
		return nil, Damaged("page at %d: %v", n.at, err)
	}
	return b, nil
}

// element reads entry i.
func (p *File) element(n *node, i int) (Element, error) {
	off := int64(pageHead + i*elemSize)
	b, err := p.bytes(n, off, elemSize)
	if err != nil {
		return Element{}, err
	}
	var e Element
	pos, ksize := int64(binary.NativeEndian.Uint32(b[4:])), int64(binary.NativeEndian.Uint32(b[8:]))
	if n.branch {
		pos, ksize = int64(binary.NativeEndian.Uint32(b)), int64(binary.NativeEndian.Uint32(b[4:]))
		e.page = binary.NativeEndian.Uint64(b[8:])
	} else if size := binary.NativeEndian.Uint32(b[12:]); size <= math.MaxInt32 {
		e.flags, e.Size = binary.NativeEndian.Uint32(b), int(size)
	} else {
		return Element{}, Damaged("page at %d: a value of %d bytes", n.at, size)
	}
	if ksize > int64(p.form.Key) {
		return Element{}, Damaged("page at %d: a key of %d bytes", n.at, ksize)
	}
	// What lies behind the key is mostly looked at next: reading it along saves a call.
	b, err = p.bytes(n, off+pos, min(ksize+int64(min(e.Size, p.form.Head)), max(ksize, n.size-off-pos)))
	if err != nil {
		return Element{}, err
	}
	e.Key, e.head = b[:ksize:ksize], b[ksize:]
	if end := off + pos + ksize + int64(e.Size); end > n.size {
		return Element{}, Damaged("page at %d: a value runs over its end", n.at)
	}
	e.At = n.at + off + pos + ksize
	return e, nil
}

// bucket finds the root node of the only bucket.
func (p *File) bucket() (node, error) {
	root, err := p.node(p.meta.root)
	if err != nil {
		return node{}, err
	}
	if root.branch || root.count != 1 {
		return node{}, Damaged("%d buckets where one belongs", root.count)
	}
	e, err := p.element(&root, 0)
	if err != nil {
		return node{}, err
	}
	return p.bucketNode(e)
}

func (p *File) bucketNode(e Element) (node, error) {
	if e.flags != leafBucket || string(e.Key) != p.form.Bucket || e.Size < inlineBucket {
		return node{}, Damaged("the bucket is not there")
	}
	var head [inlineBucket]byte
	if _, err := p.f.ReadAt(head[:], e.At); err != nil {
		return node{}, Damaged("bucket: %v", err)
	}
	if id := binary.NativeEndian.Uint64(head[:]); id != 0 {
		return p.node(id)
	}
	return p.inline(e)
}

// inline is the page inside the value of a bucket.
func (p *File) inline(e Element) (node, error) {
	if e.Size < inlineBucket+pageHead || e.Size > Size {
		return node{}, Damaged("a bucket of %d bytes", e.Size)
	}
	v := make([]byte, e.Size-inlineBucket)
	if _, err := p.f.ReadAt(v, e.At+inlineBucket); err != nil {
		return node{}, Damaged("bucket: %v", err)
	}
	n, err := parseNode(v, e.At+inlineBucket, int64(len(v)))
	if err == nil && (n.branch || n.overflow != 0 || binary.NativeEndian.Uint64(n.buf) != 0) {
		err = Damaged("the inline bucket is no leaf")
	}
	return n, err
}

// Value reads the whole value of an element.
func (p *File) Value(e Element) ([]byte, error) {
	if e.Size > p.form.Value {
		return nil, Damaged("a value of %d bytes", e.Size)
	}
	b := make([]byte, e.Size)
	if _, err := p.f.ReadAt(b, e.At); err != nil {
		return nil, Damaged("value: %v", err)
	}
	return b, nil
}

// Prefix reads at most n bytes of a value.
func (p *File) Prefix(e Element, n int) ([]byte, error) {
	if e.Size = min(e.Size, n); e.Size <= len(e.head) {
		return e.head[:e.Size], nil
	}
	return p.Value(e)
}
