package wire

import (
	"crypto/ed25519"
	"unicode/utf8"
)

// Keys of an announcement. 15 stays free for padding.
const (
	keyStream    = 1
	keyEpoch     = 2
	keyKey       = 3
	keyPurpose   = 4
	keyRecipient = 5
	keyPlan      = 6
	keyTick      = 7
	keyFields    = 8
	keyGrounds   = 9
	keyRetention = 10
	keySize      = 11
	keyRows      = 12
	keyConsent   = 13
	keyErase     = 14
	keyReceipt   = 16
)

// AppendAnnouncement appends the payload of an announcement to dst, to be
// signed as [KindAnnouncement]. One that breaks the rules told at
// [Announcement] is an error and dst is returned as it was. Unit, scale, step
// and range are written for numbers only, labels for label fields only.
func AppendAnnouncement(dst []byte, a *Announcement) ([]byte, error) {
	if err := a.check(); err != nil {
		return dst, in(err, "announcement")
	}
	out := appendHead(dst, majorMap, 16)
	out = appendUint(appendUint(out, 0), Version)
	out = appendBytes(appendUint(out, keyStream), a.Stream[:])
	out = appendUint(appendUint(out, keyEpoch), a.Epoch)
	out = appendBytes(appendUint(out, keyKey), a.Key)
	out = appendText(appendUint(out, keyPurpose), a.Purpose)
	out = appendText(appendUint(out, keyRecipient), a.Recipient)
	out = appendBytes(appendUint(out, keyPlan), a.Plan[:])
	out = appendInt(appendUint(out, keyTick), a.Tick)
	out = appendArray(appendUint(out, keyFields), len(a.Groups))
	for i := range a.Groups {
		out = a.Groups[i].append(out)
	}
	out = appendArray(appendUint(out, keyGrounds), 2)
	out = appendUint(appendUint(out, uint64(a.Access)), uint64(a.Basis))
	out = appendUint(appendUint(out, keyRetention), uint64(a.RetentionDays))
	out = appendUint(appendUint(out, keySize), uint64(a.Size))
	out = appendUint(appendUint(out, keyRows), uint64(a.Rows))
	out = appendBytes(appendUint(out, keyConsent), a.Consent[:])
	out = appendBytes(appendUint(out, keyErase), a.Erase[:])
	out = appendArray(appendUint(out, keyReceipt), 4)
	out = appendBytes(out, a.Receipt.Notice[:])
	out = appendText(out, a.Receipt.Language)
	out = appendUint(appendUint(out, a.Receipt.PolicyVersion), uint64(a.Receipt.GrantDay))
	if n := SignedSize(len(out) - len(dst)); n > MaxMessage {
		return dst, &TooLargeError{Need: n, Size: MaxMessage}
	}
	return out, nil
}

func (g *Group) append(dst []byte) []byte {
	dst = appendText(appendArray(dst, 3), g.Source)
	dst = appendInt(dst, g.Window)
	dst = appendArray(dst, len(g.Fields))
	for i := range g.Fields {
		dst = g.Fields[i].append(dst)
	}
	return dst
}

func (f *FieldSpec) append(dst []byte) []byte {
	switch f.Type {
	case Number:
		dst = appendUint(appendText(appendArray(dst, 7), f.Name), uint64(f.Type))
		dst = appendInt(appendText(dst, f.Unit), int64(f.Scale))
		return appendInt(appendInt(appendInt(dst, f.Step), f.Min), f.Max)
	case Label:
		dst = appendUint(appendText(appendArray(dst, 3), f.Name), uint64(f.Type))
		dst = appendArray(dst, len(f.Labels))
		for _, l := range f.Labels {
			dst = appendText(dst, l)
		}
		return dst
	}
	return appendUint(appendText(appendArray(dst, 2), f.Name), uint64(f.Type))
}

// DecodeAnnouncement reads the payload of an announcement, as strictly as
// [DecodeBatch] reads a batch. The result shares no memory with payload.
func DecodeAnnouncement(payload []byte) (*Announcement, error) {
	a := new(Announcement)
	err := readMessage(payload, keySet(0, keyStream, keyEpoch, keyKey, keyPurpose, keyRecipient, keyPlan, keyTick,
		keyFields, keyGrounds, keyRetention, keySize, keyRows, keyConsent, keyErase, keyReceipt), 0, a.read)
	if err == nil {
		err = a.check()
	}
	if err != nil {
		return nil, in(err, "announcement")
	}
	return a, nil
}

func (a *Announcement) read(r *reader, key uint) (err error) {
	switch key {
	case keyStream:
		return r.fixed(a.Stream[:])
	case keyEpoch:
		a.Epoch, err = r.uint(MaxValue)
	case keyKey:
		a.Key = make(ed25519.PublicKey, ed25519.PublicKeySize)
		return r.fixed(a.Key)
	case keyPurpose:
		a.Purpose, err = r.text(MaxName)
	case keyRecipient:
		a.Recipient, err = r.text(MaxName)
	case keyPlan:
		return r.fixed(a.Plan[:])
	case keyTick:
		a.Tick, err = r.int(maxPeriod)
	case keyFields:
		return a.readGroups(r)
	case keyGrounds:
		return a.readGrounds(r)
	case keyRetention:
		a.RetentionDays, err = r.uint32()
	case keySize:
		a.Size, err = r.uint32()
	case keyRows:
		a.Rows, err = r.uint32()
	case keyConsent:
		return r.fixed(a.Consent[:])
	case keyErase:
		return r.fixed(a.Erase[:])
	default:
		return a.Receipt.read(r)
	}
	return err
}

func (a *Announcement) readGrounds(r *reader) error {
	if _, err := r.array(2, 2); err != nil {
		return err
	}
	access, err := r.uint(255)
	if err != nil {
		return err
	}
	basis, err := r.uint(255)
	a.Access, a.Basis = Ground(access), Ground(basis)
	return err
}

func (p *Receipt) read(r *reader) (err error) {
	if _, err = r.array(4, 4); err != nil {
		return err
	}
	if err = r.fixed(p.Notice[:]); err != nil {
		return err
	}
	if p.Language, err = r.text(MaxLanguage); err != nil {
		return err
	}
	if p.PolicyVersion, err = r.uint(MaxValue); err != nil {
		return err
	}
	p.GrantDay, err = r.uint32()
	return err
}

func (a *Announcement) readGroups(r *reader) error {
	n, err := r.array(1, MaxColumns)
	if err != nil {
		return err
	}
	fields := 0
	for i := range n {
		var g Group
		if err := g.read(r); err != nil {
			return inN(err, "group", i)
		}
		if fields += len(g.Fields); fields > MaxColumns {
			return inN(r.fail(ErrLimit, "more than %d fields", MaxColumns), "group", i)
		}
		a.Groups = append(a.Groups, g)
	}
	return nil
}

func (g *Group) read(r *reader) (err error) {
	if _, err = r.array(3, 3); err != nil {
		return err
	}
	if g.Source, err = r.text(MaxName); err != nil {
		return err
	}
	if g.Window, err = r.int(maxPeriod); err != nil {
		return err
	}
	n, err := r.array(1, MaxColumns)
	if err != nil {
		return err
	}
	for i := range n {
		var f FieldSpec
		if err := f.read(r); err != nil {
			return inN(err, "field", i)
		}
		g.Fields = append(g.Fields, f)
	}
	return nil
}

func (f *FieldSpec) read(r *reader) error {
	at := r.pos
	parts, err := r.array(2, 7)
	if err != nil {
		return err
	}
	if f.Name, err = r.text(MaxName); err != nil {
		return err
	}
	typ, err := r.uint(255)
	if err != nil {
		return err
	}
	f.Type = Type(typ)
	want := map[Type]int{Number: 7, Boolean: 2, Pseudonym: 2, Label: 3}[f.Type]
	if parts != want {
		r.pos = at
		return r.fail(ErrValue, "%d parts do not fit type %s", parts, f.Type)
	}
	switch f.Type {
	case Number:
		return f.readNumber(r)
	case Label:
		return f.readLabels(r)
	case Boolean:
		f.Step, f.Max = 1, 1
	}
	return nil
}

func (f *FieldSpec) readNumber(r *reader) (err error) {
	if f.Unit, err = r.text(MaxUnit); err != nil {
		return err
	}
	scale, err := r.uint(MaxScale)
	if err != nil {
		return err
	}
	f.Scale = int(scale)
	for _, v := range [...]*int64{&f.Step, &f.Min, &f.Max} {
		if *v, err = r.int(MaxValue); err != nil {
			return err
		}
	}
	return nil
}

func (f *FieldSpec) readLabels(r *reader) error {
	n, err := r.array(1, MaxLabels)
	if err != nil {
		return err
	}
	for range n {
		l, err := r.text(MaxToken)
		if err != nil {
			return err
		}
		f.Labels = append(f.Labels, l)
	}
	return nil
}

func checkText(s string, lo, hi int) error {
	if len(s) < lo || len(s) > hi {
		return faultf(ErrLimit, "a text of %d bytes, allowed are %d to %d", len(s), lo, hi)
	}
	if !utf8.ValidString(s) {
		return faultf(ErrForm, "text is not UTF-8")
	}
	return nil
}

// validName says whether a name may stand in SenML, RFC 8428 section 4.5.1.
func validName(s string) bool {
	if len(s) == 0 || len(s) > MaxName {
		return false
	}
	for i, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || c != '-' && c != ':' && c != '.' && c != '/' && c != '_') {
			return false
		}
	}
	return true
}
