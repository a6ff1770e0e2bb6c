// Package receive is the backend half of the way out: it takes what objects
// send, refuses what their owners did not agree to, keeps the rest exactly
// once, and forgets it when told to.
//
// The nouns. A [Handler] answers the paths of PROTOCOL.md over HTTP. Its
// [Verifier] opens, verifies and checks every message before anything is
// kept: form, signature, announcement, alphabet, retention. A [Sink] keeps
// what was verified and [Seen] remembers whose it is; [DirSink] is both, as
// files in a directory, and package jetstream is, in a NATS cluster.
//
// The promise. What was answered with a 2xx is on the disk: it survives a
// kill and a power cut, and is there once however often it was sent. A value
// finer than announced is never stored, even when an object with a fault
// sends it. After a deletion is acknowledged no row of that stream is in the
// files of the sink, and none will be taken again. No value, token or body is
// ever logged.
//
// The caveats. A signature proves that a batch comes from whoever announced
// the stream, not which object that is: who may announce at all is decided by
// the credential in front ([Tokens], mutual TLS). A deletion removes rows
// from the files kept here and knows nothing of copies made of them. What a
// disk keeps of overwritten blocks is the disk's.
package receive
