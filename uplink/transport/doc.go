// Package transport is the only place from which anything leaves the object.
//
// A [Route] says how to reach one recipient; [Open] makes a [Line] of it, over HTTPS or, by a broker, MQTT 5. A Line takes two
// things: an upload that the store handed out (store.Outgoing, which nothing else can make), and a [Control] message, which is an
// announcement, a deletion request, a freshness question or a test, and has to be one to be made. So the compiler guards
// the door.
//
// The promise: an upload counts as accepted only when the recipient's own answer names its stream, sequence number and digest; a
// captive portal's or proxy's "200 OK" does not pass, nor does a broker's acknowledgement. On a route with a key everything is
// sealed to the recipient. A request ends at once when its context does. TLS is 1.3; http and mqtt go to this machine only.
// No redirect is followed and no proxy asked. Answers are bounded in size and time, and nothing of an answer but its code is
// believed. The authorities, the object's certificate and its key are read again at every connection and the token when it was refused, so
// that whoever renews the files has renewed the route.
//
// What a wrong clock is forgiven: where the key of the server is pinned and nothing has set the clock since the boot, the dates
// of its certificates do not count; chain, name and key do. Anywhere else they count, and the error says that it may be the
// clock. An object whose own certificate ran out while it was off line shows it all the same; whether it still counts is
// the recipient's to say. A second pin lets a server change its key meanwhile.
//
// Caveats: the recipient sees the object's network address. A broker sees it too, who listens, and on a route without a key what is
// sent. Errors name the recipient and host, never tokens and never a body.
package transport
