package control

// Act is what somebody who is not the person did at the object, or was refused. It holds no value.
//
// What root decides for the person is no act of these: receipts and entries of their own say for whom.
type Act struct {
	Role    Role   // technician, root, or "nobody": somebody whom the socket let in and who has no role
	What    string // fixed words of this package, never what a request said
	Refused bool
}

// Witness writes acts down where the person sees them. It returns when that is tried: that it could not be written undoes
// nothing and keeps nothing from being done. An act that is repeated within a day may be written once.
type Witness interface {
	Witness(Act)
}

// witness tells of an act, unless the person did it: the ledger is hers, and she needs no record of what she asked for.
func (s *server) witness(role Role, what string, refused bool) {
	if role == "" {
		role = "nobody"
	}
	if role != Person && what != "" {
		s.backend.Witness(Act{role, what, refused})
	}
}
