package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
)

// matrixRow is what one verb ends with for everyone. Up is with a daemon, for nobody (whom the socket knows not), technician,
// person and root; down is without one, for a stranger (as whom a technician counts there), the owner of the state and root.
type matrixRow struct {
	verb string // with its arguments; FILE is a file that is there, NEW one that is not
	up   [4]int
	down [3]int
}

// matrix has every verb. Where all are equal the verb works on files and asks nobody; the file system decides there. Order
// matters below: what ends things comes last.
func matrix() []matrixRow {
	everyone, free := [4]int{4, 0, 0, 0}, [4]int{}
	household, decision := [4]int{4, 4, 0, 0}, [4]int{4, 4, 0, 4} // root has to say on whose behalf
	owner, decided := [3]int{4, 0, 0}, [3]int{4, 0, 4}
	return []matrixRow{
		{"status", everyone, owner},
		{"health", [4]int{4, 1, 1, 1}, [3]int{4, 1, 1}}, // the fake's sensors are not well; without a daemon nothing flows
		{"charter", household, owner},
		{"consent show", household, owner},
		{"consent explain trends", household, owner},
		{"consent diff", household, owner},
		{"preview", household, owner},
		{"sent", household, owner},
		{"export --what receipts", household, owner},
		{"buffer show", everyone, owner},
		{"buffer verify", [4]int{4, 1, 1, 1}, owner}, // the fake's buffer is damaged
		{"buffer export -", household, owner},
		{"sensor list --brief", everyone, [3]int{}}, // without a daemon it shows the configuration
		{"sensor scan i2c-1", everyone, [3]int{1, 1, 1}},
		{"sensor read hall", everyone, owner},
		{"sensor record hall", [4]int{1, 1, 1, 1}, [3]int{4, 1, 1}}, // a daemon has the sensors; it is no part on a bus
		{"uplink test", [4]int{4, 1, 1, 1}, owner},                  // the fake's route does not answer; without a route none is tried
		{"uplink retry", everyone, owner},
		{"ledger show", household, owner},
		{"ledger verify", household, owner},
		{"consent pause", decision, decided},
		{"consent resume", decision, decided},
		{"consent service", household, owner},
		{"consent refuse relation", decision, decided},
		{"consent grant trends", decision, decided},
		{"consent withdraw trends", decision, decided},
		{"config check", free, [3]int{}},
		{"config reference", free, [3]int{}},
		{"config init", [4]int{1, 1, 1, 1}, [3]int{1, 1, 1}}, // there is one
		{"policy check", free, [3]int{}},
		{"policy simulate FILE", free, [3]int{}},
		{"policy keygen NEW", free, [3]int{}},
		{"policy sign FILE --key FILE", [4]int{1, 1, 1, 1}, [3]int{1, 1, 1}}, // that is no key
		{"decode FILE", [4]int{1, 1, 1, 1}, [3]int{1, 1, 1}},                 // that is no message
		{"completion bash", free, [3]int{}},
		{"about", free, [3]int{}},
		{"version", free, [3]int{}},
		{"doctor", [4]int{4, 1, 1, 1}, [3]int{1, 1, 1}}, // the fake's route does not answer; without a daemon that is the break
		{"bundle --list NEW", free, [3]int{}},           // it holds nothing that is not for everyone
		{"help", free, [3]int{}},
		{"run --once --deadline 1s", [4]int{1, 1, 1, 1}, [3]int{}}, // a daemon has the lock
		{"pair", decision, [3]int{4, 1, 4}},                        // a page is the daemon's
		{"erase --all --yes", decision, decided},
		{"transfer --yes --wait 0", decision, decided},
	}
}

// TestMatrix is who may do what, with a daemon and without, verb by verb, by the exit code. A verb that is not in it fails it.
func TestMatrix(t *testing.T) {
	rows := matrix()
	for i, role := range []control.Role{"nobody", control.Technician, control.Person, control.Root} {
		config := fullObject(t)
		state := filepath.Join(filepath.Dir(config), "state")
		lock, err := os.Create(filepath.Join(state, "lock"))
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
		stop, err := serveFake(filepath.Join(state, "control.sock"), role)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			enter(t, fmt.Sprintf("%s, with a daemon", role), config, 4711, r.verb, r.up[i])
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		_ = lock.Close()
	}
	for i, who := range []struct {
		name string
		uid  int
	}{{"a stranger", os.Geteuid() + 4711}, {"the owner", 4711}, {"root", 0}} {
		config := fullObject(t)
		if who.name == "the owner" { // whoever runs this test; where that is root, somebody else is made the owner
			if who.uid = os.Geteuid(); who.uid == 0 {
				who.uid = 4712
				if err := os.Chown(filepath.Join(filepath.Dir(config), "state"), who.uid, -1); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, r := range rows {
			enter(t, who.name+", without a daemon", config, who.uid, r.verb, r.down[i])
		}
	}
}

// enter runs one cell of the matrix. Who is refused gets no result, and is told what to do.
func enter(t *testing.T, who, config string, uid int, verb string, want int) {
	t.Helper()
	words := strings.Fields(verb)
	for i, w := range words {
		words[i] = strings.NewReplacer("FILE", filepath.Join(filepath.Dir(config), "room.csv"), "NEW", filepath.Join(t.TempDir(), "key")).Replace(w)
	}
	code, out, errs := call(uid, append(words, "--config", config)...)
	if code != want {
		t.Errorf("%s: %s ends with %d, want %d\n%s", who, verb, code, want, errs)
	}
	if code == exitNotAllowed && out != "" && verb != "doctor" { // which looks at the machine as anyone may, up to where it is refused
		t.Errorf("%s: %s is refused and says %q", who, verb, out)
	}
	if code != exitDone && !strings.Contains("\n"+errs, "\nhint: ") {
		t.Errorf("%s: %s fails without a word on what to do next: %s", who, verb, errs)
	}
}

// fullObject is an object with a sensor, a policy and nothing answered.
func fullObject(t *testing.T) (config string) {
	t.Helper()
	config = object(t)
	for name, text := range map[string]string{
		"candor.toml": "[device]\nstate = \"state\"\n[policy]\nfile = \"policy.toml\"\n[[sensor]]\nname = \"hall\"\ndriver = \"replay\"\nfile = \"room.csv\"\npace = \"max\"\n",
		"room.csv":    "t_ms,temperature,humidity\n1763913600000,20.1,44\n1763917200000,20.6,45\n",
		"policy.toml": agent.PolicyReference(),
	} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(config), name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return config
}

// TestMatrixIsWhole: every verb there is has its row.
func TestMatrixIsWhole(t *testing.T) {
	rows := map[string]bool{}
	for _, r := range matrix() {
		rows[r.verb] = true
	}
	for _, cmd := range verbs(newRoot(&global{env: HostEnv()})) {
		path := strings.TrimPrefix(cmd.CommandPath(), "candor ")
		found := false
		for verb := range rows {
			found = found || verb == path || strings.HasPrefix(verb, path+" ")
		}
		if !found {
			t.Errorf("who may %q? Add it to matrix()", path)
		}
	}
}

// verbs are all commands that do something by themselves.
func verbs(cmd *cobra.Command) (out []*cobra.Command) {
	for _, c := range cmd.Commands() {
		switch {
		case c.HasSubCommands():
			out = append(out, verbs(c)...)
		case c.Runnable():
			out = append(out, c)
		}
	}
	return out
}

// TestWrongUse: an unknown flag and a word too many are wrong use of every verb, with a hint, and nothing is printed or done.
func TestWrongUse(t *testing.T) {
	takesMany := []string{"sensor read", "policy simulate", "help"}
	for _, cmd := range verbs(newRoot(&global{env: HostEnv()})) {
		path := strings.TrimPrefix(cmd.CommandPath(), "candor ")
		lines := []string{path + " --nonsense", path + " --json=perhaps"}
		if !slices.Contains(takesMany, path) {
			lines = append(lines, path+" a b c d")
		}
		for _, line := range lines {
			code, out, errs := call(4711, strings.Fields(line)...)
			if code != exitWrongUse || out != "" || !strings.HasPrefix(errs, "candor: ") || !strings.Contains(errs, "\nhint: candor "+path+" --help") {
				t.Errorf("candor %s: %d %q\n%s", line, code, out, errs)
			}
		}
	}
}
