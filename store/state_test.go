package store

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/candor-edge/candor/store/consent"
)

func TestNumbersAreASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s numbers
		want := map[uint64]bool{}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			n := rapid.Uint64Range(0, 30).Draw(t, "n")
			if rapid.Bool().Draw(t, "add") {
				hi := n + rapid.Uint64Range(0, 4).Draw(t, "more")
				s = s.with(n, hi)
				for i := n; i <= hi; i++ {
					want[i] = true
				}
			} else {
				s = s.without(n)
				delete(want, n)
			}
			for i := uint64(0); i < 40; i++ {
				if s.has(i) != want[i] {
					t.Fatalf("%d: %v in %v", i, s.has(i), s)
				}
			}
			for i := 1; i < len(s); i++ {
				if s[i-1].hi+1 >= s[i].lo {
					t.Fatalf("spans touch: %v", s)
				}
			}
		}
	})
	if all := (numbers{}).with(5, 9).with(0, ^uint64(0)); len(all) != 1 || !all.has(0) || !all.has(^uint64(0)) {
		t.Errorf("all numbers: %v", all)
	}
}

func someState() *state {
	s := newState()
	s.segment, s.commit, s.tx, s.records, s.nextSeq, s.floor, s.clean = 3, 900, 44, 12, 5000, 2, true
	a := s.stream(7, 1, 20)
	a.mark, a.nextBatch, a.lastDay = position{40, 44}, 9, -5
	a.gone = numbers{{1, 3}, {6, 8}}
	a.losses = lossCount{4, 2}
	b := s.stream(9, 1, 20)
	b.moved, b.to, b.uncertain, b.retired = true, 7, true, true
	b.gone = numbers{{0, ^uint64(0)}}
	s.replays[replayOf(1, "rec.csv")] = 77
	s.replays[replayOf(2, "rec.csv")] = 78
	s.park(7, 4, "no")
	s.park(7, 5, "no")
	return s
}

func TestStateSurvivesEncoding(t *testing.T) {
	s := someState()
	b := s.encode()
	got, err := decodeState(b)
	if err != nil || !reflect.DeepEqual(got, s) {
		t.Fatalf("%v: %+v", err, got)
	}
	if len(s.parked) != 1 || strings.Contains(string(b), "rec.csv") {
		t.Errorf("parked %v", s.parked)
	}
	for i := range b {
		if _, err := decodeState(b[:i]); err == nil {
			t.Errorf("cut at %d was taken", i)
		}
		flipped := bytes.Clone(b)
		flipped[i] ^= 1 << (i % 8)
		if _, err := decodeState(flipped); err == nil {
			t.Errorf("a flipped bit at %d was taken", i)
		}
	}
}

func TestStateClonesAreApart(t *testing.T) {
	s := someState()
	before := s.encode()
	c := s.clone()
	c.stream(7, 1, 20).gone = c.stream(7, 1, 20).gone.with(4, 5)
	c.replays[replayOf(1, "x")] = 1
	c.unpark(7, 4)
	c.forget(1)
	if !bytes.Equal(before, s.encode()) {
		t.Error("changing a clone changed the state")
	}
}

func TestForgetIsForEver(t *testing.T) {
	s := someState()
	s.forget(1)
	h := header{kind: kindChunk, stream: 7, seq: 1 << 60, place: 1 << 60, grant: 1}
	o := header{kind: kindOutgoing, stream: 7, seq: 1 << 60, place: 1 << 60, grant: 1}
	if !s.dead(&h) || !s.dead(&o) || len(s.parked) != 0 || len(s.replays) != 1 {
		t.Error("something of a forgotten grant is alive")
	}
}

// FuzzDecodeState: there is one form only.
func FuzzDecodeState(f *testing.F) {
	f.Add(newState().encode())
	f.Add(someState().encode())
	f.Add([]byte(stateMagic))
	f.Fuzz(func(t *testing.T, in []byte) {
		if s, err := decodeState(in); err == nil && !bytes.Equal(s.encode(), in) {
			t.Fatal("another form was taken")
		}
	})
}

// FuzzParseHeader: what is taken writes itself again, and an upload's facts never run over their bytes.
func FuzzParseHeader(f *testing.F) {
	h := header{seq: 9, kind: kindChunk, stream: 4, grant: 1, day: 100, epoch: 3, place: 9, rows: 5, size: 0}
	f.Add(h.key(), h.appendClear(nil), recordMin)
	h = header{seq: 9, kind: kindOutgoing, stream: 4, grant: 1, day: -1, place: 2, rows: 5, size: 3}
	f.Add(h.key(), h.appendClear(nil), recordMin+3)
	f.Fuzz(func(t *testing.T, key, value []byte, total int) {
		h, err := parseHeader(key, value, total)
		if err == nil && (!bytes.Equal(h.key(), key) || !bytes.Equal(h.appendClear(nil), value[:headSize]) || h.grant == consent.GrantID(0)) {
			t.Fatal("another header was read")
		}
		if u, err := unpackUpload(value, total); err == nil && len(u.Bytes) != total {
			t.Fatal("an upload of another size")
		}
	})
}
