package wire

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
)

// message is one of each control message with its two functions.
type message struct {
	name   string
	append func() ([]byte, error)
	decode func([]byte) (any, error)
	want   any
}

func controlMessages() []message {
	id := StreamID(fill16(0x5a))
	del := &Deletion{Stream: id, Epoch: 4, Capability: Capability(fill32(0x33))}
	ack := &DeletionAnswer{Stream: id, Epoch: 4, Day: 20800, Stores: []string{"files", "jetstream"}}
	counted := &DeletionAnswer{Stream: id, Epoch: 4, Day: 20800, Stores: []string{"files", "jetstream"}, Counts: []uint64{1440, 0}}
	ask := &Freshness{Stream: id, Epoch: 4, Nonce: fill16(9)}
	answer := &FreshnessAnswer{Stream: id, Epoch: 4, Nonce: fill16(9), Last: 77, Withdrawn: true}
	test := &Test{Nonce: fill16(8), Key: fill32(6)}
	return []message{
		{"deletion", func() ([]byte, error) { return AppendDeletion(nil, del) }, decoder(DecodeDeletion), del},
		{"deletion-answer", func() ([]byte, error) { return AppendDeletionAnswer(nil, ack) }, decoder(DecodeDeletionAnswer), ack},
		{"deletion-answer", func() ([]byte, error) { return AppendDeletionAnswer(nil, counted) }, decoder(DecodeDeletionAnswer), counted},
		{"freshness", func() ([]byte, error) { return AppendFreshness(nil, ask) }, decoder(DecodeFreshness), ask},
		{"freshness-answer", func() ([]byte, error) { return AppendFreshnessAnswer(nil, answer) }, decoder(DecodeFreshnessAnswer), answer},
		{"test", func() ([]byte, error) { return AppendTest(nil, test), nil }, decoder(DecodeTest), test},
	}
}

func TestControlRoundTrip(t *testing.T) {
	for _, m := range controlMessages() {
		payload, err := m.append()
		if err != nil {
			t.Fatalf("%s: %v", m.name, err)
		}
		deterministic(t, payload)
		got, err := m.decode(payload)
		if err != nil || !reflect.DeepEqual(got, m.want) {
			t.Errorf("%s: %+v, %v", m.name, got, err)
		}
		for n := range payload {
			if _, err := m.decode(payload[:n]); err == nil {
				t.Errorf("%s cut at %d: decoded", m.name, n)
			}
		}
		if _, err := m.decode(append(payload, 0)); fault(err) != ErrTrailing {
			t.Errorf("%s with a byte more: %v", m.name, err)
		}
		for _, other := range controlMessages() {
			if _, err := other.decode(payload); (err == nil) != (other.name == m.name) {
				t.Errorf("%s read as %s: %v", m.name, other.name, err)
			}
		}
	}
	if n := SignedSize(len(AppendTest(nil, &Test{}))); n != TestSize {
		t.Errorf("a test message has %d bytes, want %d", n, TestSize)
	}
}

func TestControlLimits(t *testing.T) {
	const beyond = MaxValue + 1
	many := strings.Split(strings.Repeat("s,", MaxStores), ",")
	for name, f := range map[string]func() ([]byte, error){
		"epoch of a deletion":  func() ([]byte, error) { return AppendDeletion(nil, &Deletion{Epoch: beyond}) },
		"epoch of a freshness": func() ([]byte, error) { return AppendFreshness(nil, &Freshness{Epoch: beyond}) },
		"last":                 func() ([]byte, error) { return AppendFreshnessAnswer(nil, &FreshnessAnswer{Last: beyond}) },
		"no store":             func() ([]byte, error) { return AppendDeletionAnswer(nil, &DeletionAnswer{}) },
		"many in a store": func() ([]byte, error) {
			return AppendDeletionAnswer(nil, &DeletionAnswer{Stores: []string{"s"}, Counts: []uint64{beyond}})
		},
		"many stores": func() ([]byte, error) { return AppendDeletionAnswer(nil, &DeletionAnswer{Stores: many}) },
	} {
		if out, err := f(); fault(err) != ErrLimit || len(out) > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSecretsDoNotPrint prints and logs one of each secret in every way a
// program might by mistake.
func TestSecretsDoNotPrint(t *testing.T) {
	del := &Deletion{Capability: Capability(fill32(0xc7))}
	key, err := GenerateOpenKey(SuiteX25519)
	if err != nil {
		t.Fatal(err)
	}
	text, err := key.Secret()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := key.key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, v := range []any{del, *del, del.Capability, key, *key, struct{ K *OpenKey }{key}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(data)
	}
	if err := WriteDiagnostic(&out, mustDeletion(t, del)); err != nil {
		t.Fatal(err)
	}
	_, secret, _ := strings.Cut(text, ":")
	for _, s := range []string{"c7c7", "C7C7", "199 199", "199,199", "0xc7", secret, hex.EncodeToString(raw[:8]), fmt.Sprint(raw[:4])[1:]} {
		if strings.Contains(out.String(), s) {
			t.Errorf("a secret was printed as %q in %s", s, out.String())
		}
	}
}

func mustDeletion(t *testing.T, d *Deletion) []byte {
	t.Helper()
	payload, err := AppendDeletion(nil, d)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}
