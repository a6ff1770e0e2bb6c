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

// about is what a route is about, in the words of the ledger. told says that it is noted too when somebody else than the person
// did it; decisions have entries of their own. A route that is not here is open to everyone and noted for nobody.
func about(path string) (what string, told bool) {
	switch path {
	case "/v1/preview":
		return "see the next upload", true
	case "/v1/buffer/export":
		return "take what waits in the buffer", true
	case "/v1/uplink/test":
		return "send a test message", true
	case "/v1/uplink/retry":
		return "offer refused uploads again", true
	case "/v1/live":
		return "see live values", true
	case "/v1/sent/copy":
		return "see what an upload said", true
	case "/v1/export":
		return "take the person's data", true
	case "/v1/ledger/export":
		return "take the ledger", true
	case "/v1/consent", "/v1/service", "/v1/charter", "/v1/moment", "/v1/senses":
		return "see what was agreed to", false
	case "/v1/sent", "/v1/deletions":
		return "see what left", false
	case "/v1/consent/{purpose}/grant":
		return "say yes", false
	case "/v1/consent/{purpose}/withdraw":
		return "take a yes back", false
	case "/v1/consent/{purpose}/refuse":
		return "say no", false
	case "/v1/service/{name}/on":
		return "switch a service on", false
	case "/v1/service/{name}/off":
		return "switch a service off", false
	case "/v1/ledger":
		return "see the ledger", false
	case "/v1/ledger/verify":
		return "verify the ledger", false
	case "/v1/sheet":
		return "see the hand-over sheet", false
	case "/v1/erase":
		return "erase", false
	case "/v1/transfer":
		return "make the object another's", false
	case "/v1/pair":
		return "open the page", false
	case "/v1/unpair":
		return "close the page", false
	case "/v1/pause":
		return "pause", false
	case "/v1/resume":
		return "end a pause", false
	}
	return "", false
}

// witness tells of what was done or refused at a route.
func (s *server) witness(role Role, path string, refused bool) {
	if what, told := about(path); what != "" && (told || refused) {
		s.tell(role, what, refused)
	}
}

// tell tells of an act, unless the person did it: the ledger is hers, and she needs no record of what she asked for.
func (s *server) tell(role Role, what string, refused bool) {
	if role == "" {
		role = "nobody"
	}
	if role != Person {
		s.backend.Witness(Act{role, what, refused})
	}
}
