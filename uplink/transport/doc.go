// Package transport is the only place from which anything leaves the object.
//
// A [Route] says how to reach one recipient; [Open] makes a [Line] of it. A Line takes two things: an upload that
// the store handed out (store.Outgoing, which nothing else can make), and a [Control] message, which is an
// announcement or a deletion request and has to be one to be made. So the compiler guards the door.
//
// The promise: an upload counts as accepted only when the recipient's own answer names its stream, sequence number and digest; a
// captive portal's or proxy's "200 OK" does not pass. A request ends at once when its context does. TLS is 1.3; plain HTTP goes to
// this machine only. Answers are bounded in size and time, and nothing of an answer but its code is believed.
//
// Caveats: the recipient sees the object's network address. Errors name the recipient and host, never tokens and never
// a body.
package transport
