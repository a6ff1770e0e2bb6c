//go:build linux && (amd64 || arm64)

package simulation

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"
)

// script is a life before it is lived. It is a function of its seed; Events may be fewer, when the shortest history is looked for.
type script struct {
	Seed   uint64  `json:"seed"`
	Days   int     `json:"days"`
	Step   int64   `json:"step"` // of co2 that the policy asks at first
	Room   bool    `json:"room"` // uploads of air have one size
	Events []event `json:"events"`
}

// event is one thing that happens.
type event struct {
	At   time.Duration `json:"at"`
	What string        `json:"what"`
	With string        `json:"with,omitempty"` // a purpose, a weather, a mood …
	Seed uint64        `json:"seed"`           // of what is drawn while it happens
	For  time.Duration `json:"for,omitempty"`
}

func (e event) String() string {
	text := fmt.Sprintf("%v %s %s", e.At, e.What, e.With)
	if e.For > 0 {
		text += fmt.Sprintf(" for %v", e.For)
	}
	return strings.TrimSpace(text)
}

// faults are what can happen and how often, in a thousand.
func faults() []struct {
	what   string
	weight int
} {
	return []struct {
		what   string
		weight int
	}{
		{"cut", 180}, {"cut at rest", 30}, {"restart", 60}, {"weather", 200}, {"mood", 120}, {"grant", 200}, {"withdraw", 60}, {"pause", 30},
		{"forget", 15}, {"forget some", 15}, {"disk", 50}, {"policy", 40},
		{"rot", 20}, {"backup", 30}, {"old card", 10}, {"old state", 10}, {"transfer", 10}, {"erase", 20}, {"clock", 40}, {"no policy", 10}, {"mine", 20}, {"outage", 4}, {"snatch", 60},
	}
}

// write makes the script of a seed.
func write(seed uint64, days, perMonth int) *script {
	random := rand.New(rand.NewPCG(seed, 9))
	s := &script{Seed: seed, Days: days, Step: steps()[random.IntN(3)], Room: random.IntN(2) == 0}
	life := time.Duration(days) * 24 * time.Hour
	add := func(e event) { s.Events = append(s.Events, e) }
	for i, purpose := range purposeNames() {
		add(event{At: time.Duration(random.IntN(6*3600))*time.Second + time.Duration(i+1)*137*time.Millisecond, What: "grant", With: purpose, Seed: random.Uint64()})
	}
	total, all := 0, faults()
	for i := range all {
		if slices.Contains(strings.Split(os.Getenv("FOCUS"), ","), strings.ReplaceAll(all[i].what, " ", "_")) {
			all[i].weight *= 20 // what a seeded bug needs to show
		}
		total += all[i].weight
	}
	for range days * perMonth / 30 {
		at := time.Duration(random.Int64N(int64(life))).Truncate(time.Millisecond) + 333*time.Microsecond
		draw := random.IntN(total)
		for _, f := range all {
			if draw -= f.weight; draw < 0 {
				if !s.spares(f.what) {
					s.add(at, f.what, random)
				}
				break
			}
		}
	}
	slices.SortStableFunc(s.Events, func(a, b event) int { return int(a.At - b.At) })
	return s
}

// spares tells what does not happen in a life. In one of three nothing comes that may cost more than a power cut does: in it all
// that was agreed to is owed to the end.
func (s *script) spares(what string) bool {
	return s.Seed%3 == 0 && os.Getenv("FOCUS") == "" && slices.Contains([]string{"rot", "old card", "old state", "transfer", "erase", "clock", "no policy"}, what)
}

func steps() []int64 { return []int64{50_00, 100_00, 200_00} }

// add adds an event with what belongs to it.
func (s *script) add(at time.Duration, what string, random *rand.Rand) {
	e := event{At: at, What: what, Seed: random.Uint64()}
	hours := func(most int) time.Duration { return time.Duration(1+random.IntN(most*60)) * time.Minute }
	switch what {
	case "grant", "withdraw", "snatch":
		e.With = purposeNames()[random.IntN(3)]
		if what != "snatch" && random.IntN(4) == 0 { // with the power cut in the middle of it
			e.For = 1
		}
	case "weather":
		e.With, e.For = string(weathers()[random.IntN(len(weathers()))]), hours(72)
	case "mood":
		e.With, e.For = string(moods()[random.IntN(len(moods()))]), hours(24)
	case "pause":
		e.For = hours(48)
	case "disk":
		e.With, e.For = []string{"full", "read-only", "failing"}[random.IntN(3)], hours(24)
	case "rot":
		e.With = []string{"at rest", "under it"}[random.IntN(2)]
	case "erase":
		e.With = []string{"", "there too"}[random.IntN(2)]
	case "clock":
		e.With, e.For = []string{"hour back", "hour ahead", "stands still", "not set", "1970", "years ahead", "minutes off", "days back"}[random.IntN(8)], hours(48)
		if e.With == "years ahead" && s.Seed%3 == 1 {
			e.With = "hour ahead"
		}
	case "no policy":
		e.For = hours(30)
	case "mine":
		e.With = []string{"yes", "yes", "no"}[random.IntN(3)]
	case "outage":
		e.What, e.With, e.For = "weather", string(down), hours(20*24)
	case "policy":
		e.With = fmt.Sprint(steps()[random.IntN(3)])
	}
	s.Events = append(s.Events, e)
	if end := map[string]string{"weather": "fair", "mood": "fine", "pause": "resume", "disk": "healthy", "clock": "clock right", "outage": "fair"}[what]; end != "" {
		s.Events = append(s.Events, event{At: at + e.For, What: end, Seed: random.Uint64()})
	}
	if what == "no policy" {
		s.Events = append(s.Events, event{At: at + e.For, What: "policy", With: fmt.Sprint(steps()[random.IntN(3)]), Seed: random.Uint64()})
	}
}

func faultDetail(e *event) string {
	switch e.What {
	case "weather", "mood", "disk", "rot", "erase", "clock", "mine":
		return e.With
	case "grant", "withdraw":
		if e.For == 1 {
			return "with a cut"
		}
	}
	return ""
}
