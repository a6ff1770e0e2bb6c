// Package ledger remembers what was answered and what left: receipts of every consent event in a hash chain, the
// streams under which data travels, and a line for everything that went out. It is what the object shows to whoever
// asks, and what the plan is made from: the grants in force are computed from the chain and stored nowhere else.
//
// The nouns: an entry is a link of the chain; its body is what the entry says, kept apart with a random salt so that it
// can be erased while the chain still verifies; an answer is one yes (or no) of the person; a stream is the random name
// under which the batches of one grant and epoch travel; a line is one batch or control message that left.
//
// # The promise
//
// [Ledger.Verify] finds any flipped bit, any missing, added or reordered entry, and a tail that was cut, by comparison
// with the head that is kept with the keys or with one that the person saved. Entries are never changed; a body goes
// only through [Ledger.Erase], which writes an entry about it. A cut tail that is found on opening stays a finding for
// ever. No measured value and no token is ever in this file.
//
// No page of the file is given to bbolt that did not pass a check, at the start and before each transaction (before those that read once a second).
// A file that can't be read is a [DamagedError], never a silent new one: without a readable ledger nothing leaves.
// There is always room for a withdrawal: the file keeps free pages that were really written, and lines that would use
// them up are refused first ([ErrNoRoom]).
//
// The keyring is the authority on withdrawals, since it needs no space: destroy the grant's keys first, then call
// [Ledger.Withdraw]. When that fails the withdrawal holds all the same, here in memory at once, and at the next start
// through [Ledger.Reconcile].
//
// # The file
//
// ledger.db is a bbolt file with pages of 4,096 bytes. Numbers in keys are big-endian. CBOR is in the deterministic form
// of RFC 8949 §4.2.1. A value marked * is sealed: 12 random bytes, then ChaCha20-Poly1305 under a key of the keyring, with
// the bucket's name, a zero byte and the key as associated data.
//
//	about    "version" -> one byte, 2; "seal" -> * nothing, which tells whether the keys are those of the file
//	chain    entry u64 from 1     -> entry: COSE_Sign1 (RFC 9052) with tag 18, protected header {1: -19 (Ed25519, RFC
//	                                 9864), 3: "application/vnd.candor.ledger-entry+cbor"}, no external data, around
//	                                 the CBOR map {1: version, 2: number, 3: milliseconds since 1970, 4: kind,
//	                                 5: grant, 6: commit, 7: prev, 8: public key, 9: lost}; 8 and 9 on kind "began"
//	bodies   entry u64            -> * salt (32 bytes), then a CBOR map
//	streams  number u32 from 1    -> * CBOR of what changes and the names
//	papers   number u32, one of   -> * signed bytes as given
//	         'a' announcement, 'd' deletion request, 'p' proof of deletion
//	contexts id u32               -> * CBOR of what many lines have in common
//	sent     line u64 from 1      -> varints: context, sequence, rows, column bytes, wire bytes, moment, result, tries;
//	                                 CRC-32 of key and value
//	seen     stream u32, sequence/64 u64, control -> varints: lowest line, then for each of 64 sequence numbers 0 or
//	                                 the distance of its line from that plus one; CRC-32
//	totals   number u32           -> * CBOR of a purpose and its counts
//	left     number u32           -> deletion requests for the next keys, sealed under them, while the object changes hands:
//	                                 0 is how many, from 1 CBOR of each
//	room     empty, but while the file is given free pages
//
// commit is SHA-256 of salt and body, prev the SHA-256 of the entry before as stored, signature included; zeros for
// the first. Entry 1, and every later one of kind "began", carries the public key that signs from there on. When the
// keys were lost the chain goes on under a new key and says so; what was sealed can't be read by anyone then, and the
// file as it was is kept as ledger.db.sealed in case a wrong key directory was named by mistake.
//
// A file of another version is a DamagedError that names the version: it is left as it is, nothing leaves, and no new one is made
// beside it. There was no release with version 1, so nothing converts it.
//
// # Caveats
//
// The chain proves that nothing was changed by whoever lacks the ledger key; root has it. Streams and lines are guarded
// against accidents only. The head becomes durable with the keyring's next write, so a cut of the very last entries in
// that window is not seen. A copy of the file without the keys tells when and how often something was answered, and when how many bytes
// left; not for which purpose, who said it, or to whom. Erasing rewrites the whole file, since bbolt keeps old bytes in free pages; the card may keep
// them longer.
package ledger
