package wire

import (
	"encoding/hex"
	"strconv"
)

// StreamID is the random name under which the batches of one grant travel for
// one epoch. It says nothing about the object.
type StreamID [16]byte

// String returns the name in lower-case hexadecimal.
func (s StreamID) String() string { return hex.EncodeToString(s[:]) }

// ParseStreamID reads what String wrote.
func ParseStreamID(text string) (StreamID, error) {
	var s StreamID
	if len(text) != 2*len(s) {
		return s, faultf(ErrValue, "a stream name has %d hexadecimal digits, found %d", 2*len(s), len(text))
	}
	if _, err := hex.Decode(s[:], []byte(text)); err != nil {
		return StreamID{}, faultf(ErrValue, "a stream name has hexadecimal digits only")
	}
	return s, nil
}

// Batch is one upload: rows of one purpose under one announcement.
type Batch struct {
	Announcement [16]byte // the digest of the announcement, see AnnouncementDigest
	Seq          uint64   // counts from 1 in steps of one within a stream; at most MaxValue
	Clock        Clock    // zero when the wall clock is trusted
	DeleteBy     uint32   // day number since 1970-01-01 by which the rows must be gone
	Losses       []Loss   // since the batch before, at most one entry a reason, ascending
	Groups       []Rows   // ascending by Group; none in a cover batch
}

// Rows are the rows of one announced group.
type Rows struct {
	Group int // index in Announcement.Groups

	// Time holds one tick count a row, 0 to MaxValue: ticks since 1970-01-01
	// UTC, or since the boot named in Batch.Clock. At least one row.
	Time []int64

	// Coverage is there for windowed groups only: how many quarters of the
	// window were observed, 0 to 4.
	Coverage []int64

	// Columns are parallel to the group's fields. Every row has a value in
	// at least one of them.
	Columns []Column
}

// Column holds the values of one field. One of Nums and Tokens is as long as
// there are rows; a column that has no value in any row has neither.
type Column struct {
	// Nums are numbers in the field's scale, or 0 and 1 for a boolean, of at
	// most MaxValue in size. An absent row holds zero, which is no value.
	Nums []int64

	// Tokens are 1 to MaxToken bytes each: the 16 raw bytes of a pseudonym,
	// or a declared label. An absent row holds the empty string.
	Tokens []string

	// Set says which rows have a value; nil means all. A decoder sets it only
	// where a row is absent.
	Set []bool
}

// Has reports whether the column has a value in a row.
func (c *Column) Has(row int) bool {
	if c.Nums == nil && c.Tokens == nil {
		return false
	}
	return c.Set == nil || c.Set[row]
}

// Clock says what the times of a batch count from. The zero value means ticks
// since 1970-01-01 UTC by a trusted clock.
type Clock struct {
	Untrusted bool // false: the rest is zero

	Boot [8]byte // random for each boot and stream, so that it links no two streams
	Base int64   // ticks since that boot, of the moment that Wall is about, 0 to MaxValue

	Anchored bool  // whether there is a guess of the wall clock at Base
	Wall     int64 // the guess: ticks since 1970-01-01 UTC, 0 to MaxValue
	Error    int64 // how far off it may be, in ticks, 0 to MaxValue
}

// WallTick turns a row's time into ticks since 1970-01-01 UTC and says by how
// many it may be off. It fails when no wall clock is known, or when the result
// would lie before 1970 or beyond MaxValue.
func (c *Clock) WallTick(t int64) (tick, off int64, ok bool) {
	if !c.Untrusted {
		return t, 0, true
	}
	tick = c.Wall + (t - c.Base)
	return tick, c.Error, c.Anchored && tick >= 0 && tick <= MaxValue
}

// LossReason says why rows of this purpose are missing.
type LossReason uint8

// The reasons. No loss by consent is ever told: it would say what was refused.
const (
	LossSensorFault LossReason = 0
	LossBufferFull  LossReason = 1
	LossDamaged     LossReason = 2
	lossReasons                = 3
)

// String returns the reason in words.
func (r LossReason) String() string {
	switch r {
	case LossSensorFault:
		return "sensor fault"
	case LossBufferFull:
		return "buffer full"
	case LossDamaged:
		return "damaged"
	}
	return "loss " + strconv.Itoa(int(r))
}

// Loss is a number of rows that this purpose would have had and lost.
type Loss struct {
	Reason LossReason
	Count  uint64 // 1 to MaxValue
}

// Rows returns the number of rows in all groups.
func (b *Batch) Rows() int {
	n := 0
	for i := range b.Groups {
		n += len(b.Groups[i].Time)
	}
	return n
}

// Keys of a batch. 7 is reserved for compression.
const (
	keyAnnouncement = 1
	keyDeleteBy     = 2
	keySeq          = 3
	keyClock        = 4
	keyGroups       = 5
	keyLosses       = 9
	keyPadding      = 15
)
