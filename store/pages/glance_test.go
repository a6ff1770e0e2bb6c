package pages

import (
	"bytes"
	"os"
	"slices"
	"testing"
)

// The glance sees that a page which the tree has is listed as free, wherever it is in the tree.
func TestGlanceSeesUsedPagesThatAreFree(t *testing.T) {
	sizes := make([]int, 600)
	for i := range sizes {
		sizes[i] = 60 + i%5*20
	}
	path, _ := boltFile(t, sizes, 2)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Open(bytes.NewReader(good), int64(len(good)), form())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Glance(last()); err != nil {
		t.Fatal(err)
	}
	if walked := func() int { _ = p.Walk(func(Element) error { return nil }); return p.seen }(); walked < 8 {
		t.Fatalf("a tree of %d pages shows nothing", walked)
	}
	free, err := p.free()
	if err != nil || len(free) == 0 {
		t.Fatal(free, err)
	}
	isFree := map[uint64]bool{p.meta.freelist: true}
	for _, id := range free {
		isFree[id] = true
	}
	caught := 0
	at := int(p.meta.freelist)*Size + pageHead
	for id := uint64(2); id < p.meta.pages; id++ {
		if isFree[id] {
			continue
		}
		b := bytes.Clone(good)
		list := append(slices.Clone(free), id)
		slices.Sort(list)
		for i, f := range list { // one more page is free
			copy(b[at+i*8:], []byte{byte(f), byte(f >> 8), byte(f >> 16), 0, 0, 0, 0, 0})
		}
		b[at-6]++ // the count
		x, err := Open(bytes.NewReader(b), int64(len(b)), form())
		if err != nil {
			t.Fatal(err)
		}
		_, glanced := x.Glance(last())
		walked := x.Walk(func(Element) error { return nil })
		_, checked := Check(bytes.NewReader(b), int64(len(b)))
		if (glanced == nil) != (walked == nil) || (checked == nil) != (walked == nil) {
			t.Errorf("page %d: the glance says %v, the walk %v, the check %v", id, glanced, walked, checked)
		}
		if glanced != nil {
			caught++
		}
	}
	if caught < 10 {
		t.Errorf("only %d pages were tried", caught)
	}
}

// What a glance reads depends on the branches of a file, not on its leaves.
func TestGlanceReadsLittle(t *testing.T) {
	sizes := make([]int, 4000)
	for i := range sizes {
		sizes[i] = 200
	}
	path, _ := boltFile(t, sizes, 10)
	r, _ := readPages(t, path)
	if _, err := r.Glance(last()); err != nil {
		t.Fatal(err)
	}
	glanced := r.seen
	if err := r.Walk(func(Element) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if glanced > 8 || r.seen < 150 {
		t.Errorf("the glance read %d nodes of %d", glanced, r.seen)
	}
}
