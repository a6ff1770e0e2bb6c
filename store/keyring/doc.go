// Package keyring keeps the object's secrets in one small file of fixed size, so that they can be destroyed.
//
// The nouns: a grant has a grant secret, from which everything derived for that grant comes (pseudonym keys, stream
// keys, erase capabilities); a day key seals what is buffered under one (grant, UTC day); the ledger key signs the
// ledger and another one seals it, and the head is how long the ledger was and how it ended when last written. All of them are random and
// stored, none is derived from a root: what could be derived again was never destroyed.
//
// # The promise
//
// After [Ring.Destroy] returned nil, no byte of the file and no live memory of the ring holds the grant's secrets, and
// nothing left on the object can make them again. It needs no space on the disk: the file is written whole when it is
// made and only overwritten in place afterwards. A power cut at any moment leaves the state before or the state after
// the call, never neither, and never loses the keys of another grant. In memory a destruction holds from the first
// moment of the call, also when the disk refuses; what was refused is tried again with every later write.
//
// # The file
//
// keys (mode 0600, in a directory of mode 0700) is two slots of 65,536 bytes, which hold the same content at rest:
//
//	offset  size  field
//	     0     8  magic "CandorKR"
//	     8     4  version, 2
//	    12     4  length of the content
//	    16     8  generation; the higher of two valid slots is the truth
//	    24     8  zero
//	    32    32  SHA-256 of the whole slot with these 32 bytes zero
//	    64     …  content, then zeros to the end of the slot
//
// Numbers are big-endian. The checksum covers the padding, so a slot that is only partly overwritten is not valid and
// can't carry old keys behind a short content. The content:
//
//	32  seed of the key that signs the ledger, 32  key that seals it
//	 8  microseconds since 1970 at which a pause began, 0 without one
//	 8  entries of the ledger when last told, 32  hash of the last of them
//	 4  highest grant number ever used, 2  number of grants, then for each in rising order
//	    4 number, 1 length of the purpose, the purpose, 32 grant secret, 2 number of day keys, then for each in rising
//	    order: 4 day since 1970-01-01 (signed), 32 key
//
// An update writes the slot that is not the newest, syncs, overwrites the other one with the same bytes and syncs
// again. There is room for about 1,800 keys.
//
// A file of another version is damaged to this program: it is left as it is and never replaced. There was no release with
// version 1.
//
// # Caveats
//
// The assurance is "software": a flash card may keep worn cells that no program reaches, a copy of the whole card made
// earlier keeps the keys of that day, and copy-on-write file systems (btrfs, zfs) overwrite elsewhere and need space to
// do XX Root can read the file.
package keyring
