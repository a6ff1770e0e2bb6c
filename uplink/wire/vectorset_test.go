package wire

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

// validVectors are the messages every decoder must read.
func validVectors(t testing.TB) []vector {
	t.Helper()
	a := testAnnouncement()
	announcement, err := AppendAnnouncement(nil, a)
	if err != nil {
		t.Fatal(err)
	}
	every := testBatch(t, a)
	early := &Batch{Announcement: every.Announcement, Seq: 1, DeleteBy: 21135, Clock: Clock{Untrusted: true,
		Boot: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, Base: 300}, Groups: []Rows{{Group: 0, Time: []int64{0, 10},
		Columns: []Column{{Nums: []int64{-5, 5}}, {}, {}}}}}
	anchored := *early
	anchored.Clock.Anchored, anchored.Clock.Wall, anchored.Clock.Error = true, 1789200000, 90
	env := readCSV(t, "env-q.csv")
	vs := []vector{
		signed(t, "announcement", KindAnnouncement, announcement),
		signed(t, "batch with every kind of column", KindBatch, mustEncode(t, every, 0)),
		signed(t, "the same padded to 512 bytes", KindBatch, mustEncode(t, every, 512)),
		signed(t, "cover batch of 512 bytes", KindBatch, mustEncode(t, &Batch{Announcement: every.Announcement, Seq: 13, DeleteBy: 21135}, 512)),
		valid(t, "padding in two strings", KindBatch, padded(t, 258)),
		valid(t, "clock never set", KindBatch, mustEncode(t, early, 0)),
		valid(t, "clock guessed", KindBatch, mustEncode(t, &anchored, 0)),
		valid(t, "room air, 10 rows", KindBatch, mustEncode(t, cut(env, 0, 10), 0)),
		valid(t, "room air, 60 rows", KindBatch, mustEncode(t, cut(env, 600, 60), 0)),
		valid(t, "motion, 50 rows", KindBatch, mustEncode(t, cut(readCSV(t, "imu-q.csv"), 0, 50), 0)),
		valid(t, "hours, 60 rows", KindBatch, mustEncode(t, hours(), 0)),
		valid(t, "a long outage of one field", KindBatch, mustEncode(t, outage(), 0)),
		valid(t, "keys of a later time", KindBatch, laterKeys(t)),
	}
	for _, c := range []struct {
		name string
		how  uint64
		nums []int64
	}{
		{"varints of deltas", 8, []int64{3, 500, -70000, 4}},
		{"plain differences of differences", 16 + 6, []int64{3, 500, -70000, 4}},
		{"Rice of lag 2", 24 + 2, []int64{0, 1, 0, 1, 1, 0, 1}},
		{"Rice with a start parameter and an escape", 6*32 + 8 + 2, []int64{0, 100, 30, 1 << 30, 90, 95}},
		{"runs with a start parameter", 3*32 + 3, []int64{7, 7, 7, 20, 7, 7, 30, 7}},
		{"widest numbers", 16 + 2, []int64{-MaxValue, MaxValue, -MaxValue, MaxValue}},
	} {
		vs = append(vs, valid(t, "column: "+c.name, KindBatch, around(forced(c.nums, c.how), len(c.nums))))
	}
	for _, m := range controlMessages() {
		payload, err := m.append()
		if err != nil {
			t.Fatal(err)
		}
		vs = append(vs, signed(t, m.name, kindOf(m.name), payload))
	}
	return vs
}

// around puts one column into the smallest batch of so many rows.
func around(column []byte, rows int) []byte {
	p := appendHead(nil, majorMap, 5)
	p = appendUint(appendUint(p, 0), Version)
	p = appendBytes(appendUint(p, keyAnnouncement), make([]byte, 16))
	p = appendUint(appendUint(p, keyDeleteBy), 0)
	p = appendUint(appendUint(p, keySeq), 1)
	p = appendArray(appendArray(appendUint(p, keyGroups), 1), 5)
	p = append(appendUint(appendUint(p, 0), uint64(rows)), 0x81, 0, itemNull)
	return append(appendArray(p, 1), column...)
}

// padded is an empty batch with n bytes of padding.
func padded(t testing.TB, n int) []byte {
	payload := mustEncode(t, &Batch{Seq: 1}, 0)
	payload[0]++
	return appendPadding(payload, n)
}

func hours() *Batch {
	b := &Batch{Seq: 9, DeleteBy: 21000, Groups: []Rows{{Columns: make([]Column, 1)}}}
	for i := range int64(60) {
		b.Groups[0].Time = append(b.Groups[0].Time, 497000+i/20)
		b.Groups[0].Columns[0].Nums = append(b.Groups[0].Columns[0].Nums, 2000+(i%20)/7*50)
	}
	return b
}

func outage() *Batch {
	g := Rows{Columns: make([]Column, 2)}
	for i := range int64(200) {
		g.Time = append(g.Time, 1789200000+10*i)
		g.Columns[0].Nums = append(g.Columns[0].Nums, 40+i%3)
		there := i < 50 || i >= 150
		g.Columns[1].Set = append(g.Columns[1].Set, there)
		g.Columns[1].Nums = append(g.Columns[1].Nums, map[bool]int64{true: 7 * i}[there])
	}
	return &Batch{Seq: 9, DeleteBy: 21000, Groups: []Rows{g}}
}

func laterKeys(t testing.TB) []byte {
	payload := mustEncode(t, &Batch{Seq: 1, DeleteBy: 2}, 0)
	payload[0]++
	return append(payload, 0x18, 32, 0x82, 0xf5, 0x61, 'x')
}

// invalidVectors are messages every decoder must refuse. Others, the signature
// aside, need not name the fault alike.
func invalidVectors(t testing.TB) []vector {
	t.Helper()
	good := mustEncode(t, &Batch{Seq: 1, DeleteBy: 2}, 0) // a4 00 01 01 50 ... 02 02 03 01
	change := func(old, new string) []byte {
		text := hex.EncodeToString(good)
		if !strings.Contains(text, old) {
			t.Fatalf("%s is not in %s", old, text)
		}
		return mustHex(t, strings.Replace(text, old, new, 1))
	}
	with := func(pair ...byte) []byte {
		p := append(slices.Clone(good), pair...)
		p[0]++
		return p
	}
	column := func(rows int, data ...byte) []byte { return around(data, rows) }
	var vs []vector
	for _, c := range []struct {
		name    string
		payload []byte
	}{
		{"nothing", nil},
		{"cut in the middle", good[:len(good)/2]},
		{"a byte too many", append(slices.Clone(good), 0)},
		{"version 2", change("a40001", "a40002")},
		{"no version", change("a40001", "a3")},
		{"no sequence", change("a4", "a3")[:len(good)-2]},
		{"sequence zero", change("0301", "0300")},
		{"sequence above 2^53-1", append(good[:len(good)-1:len(good)-1], 0x1b, 0, 0x20, 0, 0, 0, 0, 0, 0)},
		{"number not in its shortest form", change("0301", "031801")},
		{"indefinite map", change("a4", "bf")},
		{"keys out of order", change("02020301", "03010202")},
		{"key twice", change("02020301", "03010301")},
		{"reserved key 7", with(7, 0x40)},
		{"announcement of 15 bytes", append(good[:4:4], append([]byte{0x4f}, good[6:]...)...)},
		{"padding that is not zero", with(15, 0x42, 0, 1)},
		{"clock without base", with(4, 0x81, 0x48, 1, 2, 3, 4, 5, 6, 7, 8)},
		{"loss without a reason known", with(9, 0x81, 0x82, 3, 1)},
		{"no group in the list", with(5, 0x80)},
		{"no rows", column(0, 0x81, 0)},
		{"row without a value", column(1, itemNull)},
		{"more than 65,536 rows", column(MaxRows+1, 0x81, 0)},
		{"text for numbers", column(1, 0x61, 'x')},
		{"number above 2^53-1", column(1, 0x81, 0x1b, 0, 0x20, 0, 0, 0, 0, 0, 0)},
		{"sum above 2^53-1", column(2, 0x83, 0x1b, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0x41, 2)},
		{"no such packing", column(2, 0x83, 0, 1, 0x41, 2)},
		{"too few varints", column(3, 0x83, 0, 0, 0x41, 2)},
		{"too many varints", column(2, 0x83, 0, 0, 0x42, 2, 2)},
		{"varint without end", column(2, 0x83, 0, 0, 0x4b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1)},
		{"Rice bits cut", column(9, 0x83, 0, 2, 0x41, 0xff)},
		{"Rice bits left over", column(2, 0x83, 0, 2, 0x41, 0x41)},
		{"a byte of Rice bits too many", column(2, 0x83, 0, 2, 0x42, 0, 0)},
		{"zero run longer than the column", column(3, 0x83, 0, 3, 0x41, 0xf0)},
		{"too few plain numbers", column(3, 0x83, 0, 6, 0x81, 1)},
		{"step zero", column(2, 0x84, 0, 0, 0x41, 2, 0)},
		{"every row absent", column(1, 0x82, 5, 0x82, 1, 0x81, 0)},
		{"absent row beyond the end", column(2, 0x82, 5, 0x82, 1, 0x81, 2)},
		{"absent rows not ascending", column(4, 0x82, 5, 0x82, 2, 0x81, 1)},
		{"tokens not sorted", column(2, 0x82, 0x82, 0x41, 'b', 0x41, 'a', 0x83, 0, 0, 0x41, 2)},
		{"token in no row", column(2, 0x82, 0x82, 0x41, 'a', 0x41, 'b', 0x81, 0)},
		{"token that is not there", column(1, 0x82, 0x81, 0x41, 'a', 0x81, 1)},
		{"empty token", column(1, 0x82, 0x81, 0x40, 0x81, 0)},
	} {
		vs = append(vs, invalid(t, vector{Name: c.name, Kind: KindBatch.String(), Hex: hex.EncodeToString(c.payload)}))
	}
	vs = append(vs, invalidAnnouncements(t)...)
	return append(vs, invalidSigned(t, good)...)
}

func invalidAnnouncements(t testing.TB) []vector {
	t.Helper()
	good, err := AppendAnnouncement(nil, testAnnouncement())
	if err != nil {
		t.Fatal(err)
	}
	var vs []vector
	for _, c := range []struct{ name, old, new string }{
		{"announcement by a ground that gives no access", "09820101", "09820301"},
		{"announcement without a ground", "09820101", "09820100"},
		{"announcement with a field of an unknown type", "6c6967687400", "6c6967687404"},
		{"announcement of an empty range", "390f9f192134", "192135192134"},
		{"announcement of ten decimal places", "6343656c0205", "6343656c0a05"},
		{"announcement with a text that is not UTF-8", "667472656e6473", "66ff72656e6473"},
	} {
		text := hex.EncodeToString(good)
		if !strings.Contains(text, c.old) {
			t.Fatalf("%s is not in %s", c.old, text)
		}
		vs = append(vs, invalid(t, vector{Name: c.name, Kind: "announcement", Hex: strings.Replace(text, c.old, c.new, 1)}))
	}
	return vs
}

func invalidSigned(t testing.TB, payload []byte) []vector {
	ok := signed(t, "", KindBatch, payload)
	make := func(name, kind, text string) vector {
		return invalid(t, vector{Name: name, Kind: kind, Signed: true, Key: ok.Key, Hex: text})
	}
	last := ok.Hex[len(ok.Hex)-1:]
	return []vector{
		make("signature altered", "batch", ok.Hex[:len(ok.Hex)-1]+map[bool]string{true: "1", false: "0"}[last == "0"]),
		make("signed as another kind", "deletion", ok.Hex),
		make("another algorithm", "batch", strings.Replace(ok.Hex, "a10132", "a10127", 1)),
		make("an unprotected header", "batch", strings.Replace(ok.Hex, "a10132a0", "a10132a10440", 1)),
		make("without tag", "batch", ok.Hex[2:]),
		make("signature of 63 bytes", "batch", strings.Replace(ok.Hex[:len(ok.Hex)-2], "5840", "583f", 1)),
	}
}

// invalid fills in the fault.
func invalid(t testing.TB, v vector) vector {
	t.Helper()
	_, err := v.open(mustHex(t, v.Hex))
	f := fault(err)
	if f == 0 {
		t.Fatalf("%s: %v", v.Name, err)
	}
	v.Fault = f.Error()
	return v
}
