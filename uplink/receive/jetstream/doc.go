// Package jetstream is the distributed sink: it keeps what objects send in a
// NATS JetStream, so that any number of receivers may stand before one
// cluster. All that has to be remembered lies there and nothing in a receiver:
// what one holds in memory is a copy that the cluster confirms with each write.
//
// Each batch is one message, the signed bytes as they came, under
//
//	candor.RECIPIENT.PURPOSE.STREAM
//
// and the last message of a subject carries, in its headers, which numbers of
// the stream were accepted. A batch is written on the condition that this last
// message is still the last (compare and set on the subject), so that of two
// receivers with the same batch one wins and the other reads what it wrote. The
// message id does the same inside JetStream's duplicate window, and this goes
// on past it. A withdrawal ends the subject with a message of its own, which needs
// no condition: no batch is written after it, whichever receiver was asked. A
// second one says how much is before it. Then the subject is purged and
// STREAM.gone tells those who had taken rows.
//
// The answer to the object follows JetStream's own acknowledgement. With three
// replicas that means a majority has it; with one, that the server has it, and
// whether it is on the disk by then is the server's setting (sync_interval:
// always).
package jetstream
