// Package doctor finds out why an object is silent: a walk down a tree of checks that ends at the first break.
//
// The nouns: a [World] is all that the doctor may look at, as functions and one file system, so that a test can bend it; a
// [Check] is what it found in one place; a [Report] is the whole walk. [Run] walks. DOCTOR.md lists the checks, the codes and
// the JSON.
//
// The promise: one break speaks, with what was seen and exactly one thing to do, which says whether it takes root. What was
// checked before it is listed, and what was not reached. It mends nothing and changes no setting of a part, no line and no
// file, but that the ledger notes the test message. With a daemon alive it asks that and touches no bus; with a dead one it
// looks for itself. It shows no measured value, not the temperature of the board either, which follows the room's; of what
// tells of people not even a verdict.
//
// Caveats: a board that does not tell of its power, card or lines is said to be unknown there, and not to be well. Nothing
// here was seen on real hardware yet: the files of /sys and /boot are those that the kernel's and the maker's documents name.
package doctor
