package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/candor-edge/candor/store/consent"
)

// seenVersions remembers the newest signed policy and charter that were in force. It lies with the keys and not in the
// state directory, so that a copy of the state that is put back does not bring an old policy back with it. Nothing on this
// card can notice when the whole card is put back; there the recipients' memory of streams helps, see uplink.
//
// An error of note is told and does not keep a newer policy from counting: a full disk must not keep a narrower policy out.
type seenVersions struct {
	path string
	of   map[consent.Document]seenVersion
	// err is why the file could not be read. Then nothing signed is admitted: what was in force is not known.
	err error
}

type seenVersion struct {
	version uint64
	digest  [32]byte
}

const seenFile = "policy-seen"

// openSeen reads the file; one that is not there remembers nothing.
func openSeen(dir string) *seenVersions {
	s := &seenVersions{path: filepath.Join(dir, seenFile), of: map[consent.Document]seenVersion{}}
	data, err := readFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return s
	}
	if err == nil {
		err = s.parse(string(data))
	}
	if err != nil {
		s.err = fmt.Errorf("which signed policy was in force last is not known: %s: %w", s.path, err)
	}
	return s
}

// parse reads lines of document, version and digest.
func (s *seenVersions) parse(text string) error {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) != 3 {
			return errors.New("a line is not of three words")
		}
		kind := consent.Document(words[0])
		version, err := strconv.ParseUint(words[1], 10, 64)
		digest, hexErr := hex.DecodeString(words[2])
		if err != nil || hexErr != nil || len(digest) != 32 || kind != consent.PolicyDocument && kind != consent.CharterDocument {
			return errors.New("a line is not a document, a version and a digest")
		}
		s.of[kind] = seenVersion{version, [32]byte(digest)}
	}
	return nil
}

// errOlder is that a signed document is older than one that was in force.
var errOlder = errors.New("an older one")

// check refuses a signed document that is older than one that was in force, or that has its number and other content. Only
// signed documents count: whoever can write an unsigned one needs no old one.
func (s *seenVersions) check(d *document, version uint64) error {
	had, known := s.of[d.kind]
	switch {
	case !d.signed:
		return nil
	case s.err != nil:
		return s.err
	case version < had.version:
		return fmt.Errorf("%s: %w: it is version %d, and version %d was in force on this object; a %s does not go back", d.path, errOlder, version, had.version, d.kind)
	case known && version == had.version && sha256.Sum256(d.data) != had.digest:
		return fmt.Errorf("%s: %w: version %d was in force with other content; raise the version with every change", d.path, errOlder, version)
	}
	return nil
}

// note remembers a signed document that counts from now on.
func (s *seenVersions) note(d *document, version uint64) error {
	now := seenVersion{version, sha256.Sum256(d.data)}
	if !d.signed || s.of[d.kind] == now {
		return nil
	}
	s.of[d.kind] = now
	return s.write()
}

func (s *seenVersions) write() error {
	text := ""
	for _, kind := range []consent.Document{consent.PolicyDocument, consent.CharterDocument} {
		if v, ok := s.of[kind]; ok {
			text += fmt.Sprintf("%s %d %x\n", kind, v.version, v.digest)
		}
	}
	return replaceFile(s.path, []byte(text), 0o600)
}

// replaceFile puts a file in place of another at once: a power cut leaves the old one or the new one.
func replaceFile(path string, data []byte, mode os.FileMode) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".new-")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
