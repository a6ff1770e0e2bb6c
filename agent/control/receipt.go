package control

import "time"

// Receipt is the proof of an answer, with the names that ISO/IEC TS 27560:2023 has for its facts; names with a "candor_" before them are
// of ours.
type Receipt struct {
	SchemaVersion string   `json:"schema_version"`
	RecordID      string   `json:"record_id"`        // UUID
	Principal     string   `json:"pii_principal_id"` // random, for this controller only
	Notice        string   `json:"privacy_notice"`   // SHA-256 of the notice shown, hex
	Template      string   `json:"candor_notice_template"`
	Language      string   `json:"language"`
	Purpose       string   `json:"purpose"`
	Title         string   `json:"purpose_title"`
	PurposeType   string   `json:"purpose_type"`          // term of the Data Privacy Vocabulary
	LawfulBasis   string   `json:"lawful_basis"`          // GDPR art. 6
	Access        string   `json:"candor_access_ground"`  // ePrivacy art. 5(3)
	Service       string   `json:"candor_service"`        // that a strictly necessary purpose serves
	Information   []Item   `json:"pii_information"`       // what leaves
	Fields        []string `json:"candor_fields"`         // in words
	Collection    string   `json:"collection_method"`     // where what leaves comes from
	Controller    Party    `json:"pii_controller"`        //
	Recipient     Party    `json:"recipient_third_party"` //
	Onward        []string `json:"candor_onward"`
	StoredIn      []string `json:"storage_locations"`
	Processing    []string `json:"processing_locations"`
	Safeguard     string   `json:"candor_transfer_safeguard"`
	Retention     int      `json:"retention_days"`
	DeleteBy      string   `json:"candor_delete_by"` // date, or "" with no end
	Jurisdiction  string   `json:"jurisdiction"`
	Authority     string   `json:"authority_party"`
	Withdrawal    string   `json:"withdrawal_method"`
	Rights        string   `json:"privacy_rights"`

	Event     string    `json:"event_type"` // explicit
	State     string    `json:"event_state"`
	Time      time.Time `json:"event_time"`
	Until     time.Time `json:"validity_until,omitzero"`
	Entity    string    `json:"entity"` // the role that answered
	Channel   string    `json:"candor_channel"`
	OnBehalf  string    `json:"candor_on_behalf"`
	Policy    uint64    `json:"candor_policy_version"`
	Rules     string    `json:"candor_rules"` // digest of the compiled rules, hex
	Plan      string    `json:"candor_plan"`  // digest of all rules in force then, hex
	Bits      int       `json:"candor_bits_a_day"`
	Link      string    `json:"candor_linkability"`
	Assurance string    `json:"candor_erasure_assurance"`
	Missing   []string  `json:"candor_missing,omitempty"` // facts that the policy does not state
}

// ActReceipt is the proof of something that was done and is no answer: a pause and its end, a withdrawal, an erasure, an export, the page that
// was opened. Names are those of ISO/IEC TS 27560:2023 where it has one. Signed proves the rest: it is an entry of the ledger,
// COSE_Sign1 by the key that `candor ledger verify` prints, and holds the SHA-256 of Body.
type ActReceipt struct {
	SchemaVersion string    `json:"schema_version"`
	RecordID      string    `json:"record_id"`   // UUID (RFC 9562, version 8), from the hash of the entry
	Event         string    `json:"event_type"`  // explicit: somebody did it
	State         string    `json:"event_state"` // the kind of the entry
	Time          time.Time `json:"event_time"`
	Entity        string    `json:"entity,omitempty"` // the role; a pause has none, since it is nobody's business who paused
	Channel       string    `json:"candor_channel,omitempty"`
	OnBehalf      string    `json:"candor_on_behalf,omitempty"`
	Purpose       string    `json:"purpose,omitempty"`
	What          string    `json:"candor_what,omitempty"`
	Assurance     string    `json:"candor_erasure_assurance,omitempty"` // of what was destroyed
	Signed        []byte    `json:"candor_signed"`
	Body          []byte    `json:"candor_body,omitempty"`
}

// Item is one field of a receipt.
type Item struct {
	Field    string `json:"pii_type"`
	Class    string `json:"candor_class"`
	Special  bool   `json:"sensitive_pii_category"`
	Optional bool   `json:"pii_optional"`
}

// Party is a legal entity of a receipt.
type Party struct {
	Name    string `json:"party_name"`
	Country string `json:"party_country"`
	Contact string `json:"party_contact"`
	Address string `json:"party_address"`
	Role    string `json:"party_role"`
}
