package charter

import (
	"encoding/json"
	"strings"
	"testing"
)

// A text in one language is none: it can't be made, written or read.
func TestATextHasBothLanguages(t *testing.T) {
	for _, pair := range [][2]string{{"", "yes"}, {"oui", ""}, {"oui", " \n"}, {"oui\x00non", "yes"}} {
		if !both(pair[0], pair[1]).missing() {
			t.Errorf("%q is a text", pair)
		}
		if !fill(&claim{fr: "{1}", en: "{1}"}, []Text{both(pair[0], pair[1])}).missing() {
			t.Errorf("%q fills a text", pair)
		}
	}
	if _, err := json.Marshal(Fragment{ID: "x"}); err == nil {
		t.Error("a fragment without texts was written")
	}
	var f Fragment
	if err := json.Unmarshal([]byte(`{"id":"x","text":{"en":"yes"}}`), &f); err == nil {
		t.Error("a fragment in one language was read")
	}
	if err := json.Unmarshal([]byte(`{"id":"x","text":{"fr":"oui","en":"yes"}}`), &f); err != nil || f.Text.In("fr-CA") != "oui" || f.Text.In("de") != "yes" {
		t.Errorf("%v %v", f.Text, err)
	}
}

// What the policy writes is not taken for a place to fill.
func TestFactsAreNotFilled(t *testing.T) {
	got := fill(&claim{fr: "{1} et {2}", en: "{1} and {2}"}, []Text{same("{2}"), same("b")})
	if got.en() != "{2} and b" || got.fr() != "{2} et b" {
		t.Errorf("%+v", got)
	}
}

func TestFrenchSignsAreGlued(t *testing.T) {
	got := both("Qui : « Acme » ; 1 100 km, 5 % ?", "x").In("fr")
	if want := "Qui_: «_Acme_»_; 1_100 km, 5_%_?"; strings.ReplaceAll(got, "\u00a0", "_") != want {
		t.Errorf("%q", got)
	}
}
