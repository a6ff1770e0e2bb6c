package consent

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/candor-edge/candor/sensors"
)

// contacts makes n texts by which somebody could be reached or told, in the forms people and machines write them. They are
// made up: domains and numbers are those set aside for examples where there are any.
func contacts(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	digits := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(byte('0' + r.IntN(10)))
		}
		return b.String()
	}
	letters := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(byte('A' + r.IntN(26)))
		}
		return b.String()
	}
	groups := func(s, sep string, n int) string {
		var parts []string
		for len(s) > n {
			parts, s = append(parts, s[:n]), s[n:]
		}
		return strings.Join(append(parts, s), sep)
	}
	out := make([]string, 0, n)
	for i := range n {
		var t string
		switch i % 4 {
		case 0:
			user := pick("jean", "marie.durand", "j-p.martin+shop", "contact", "O.Neill", "élodie", digits(6))
			t = user + "@" + pick("example.org", "mail.example.com", "exemple.fr", "example.co.uk")
			t = pick(t, t, "mailto:"+t, "<"+t+">", "Jean "+t)
		case 1:
			sep := pick("", " ", ".", "-")
			switch r.IntN(4) {
			case 0:
				t = groups("0"+pick("1", "6", "7", "9")+digits(8), sep, 2)
			case 1:
				t = "+33" + sep + pick("6", "1") + sep + groups(digits(8), sep, 2)
			case 2:
				t = "0033" + digits(9)
			case 3:
				t = pick("+44 20 7946 0", "+49 30 23125", "(555) 0100", "+32 2 555 1") + digits(3)
			}
		case 2:
			country := pick("FR", "DE", "BE", "ES", "IT")
			length := map[string]int{"FR": 25, "DE": 20, "BE": 14, "ES": 22, "IT": 0}[country]
			t = country + digits(2) + digits(length)
			if country == "IT" {
				t = "IT" + digits(2) + letters(1) + digits(22)
			}
			t = pick(t, groups(t, " ", 4), groups(t, "-", 4), strings.ToLower(t))
		case 3:
			switch r.IntN(7) {
			case 0:
				t = letters(2) + "-" + digits(3) + "-" + letters(2)
			case 1:
				t = letters(2) + digits(3) + letters(2)
			case 2:
				t = digits(1+r.IntN(3)+1) + " " + letters(2) + " " + digits(2)
			case 3:
				t = pick("B", "M", "HH", "KA") + "-" + letters(2) + " " + digits(4)
			case 4:
				t = digits(4) + " " + letters(3)
			case 5:
				t = letters(2) + digits(2) + " " + letters(3)
			case 6:
				t = letters(2) + " " + digits(3) + " " + letters(2)
			}
		}
		out = append(out, t)
	}
	return out
}

// TestContactDataIsRefused runs ten thousand made-up contacts through a field that is declared a label, as a pseudonym and as
// a label that leaves as it is, and counts them (PRV-22).
func TestContactDataIsRefused(t *testing.T) {
	corpus := contacts(10_000)
	var quoted []string
	for _, c := range corpus[:40] {
		quoted = append(quoted, fmt.Sprintf("%q", c))
	}
	for _, rule := range []string{`action = "pseudonym"`, "action = \"keep\"\nlabels = [" + strings.Join(quoted, ", ") + "]"} {
		plan := granted(t, policy(t, "1h", aRule("room.mode", rule)), room(t), 0)
		w := NewWindows(fixedKeys{})
		for _, text := range corpus {
			if len(text) > sensors.MaxToken {
				t.Fatalf("%q is longer than a token", text)
			}
			if rows := plan.Clear(w, reading(0, sensors.Value{}, sensors.Value{}, sensors.Value{}, sensors.Value{}, sensors.Token(text)), nil); len(rows) > 0 {
				t.Errorf("%q left", text)
			}
		}
		for _, l := range w.Withheld() {
			if l.Field == "room.mode" && (l.Reason != Contactish || l.Count != uint64(len(corpus))) {
				t.Errorf("counted %d as %q", l.Count, l.Reason)
			}
		}
	}
	// In a field that is declared identity it is what is expected, and leaves as a pseudonym.
	plan := granted(t, policy(t, "1h", aRule("room.badge", `action = "pseudonym"`)), room(t), 0)
	if rows := plan.Clear(NewWindows(fixedKeys{}), reading(0, sensors.Value{}, sensors.Value{}, sensors.Value{}, sensors.Token(corpus[0])), nil); len(rows) != 1 {
		t.Error("a badge that looks like contact data does not leave as a pseudonym either: this test could not fail")
	}
}

// TestOrdinaryLabelsPass: what labels, areas and badges usually are is not taken for contact data.
func TestOrdinaryLabelsPass(t *testing.T) {
	ordinary := []string{"eco", "comfort", "off", "away", "FR-69", "FR-ARA", "69003", "2A004", "zone-1", "room 12", "error 404", "mode 3 slow", "night", "été", "v1.2.3",
		"2026-11-23", "12:30", "badge 17", "badge-0042", "04:A2:19:B2:3C:80", "a1b2c3d4", "E2801160600002", "550e8400-e29b-41d4-a716-446655440000", "lamp_1", "pir6", "north wing",
		"SN-000123456", "program 5 cotton", "hall 3 east", "-12.5", "12345678", "state 2 of 4"}
	for i := range 200 {
		ordinary = append(ordinary, fmt.Sprintf("room-%d", i), fmt.Sprintf("%05d", 10000+i*431), fmt.Sprintf("zone %d", i))
	}
	for _, text := range ordinary {
		if contactShaped(text) {
			t.Errorf("%q is taken for contact data", text)
		}
	}
}

func TestALabelThatLooksLikeContactDataIsFound(t *testing.T) {
	_, findings := Compile(Inputs{Policy: policy(t, "1h", aRule("room.mode", "action = \"keep\"\nlabels = [\"eco\", \"AB-123-CD\"]")), Sources: room(t)})
	for _, f := range findings {
		if f.Field == "room.mode" && strings.Contains(f.Text, "plate") {
			return
		}
	}
	t.Errorf("nobody says so: %v", findings)
}
