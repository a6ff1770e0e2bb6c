// Package pages reads bbolt's files without bbolt, and says whether bbolt can be trusted with one.
//
// bbolt maps a file into memory and trusts it: a damaged page can end in a panic, a fault, a walk without end, a value of gigabytes, or a
// file that is written far behind its end, none of which an agent can afford. Here every number is checked before it is used, every walk is
// bounded, and reading costs no mapped memory. bbolt itself only ever gets a file that passed.
//
// The nouns: a page has [Size] bytes; a node is a page of a tree with those that follow it; an element is a key and where its value is.
// [File] is a file with one bucket of records, as the buffer has them; [Check] looks at files with any buckets, as the ledger is.
//
// What is read is believed only as far as it says where things are. That a value is what was written is for whoever wrote it to check.
package pages
