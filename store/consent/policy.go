package consent

import (
	"github.com/candor-edge/candor/tinyconf"
)

// Policy is what a controller offers: policy.toml as read and found well-formed. It grants nothing.
type Policy struct {
	Version    uint64      `toml:"version" conf:"required"`
	Controller Controller  `toml:"controller"`
	Recipients []Recipient `toml:"recipient"`
	Purposes   []Offer     `toml:"purpose"`
}

// Controller is the legal entity that decides why and how (GDPR art. 4(7)).
type Controller struct {
	Name      string `toml:"name" conf:"required"`
	Country   string `toml:"country"` // ISO 3166-1 alpha-2
	Contact   string `toml:"contact"` // of the data protection officer
	Address   string `toml:"address"`
	Authority string `toml:"authority"` // the supervisory authority one can complain to, "CNIL"
}

// Recipient is the legal entity that gets the data (GDPR art. 4(9)).
type Recipient struct {
	ID       string   `toml:"id" conf:"required"`
	Name     string   `toml:"name" conf:"required"`
	Country  string   `toml:"country"`
	Role     string   `toml:"role"` // controller | joint-controller | processor | third-party
	StoredIn []string `toml:"stored_in"`
	Onward   []string `toml:"onward"` // whom they pass it on to; empty: nobody
	Contact  string   `toml:"contact"`

	Safeguard   string `toml:"safeguard"`   // of a transfer out of the European Economic Area (GDPR art. 13(1)(f))
	Linkability string `toml:"linkability"` // what the policy claims: L0, L1 or L2; "" claims nothing
}

// Offer is one [[purpose]] of a policy.
type Offer struct {
	ID        string             `toml:"id" conf:"required"`
	Title     tinyconf.Localized `toml:"title" conf:"required"`
	Why       tinyconf.Localized `toml:"why"`
	Benefit   tinyconf.Localized `toml:"benefit"`
	Otherwise tinyconf.Localized `toml:"otherwise"`              // what happens without it (GDPR art. 13(2)(e))
	Interest  tinyconf.Localized `toml:"interest"`               // the legitimate interest pursued (art. 13(1)(d))
	Logic     tinyconf.Localized `toml:"logic"`                  // how a profile is made and what follows (art. 13(2)(f))
	DPV       string             `toml:"dpv"`                    // term of the W3C Data Privacy Vocabulary
	Access    string             `toml:"access" conf:"required"` // ePrivacy ground: consent | strictly-necessary
	Service   string             `toml:"service"`                // the service a strictly necessary purpose serves
	Basis     string             `toml:"basis" conf:"required"`  // GDPR art. 6 ground
	Recipient string             `toml:"recipient" conf:"required"`
	Retention tinyconf.Duration  `toml:"retention" conf:"required"` // at the recipient, whole days
	Time      tinyconf.Duration  `toml:"time" conf:"required"`      // finest time that leaves
	Upload    tinyconf.Duration  `toml:"upload"`                    // schedule; default: time
	Room      *Room              `toml:"room"`
	Cover     *bool              `toml:"cover"`   // with a room: an empty upload when there is nothing to send; default true
	Epoch     tinyconf.Duration  `toml:"epoch"`   // whole days; default 30d
	Expires   tinyconf.Duration  `toml:"expires"` // default 365d
	Tags      []string           `toml:"tags"`    // marketing, profiling, data-sale …
	Rules     []Rule             `toml:"rule"`
}

// covered tells whether the purpose sends empty uploads when there is nothing, so that their number tells nothing either.
func (o *Offer) covered() bool { return o.Room != nil && (o.Cover == nil || *o.Cover) }

// Room is the constant size of every upload of a purpose.
type Room struct {
	Rows  int `toml:"rows" conf:"required"`
	Bytes int `toml:"bytes" conf:"required"`
}

// Rule is one [[purpose.rule]]: what happens to one field for one purpose.
type Rule struct {
	Field  string             `toml:"field" conf:"required"`
	Action string             `toml:"action" conf:"required"`
	Window tinyconf.Duration  `toml:"window"` // mean, min, max, sum, count
	Round  *tinyconf.Decimal  `toml:"round"`  // step in the field's unit; `step` is the same key
	Step   *tinyconf.Decimal  `toml:"step"`
	Min    *tinyconf.Decimal  `toml:"min"` // clamp
	Max    *tinyconf.Decimal  `toml:"max"`
	Edges  []tinyconf.Decimal `toml:"edges"`  // bucket
	Labels []string           `toml:"labels"` // keep, for tokens: every text that may leave
	Least  int                `toml:"least"`  // windows: fewer values than this say nothing

	Coverage   int               `toml:"least_coverage"` // windows: watched for fewer quarters than this, 1 to 4, they say nothing
	Threshold  *tinyconf.Decimal `toml:"threshold"`      // threshold: on from this value up
	Hysteresis *tinyconf.Decimal `toml:"hysteresis"`     // threshold: off again only below threshold minus this
	Level      int               `toml:"level"`          // grid: from 1, the coarsest, to 9
}

// Charter is the maker's promises as ceilings: charter.toml. The zero value promises nothing.
type Charter struct {
	Version        uint64            `toml:"version" conf:"required"`
	Never          []string          `toml:"never"`          // classes or fields that leave in no form
	NeverReadable  []string          `toml:"never_readable"` // fields or classes that leave at most as a pseudonym or a count
	MaxRetention   tinyconf.Duration `toml:"max_retention"`
	MaxBits        int64             `toml:"max_bits_per_day"`          // a purpose; 0: no ceiling
	MaxBitsPresent int64             `toml:"max_bits_per_day_presence"` // a purpose, of fields that tell who is at home; 0: no ceiling

	MaxBitsRecipient int64 `toml:"max_bits_per_day_recipient"` // all purposes of one recipient together; 0: no ceiling
}
