// Package uplink takes what the store holds and gets it to the recipients, once.
//
// The nouns: a stream is the random name under which one grant's uploads travel for one epoch; [Streams] opens them. An [Uplink]
// cuts rows into batches when a stream's slot has come, signs them, sends announcements, batches and deletion requests over a
// transport.Line for each recipient, and forgets a batch only when the recipient has durably accepted it.
//
// The promise: the plan is asked when a batch is cut and again when it is sent; a grant that is gone sends nothing, and what is on the
// way is cut off. A retry is byte for byte what was sent before. Oldest first; deletion requests before all else. Slots come from
// the schedule and a random phase, never from what was measured; with a room, so does the number of uploads, one a slot and
// those that an outage held up, empty ones included. Nothing that was not accepted is forgotten, and the ledger has a
// line about whatever may have left before the buffer lets go of it. The trouble of one stream holds up no other.
//
// After a start nothing of a grant is sent before the recipient has said how far its streams are and whether it was withdrawn
// there. Where the clock is not trusted (package timeline), a batch says what is known, and nothing waits for the clock.
// A metered link is used for as many bytes and in such hours as its route says; deletion requests know no limit.
//
// Caveats: rows inside one time bucket are sorted by value, so their order tells nothing; a bucket of more than
// [MaxCut] rows is sorted in runs of that many (a plan refuses sensors that are known to speak so often; recordings may), and one that the disk had no room for may be split. A row that no upload
// can carry stays in the buffer until its retention ends. A recipient that answers that a number is taken gets the rest
// under a fresh name; after a restored card that may be some rows a second time. Drain and Relieve keep to no schedule and no number. The recipient sees the object's network address and when it is on line.
package uplink
