package agent_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent"
)

// TestDamagedKeysAndLedger: each is an error that says what is lost and what to do, nothing leaves, and with the file
// moved away the object begins anew with nothing granted.
func TestDamagedKeysAndLedger(t *testing.T) {
	for _, name := range []string{"state-keys/keys", "state/ledger.db"} {
		t.Run(filepath.Base(name), func(t *testing.T) {
			url, out := receiver(t)
			o := newObject(t, url, 100)
			if err := o.once(20*time.Second, "air"); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(o.dir, name)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(content); i += 61 {
				content[i] ^= 0xff
			}
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			cfg, err := agent.LoadConfig(filepath.Join(o.dir, "candor.toml"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := agent.Open(cfg, agent.Options{}); err == nil || !strings.Contains(err.Error(), "asked anew") {
				t.Fatalf("got %v, want what is lost and what to do", err)
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			before := len(rows(t, out, "air"))
			if err := o.once(20 * time.Second); err != nil {
				t.Fatal(err)
			}
			if after := len(rows(t, out, "air")); after > before {
				t.Errorf("%d rows left without a yes", after-before)
			}
			a := o.open()
			defer func() { _ = a.Close() }()
			status, err := a.Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range status.Purposes {
				if p.State == "given" {
					t.Errorf("%s is still granted", p.ID)
				}
			}
		})
	}
}
