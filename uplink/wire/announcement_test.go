package wire

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestAnnouncementRoundTrip(t *testing.T) {
	a := testAnnouncement()
	payload, err := AppendAnnouncement([]byte("dst"), a)
	if err != nil {
		t.Fatal(err)
	}
	payload = payload[3:]
	deterministic(t, payload)
	back, err := DecodeAnnouncement(payload)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, back) {
		t.Fatalf("\n got %+v\nwant %+v", back, a)
	}
	digest, err := back.Digest()
	if err != nil || digest != AnnouncementDigest(payload) {
		t.Errorf("digest %x, %v", digest, err)
	}
	for n := range payload {
		if _, err := DecodeAnnouncement(payload[:n]); err == nil {
			t.Fatalf("cut at %d of %d: decoded", n, len(payload))
		}
	}
}

func TestOpenAnnouncement(t *testing.T) {
	a := testAnnouncement()
	payload, err := AppendAnnouncement(nil, a)
	if err != nil {
		t.Fatal(err)
	}
	message := AppendSigned(nil, SignWith(testKey(1)), KindAnnouncement, payload)
	back, digest, err := OpenAnnouncement(message)
	if err != nil || !reflect.DeepEqual(a, back) || digest != AnnouncementDigest(payload) {
		t.Fatalf("%+v, %x, %v", back, digest, err)
	}
	// Signed by another key than the one it names: anybody could have.
	message = AppendSigned(nil, SignWith(testKey(2)), KindAnnouncement, payload)
	if _, _, err := OpenAnnouncement(message); !errors.Is(err, ErrSignature) {
		t.Errorf("signed by another key: %v", err)
	}
}

// TestLaterKeysKeepTheDigest: a receiver names an announcement by the bytes it
// got, also when they hold keys of a later time.
func TestLaterKeysKeepTheDigest(t *testing.T) {
	payload, err := AppendAnnouncement(nil, testAnnouncement())
	if err != nil {
		t.Fatal(err)
	}
	longer := append(append([]byte{payload[0] + 1}, payload[1:]...), 0x18, 32, 0xf5)
	message := AppendSigned(nil, SignWith(testKey(1)), KindAnnouncement, longer)
	a, digest, err := OpenAnnouncement(message)
	if err != nil {
		t.Fatal(err)
	}
	own, err := a.Digest()
	if err != nil || digest == own || digest != AnnouncementDigest(longer) {
		t.Errorf("digest %x, of our own encoding %x, %v", digest, own, err)
	}
}

func TestAnnouncementThatCannotBe(t *testing.T) {
	long := strings.Repeat("x", 200)
	for _, tc := range []struct {
		name  string
		spoil func(*Announcement)
		want  Fault
	}{
		{"short key", func(a *Announcement) { a.Key = a.Key[:31] }, ErrValue},
		{"epoch", func(a *Announcement) { a.Epoch = MaxValue + 1 }, ErrLimit},
		{"policy version", func(a *Announcement) { a.Receipt.PolicyVersion = MaxValue + 1 }, ErrLimit},
		{"no tick", func(a *Announcement) { a.Tick = 0 }, ErrValue},
		{"long tick", func(a *Announcement) { a.Tick = maxPeriod + 1 }, ErrValue},
		{"no access", func(a *Announcement) { a.Access = 0 }, ErrValue},
		{"access by contract", func(a *Announcement) { a.Access = GroundContract }, ErrValue},
		{"basis strictly necessary", func(a *Announcement) { a.Basis = GroundStrictlyNecessary }, ErrValue},
		{"unknown basis", func(a *Announcement) { a.Basis = 8 }, ErrValue},
		{"size", func(a *Announcement) { a.Size = MaxMessage + 1 }, ErrLimit},
		{"rows", func(a *Announcement) { a.Rows = MaxRows + 1 }, ErrLimit},
		{"no purpose", func(a *Announcement) { a.Purpose = "" }, ErrLimit},
		{"long recipient", func(a *Announcement) { a.Recipient = long }, ErrLimit},
		{"language not UTF-8", func(a *Announcement) { a.Receipt.Language = "\xff" }, ErrForm},
		{"no group", func(a *Announcement) { a.Groups = nil }, ErrValue},
		{"no source", func(a *Announcement) { a.Groups[0].Source = "" }, ErrLimit},
		{"negative window", func(a *Announcement) { a.Groups[0].Window = -1 }, ErrValue},
		{"odd window", func(a *Announcement) { a.Groups[0].Window = 1500000 }, ErrValue},
		{"no field", func(a *Announcement) { a.Groups[0].Fields = nil }, ErrValue},
		{"too many fields", func(a *Announcement) { a.Groups[0].Fields = make([]FieldSpec, MaxColumns+1) }, ErrLimit},
		{"field twice", func(a *Announcement) { a.Groups[1].Fields[0].Name = "hall.light" }, ErrValue},
		{"name with a blank", func(a *Announcement) { a.Groups[0].Fields[0].Name = "hall light" }, ErrValue},
		{"name beginning with a dot", func(a *Announcement) { a.Groups[0].Fields[0].Name = ".hall" }, ErrValue},
		{"long name", func(a *Announcement) { a.Groups[0].Fields[0].Name = long }, ErrValue},
		{"long unit", func(a *Announcement) { a.Groups[0].Fields[0].Unit = long }, ErrLimit},
		{"scale", func(a *Announcement) { a.Groups[0].Fields[0].Scale = 10 }, ErrValue},
		{"negative scale", func(a *Announcement) { a.Groups[0].Fields[0].Scale = -1 }, ErrValue},
		{"step zero", func(a *Announcement) { a.Groups[0].Fields[0].Step = 0 }, ErrValue},
		{"empty range", func(a *Announcement) { a.Groups[0].Fields[0].Min = 9000 }, ErrValue},
		{"wide range", func(a *Announcement) { a.Groups[0].Fields[0].Max = MaxValue + 1 }, ErrValue},
		{"unknown type", func(a *Announcement) { a.Groups[0].Fields[0].Type = 4 }, ErrValue},
		{"no labels", func(a *Announcement) { a.Groups[2].Fields[2].Labels = nil }, ErrLimit},
		{"label twice", func(a *Announcement) { a.Groups[2].Fields[2].Labels[1] = "locked" }, ErrValue},
		{"long label", func(a *Announcement) { a.Groups[2].Fields[2].Labels[1] = long }, ErrLimit},
	} {
		a := testAnnouncement()
		tc.spoil(a)
		out, err := AppendAnnouncement([]byte("dst"), a)
		if fault(err) != tc.want || string(out) != "dst" {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
		if _, err := a.Digest(); err == nil {
			t.Errorf("%s: has a digest", tc.name)
		}
	}
}

func TestGroundNames(t *testing.T) {
	for g := GroundConsent; g <= GroundLegitimateInterests; g++ {
		if back, err := ParseGround(g.String()); err != nil || back != g {
			t.Errorf("%s read as %s, %v", g, back, err)
		}
	}
	if _, err := ParseGround("whim"); err == nil {
		t.Error("a whim is a ground")
	}
}

func TestStreamID(t *testing.T) {
	s := StreamID(fill16(0xab))
	if back, err := ParseStreamID(s.String()); err != nil || back != s {
		t.Errorf("%s read as %s, %v", s, back, err)
	}
	for _, bad := range []string{"", "ab", strings.Repeat("g", 32), strings.Repeat("a", 33)} {
		if _, err := ParseStreamID(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestCheck(t *testing.T) {
	a := testAnnouncement()
	if err := a.Check(testBatch(t, a)); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name  string
		spoil func(*Batch)
		field string
		row   int
	}{
		{"group not announced", func(b *Batch) { b.Groups[2].Group = 3 }, "", -1},
		{"a column too few", func(b *Batch) { b.Groups[0].Columns = b.Groups[0].Columns[:2] }, "", -1},
		{"too warm", func(b *Batch) { b.Groups[0].Columns[0].Nums[2] = 8505 }, "hall.temperature", 2},
		{"too cold", func(b *Batch) { b.Groups[0].Columns[0].Nums[1] = -4005 }, "hall.temperature", 1},
		{"finer than announced", func(b *Batch) { b.Groups[0].Columns[0].Nums[3] = 2111 }, "hall.temperature", 3},
		{"tokens for numbers", func(b *Batch) { b.Groups[0].Columns[2].Tokens = []string{"a", "a", "a", "a"} }, "hall.light", -1},
		{"numbers for tokens", func(b *Batch) { b.Groups[2].Columns[2] = Column{Nums: []int64{1, 2, 3}} }, "door.state", -1},
		{"not a boolean", func(b *Batch) { b.Groups[2].Columns[0].Nums[2] = 2 }, "door.open", 2},
		{"short pseudonym", func(b *Batch) { b.Groups[2].Columns[1].Tokens[1] = "me" }, "badge.id", 1},
		{"label not declared", func(b *Batch) { b.Groups[2].Columns[2].Tokens[0] = "open" }, "door.state", 0},
		{"window without coverage", func(b *Batch) { b.Groups[1].Coverage = nil }, "coverage", -1},
		{"coverage without window", func(b *Batch) { b.Groups[0].Coverage = []int64{1, 1, 1, 1} }, "coverage", -1},
		{"within a window", func(b *Batch) { b.Groups[1].Time[1]++ }, "time", 1},
	} {
		b := testBatch(t, a)
		tc.spoil(b)
		err := a.Check(b)
		var v *ValueError
		if !errors.As(err, &v) || !errors.Is(err, ErrAlphabet) || v.Field != tc.field || v.Row != tc.row {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	b := testBatch(t, a)
	a.Rows = 8
	if err := a.Check(b); !errors.Is(err, ErrAlphabet) {
		t.Errorf("nine rows where eight have room: %v", err)
	}
	b.Seq = 0
	if err := a.Check(b); !errors.Is(err, ErrValue) {
		t.Errorf("a batch that can't be: %v", err)
	}
}

// TestCheckIgnoresAbsent: what stands in an absent row is no value.
func TestCheckIgnoresAbsent(t *testing.T) {
	a := testAnnouncement()
	b := testBatch(t, a)
	b.Groups[0].Columns[1].Nums[1] = -77
	b.Groups[2].Columns[1].Tokens[0] = "nobody"
	if err := a.Check(b); err != nil {
		t.Error(err)
	}
	back, err := DecodeBatch(mustEncode(t, b, 0))
	if err != nil || !reflect.DeepEqual(back, testBatch(t, a)) {
		t.Errorf("what stood in absent rows was sent: %+v, %v", back, err)
	}
}

// TestCheckWindowFinerThanTick: six windows of ten minutes share an hour tick.
func TestCheckWindowFinerThanTick(t *testing.T) {
	a := testAnnouncement()
	a.Tick, a.Groups[1].Window = 3600000000, 600000000
	b := &Batch{Seq: 1, Groups: []Rows{{Group: 1, Time: []int64{497001, 497001}, Coverage: []int64{4, 4},
		Columns: []Column{{Nums: []int64{10, 20}}}}}}
	if err := a.Check(b); err != nil {
		t.Error(err)
	}
}
