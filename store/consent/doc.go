// Package consent decides what may leave the object, and in which form.
//
// A [Policy] is what a controller offers: purposes with their rules. A [Charter] holds the maker's ceilings. A [Grant] is
// a yes of the person to one purpose, with the [Terms] it was given to. [Compile] meets them into a [Plan], which never tells
// more than was agreed to, and [Plan.Clear] turns readings into
// [Cleared] rows: the only thing the store accepts. What was withheld, and why, is counted in [Windows].
//
// The promise: the default is no. An unknown field, sensor, action or purpose, a missing, lapsed or changed yes, a value that is not
// plausible, a rule that can't be applied: nothing leaves, and it is counted. There is no allow-all. Readings taken before a yes
// never leave under it. Stamps carry nothing finer than the purpose's `time`. An open window is never on a disk. There is no hash without a key.
//
// Arithmetic is in integers, rounds down (floor), and windows tile UTC time from 1970 on, so that a coarser form can always be computed
// from a finer one that it nests in.
//
// The package is pure: no clock, no I/O, no randomness. Policies are read through an opener that is handed in.
//
// Caveats: aggregation over time in one home is not anonymity; the bound in bits a day says how much, not how sensitive. After a
// restart an aggregate covers only what was seen since, and says so by its coverage.
package consent
