package wire

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestOtherDecoders runs the decoders of other languages over all vectors, and
// over every truncation of the smaller valid ones.
func TestOtherDecoders(t *testing.T) {
	for _, d := range []struct {
		program  string
		args     []string
		verifies bool
	}{
		{"python3", []string{filepath.Join("decoders", "python", "candor_wire.py")}, false},
		{"node", []string{"--no-warnings", filepath.Join("decoders", "js", "check.mjs")}, true},
	} {
		t.Run(d.program, func(t *testing.T) {
			if _, err := exec.LookPath(d.program); err != nil {
				t.Skipf("%s is not on this machine", d.program)
			}
			if err := exec.Command(d.program, "--version").Run(); err != nil {
				t.Skipf("%s is here but does not run: %v", d.program, err)
			}
			good, bad := readVectors(t, "valid.json"), readVectors(t, "invalid.json")
			for i, r := range runDecoder(t, d.program, d.args, good) {
				if r.Error != "" || !sameJSON(t, r.Message, good[i].Means) {
					t.Errorf("%s: %v %s, want %v", good[i].Name, r.Message, r.Error, good[i].Means)
				}
			}
			for _, v := range good {
				for n := 0; n < len(v.Hex)/2 && len(v.Hex) < 700; n++ {
					bad = append(bad, vector{Name: v.Name + ", cut", Kind: v.Kind, Signed: v.Signed, Key: v.Key, Hex: v.Hex[:2*n]})
				}
			}
			for i, r := range runDecoder(t, d.program, d.args, bad) {
				if r.Error == "" && (d.verifies || bad[i].Fault != ErrSignature.Error()) {
					t.Errorf("%s: read as %v", bad[i].Name, r.Message)
				}
			}
		})
	}
}

type decoded struct {
	Message any    `json:"message"`
	Error   string `json:"error"`
}

func runDecoder(t *testing.T, program string, args []string, vs []vector) []decoded {
	t.Helper()
	in, err := json.Marshal(vs)
	if err != nil {
		t.Fatal(err)
	}
	var out, problems bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, problems.Bytes())
	}
	var results []decoded
	d := json.NewDecoder(&out)
	d.UseNumber()
	if err := d.Decode(&results); err != nil {
		t.Fatal(err)
	}
	if len(results) != len(vs) {
		t.Fatalf("%d results for %d messages", len(results), len(vs))
	}
	return results
}
