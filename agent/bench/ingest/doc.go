// Command ingest is the agent with one more sensor, which takes its readings over HTTP as the peers do, for comparisons with them
// and nothing else: the device binary has no inbound port and does not contain this package.
//
// A request is a JSON array of readings on the loopback interface. It is answered with 204 when the agent has taken all of them,
// that is, cleared them and put them into the buffer's memory; they are on the disk after at most `[buffer] flush`, or when 8,192
// wait. Peers that answer after their disk queue has synced do more at that moment; those that batch first do as much.
package main
