package ledger

import "slices"

// Item is one field of a receipt.
type Item struct {
	Field    string `cbor:"1,keyasint"`
	Class    string `cbor:"2,keyasint"`           // environment, usage, presence, location, identity, contact, health
	Special  bool   `cbor:"3,keyasint,omitempty"` // a special category (GDPR art. 9)
	Optional bool   `cbor:"4,keyasint,omitempty"` // nothing else is refused to who says no
}

// ReceiptSchema names the form of a receipt: the mandatory fields of ISO/IEC TS 27560:2023, as the W3C's DPV maps them.
const ReceiptSchema = "candor receipt 1, ISO/IEC TS 27560:2023"

// Missing names the mandatory facts of ISO/IEC TS 27560 that a receipt does not have.
func (a *Answer) Missing() (missing []string) {
	for name, there := range map[string]bool{
		"schema_version": a.Schema != "", "record_id": a.ReceiptID != [16]byte{}, "pii_principal_id": a.Subject != [16]byte{},
		"privacy_notice": a.Notice != [32]byte{}, "language": a.Language != "", "purpose": a.Purpose != "" && a.Title != "",
		"purpose_type": a.DPV != "", "lawful_basis": a.Basis != "" && a.Access != "", "pii_information": len(a.Items) > 0,
		"pii_controllers":   a.Controller.Name != "" && a.Controller.Country != "" && a.Controller.Contact != "" && a.Controller.Address != "",
		"collection_method": a.Channel != "", "storage_locations": len(a.StoredIn) > 0, "processing_locations": len(a.Processing) > 0,
		"retention_period": a.RetentionDays > 0, "recipient_third_parties": a.Receiver.Name != "" && a.Receiver.Role != "",
		"jurisdiction": a.Jurisdiction != "", "authority_party": a.Authority != "", "withdrawal_method": a.Withdrawal != "",
		"privacy_rights": a.Rights != "", "event_time": a.Given != 0, "event_type": a.Event != "", "entity": a.Role != "",
	} {
		if !there {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	return missing
}
