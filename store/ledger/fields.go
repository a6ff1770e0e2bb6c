package ledger

// The fields of what is stored, each with the number of its key. A field is either always there (required), or there exactly
// when it is not empty (optional): an empty one in the file is another encoding of the same and is refused.
const (
	required = true
	optional = false
)

// text is a text.
func (p *pass) text(key uint64, v *string, required bool) {
	if p.key(key, required || *v != "", required) {
		p.word(v)
		p.filled(required || *v != "")
	}
}

// filled refuses a field that was read and is empty, though it is optional.
func (p *pass) filled(ok bool) {
	if !ok {
		p.fail(errNotCanonical)
	}
}

// texts is a list of texts that is optional.
func (p *pass) texts(key uint64, v *[]string) {
	if !p.key(key, len(*v) > 0, optional) {
		return
	}
	n := p.list(len(*v))
	p.filled(n > 0)
	for i := 0; i < n && p.err == nil; i++ {
		if p.reading {
			*v = append(*v, "")
		}
		p.word(&(*v)[i])
	}
}

// bytes is a byte string that is optional.
func (p *pass) bytes(key uint64, v *[]byte) {
	if !p.key(key, len(*v) > 0, optional) {
		return
	}
	if !p.reading {
		p.b = appendHead(p.b, majorBytes>>5, len(*v), *v)
		return
	}
	*v = append([]byte(nil), p.span(majorBytes)...)
	p.filled(len(*v) > 0)
}

// fixed is a byte string of the length of v, always there, zeros too.
func (p *pass) fixed(key uint64, v []byte) {
	if !p.key(key, true, required) {
		return
	}
	if !p.reading {
		p.b = appendHead(p.b, majorBytes>>5, len(v), v)
		return
	}
	s := p.span(majorBytes)
	p.filled(len(s) == len(v))
	copy(v, s)
}

// flag is true when it is there.
func (p *pass) flag(key uint64, v *bool) {
	if !p.key(key, *v, optional) {
		return
	}
	if !p.reading {
		p.b = append(p.b, itemTrue)
		return
	}
	if p.at >= len(p.b) {
		p.fail(errCut)
		return
	}
	p.filled(p.b[p.at] == itemTrue)
	p.at++
	*v = true
}

// number is an integer without a sign.
func number[T ~uint8 | ~uint32 | ~uint64](p *pass, key uint64, v *T, required bool) {
	if n := uint64(*v); p.unsigned(key, &n, required) {
		if *v = T(n); uint64(*v) != n {
			p.fail(errRange)
		}
	}
}

// unsigned says whether v was read.
func (p *pass) unsigned(key uint64, v *uint64, required bool) bool {
	if !p.key(key, required || *v != 0, required) {
		return false
	}
	if !p.reading {
		p.b = appendLength(p.b, majorUint, *v)
		return false
	}
	*v = p.want(majorUint)
	p.filled(required || *v != 0)
	return p.err == nil
}

// integer is an integer with a sign.
func integer[T ~int | ~int64](p *pass, key uint64, v *T, required bool) {
	if n := int64(*v); p.signed(key, &n, required) {
		if *v = T(n); int64(*v) != n {
			p.fail(errRange)
		}
	}
}

// signed says whether v was read.
func (p *pass) signed(key uint64, v *int64, required bool) bool {
	if !p.key(key, required || *v != 0, required) {
		return false
	}
	if !p.reading {
		// The argument of a negative number n is -1-n, which is n with every bit turned over.
		if *v < 0 {
			p.b = appendLength(p.b, majorNint, uint64(^*v))
		} else {
			p.b = appendLength(p.b, majorUint, uint64(*v))
		}
		return false
	}
	major, n := p.head()
	switch {
	case p.err != nil:
	case n > 1<<63-1:
		p.fail(errRange)
	case major == majorUint:
		*v = int64(n)
		p.filled(required || n != 0)
	case major == majorNint:
		*v = ^int64(n)
	default:
		p.fail(errNotCanonical)
	}
	return p.err == nil
}

func (e *entry) fields(p *pass) {
	number(p, 1, &e.Version, required)
	number(p, 2, &e.Seq, required)
	integer(p, 3, &e.Time, required)
	number(p, 4, &e.Kind, required)
	number(p, 5, &e.Grant, required)
	p.fixed(6, e.Commit[:])
	p.fixed(7, e.Prev[:])
	p.bytes(8, &e.Key)
	p.flag(9, &e.Lost)
}

func (b *body) fields(p *pass) {
	p.text(1, &b.Text, optional)
	p.text(2, &b.Role, optional)
	p.text(3, &b.OnBehalf, optional)
	p.text(4, &b.Channel, optional)
	p.text(5, &b.Purpose, optional)
	p.text(6, &b.Recipient, optional)
	number(p, 7, &b.PolicyVersion, optional)
	p.bytes(8, &b.Digest)
	integer(p, 9, &b.When, optional)
	if p.key(11, b.Answer != nil, optional) {
		if p.reading {
			b.Answer = new(Answer)
		}
		p.mapping(b.Answer)
	}
	if p.key(12, len(b.Erased) > 0, optional) {
		p.numbers(&b.Erased)
	}
	if p.key(13, b.Cut != nil, optional) {
		if p.reading {
			b.Cut = new(cutTail)
		}
		p.mapping(b.Cut)
	}
}

// numbers is a list that is not empty, without its key.
func (p *pass) numbers(v *[]uint64) {
	n := p.list(len(*v))
	p.filled(n > 0)
	for i := 0; i < n && p.err == nil; i++ {
		if p.reading {
			*v = append(*v, p.want(majorUint))
		} else {
			p.b = appendLength(p.b, majorUint, (*v)[i])
		}
	}
}

func (c *cutTail) fields(p *pass) {
	number(p, 1, &c.Count, required)
	p.fixed(2, c.Hash[:])
	number(p, 3, &c.Found, required)
}

func (v *storedStream) fields(p *pass) {
	number(p, 1, &v.Grant, required)
	p.text(2, &v.Purpose, required)
	p.text(3, &v.Recipient, optional)
	number(p, 4, &v.Epoch, required)
	p.fixed(5, v.Name[:])
	p.fixed(6, v.Plan[:])
	integer(p, 7, &v.OpenedAt, required)
	number(p, 8, &v.Flags, required)
	integer(p, 9, &v.AnnouncedAt, optional)
	integer(p, 10, &v.ClosedAt, optional)
	integer(p, 11, &v.DeletionDueAt, optional)
	integer(p, 12, &v.DeletedAt, optional)
	p.fixed(30, v.Form[:])
}

func (c *context) fields(p *pass) {
	number(p, 1, &c.Stream, required)
	p.text(2, &c.Purpose, required)
	p.text(3, &c.Recipient, required)
	p.fixed(4, c.Name[:])
	number(p, 5, &c.Epoch, required)
	p.texts(6, &c.Fields)
	p.text(7, &c.Control, optional)
}

func (t *storedTotal) fields(p *pass) {
	number(p, 1, &t.Batches, required)
	number(p, 2, &t.Rows, required)
	number(p, 3, &t.ColumnBytes, required)
	number(p, 4, &t.Controls, required)
	number(p, 5, &t.WireBytes, required)
	integer(p, 6, &t.First, required)
	integer(p, 7, &t.Last, required)
	p.text(8, &t.Purpose, required)
	number(p, 9, &t.Open, optional)
	number(p, 10, &t.OpenRows, optional)
}

func (i *exportItem) fields(p *pass) {
	p.text(1, &i.Name, optional)
	p.bytes(2, &i.Key)
	p.bytes(3, &i.Entry)
	p.bytes(4, &i.Salted)
	p.bytes(5, &i.Head)
}

func (h *exportHead) fields(p *pass) {
	number(p, 1, &h.Count, required)
	p.fixed(2, h.Hash[:])
	integer(p, 3, &h.When, required)
}

func (y *Party) fields(p *pass) {
	p.text(1, &y.ID, optional)
	p.text(2, &y.Name, optional)
	p.text(3, &y.Country, optional)
	p.text(4, &y.Contact, optional)
	p.text(5, &y.Role, optional)
	p.text(6, &y.Address, optional)
}

func (i *Item) fields(p *pass) {
	p.text(1, &i.Field, required)
	p.text(2, &i.Class, required)
	p.flag(3, &i.Special)
	p.flag(4, &i.Optional)
}

func (a *Answer) fields(p *pass) {
	p.text(1, &a.Purpose, required)
	p.text(2, &a.Recipient, optional)
	integer(p, 3, &a.Given, required)
	integer(p, 4, &a.Until, optional)
	p.fixed(5, a.Extent[:])
	p.fixed(6, a.Digest[:])
	number(p, 7, &a.PolicyVersion, optional)
	p.text(8, &a.Language, optional)
	p.fixed(9, a.Notice[:])
	p.text(10, &a.Channel, optional)
	p.text(11, &a.Role, optional)
	p.text(12, &a.OnBehalf, optional)
	p.fixed(13, a.ReceiptID[:])
	p.text(14, &a.Title, optional)
	p.text(15, &a.DPV, optional)
	p.text(16, &a.Access, optional)
	p.text(17, &a.Basis, optional)
	p.text(18, &a.Service, optional)
	if p.key(19, true, required) {
		p.mapping(&a.Controller)
	}
	if p.key(20, true, required) {
		p.mapping(&a.Receiver)
	}
	p.texts(21, &a.StoredIn)
	p.texts(22, &a.Onward)
	integer(p, 23, &a.RetentionDays, optional)
	p.text(24, &a.Authority, optional)
	p.texts(25, &a.Fields)
	p.text(26, &a.Withdrawal, optional)
	p.text(27, &a.Rights, optional)
	integer(p, 28, &a.BitsPerDay, optional)
	p.text(29, &a.Assurance, optional)
	p.bytes(30, &a.Terms)
	a.receipt(p)
}

// receipt are the fields from 31 on: those of a receipt that came later.
func (a *Answer) receipt(p *pass) {
	p.text(31, &a.Schema, optional)
	p.fixed(32, a.Subject[:])
	p.text(33, &a.Template, optional)
	p.text(34, &a.Jurisdiction, optional)
	p.text(35, &a.Event, optional)
	integer(p, 36, &a.DeleteBy, optional)
	p.texts(37, &a.Processing)
	p.text(38, &a.Safeguard, optional)
	p.text(39, &a.Linkability, optional)
	p.fixed(40, a.Plan[:])
	if p.key(41, len(a.Items) > 0, optional) {
		n := p.list(len(a.Items))
		p.filled(n > 0)
		for i := 0; i < n && p.err == nil; i++ {
			if p.reading {
				a.Items = append(a.Items, Item{})
			}
			p.mapping(&a.Items[i])
		}
	}
	p.bytes(42, &a.KeyMark)
}
