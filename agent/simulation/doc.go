// Package simulation lets whole agents live for years in minutes and holds them to what Candor promises all along.
// Everything in it but this text is a test; RELIABILITY.md says what was tried, how often, and how to run it again.
package simulation
