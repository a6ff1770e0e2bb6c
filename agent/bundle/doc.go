// Package bundle makes what support needs of an object, and what anyone may see: one file of JSON that can be read before it is sent.
//
// The nouns: a [Bundle] is the file; a [Word] is a word of a closed list, a [Version] a text of the few signs that versions have.
// [Make] fills a bundle from where nothing of the home is, and takes of each thing only what these types can hold.
//
// The promise is the types': there is no field that could carry a measured value, a name somebody gave (sensors, purposes,
// recipients, files, hosts), a secret, who agreed to what, or when something happened. A text that is not in its list becomes "other". Of a log
// it counts the messages that are in this program's code, without what they were about and without their times.
//
// The caveat: which parts an object has, and which release it runs, may tell one object from others.
package bundle
