// Package web is the page on the object for the person who lives with it.
//
// The nouns: a [Server] listens on the loopback interface alone; a code, shown once by the object, opens a session; a session
// is a cookie and a token that the page keeps, and neither is of use without the other; the API behind it is the handler
// of agent/control in the role of the person, and no other way in.
//
// The promise: without a session nothing but four fixed files and the form for the code is answered. What other origins,
// rebound names or guessers send is refused before it reaches the API. Nothing is asked of any other machine: the page
// works without a network and its policy of contents forbids one. What the page shows is the API's; texts reach the document
// as text, never as markup. Every request, answer, connection and session is bounded in size, time and number.
//
// Caveats: whoever is root on the object can read the page of its person. A cookie of 127.0.0.1 is seen by every port of the
// machine, which is why it opens nothing by itself. The page is served without TLS: over the loopback interface there is no wire to tap.
//
// page/ holds the sources of the page, and the same compressed, as they are embedded and sent; a test holds the two together
// (`go test ./agent/web -run Assets -update` compresses anew, best with zopfli installed). page/uplot.* are uPlot 1.6.32 as published in the npm registry
// (MIT, page/uplot.LICENSE), unchanged.
package web
