// Package charter says what the object does with a person's data, in French and in English, and says nothing that it can't
// stand for.
//
// A [Document] is made of fragments. Each has one of three voices: what this object guarantees, what the maker promises and
// nobody can check from here, and what the law gives. Each stands in tables.txt as a claim: two texts and a predicate over the
// compiled plan and the [State] of the object (FRAGMENTS.md lists them with the predicates in words). The texts are reached
// through the predicate alone: it hands over the facts that fill them, and where it has none, the fragment is refused with the
// reason instead of printed.
//
// The promise: a sentence that the rules in force don't bear out is not printed; no sentence is there in one language only;
// a change of a rule changes both. [Notice] is what a person is told before an answer, [Digest] names its exact text for the
// receipt. A notice rests on the policy, the compiled rules and the route alone, never on what the person decided elsewhere, so that
// its digest tells a recipient nothing of that.
//
// The package is pure: no clock, no I/O, no randomness. Everything may be called by any number of goroutines at once.
//
// Caveats: "guarantees" means that this program does so; whoever has root on the object can change the program. What could be
// guessed from data is the judgement of this package's authors by class and form, not a proof.
package charter
