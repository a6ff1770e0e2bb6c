package wire

import (
	"crypto/ed25519"
	"crypto/sha256"
	"strconv"
)

// Announcement says once per stream and epoch what the batches of that stream
// mean and on what ground they are sent. It is signed with Key. Whatever
// changes in it closes the stream: a new one gets a fresh name and key.
type Announcement struct {
	Stream    StreamID
	Epoch     uint64            // at most MaxValue
	Key       ed25519.PublicKey // verifies every message of the stream
	Purpose   string            // id in the policy, 1 to MaxName bytes
	Recipient string            // id in the policy, 1 to MaxName bytes
	Plan      [32]byte          // digest of this purpose's compiled rules
	Tick      int64             // the finest time that leaves, microseconds, at least 1
	Groups    []Group           // at least one

	Access        Ground // GroundConsent or GroundStrictlyNecessary
	Basis         Ground // a ground of GDPR art. 6, not GroundStrictlyNecessary
	RetentionDays uint32 // how long the recipient may keep a row

	// Size is the length every signed upload of the stream has, in bytes, as
	// given to Encoder.AppendBatch; 0 when an upload is as long as it is.
	// Sealing adds Suite.Overhead to it.
	Size uint32
	Rows uint32 // how many rows an upload has room for; 0 when not fixed

	Consent [32]byte // blinded commitment to the consent receipt
	Erase   [32]byte // SHA-256 of the erase capability, see Deletion
	Receipt Receipt
}

// Receipt is the part of the consent receipt that identifies nobody.
type Receipt struct {
	Notice        [32]byte // digest of the exact notice shown
	Language      string   // its language tag, 1 to MaxLanguage bytes
	PolicyVersion uint64   // at most MaxValue
	GrantDay      uint32   // day number since 1970-01-01
}

// Group announces the rows of one source.
type Group struct {
	Source string // 1 to MaxName bytes
	// Window is the length of an aggregation window, microseconds; 0 when a
	// row is one reading. It divides Tick or is a multiple of it.
	Window int64
	Fields []FieldSpec // at least one
}

// FieldSpec announces one column.
type FieldSpec struct {
	Name string // unique in the announcement; letters, digits and - : . / _ as in SenML, starting with a letter or digit
	Type Type

	// Of numbers only. A value v is sent as n = v * 10^Scale; it is a
	// multiple of Step between Min and Max, all three in the same scale.
	Unit     string   // SenML unit (RFC 8428 section 12.1), may be empty
	Scale    int      // 0 to MaxScale
	Step     int64    // at least 1; decoded booleans have 1
	Min, Max int64    // at most MaxValue in size; decoded booleans have 0 and 1
	Labels   []string // of labels only: 1 to MaxLabels, distinct, 1 to MaxToken bytes each
}

// Type is what a column holds.
type Type uint8

// The types.
const (
	Number    Type = 0 // integers in the field's scale
	Boolean   Type = 1 // 0 or 1
	Pseudonym Type = 2 // tokens of 16 bytes that mean nothing elsewhere
	Label     Type = 3 // tokens out of the declared texts
)

// String returns the type's name.
func (t Type) String() string {
	switch t {
	case Number:
		return "number"
	case Boolean:
		return "boolean"
	case Pseudonym:
		return "pseudonym"
	case Label:
		return "label"
	}
	return "type " + strconv.Itoa(int(t))
}

// tokens says whether columns of this type hold tokens.
func (t Type) tokens() bool { return t == Pseudonym || t == Label }

// Ground is a legal ground, of access (ePrivacy) or of use (GDPR art. 6).
type Ground uint8

// The grounds. Zero is none, so that a forgotten one can't pass.
const (
	GroundConsent             Ground = 1
	GroundStrictlyNecessary   Ground = 2
	GroundContract            Ground = 3
	GroundLegalObligation     Ground = 4
	GroundVitalInterests      Ground = 5
	GroundPublicTask          Ground = 6
	GroundLegitimateInterests Ground = 7
)

// String returns the ground as policies write it.
func (g Ground) String() string {
	switch g {
	case GroundConsent:
		return "consent"
	case GroundStrictlyNecessary:
		return "strictly-necessary"
	case GroundContract:
		return "contract"
	case GroundLegalObligation:
		return "legal-obligation"
	case GroundVitalInterests:
		return "vital-interests"
	case GroundPublicTask:
		return "public-task"
	case GroundLegitimateInterests:
		return "legitimate-interests"
	}
	return "ground " + strconv.Itoa(int(g))
}

// ParseGround reads what String wrote.
func ParseGround(text string) (Ground, error) {
	for g := GroundConsent; g <= GroundLegitimateInterests; g++ {
		if g.String() == text {
			return g, nil
		}
	}
	return 0, faultf(ErrValue, "no ground is called %q", text)
}

// access and basis say for what a ground may stand.
func (g Ground) access() bool { return g == GroundConsent || g == GroundStrictlyNecessary }
func (g Ground) basis() bool {
	return g >= GroundConsent && g <= GroundLegitimateInterests && g != GroundStrictlyNecessary
}

// AnnouncementDigest is the name batches use for an announcement: the first 16
// bytes of SHA-256 over its payload, the bytes that were signed.
func AnnouncementDigest(payload []byte) [16]byte {
	sum := sha256.Sum256(payload)
	return [16]byte(sum[:16])
}

// Digest is [AnnouncementDigest] of the announcement as this package encodes
// it. A receiver uses AnnouncementDigest on what it received, since that may
// carry keys this version doesn't know.
func (a *Announcement) Digest() ([16]byte, error) {
	payload, err := AppendAnnouncement(nil, a)
	if err != nil {
		return [16]byte{}, err
	}
	return AnnouncementDigest(payload), nil
}

// check says whether the announcement can be written and read as it is.
func (a *Announcement) check() error {
	switch {
	case len(a.Key) != ed25519.PublicKeySize:
		return faultf(ErrValue, "a public key has %d bytes, found %d", ed25519.PublicKeySize, len(a.Key))
	case a.Epoch > MaxValue || a.Receipt.PolicyVersion > MaxValue:
		return faultf(ErrLimit, "epoch and policy version reach to %d", int64(MaxValue))
	case a.Tick < 1 || a.Tick > maxPeriod:
		return faultf(ErrValue, "a tick is 1 to %d microseconds", int64(maxPeriod))
	case !a.Access.access() || !a.Basis.basis():
		return faultf(ErrValue, "access %s with basis %s", a.Access, a.Basis)
	case a.Size > MaxMessage || a.Rows > MaxRows:
		return faultf(ErrLimit, "a size reaches to %d bytes and %d rows", MaxMessage, MaxRows)
	case len(a.Groups) == 0:
		return faultf(ErrValue, "no group")
	}
	for _, s := range [...]struct {
		what, text string
		limit      int
	}{{"purpose", a.Purpose, MaxName}, {"recipient", a.Recipient, MaxName}, {"language", a.Receipt.Language, MaxLanguage}} {
		if err := checkText(s.text, 1, s.limit); err != nil {
			return in(err, s.what)
		}
	}
	names, columns := make(map[string]bool), 0
	for i := range a.Groups {
		if columns += len(a.Groups[i].Fields); columns > MaxColumns {
			return faultf(ErrLimit, "more than %d fields", MaxColumns)
		}
		if err := a.Groups[i].check(a.Tick, names); err != nil {
			return inN(err, "group", i)
		}
	}
	return nil
}

func (g *Group) check(tick int64, names map[string]bool) error {
	if err := checkText(g.Source, 1, MaxName); err != nil {
		return in(err, "source")
	}
	if g.Window < 0 || g.Window > maxPeriod {
		return faultf(ErrValue, "a window is 0 to %d microseconds", int64(maxPeriod))
	}
	if g.Window > 0 && g.Window%tick != 0 && tick%g.Window != 0 {
		return faultf(ErrValue, "neither of window and tick is a multiple of the other")
	}
	if len(g.Fields) == 0 {
		return faultf(ErrValue, "no field")
	}
	for i := range g.Fields {
		f := &g.Fields[i]
		if err := f.check(); err != nil {
			return inN(err, "field", i)
		}
		if names[f.Name] {
			return inN(faultf(ErrValue, "%s is there twice", f.Name), "field", i)
		}
		names[f.Name] = true
	}
	return nil
}

func (f *FieldSpec) check() error {
	if !validName(f.Name) {
		return faultf(ErrValue, "a name has 1 to %d letters, digits and - : . / _ and begins with a letter or digit", MaxName)
	}
	switch f.Type {
	case Boolean, Pseudonym:
		return nil
	case Label:
		return f.checkLabels()
	case Number:
	default:
		return faultf(ErrValue, "no type %d", f.Type)
	}
	if err := checkText(f.Unit, 0, MaxUnit); err != nil {
		return in(err, "unit")
	}
	if f.Scale < 0 || f.Scale > MaxScale {
		return faultf(ErrValue, "a scale is 0 to %d", MaxScale)
	}
	if f.Min < -MaxValue || f.Max > MaxValue || f.Min > f.Max {
		return faultf(ErrValue, "the range is empty or reaches beyond %d", int64(MaxValue))
	}
	if f.Step < 1 || f.Step > MaxValue {
		return faultf(ErrValue, "a step is 1 to %d", int64(MaxValue))
	}
	return nil
}

func (f *FieldSpec) checkLabels() error {
	if len(f.Labels) == 0 || len(f.Labels) > MaxLabels {
		return faultf(ErrLimit, "a label field declares 1 to %d labels", MaxLabels)
	}
	seen := make(map[string]bool, len(f.Labels))
	for i, l := range f.Labels {
		if err := checkText(l, 1, MaxToken); err != nil {
			return inN(err, "label", i)
		}
		if seen[l] {
			return inN(faultf(ErrValue, "is there twice"), "label", i)
		}
		seen[l] = true
	}
	return nil
}
