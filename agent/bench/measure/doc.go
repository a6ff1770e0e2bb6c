// Command measure runs the programs as they are shipped on a recording and prints one table: what was measured, the
// budget of the design, and whether it holds. agent/bench/run.sh builds what it needs and starts it.
//
// A run is a site: a directory of its own with a configuration, a policy of two purposes and a state directory, thrown
// away at the end. One purpose keeps all five fields at a second, the other gets an hourly mean.
//
// What the figures are:
//
//   - CPU is user and system time of the process from start to exit, as the kernel counts it.
//   - Memory is the resident set, VmRSS or its peak VmHWM in /proc/PID/status. It has the pages of the program file in it.
//   - Bytes on the wire are those the ledger lists as sent: signed messages, without HTTP and TCP around them.
//   - Bytes to the disk are the pages the store counts when it writes them. What /proc/PID/io says is shown beside it, and
//     misleads: it counts what was made dirty, not what reached a device, and knows nothing of what the file system adds.
//
// On a machine that does other things at the same time, elapsed times and all that is derived from them are too long;
// CPU, bytes and memory carry over better. A budget is for the smallest board; this machine is told in the results.
//
// Everything runs on the loopback interface, nothing is left behind, and every process that was started is ended by its
// number.
package main
