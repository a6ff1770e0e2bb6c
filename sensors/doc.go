// Package sensors says what the agent can sense and in which words.
//
// A [Source] is one thing that is read: a chip, a line, a kernel file, a recorded file, a simulated room.
// One look at it is a [Reading]: the source's name, when it was taken, and one [Value] for each of its fields.
// A [Field] is one quantity of one source ("hall.temperature"); its [Kind] fixes unit, scale and plausible range,
// its [Class] says what it tells about people. A [Driver] turns one [[sensor]] table of the configuration into a Source.
//
// The promise: a Value is an integer in its kind's unit and scale, or a token; a value that was not measured is
// absent, never zero; a last value is never repeated as if it were new. Values can not be printed: every type that
// holds one formats as a fixed text, so that no log line and no error can carry what somebody's home measured.
//
// Caveats: the Values of a Reading belong to the source that emits it and are valid only until emit returns.
// This package knows nothing of consent, storage or networks, and imports no hardware library.
package sensors
