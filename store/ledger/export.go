package ledger

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/candor-edge/candor/sensors"
)

// An export is a CBOR sequence (RFC 8742): a map that says what it is and with which public key the chain ends; for each
// entry a map of the entry as signed and its salted body, which is absent where it was erased; and last the end of the
// chain, signed, so that an export that was cut short is no whole one.
const (
	exportName = "candor ledger export 1"
	headType   = "application/vnd.candor.ledger-head+cbor"
)

type exportItem struct {
	Name   string `cbor:"1,keyasint,omitempty"` // the first item
	Key    []byte `cbor:"2,keyasint,omitempty"` // the first item
	Entry  []byte `cbor:"3,keyasint,omitempty"`
	Salted []byte `cbor:"4,keyasint,omitempty"`
	Head   []byte `cbor:"5,keyasint,omitempty"` // the last item: COSE_Sign1 around an exportHead
}

type exportHead struct {
	Count uint64            `cbor:"1,keyasint"`
	Hash  [sha256.Size]byte `cbor:"2,keyasint"`
	When  sensors.Micros    `cbor:"3,keyasint"`
}

// Export writes the whole chain with its bodies, opened, for whoever is to verify it without this object. It holds what
// the receipts say, so it is for the person. It returns the head that the export ends with.
func (l *Ledger) Export(w io.Writer, when sensors.Micros) (Head, error) {
	key, err := l.signer()
	if err != nil {
		return Head{}, err
	}
	write := func(item exportItem) error {
		b, err := encode(&item)
		if err == nil && len(b) > maxItem {
			err = fmt.Errorf("an entry has %d bytes, there is room for %d", len(b), maxItem)
		}
		if err == nil {
			_, err = w.Write(b)
		}
		return err
	}
	if err := write(exportItem{Name: exportName, Key: publicKey(key)}); err != nil {
		return Head{}, fmt.Errorf("ledger: export: %w", err)
	}
	until := l.Head()
	var at Head
	for last := []byte(nil); at.Count < until.Count; {
		links, err := l.links(last)
		if err != nil {
			return Head{}, err
		}
		if len(links) == 0 {
			return Head{}, fmt.Errorf("ledger: export: entry %d is missing: %w", at.Count+1, ErrBroken)
		}
		for _, k := range links {
			if err := write(exportItem{Entry: k.stored, Salted: k.salted}); err != nil {
				return Head{}, fmt.Errorf("ledger: export: %w", err)
			}
			last, at = k.key, Head{at.Count + 1, sha256.Sum256(k.stored)}
			if at.Count == until.Count {
				break
			}
		}
	}
	payload, err := encode(&exportHead{at.Count, at.Hash, when})
	if err == nil {
		err = write(exportItem{Head: sign1(key, headType, payload)})
	}
	if err != nil {
		return Head{}, fmt.Errorf("ledger: export: %w", err)
	}
	return at, nil
}

// VerifyExport checks an export as [Ledger.Verify] checks the file, with nothing but the object's public key: nil takes
// the one in the export, which then only shows that it is consistent. Also the heads that a person saved. The error is
// [ErrBroken] when there are problems, and another one for what is no export.
func VerifyExport(r io.Reader, key ed25519.PublicKey, saved ...Head) (Report, error) {
	in := bufio.NewReader(r)
	var first exportItem
	if err := readItem(in, &first); err != nil || first.Name != exportName || len(first.Key) != ed25519.PublicKeySize {
		return Report{}, errors.New("ledger: it is no export of a ledger")
	}
	if key == nil {
		key = first.Key
	}
	v := newVerifier(key)
	v.saved = saved
	if !bytes.Equal(key, first.Key) {
		v.problem(0, "the export names another key than this one")
	}
	for {
		var item exportItem
		if err := readItem(in, &item); err != nil {
			v.problem(v.prev.count+1, "missing: the export ends or can't be read here")
			break
		}
		if item.Head != nil {
			v.exportEnd(&item)
			if err := readItem(in, new(exportItem)); !errors.Is(err, io.EOF) {
				v.problem(0, "there is more behind the end")
			}
			break
		}
		v.link(link{key: key64(v.prev.count + 1), stored: item.Entry, salted: item.Salted})
	}
	v.ends()
	return v.result()
}

// maxItem is the longest item of an export, bytes. A receipt has at most 64 KiB and the texts beside it 24 KiB.
const maxItem = 256 << 10

// readItem reads the next item, which is a map of strings. It holds what really came, and never more than maxItem. io.EOF is
// a clean end.
func readItem(in *bufio.Reader, item *exportItem) error {
	first, err := in.ReadByte()
	if err != nil {
		return err
	}
	// Only how long the parts are matters here: decode finds out what is wrong with them.
	whole := bytes.NewBuffer([]byte{first})
	for range 2 * int(first&0x1f) {
		start, _ := in.Peek(9)
		p := pass{reading: true, b: start}
		major, n := p.head()
		if major != majorBytes && major != majorText {
			n = 0
		}
		if n > uint64(maxItem-whole.Len()) {
			return errTooLong
		}
		if _, err := io.CopyN(whole, in, int64(p.at)+int64(n)); err != nil {
			return errCut
		}
	}
	return decode(whole.Bytes(), item)
}

// exportEnd checks the signed end.
func (v *verifier) exportEnd(item *exportItem) {
	payload, ok := verified(v.public, headType, item.Head)
	var end exportHead
	if !ok || decode(payload, &end) != nil || len(item.Entry)+len(item.Salted)+len(item.Name)+len(item.Key) > 0 {
		v.problem(0, "the end is not signed by this object's key")
		return
	}
	v.saved = append(v.saved, Head{end.Count, end.Hash})
	if end.Count != v.prev.count || end.Hash != v.prev.hash {
		v.problem(v.prev.count, "is not the end that was signed")
	}
}

// String is the head as 80 hexadecimal digits: the number of entries, then the hash of the last one.
func (h Head) String() string {
	return hex.EncodeToString(append(binary.BigEndian.AppendUint64(nil, h.Count), h.Hash[:]...))
}

// ParseHead reads what [Head.String] wrote; spaces and capitals do no harm.
func ParseHead(text string) (Head, error) {
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil || len(b) != 8+sha256.Size {
		return Head{}, fmt.Errorf("a head has %d hexadecimal digits", 2*(8+sha256.Size))
	}
	return Head{binary.BigEndian.Uint64(b), [sha256.Size]byte(b[8:])}, nil
}

// ReadOnly says whether nothing can be noted, because the file system takes no writing. It is found out on opening.
func (l *Ledger) ReadOnly() bool {
	l.write.Lock()
	defer l.write.Unlock()
	return l.readOnly
}

// PublicKey is the key that signs the chain now.
func (l *Ledger) PublicKey() (ed25519.PublicKey, error) {
	key, err := l.signer()
	if err != nil {
		return nil, err
	}
	return publicKey(key), nil
}

// Confirm signs a statement of the object, JSON text, as COSE_Sign1 with the content type
// "application/vnd.candor.confirmation+json".
func (l *Ledger) Confirm(statement []byte) ([]byte, error) {
	key, err := l.signer()
	if err != nil {
		return nil, err
	}
	return sign1(key, confirmationType, statement), nil
}

// OpenConfirmation is the statement of a confirmation that the key signed.
func OpenConfirmation(key ed25519.PublicKey, message []byte) ([]byte, error) {
	statement, ok := verified(key, confirmationType, message)
	if !ok {
		return nil, errors.New("ledger: it is no confirmation that this key signed")
	}
	return statement, nil
}
