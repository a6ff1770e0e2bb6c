// Package wire is the form in which readings leave the object: what a batch,
// its announcement and the few control messages look like as bytes, how they
// are signed and sealed, and how they are shown to a person.
//
// The nouns. A [Batch] is one upload: rows of one purpose, one stream, one
// epoch. An [Announcement] says once per stream and epoch what those rows
// mean: fields, units, resolutions, purpose, recipient, grounds, and the part
// of the consent receipt that identifies nobody. A batch names its
// announcement by digest, so it is bound to it and need not repeat it. Rows
// travel as columns of integers: the announcement fixes the scale, and no
// float exists anywhere in the format.
//
// The promise. A message that was valid once stays valid: the version comes
// first, keys are never used for something else, and keys from 32 on may be
// added and are skipped by those who do not know them. Decoders accept one
// CBOR form only (RFC 8949 section 4.2.1), refuse every truncation, and hold
// nothing beyond the limits below whatever the input claims. FORMAT.md says
// the same without Go, and testdata/vectors pins it.
//
// The caveats. The bytes of a batch depend on the encoder's choice of column
// packing, which may improve: compare rows, never bytes, across versions.
// Decoding proves form only. Who sent a message is proved by [OpenSigned], and
// that its values are no finer than announced by [Announcement.Check].
// A length tells nothing only when [Encoder.AppendBatch] was given a size.
//
// Functions are safe for concurrent use; an [Encoder] is not.
package wire

// Version is the number under key 0 of every message.
const Version = 1

// The limits of the format. A decoder refuses what exceeds them before it
// reserves memory for it.
const (
	MaxMessage  = 1 << 20               // bytes of a signed message, padding and signature included
	MaxRows     = 1 << 16               // rows in a batch, all groups together
	MaxColumns  = 256                   // columns in a batch, and fields in an announcement
	MaxCells    = 1 << 20               // rows x columns, all groups together
	MaxToken    = 64                    // bytes of a token or of a declared label
	MaxLabels   = 256                   // labels a field may declare
	MaxName     = 128                   // bytes of a name: field, source, purpose, recipient
	MaxUnit     = 32                    // bytes of a unit
	MaxLanguage = 35                    // bytes of a language tag (RFC 5646 section 4.4.1)
	MaxScale    = 9                     // decimal places of a value
	MaxValue    = 1<<53 - 1             // largest size of any number, so that every JSON reader holds it exactly
	MaxStores   = 16                    // names in a deletion answer
	maxDepth    = 8                     // nesting of arrays, maps and tags in skipped items
	maxPairs    = 64                    // pairs in the map of a message
	maxSpread   = 1 << 54               // largest size of a difference of two values
	maxResidual = 1 << 57               // largest residual in its unsigned form
	maxStart    = 56                    // largest start parameter of a Rice column
	tokenSize   = 16                    // bytes of a pseudonym
	maxPeriod   = 366 * 86400 * 1000000 // microseconds: longest tick or window
)
