package ledger

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// Kind is what an entry of the chain is about. The numbers are part of the file format.
type Kind uint8

// The kinds of entries.
const (
	Began     Kind = 1  // the chain begins, or goes on under a new key
	Given     Kind = 2  // a yes
	Refused   Kind = 3  // an explicit no
	Withdrawn Kind = 4  // a yes was taken back
	Expired   Kind = 5  // a yes lapsed to no
	Replaced  Kind = 6  // a yes was answered anew, with another extent
	Policy    Kind = 7  // a policy or charter was accepted or refused
	Gap       Kind = 8  // something was lost: buffered rows, a tail of this ledger
	Incident  Kind = 9  // something happened to the object's security
	Act       Kind = 10 // a privileged act, by root or a technician
	Erased    Kind = 11 // bodies of earlier entries were erased
	Paused    Kind = 12 // nothing leaves from here on, by whomever: the entry names nobody but root
	Resumed   Kind = 13 // it may leave again
	Destroyed Kind = 14 // the person had keys destroyed, and with them what they seal
	Paired    Kind = 15 // the object was handed over: its page was opened with a code for the first time
)

func kindNames() []string {
	return []string{"", "began", "given", "refused", "withdrawn", "expired", "replaced", "policy", "gap", "incident", "act", "erased",
		"paused", "resumed", "destroyed", "paired"}
}

// String is the kind in the words of `candor ledger show`.
func (k Kind) String() string {
	if names := kindNames(); k > 0 && int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// plain says whether entries of this kind hold no answer and no key, and are written by [Ledger.Record].
func (k Kind) plain() bool {
	return k == Policy || k == Gap || k == Incident || k == Act || k >= Paused && k <= Paired
}

const (
	entryVersion = 2
	saltSize     = 32
)

// entry is a link of the chain. It says nothing that would have to be erased: what it is about is in its body.
type entry struct {
	Version uint8             `cbor:"1,keyasint"`
	Seq     uint64            `cbor:"2,keyasint"`
	Time    int64             `cbor:"3,keyasint"` // milliseconds since 1970
	Kind    Kind              `cbor:"4,keyasint"`
	Grant   consent.GrantID   `cbor:"5,keyasint"`
	Commit  [sha256.Size]byte `cbor:"6,keyasint"`
	Prev    [sha256.Size]byte `cbor:"7,keyasint"`
	Key     []byte            `cbor:"8,keyasint,omitempty"` // Began: the public key that signs this and what follows
	Lost    bool              `cbor:"9,keyasint,omitempty"` // Began: the bodies before it were sealed under keys that are gone
}

// body is what an entry says.
type body struct {
	Text          string         `cbor:"1,keyasint,omitempty"`
	Role          string         `cbor:"2,keyasint,omitempty"`
	OnBehalf      string         `cbor:"3,keyasint,omitempty"`
	Channel       string         `cbor:"4,keyasint,omitempty"`
	Purpose       string         `cbor:"5,keyasint,omitempty"`
	Recipient     string         `cbor:"6,keyasint,omitempty"`
	PolicyVersion uint64         `cbor:"7,keyasint,omitempty"`
	Digest        []byte         `cbor:"8,keyasint,omitempty"`
	When          sensors.Micros `cbor:"9,keyasint,omitempty"`
	Answer        *Answer        `cbor:"11,keyasint,omitempty"` // Given, Refused
	Erased        []uint64       `cbor:"12,keyasint,omitempty"` // Erased: the entries concerned
	Cut           *cutTail       `cbor:"13,keyasint,omitempty"` // Gap: the tail was cut
}

// clean makes the texts of a body valid: a withdrawal does not fail for what somebody typed.
func (b *body) clean() {
	for _, s := range []*string{&b.Text, &b.Role, &b.OnBehalf, &b.Channel, &b.Purpose, &b.Recipient} {
		if len(*s) > maxText {
			*s = (*s)[:maxText]
		}
		*s = strings.ToValidUTF8(*s, "")
	}
}

// cutTail is a tail that was shorter, or another one, than the keys remember.
type cutTail struct {
	Count uint64            `cbor:"1,keyasint"` // entries that there once were
	Hash  [sha256.Size]byte `cbor:"2,keyasint"` // of the last of them
	Found uint64            `cbor:"3,keyasint"` // entries that there were on opening
}

// millis is the time an entry carries.
func millis(m sensors.Micros) int64 { return int64(m.Floor(sensors.Millisecond) / sensors.Millisecond) }

// commitment binds an entry to its body. The salt has a fixed length, so the two can't be confused.
func commitment(salted []byte) [sha256.Size]byte { return sha256.Sum256(salted) }

// sealEntry is the entry as it is stored and signed.
func sealEntry(e entry, key ed25519.PrivateKey) ([]byte, error) {
	b, err := encode(&e)
	if err != nil {
		return nil, err
	}
	return sign1(key, entryType, b), nil
}

// openEntry takes a stored entry apart without checking its signature.
func openEntry(stored []byte) (e entry, err error) {
	payload, _, err := split(entryType, stored)
	if err != nil {
		return entry{}, err
	}
	if err := decode(payload, &e); err != nil {
		return entry{}, err
	}
	if e.Version != entryVersion {
		return entry{}, fmt.Errorf("entry version %d, this program reads %d", e.Version, entryVersion)
	}
	return e, nil
}

// signedBy says whether the stored entry's signature is the key's.
func signedBy(key ed25519.PublicKey, stored []byte) bool {
	_, ok := verified(key, entryType, stored)
	return ok
}
