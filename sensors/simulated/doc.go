// Package simulated makes readings that nobody measures now: a house that never was, and recordings of some other time.
//
// [Drivers] has two rows. "simulated" is one room of a seeded house with four people in it: doors, badges, presence,
// light, carbon dioxide, warmth and power all follow one schedule, so that sources with the same seed tell one story.
// "replay" is a recording in CSV, plain or gzip, played again at its own pace or faster.
//
// The promise. The house is a function: what it reads at a moment depends on seed, room and moment only, not on the
// clock, the pace, a restart or the processor; no floating point is used. A recording's numbers are its decimal texts,
// floored at the kind's scale, exactly. What a recording holds never reaches an error or a fault text, but for the
// names in its header and the names of its channels. Memory does not grow with the length of a recording or a line.
//
// Caveats. The house keeps UTC all year. A recording is taken line by line: a quoted cell can't go on in the next line.
// It is read twice, at Open for its columns and in Run, so it must be a file and not a pipe.
package simulated
