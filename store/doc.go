// Package store keeps what a plan cleared until it has arrived.
//
// It takes [consent.Cleared] rows and nothing else, keeps them encrypted, and gives out [Outgoing] uploads, which nothing
// else can make. The nouns: a row waits in memory until a commit seals the rows of one stream and day as a chunk. A
// [Store.Cut] replaces the oldest chunks of a stream by uploads, in one transaction, and rows that did not fill one are
// carried: stored again at the place they came from. An upload stays until it is acknowledged. Chunks and uploads lie in
// segments, files of bbolt that are only appended to; one state record says what in them is still alive.
//
// The promise. After a power cut, whatever a Flush, a Cut, an Acknowledge or a withdrawal returned nil for has happened, and
// what was under way has happened wholly or not at all: no row is lost then, none is there twice, and the mark of a
// recording agrees with the rows that came of it. What only waits in memory is lost. No damage to a file keeps the store
// from opening: every number in a file is checked before it is used, a damaged file is put aside and what still
// authenticates is kept. A buffer or disk that is full, read-only or failing is a state; sensing and withdrawal go on in it.
//
// Caveats. Damage to the newest file may cost the state record. Then an older one is used, streams are [Store.Uncertain],
// and rows that were cut since can come back: they travel under a new stream name, and the gap is told. Two damages at
// once (a page of records and the copy in the tree above) can cost the records of a file. A failed sync on a disk that
// lies is found when the file is read again, not before. Stream numbers, grant numbers, days, counts and sizes are in the
// clear; values, tokens, field names and names of recordings are not. One process at a time: the newest file is locked.
//
// A [History] is a store of its own beside the buffer, for the person: same files, same promise, room of its own, and no call
// that gives out an upload. Its rows are readings as they were measured; the first record of kind 'o' in each of its streams
// (one a day, grant and set of fields) says what they mean, as JSON, and the others are copies of batches with the
// announcements they need.
//
// # What is synced when
//
// A commit is one bbolt transaction, so two syncs (fdatasync) of one file: first the pages that changed, the state record among
// them, are written and synced; then the meta page that makes them count is written and synced. A power cut before the second sync
// ends leaves the file as it was. Of the meta pages, two of 4,096 bytes at its beginning, each commit writes the other one. A disk
// that says it has synced what it has not can leave the new meta page over old data pages: then the look after Open finds pages
// that do not fit, or a later reading records that do not authenticate, and salvages.
//
// A new file is made under a .tmp name with its first state record, synced, renamed, and its directory synced, before a record goes
// into it; one that a power cut left half made is deleted. A drained file is deleted after the commit that says so. Keys are made
// and synced in their own file before the first record under them is committed, and destroyed before the commit that forgets what was
// under them: at any moment a record without a key is a state, and a key without a record is waste. The ledger's line about an
// upload is synced before the buffer lets go of it, so a cut in between sends it again, byte for byte.
//
// A commit of a few rows gives the file system four to six pages; sensing costs one commit every `[buffer] flush`, a cut and an
// acknowledgement one each.
//
// # What is read when
//
// Open reads of the newest file what bbolt relies on when it appends to it, and nothing of the others: the branches, the last
// leaf with the state record, the free list, and that nothing the tree has is free. bbolt never opens a file but this one or a new
// one. So a start takes as long with ten million rows as with none. What lies in the files is looked through right afterwards,
// newest first, beside other disk work: every page, and the head of every record; with 256 KiB or less it is done before Open
// returns. A damaged file is repaired then. Meanwhile rows are taken and committed and grants are dropped; [Store.Status] counts
// what is known and says how many files are not. What else depends on them waits: a cut, a list of streams or uploads, expiry,
// erasure, [Store.Verify], and a row for which others would have to go. No key and no stream is forgotten before all is known.
//
// # Versions
//
// Every record and the state record begin with a version, 1. A file of another version is put aside as a damaged one is: what of it
// reads as version 1 is kept, the rest is told as a gap, and the file lies in quarantine/ for a program that knows it. Nothing is
// converted yet: there has been no other version, and what waits in a buffer is days old at the most. A version that comes will
// read this one.
//
// # On disk, version 1
//
//	buffer/NNNNNNNN.db   segments, numbered from 00000001; the highest is the active one
//	buffer/*.tmp         a segment that is being made; deleted at Open
//	history/             the same two folders again, of what is kept for the person ([History]); not there until she says yes
//	quarantine/          at most 4 damaged segments, for a look; the first to go when room is short
//
// A segment is a bbolt file (format 2, pages of 4,096 bytes, free list synced) with one bucket "r". Its keys have 13
// bytes, numbers big-endian:
//
//	sequence u64, kind u8 ('c' chunk, 'o' upload), stream u32      a record
//	ff × 13                                                        the state record
//
// Sequence numbers begin at 1 and grow by one a record over all segments, so records are only appended, and the state
// record, rewritten with every transaction, shares the last page with the newest of them. The value of a record:
//
//	 0  version u8 = 1
//	 1  grant u32
//	 5  day i32, days since 1970 (UTC): names the key, with the grant. Of an upload: the oldest day of the rows read for it
//	 9  epoch u64; 0 in an upload
//	17  chunk: order u64, its sequence number, or for carried rows the order of the last chunk they came from
//	    upload: its number in the stream u64, from 1
//	25  rows u32
//	29  size u32: bytes of the packed rows, or of the upload
//	33  nonce, 12 bytes, random
//	45  ChaCha20-Poly1305 under the key of (grant, day), 16 bytes longer than what it seals
//
// Authenticated beside it: "candor buffer record 1" and a zero byte, the 13 bytes of the key, bytes 0 to 32. Sealed in a
// chunk are the packed rows (see rowcodec.go); in an upload uvarint column bytes (bit 32 set, and 16 bytes that name what is
// inside behind it, when the upload is sealed to its recipient), uvarint number of field names, each with a uvarint length
// before it, and the upload.
//
// The state record: "CSTA", version u8 = 1, then shortest uvarints: segment, commits, bbolt's transaction, records in this
// segment, next sequence, lowest segment in use, 1 if closed in good order; the streams, the recordings, the parked
// uploads, each list after its length; CRC-32C (Castagnoli) of all that, u32 big-endian.
//
//	stream     number, grant, epoch, flags (1 retired, 2 uncertain, 4 moved), if moved the stream it was moved to,
//	           mark (order, sequence), next upload, newest day (zigzag), finished uploads as (first, last-first) after
//	           their number, rows lost for want of room, rows lost to damage
//	recording  grant, first 16 bytes of the SHA-256 of its name, position
//	parked     stream, first upload, last-first, length of the reason, reason
//
// A chunk is dead when (order, sequence) is not behind the mark of its stream, or of one that it was moved to; an upload
// when it is finished. A segment in which nothing is alive is deleted, and nothing else ever is. A segment is whole when
// both meta pages are valid, its tree is, and its state record names its number, its last transaction and as many records
// as there are; the state record of the newest segment counts.
package store
