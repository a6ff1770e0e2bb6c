package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCompletionSyntax has each shell read the script that is meant for it. A shell that is not on this machine skips its part.
func TestCompletionSyntax(t *testing.T) {
	for shell, args := range map[string][]string{"bash": {"-n"}, "zsh": {"-n"}, "fish": {"--no-execute"}} {
		t.Run(shell, func(t *testing.T) {
			code, script, errs := call(4711, "completion", shell)
			if code != exitDone || len(script) < 1000 || !strings.Contains(script, "candor") {
				t.Fatalf("%d %q", code, errs)
			}
			program, err := exec.LookPath(shell)
			if err != nil {
				t.Skipf("there is no %s here to read it", shell)
			}
			file := filepath.Join(t.TempDir(), "candor")
			if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(program, append(args, file)...).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestCompletes: what the scripts ask candor at the TAB key is answered.
func TestCompletes(t *testing.T) {
	for asked, want := range map[string]string{"sta": "status\t", "consent gr": "grant\t", "status --wa": "--watch\t", "completion f": "fish"} {
		_, out, _ := call(4711, append([]string{"__complete"}, strings.Fields(asked)...)...)
		if !strings.Contains(out, want) || !strings.Contains(out, ":4") { // ShellCompDirectiveNoFileComp: no names of files among verbs
			t.Errorf("%q: %q", asked, out)
		}
	}
}

// TestBashCompletes loads the script into a real bash and presses TAB, as far as a script can.
func TestBashCompletes(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash here")
	}
	dir := t.TempDir()
	_, script, _ := call(4711, "completion", "bash")
	_, answer, _ := call(4711, "__complete", "cons")
	for name, text := range map[string]string{"script": script, "answer": answer, "candor": "#!/bin/sh\ncat " + filepath.Join(dir, "answer") + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(bash, "--norc", "-c", `source "$1"; COMP_WORDS=(candor cons); COMP_CWORD=1; COMP_LINE="candor cons"; COMP_POINT=11; COMP_TYPE=9
_get_comp_words_by_ref() { cur=cons prev=candor words=("${COMP_WORDS[@]}") cword=1; }
__start_candor candor cons candor 2>/dev/null; printf '%s\n' "${COMPREPLY[@]}"`, "bash", filepath.Join(dir, "script"))
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "consent") {
		t.Errorf("%v: %q", err, out)
	}
}
