// Package control is how everything outside the agent talks to it: HTTP with JSON over a unix socket.
//
// The nouns: a [Backend] is the agent as the server sees it; a [Client] is the one way in, used by the command line with a
// daemon running and, over an in-process transport, without one; a [Role] is who is asking, from the peer credentials
// of the socket.
//
// A [Medic] says whether data flows, a [Presenter] what a hand-over sheet says, and a [Witness] writes down what a technician or
// root did, or was refused. [ServeMetrics] has the metrics on loopback, where somebody wants that. API.md describes every route,
// shape and role, the JSON of the verbs, and the exit codes; tests hold it to the code.
//
// A [Server] tells the handler the role of each peer; [RolesOf] is the rule it goes by: root, the owner of the state directory, two groups.
//
// The promise: only the person (or root on behalf of the person, who is then named in the receipt) can grant, refuse,
// withdraw, pause, erase or hand the object over; no answer of this package carries a measured value except the preview of the next
// upload and what was already sent, and none says who answered what except the ledger: all of these are for the person and root only. Every request and answer is bounded.
//
// Caveats: root can change the object; what root does through Candor is a receipt, and receipts prove nothing against root.
package control
