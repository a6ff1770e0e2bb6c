// Command package makes a Debian package (and nothing else) of a candor binary that was built before: `make deb`.
//
// The nouns: a build is what Go wrote into the binary about itself; an entry is one file or folder as it is installed; the bill is the
// CycloneDX list of what is inside. The package holds the binary, the systemd unit with its user, folders and device rules, the
// manual pages and completions made from the very verbs of the command line, the licences, and scripts that start nothing without
// a configuration and erase the keys first when they purge.
//
// # The promise
//
// The same source with the same Go makes the same bytes, in whatever folder, on whatever day: entries are sorted, owned by root,
// and dated by the commit. No clock, no environment and no other program has a say. Everything that was linked in has a licence
// that is known here, or there is no package.
//
// # Caveats
//
// Archives are gzip, which the Go that runs this writes: another Go may write other bytes. A binary that was built without version
// control is version 0~devel and dated 1980. Packages are for Debian 12 and Raspberry Pi OS 12 or later: the unit loads a folder of
// credentials, which systemd does since 250. Nothing is signed; apt signs repositories.
//
// The tool is built by the make target only and is in no device binary, nor is anything that writes manuals.
package main
