// Package chip knows the sensors: what each part is, where it answers, how it is recognised and what its bytes mean.
//
// A [Row] describes one part; [Parts] is the table of all. A row with [I2C] makes a [sensors.Part] that reads the chip
// over an I2C bus; a row with [GPIO] makes a [sensors.Source] that follows a [Line]; a row with [Mux] is a switch
// between bus branches, used through [Muxed]. [Drivers] turns the table into rows for the agent's driver table.
//
// The promise: what comes out is an integer in its kind's unit and scale, within what the datasheet says the part can
// measure, or no value at all. A part that does not answer, answers with a wrong checksum, or answers with what only a
// dead or foreign part would say (all ones, all zeros, impossible calibration) is a [sensors.FaultError], never a zero.
// Every wait has an end and every loop a bound. Arithmetic is on integers throughout. Nothing here logs, and no error
// holds what was measured.
//
// Each part stands in a file of its own, in the same order: where the numbers come from, registers, row, state,
// identify, sense, conversion. Constants name the section, table or page of the document they are taken from, by title where the
// numbers changed from revision to revision; SOURCES.md says of each part which edition that is and what of it was seen.
//
// Caveats. [Evidence] says how far a row can be trusted: most are made from the datasheet and not yet seen on
// hardware. Chips without an identity register (LM75, TMP102, BH1750) are recognised by plausibility only; what that
// is worth stands in [Row.Identity]. A BH1750 in the dark says zero as a dead one does, see [Row.ZeroIsReal].
//
// A part is asked who it is at the start, after it failed, and after two seconds without a word from it, so that one that
// was exchanged between two readings is told apart, even from one of the same kind with another calibration. Two members
// of the LM75 family can't be: an LM75 in an LM75B's place answers in every register as the LM75B does, and its open low
// bits are taken for eighths of a degree. Nor can a BH1750, which says nothing but a count.
package chip
