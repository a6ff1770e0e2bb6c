package charter

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/tinyconf"
)

// scenes are the objects that the claims are shown on.
func scenes() map[string]scene {
	mean := rule("room.temperature", `"mean"`+"\nwindow = \"1h\"\nround = 0.5")
	live := State{Known: true, Erasure: "software", Quiet: 183 * sensors.Day, Sealed: true, Apart: true, Mine: mineOf(home(), 0)}
	with := func(change func(s *State)) State { s := live; change(&s); return s }
	on := func(basis string, more ...string) scene {
		return scene{policy: head + purpose("p", append([]string{`access = "consent"`, `basis = "` + basis + `"`}, more...)...), sources: home(), state: live}
	}
	ruled := func(rules ...string) scene {
		return scene{policy: head + purpose("p", append([]string{consented}, rules...)...), sources: home(), state: live}
	}
	reached := func(r Route) scene {
		s := ruled(mean)
		r.Recipient = "acme"
		s.state.Routes = []Route{r}
		return s
	}
	said := `why = { fr = "Parce que.", en = "Because." }
benefit = { fr = "Un conseil.", en = "Advice." }
otherwise = { fr = "Sans cela, rien.", en = "Without it, nothing." }
interest = { fr = "Vendre.", en = "To sell." }
logic = { fr = "Au hasard.", en = "At random." }
dpv = "Marketing"
tags = ["marketing", "profiling"]`
	given := ruled(mean)
	given.given = []string{"p"}
	full := given
	full.state = with(func(s *State) {
		s.Signed, s.Pledged, s.Light, s.Kept = true, true, true, true
		s.Mine, s.Simulated, s.Last = mineOf(home(), 20), []string{"room"}, &Sending{Ago: 3 * sensors.Hour, Bytes: 512, Recipient: "Acme Cloud"}
	})
	full.charter = consent.Charter{Version: 1, Never: []string{"contact"}, NeverReadable: []string{"badge.id"}, MaxRetention: tinyconf.Duration(395 * 24 * time.Hour),
		MaxBits: 3000, MaxBitsPresent: 40, MaxBitsRecipient: 5000}
	paused := given
	paused.state = with(func(s *State) { s.Paused = true })
	sending := reached(Route{TLS: true})
	sending.given = []string{"p"}
	stopped, mute := sending, sending
	stopped.state.Stopped, mute.state.Mute = true, true
	token := ruled(mean)
	token.reach = map[string]consent.Reach{"acme": {Credential: true}}
	bareScene := scene{policy: bare + purpose("p", `access = "strictly-necessary"`, `service = "heating"`, `basis = "contract"`, mean), sources: only("room"), state: live}
	unsensed := ruled(mean)
	unsensed.sources = only("meter")
	refused := ruled(mean)
	refused.charter = consent.Charter{Version: 1, Never: []string{"environment"}}
	stored := ruled(mean)
	stored.state = with(func(s *State) { s.Sealed, s.Apart, s.Erasure = false, false, "hardware" })
	exactly := ruled(rule("room.temperature", `"keep"`))
	exactly.given = []string{"p"}
	unasked := ruled(mean)
	unasked.state = with(func(s *State) { s.Mine = mineOf(nil, 0) })
	all := ruled(mean)
	all.sources = append(home(), consent.SourceFields{Name: "all", Fields: nil})
	two := ruled(mean)
	two.policy += purpose("q", consented, "epoch = \"60d\"", rule("room.temperature", `"max"`+"\nwindow = \"1h\"\nround = 0.5"))
	claimed := ruled(mean)
	claimed.policy = strings.Replace(claimed.policy, `role = "processor"`, "role = \"processor\"\nlinkability = \"L2\"\nsafeguard = \"clauses types\"", 1)
	room := func(more string) scene { return ruled("room = { rows = 60, bytes = 512 }", more, mean) }
	return map[string]scene{
		"nothing": {}, "sending": sending, "stopped": stopped, "mute": mute, "asked": ruled(mean), "given": given, "full": full, "paused": paused, "bare": bareScene, "said": on("consent", said, mean),
		"card":     {policy: head + purpose("p", consented, mean), sources: home()},
		"unsensed": unsensed, "refused by the charter": refused, "without protection": stored, "nothing to keep": unasked, "two purposes": two,
		"claimed": claimed, "token": token,
		"https":  reached(Route{TLS: true, Pinned: true, Sealed: true}),
		"http":   reached(Route{}),
		"broker": reached(Route{TLS: true, Broker: true}),
		"room":   room(""), "room without cover": room("cover = false"),
		"exact":           exactly,
		"motion":          ruled(rule("room.motion", `"keep"`)),
		"motion a day":    ruled(rule("room.motion", `"mean"`+"\nwindow = \"1d\"")),
		"day":             ruled(rule("room.temperature", `"mean"`+"\nwindow = \"1d\"")),
		"power":           ruled(rule("meter.power", `"mean"`+"\nwindow = \"1h\"")),
		"power a day":     ruled(rule("meter.power", `"mean"`+"\nwindow = \"1d\"")),
		"count":           ruled(rule("badge.id", `"count"`+"\nwindow = \"1d\"")),
		"badge":           ruled(rule("badge.id", `"pseudonym"`)),
		"area":            ruled(rule("site.area", `"keep"`+"\nlabels = [\"FR-69\"]")),
		"owner":           ruled(rule("site.owner", `"keep"`+"\nlabels = [\"Jean\"]")),
		"email":           ruled(rule("site.email", `"pseudonym"`)),
		"e-mail readable": ruled(rule("site.email", `"keep"`+"\nlabels = [\"a@b.example\"]")),
		"grid":            ruled(rule("car.latitude", `"grid"`+"\nlevel = 5") + rule("car.longitude", `"grid"`+"\nlevel = 5")),
		"position":        ruled(rule("car.latitude", `"round"`+"\nround = 0.1")),
		"heart":           ruled(rule("wrist.rate", `"mean"`+"\nwindow = \"1d\"")),
		"every sense":     {policy: head, sources: home(), state: live},
		"room only":       {policy: head + purpose("p", consented, mean), sources: []consent.SourceFields{{Name: "room", Every: sensors.Minute, Fields: only("room")[0].Fields[:1]}}, state: live},
		"contract":        on("contract", mean), "obligation": on("legal-obligation", mean), "vital": on("vital-interests", mean), "task": on("public-task", mean), "interests": on("legitimate-interests", mean),
		"elsewhere":        {policy: strings.Replace(head, `country = "FR"`, `country = "US"`, 1) + purpose("p", consented, mean), sources: home(), state: live},
		"nobody asks":      {policy: head, sources: home(), state: live},
		"a longer history": {sources: home(), state: with(func(s *State) { s.Mine = mineOf(home(), 20) })},
	}
}

// shown lists every claim with its predicate in words, a scene in which it is printed and one in which it is refused.
var shown = map[string][3]string{
	"now.paused":                  {"the person has paused", "paused", "given"},
	"now.stopped":                 {"the agent does not run", "stopped", "given"},
	"now.mute":                    {"the disk took no writing at the start", "mute", "given"},
	"now.waits":                   {"a purpose of the plan is given, and no route leads to its recipient", "given", "sending"},
	"now.nothing":                 {"no purpose of the plan is given, and it is not paused", "asked", "given"},
	"now.leaves":                  {"a purpose of the plan is given whose recipient has a route; the agent runs, is not paused, and its disk takes writing", "sending", "given"},
	"now.last":                    {"the ledger has an upload that was accepted", "full", "given"},
	"now.light":                   {"the object has a light for sending, and it works", "full", "given"},
	"sense.source":                {"a source has fields; one for each", "asked", "nothing"},
	"sense.simulated":             {"a source is simulated or replayed", "full", "asked"},
	"sense.form":                  {"the sources are known: a reading is numbers, booleans and tokens by type", "asked", "nothing"},
	"sense.cannot":                {"no source has a field of one of these kinds", "bare", "every sense"},
	"never.charter":               {"the charter in force, which the compiler holds every purpose against, forbids it", "full", "asked"},
	"never.readable":              {"the charter in force, which the compiler holds every purpose against, forbids it readable", "full", "asked"},
	"never.unasked":               {"no purpose that is not refused has a rule that lets the field out", "asked", "nothing"},
	"never.before":                {"something is asked for; the plan clears by the moment of capture", "asked", "nobody asks"},
	"never.default":               {"a plan is in force", "asked", ""},
	"much.recipient":              {"the compiler bounds what all purposes of the recipient tell", "asked", "nobody asks"},
	"much.ceiling":                {"the charter in force has max_bits_per_day", "full", "asked"},
	"much.ceiling.presence":       {"the charter in force has max_bits_per_day_presence", "full", "asked"},
	"much.ceiling.recipient":      {"the charter in force has max_bits_per_day_recipient", "full", "asked"},
	"long.ceiling":                {"the charter in force has max_retention", "full", "asked"},
	"whose.use":                   {"the policy names a controller and a use", "asked", "nobody asks"},
	"whose.here":                  {"the object's state is known", "asked", "card"},
	"protect.sealed":              {"the buffer is sealed under the keyring", "asked", "without protection"},
	"protect.apart":               {"the keys lie outside the state directory, and the buffer is sealed", "asked", "without protection"},
	"protect.memory":              {"no history is kept, and no given purpose lets a reading out as it was measured", "given", "exact"},
	"protect.history":             {"the history is given", "full", "asked"},
	"protect.rules":               {"the policy in force has the signature that was asked for", "full", "asked"},
	"protect.unsigned":            {"the policy in force needs no signature", "asked", "full"},
	"protect.ceilings":            {"the charter in force has the signature that was asked for", "full", "asked"},
	"protect.root":                {"the object's state is known", "asked", "card"},
	"thief.waiting":               {"a purpose is given, and keys are erased by software", "given", "asked"},
	"thief.history":               {"a key of a history is there, and keys are erased by software", "full", "given"},
	"thief.nothing":               {"no purpose is given and no key of a history is there", "asked", "given"},
	"thief.answers":               {"the object's state is known, and keys are erased by software", "asked", "card"},
	"protect.way":                 {"the recipient's route is https or mqtts", "https", "http"},
	"protect.open":                {"the recipient's route is http or mqtt", "http", "https"},
	"protect.eyes":                {"the recipient's route has its key", "https", "http"},
	"protect.broker":              {"the recipient's route is a broker, and has no key of the recipient", "broker", "https"},
	"protect.pinned":              {"the recipient's route names a key or an authority, over TLS", "https", "http"},
	"protect.nowhere":             {"routes are known, and none leads to the recipient", "asked", "https"},
	"thief.base":                  {"something can leave for the recipient", "asked", "unsensed"},
	"thief.nameless":              {"no schema for the recipient has a contact field or a readable identity, and it can link less than L0", "asked", "token"},
	"thief.named":                 {"the compiler gives the recipient L0", "token", "asked"},
	"erase.software":              {"keys are erased by software", "asked", "without protection"},
	"erase.there":                 {"a route leads to the recipient", "https", "asked"},
	"whose.law":                   {"the controller is in the EEA and asks for something", "asked", "elsewhere"},
	"law.see":                     {"the controller is in the EEA and asks for something", "asked", "elsewhere"},
	"law.correct":                 {"the controller is in the EEA and asks for something", "asked", "elsewhere"},
	"law.erase":                   {"the controller is in the EEA and asks for something", "asked", "elsewhere"},
	"law.limit":                   {"the controller is in the EEA and asks for something", "asked", "elsewhere"},
	"law.carry":                   {"a purpose rests on consent or a contract, in the EEA", "asked", "interests"},
	"law.withdraw":                {"a purpose rests on consent, in the EEA", "asked", "contract"},
	"law.object":                  {"a purpose rests on legitimate interests or a public task, in the EEA", "interests", "asked"},
	"law.marketing":               {"a purpose is tagged marketing, in the EEA", "said", "asked"},
	"law.profile":                 {"a purpose is tagged profiling, in the EEA", "said", "asked"},
	"law.object-data":             {"the controller is in the EEA and asks for something", "asked", "elsewhere"},
	"law.complain":                {"the policy names the authority, in the EEA", "asked", "bare"},
	"rights.contact":              {"the policy says so", "asked", "bare"},
	"rights.address":              {"the policy says so", "asked", "bare"},
	"why":                         {"the policy says so", "said", "asked"},
	"why.tags":                    {"the policy says so", "said", "asked"},
	"why.dpv":                     {"the policy says so", "said", "asked"},
	"return":                      {"the policy says so", "said", "asked"},
	"what.field":                  {"the compiled rules let the field out in this form", "asked", "unsensed"},
	"what.nothing":                {"the compiled rules have no row", "unsensed", "asked"},
	"what.else":                   {"the compiled rules have a row: there is no other way out", "asked", "unsensed"},
	"when.upload":                 {"the purpose has a schedule", "asked", ""},
	"when.stamp":                  {"the purpose has a finest time", "asked", ""},
	"when.alike":                  {"the purpose has a room, with cover", "room", "asked"},
	"when.room":                   {"the purpose has a room, without cover", "room without cover", "room"},
	"when.length":                 {"the purpose has no room, and a field tells or implies presence", "motion", "room"},
	"how.inside":                  {"no field leaves as it was measured", "asked", "exact"},
	"how.exact":                   {"a field leaves as it was measured, within bounds perhaps", "exact", "asked"},
	"how.pseudonym":               {"a field leaves as a pseudonym", "badge", "asked"},
	"how.memory":                  {"every row is a closed window", "asked", "exact"},
	"how.noted":                   {"something can leave: there is no upload without a line in the ledger", "asked", "unsensed"},
	"how.logic":                   {"the policy says so", "said", "asked"},
	"where.nowhere":               {"no field that leaves is a location or contact", "asked", "area"},
	"where.grid":                  {"a location leaves as a square of the grid", "grid", "asked"},
	"where.area":                  {"a location leaves as a declared label", "area", "asked"},
	"where.position":              {"a location leaves as a number that is no square of the grid", "position", "grid"},
	"where.stored":                {"the policy says so", "asked", "bare"},
	"where.unsaid":                {"the policy does not say where it is stored", "bare", "asked"},
	"where.safeguard":             {"the policy says so", "claimed", "asked"},
	"long.kept":                   {"the policy says so", "asked", ""},
	"long.marked":                 {"something can leave, and the purpose has a retention", "asked", "unsensed"},
	"long.yes":                    {"a yes to the purpose has an end", "asked", ""},
	"who.recipient":               {"the policy says so", "asked", ""},
	"who.controller":              {"the policy says so, and the recipient is somebody else", "asked", "bare"},
	"who.onward":                  {"the policy says so", "asked", "bare"},
	"who.nobody":                  {"the policy names nobody it is passed on to", "bare", "asked"},
	"who.contact":                 {"the policy says so", "asked", "bare"},
	"much.bits":                   {"the compiler bounds what the purpose tells in a day", "asked", "badge"},
	"much.presence":               {"the compiler finds that part of it tells or implies presence", "motion", "asked"},
	"much.unknown":                {"something can leave, and the compiler finds no bound", "badge", "asked"},
	"much.note":                   {"much.bits", "asked", "badge"},
	"name.number":                 {"the compiler gives the recipient L1 or L2: streams have random names", "asked", "token"},
	"name.unknown":                {"the compiler gives the recipient L2, and no route to it is known", "card", "https"},
	"name.period":                 {"the compiler gives the recipient L2, with the route it has", "https", "card"},
	"name.lasting":                {"the compiler gives the recipient L1", "two purposes", "asked"},
	"name.known":                  {"the compiler gives the recipient L0", "token", "asked"},
	"name.address":                {"something can leave", "asked", "unsensed"},
	"name.claim":                  {"the policy says so", "claimed", "asked"},
	"guess.presence.fine":         {"a presence field leaves in windows under six hours", "motion", "motion a day"},
	"guess.presence.coarse":       {"a presence field leaves in windows of six hours or more", "motion a day", "motion"},
	"guess.implied":               {"a field whose kind implies presence leaves in windows under six hours", "power", "power a day"},
	"guess.environment.fine":      {"an environment field leaves in windows under six hours", "asked", "day"},
	"guess.environment.coarse":    {"an environment field leaves in windows of six hours or more", "day", "asked"},
	"guess.usage.fine":            {"a usage field leaves in windows under six hours", "power", "power a day"},
	"guess.usage.coarse":          {"a usage field leaves in windows of six hours or more", "power a day", "power"},
	"guess.location":              {"a location leaves in any form but a count", "area", "asked"},
	"guess.identity.pseudonym":    {"a field leaves as a pseudonym", "badge", "asked"},
	"guess.identity.readable":     {"an identity leaves readable", "owner", "badge"},
	"guess.contact":               {"a contact field leaves readable", "e-mail readable", "email"},
	"guess.health":                {"a health field leaves", "heart", "asked"},
	"guess.count":                 {"a field leaves as a count", "count", "asked"},
	"guess.time":                  {"something can leave", "asked", "unsensed"},
	"ground.consent":              {"the policy says so", "asked", "contract"},
	"ground.contract":             {"the policy says so", "contract", "asked"},
	"ground.legal-obligation":     {"the policy says so", "obligation", "asked"},
	"ground.vital-interests":      {"the policy says so", "vital", "asked"},
	"ground.public-task":          {"the policy says so", "task", "asked"},
	"ground.legitimate-interests": {"the policy says so", "interests", "asked"},
	"ground.interest":             {"the policy says so", "said", "asked"},
	"access.consent":              {"the policy says so", "asked", "bare"},
	"access.service":              {"the policy says so", "bare", "asked"},
	"no.nothing":                  {"something can leave: a plan without a yes clears nothing of it", "asked", "unsensed"},
	"no.quiet":                    {"it is known how long the object keeps quiet after a no", "asked", "card"},
	"no.free":                     {"the object is read on consent, for no service", "asked", "bare"},
	"no.service":                  {"the policy says so", "bare", "asked"},
	"no.otherwise":                {"the policy says so", "said", "asked"},
	"no.back":                     {"the purpose is not refused", "asked", "refused by the charter"},
	"mine.why":                    {"the object measures something, which the history may keep", "asked", "nothing to keep"},
	"mine.return":                 {"the object measures something, which the history may keep", "asked", "nothing to keep"},
	"mine.what":                   {"a source has the field; one for each", "asked", "nothing to keep"},
	"mine.where":                  {"what the history keeps is of a type that nothing which sends takes", "asked", "nothing to keep"},
	"mine.long":                   {"the configuration says for how many days", "asked", ""},
	"mine.longer":                 {"the configuration asks for more days than were agreed to", "a longer history", "asked"},
	"mine.much":                   {"what the history keeps is of a type that nothing which sends takes", "asked", "nothing to keep"},
	"mine.who":                    {"the object measures something, which the history may keep", "asked", "nothing to keep"},
	"mine.ground":                 {"the object measures something, which the history may keep", "asked", "nothing to keep"},
	"mine.no":                     {"the object measures something, which the history may keep", "asked", "nothing to keep"},
	"mine.back":                   {"the object measures something, which the history may keep", "asked", "nothing to keep"},
}

// Some claims can't be refused in a policy that was read, which is what the reader is for: they are shown on a purpose with nothing
// in it, as no reader makes one.
var emptyOnly = []string{"when.upload", "when.stamp", "long.kept", "long.yes", "who.recipient", "never.default", "mine.long"}

func allClaims() []claim {
	var out []claim
	for _, table := range []string{"object", "route", "law", "purpose", "mine"} {
		out = append(out, claims(unpack()[table])...)
	}
	return out
}

// TestEveryClaimIsShownAndRefused goes through the whole table: each claim is printed in one scene and refused in another, and none
// is added without both.
func TestEveryClaimIsShownAndRefused(t *testing.T) {
	rendered := map[string]Document{}
	for name, s := range scenes() {
		rendered[name] = s.render(t)
	}
	known := map[string]bool{}
	for _, c := range allClaims() {
		if known[c.id] {
			t.Errorf("%s is there twice", c.id)
		}
		known[c.id] = true
		row, ok := shown[c.id]
		if !ok {
			t.Errorf("%s: nothing shows it printed and refused", c.id)
			continue
		}
		printed, there := rendered[row[1]]
		if at := slices.IndexFunc(printed.Fragments, func(f Fragment) bool { return f.ID == c.id }); !there || at < 0 {
			t.Errorf("%s is not printed in %q: %v", c.id, row[1], refusalOf(&printed, c.id))
		} else if f := printed.Fragments[at]; strings.ContainsAny(f.Text.both, "{}") || f.Voice != c.voice || f.Label.missing() {
			t.Errorf("%s is printed as %+v", c.id, f)
		}
		if row[2] == "" {
			if !slices.Contains(emptyOnly, c.id) {
				t.Errorf("%s: no scene refuses it", c.id)
			}
			continue
		}
		refused, there := rendered[row[2]]
		if !there || slices.ContainsFunc(refused.Fragments, func(f Fragment) bool { return f.ID == c.id }) || refusalOf(&refused, c.id) == "" {
			t.Errorf("%s is not refused with a reason in %q", c.id, row[2])
		}
	}
	for id := range shown {
		if !known[id] {
			t.Errorf("%s is no claim", id)
		}
	}
	w := &writer{tables: unpack()}
	for _, table := range []string{"object", "purpose", "mine"} {
		w.write(table, &subject{Inputs: &Inputs{}, p: &consent.Purpose{}, m: &consent.Mine{}})
	}
	for _, id := range emptyOnly {
		if slices.ContainsFunc(w.out.Fragments, func(f Fragment) bool { return f.ID == id }) || refusalOf(&w.out, id) == "" {
			t.Errorf("%s is printed of a purpose with nothing in it", id)
		}
	}
}

func refusalOf(d *Document, id string) string {
	for _, r := range d.Refused {
		if r.ID == id {
			return r.Why
		}
	}
	return ""
}

// Both texts of a claim have places for the same facts, vouvoiement, and no jargon that people don't use.
func TestTheTextsAreWellMade(t *testing.T) {
	marks := regexp.MustCompile(`\{\d\}`)
	forbidden := map[string]*regexp.Regexp{
		"fr": regexp.MustCompile(`(?i)(^|[ '])(tu|te|toi|ton|ta|tes|batch|hash|stream|token|plugin|opt-in)($|[ .,])`),
		"en": regexp.MustCompile(`(?i)\b(batch|hash|stream|token|plaintext|opt-in)\b`),
	}
	for _, c := range allClaims() {
		fr, en := marks.FindAllString(c.fr, -1), marks.FindAllString(c.en, -1)
		slices.Sort(fr)
		slices.Sort(en)
		if !slices.Equal(slices.Compact(fr), slices.Compact(en)) {
			t.Errorf("%s: %v in French, %v in English", c.id, fr, en)
		}
		if forbidden["fr"].MatchString(c.fr) || forbidden["en"].MatchString(c.en) {
			t.Errorf("%s: not a word for people: %s / %s", c.id, c.fr, c.en)
		}
		if strings.ContainsRune(c.fr+c.en, '\u00a0') || regexp.MustCompile(`[^ ] ?[;?!]`).MatchString(regexp.MustCompile(` [;?!]`).ReplaceAllString(c.fr, "")) {
			t.Errorf("%s: French signs stand behind a plain space, which is made one that does not break: %s", c.id, c.fr)
		}
	}
}

// TestTablesArePacked holds tables.z against tables.txt, which it is made of; with CANDOR_WRITE=1 it is made anew. Every word of a table
// has both languages.
func TestTablesArePacked(t *testing.T) {
	text, err := os.ReadFile("tables.txt")
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("CANDOR_WRITE") == "1" {
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, flate.BestCompression)
		if _, err := w.Write(text); err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("tables.z", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		packed = b.String()
	}
	have, err := io.ReadAll(flate.NewReader(strings.NewReader(packed)))
	if err != nil || string(have) != string(text) {
		t.Fatal("tables.z is not tables.txt; write it with CANDOR_WRITE=1 go test -run 'Packed|Document'")
	}
	words := unpack()
	for _, table := range []string{"kind", "class", "role", "tag", "country", "level", "thing", "part"} {
		lines := 0
		for line := range strings.Lines(unpack()[table]) {
			lines++
			w := strings.Split(strings.TrimSpace(line), "|")
			if table == "part" && (utf8.RuneCountInString(w[1]) > 16 || len(w[2]) > 16) {
				t.Errorf("the label %q is too long for the column of a terminal", line)
			}
			if len(w) != 3 || w[0] == "" || w[1] == "" || w[2] == "" {
				t.Errorf("%s: %q lacks a language", table, line)
			}
		}
		if lines < 3 {
			t.Errorf("%s has %d words", table, lines)
		}
	}
	for _, k := range sensors.Kinds() {
		if after(words["kind"], k.Name) == "" {
			t.Errorf("the kind %s has no words", k.Name)
		}
	}
	for _, c := range sensors.Classes() {
		if after(words["class"], string(c)) == "" {
			t.Errorf("the class %s has no words", c)
		}
	}
}

// TestFragmentsDocument holds FRAGMENTS.md against the table; with CANDOR_WRITE=1 it is written anew.
func TestFragmentsDocument(t *testing.T) {
	var b strings.Builder
	b.WriteString("# What the object can say\n\nEvery fragment of the charter: who says it, when it may be printed, and its texts. A fragment whose predicate does not hold is\nnot printed. `TestEveryClaimIsShownAndRefused` shows each printed and each refused; this page is made by `TestFragmentsDocument`.\n\n| fragment | voice | printed when | French | English |\n|---|---|---|---|---|\n")
	for _, c := range allClaims() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", c.id, c.voice, shown[c.id][0], c.fr, c.en)
	}
	if os.Getenv("CANDOR_WRITE") == "1" {
		if err := os.WriteFile("FRAGMENTS.md", []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile("FRAGMENTS.md")
	if err != nil || string(have) != b.String() {
		t.Errorf("FRAGMENTS.md is not what the table says; write it with CANDOR_WRITE=1 (%v)", err)
	}
}

// "Holds no name" is the sentence that would hurt most if it were wrong: no form of a contact field and no readable identity lets it be
// printed, nor does a way that names the object, or one that is not known.
func TestNoNameIsDeniedWhereOneLeaves(t *testing.T) {
	all := scenes()
	for _, name := range []string{"owner", "email", "e-mail readable", "token", "card"} {
		d := all[name].render(t)
		if len(d.Of("p")) == 0 || refusalOf(&d, "thief.nameless") == "" {
			t.Errorf("%s: it is said that nobody is named", name)
		}
	}
	for _, name := range []string{"asked", "badge", "area"} {
		if d := all[name].render(t); refusalOf(&d, "thief.nameless") != "" {
			t.Errorf("%s: it is not said that nobody is named", name)
		}
	}
}

// A purpose that is refused lets nothing out, and a document says no more of it than of nothing.
func TestARefusedPurposeIsNotCounted(t *testing.T) {
	d := scenes()["refused by the charter"].render(t)
	for _, id := range []string{"thief.base", "much.recipient", "whose.use", "never.before"} {
		if refusalOf(&d, id) == "" {
			t.Errorf("%s is said of a purpose that is refused", id)
		}
	}
}

// Nothing is said to leave where nothing can.
func TestNothingIsSaidToLeaveWhereNothingCan(t *testing.T) {
	for _, name := range []string{"given", "asked", "paused", "stopped", "mute", "nothing"} {
		d := scenes()[name].render(t)
		if refusalOf(&d, "now.leaves") == "" {
			t.Errorf("%s: it is said that readings leave", name)
		}
	}
}
