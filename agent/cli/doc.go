// Package cli is the command line of candor: one verb a file, the whole program as a function.
//
// The nouns: [Main] is the program, [Env] the world it runs in. A verb has an options struct that adds its own flags, and a
// plain function that does the work with the streams it is given. A session is the way to the agent: the socket of the
// daemon when one runs, else the agent opened in this process, under the lock on its state directory.
//
// The promise: what a script relies on stays. Exit codes are 0 done, 1 failed, 2 wrong use, 3 something is left undone and kept, 4 not
// allowed; results go to standard output and everything else to standard error; with --json the output is JSON and nothing
// else. A failure is "candor: …" followed, where there is a way on, by "hint: …" with what to type next; the faults of a
// file are one a line, as "file:line:column: key: what is wrong".
//
// On a terminal what is printed fits 80 columns and the locale; colours and redraws are where they are shown only. What programs
// read is the same everywhere: agent/control/API.md has the shapes.
//
// The caveats: times are shown in the local time zone, in JSON in UTC. Values are shown by preview and decode only, to the person
// and to root. Running several verbs in one process is safe; they share nothing.
package cli
