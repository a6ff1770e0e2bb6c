package agent

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/tinyconf"
)

// maxDocument is the longest policy or charter in bytes that is read, the same as tinyconf's.
const maxDocument = 1 << 20

// document is a policy or a charter as read: its bytes, and whether a signature was asked for and right.
type document struct {
	kind   consent.Document
	path   string
	data   []byte
	signed bool
}

// readDocument reads a file and, where a key is set, holds it against its signature: the bytes that were verified are the
// bytes that are read.
func readDocument(kind consent.Document, path string, key tinyconf.Secret) (document, error) {
	d := document{kind: kind, path: path}
	var err error
	if d.data, err = readFile(path); err != nil {
		return d, unreadable(path, err)
	}
	if !key.IsSet() {
		return d, nil
	}
	public, err := readPublicKey(key)
	if err != nil {
		return d, fmt.Errorf("the key that %s is signed with: %w", path, err)
	}
	signature, err := readFile(path + consent.SignatureSuffix)
	if err != nil {
		return d, fmt.Errorf("%s: %w: a key is set and there is no signature: %w", path, consent.ErrSignature, err)
	}
	if err := kind.Verify(public, d.data, signature); err != nil {
		return d, fmt.Errorf("%s: %w", path, err)
	}
	d.signed = true
	return d, nil
}

// unreadable says in the form of all faults of a file that it can't be read.
func unreadable(path string, err error) error {
	why := err
	for next := errors.Unwrap(why); next != nil; next = errors.Unwrap(why) {
		why = next
	}
	return tinyconf.Faults{{File: path, Text: "cannot be opened: " + why.Error(), Cause: err}}
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	return data, errors.Join(err, f.Close())
}

// readPublicKey reads an Ed25519 public key in PEM, as `policy keygen` and openssl write it.
func readPublicKey(s tinyconf.Secret) (ed25519.PublicKey, error) {
	text, err := s.Read(tinyconf.SystemEnv())
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, errors.New("is no public key in PEM; `candor policy keygen` makes a pair")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("is no public key: %w", err)
	}
	public, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("is no Ed25519 key; `candor policy keygen` makes a pair")
	}
	return public, nil
}

// distinctKeys refuses one key for both: whoever may change what is offered must not thereby be able to change what was
// promised.
func distinctKeys(p *PolicyFiles) error {
	if !p.Key.IsSet() || !p.CharterKey.IsSet() {
		return nil
	}
	a, errA := readPublicKey(p.Key)
	b, errB := readPublicKey(p.CharterKey)
	if errA == nil && errB == nil && bytes.Equal(a, b) {
		return errors.New("policy.key and policy.charter_key are the same key; a charter is signed by another one")
	}
	return nil
}

// KeyGen writes a fresh pair for signing policies or charters: the private key as PKCS #8 to path, which must not be
// there, readable by its owner only, and the public key to path.pub.
func KeyGen(path string, random io.Reader) error {
	if random == nil {
		random = rand.Reader
	}
	// Both forms are fixed but for the key (RFC 8410, sections 4 and 7, and their examples in section 10).
	secret := []byte("\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20")
	open := []byte("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00")
	var seed [ed25519.SeedSize]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	secret = append(secret, seed[:]...)
	open = append(open, ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)...)
	if err := writeNew(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600); err != nil {
		return err
	}
	return writeNew(path+".pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: open}), 0o644)
}

// SignDocument signs a policy or charter with the private key at keyPath and writes the signature beside it. The file has to
// be well-formed: nobody signs what no object would read.
func SignDocument(kind consent.Document, path, keyPath string) error {
	data, err := readFile(path)
	if err != nil {
		return unreadable(path, err)
	}
	if kind == consent.CharterDocument {
		_, err = consent.ParseCharter(path, data)
	} else {
		_, err = consent.ParsePolicy(path, data)
	}
	if err != nil {
		return err
	}
	text, err := readFile(keyPath)
	if err != nil {
		return err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return fmt.Errorf("%s: no private key in PEM; `candor policy keygen` makes one", keyPath)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return fmt.Errorf("%s: no private key: %w", keyPath, err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return fmt.Errorf("%s: no Ed25519 key; `candor policy keygen` makes one", keyPath)
	}
	return replaceFile(path+consent.SignatureSuffix, kind.Sign(private, data), 0o644)
}

func writeNew(path string, data []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}
