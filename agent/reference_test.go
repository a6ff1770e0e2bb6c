package agent

import (
	"os"
	"path/filepath"
	"testing"
)

// TestReferenceFilesWork writes the three reference files as somebody starting from them would, and checks them
// together: they parse, every rule finds its sensor, no purpose is refused, nothing is left to say.
func TestReferenceFilesWork(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"candor.toml": Reference(), "policy.toml": PolicyReference(), "charter.toml": CharterReference()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "candor.toml")
	if _, err := CheckConfig(path); err != nil {
		t.Fatal(err)
	}
	cfg, err := LoadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	findings, plan, err := CheckPolicy(cfg.Policy.File, cfg.Policy.Charter, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		t.Error(f)
	}
	if n := len(plan.Purposes()); n != 4 {
		t.Errorf("%d purposes, want the four of the founding article", n)
	}
	for _, p := range plan.Purposes() {
		if len(p.Groups) == 0 || !p.Bits.Known {
			t.Errorf("purpose %s: %d groups, bits known %v", p.ID, len(p.Groups), p.Bits.Known)
		}
	}
}
