package consent

import (
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/tinyconf"
)

const (
	day            = tinyconf.Duration(24 * time.Hour)
	defaultEpoch   = 30 * day
	defaultExpires = 365 * day
	maxWindow      = 366 * day
	maxPurposes    = 64
	maxRules       = 256
)

// LoadPolicy reads policy.toml with open. The error is a tinyconf.Faults that names every fault with file, line and
// key; there is no half-read policy.
func LoadPolicy[F io.ReadCloser](open func(string) (F, error), path string) (*Policy, error) {
	p := &Policy{}
	if err := tinyconf.LoadFile(open, path, p); err != nil {
		return nil, err
	}
	return p, nil
}

// LoadCharter reads charter.toml with open, like [LoadPolicy].
func LoadCharter[F io.ReadCloser](open func(string) (F, error), path string) (Charter, error) {
	var c Charter
	err := tinyconf.LoadFile(open, path, &c)
	return c, err
}

// ParsePolicy reads a policy from memory; file is the name for faults.
func ParsePolicy(file string, data []byte) (*Policy, error) {
	p := &Policy{}
	if err := tinyconf.Load(file, data, p); err != nil {
		return nil, err
	}
	return p, nil
}

// ParseCharter reads a charter from memory; file is the name for faults.
func ParseCharter(file string, data []byte) (Charter, error) {
	var c Charter
	err := tinyconf.Load(file, data, &c)
	return c, err
}

// Check implements tinyconf.Checker.
func (p *Policy) Check(ctx *tinyconf.Context) {
	if ctx.Has("version") && p.Version == 0 {
		ctx.Fault("version", "0 is no version; count from 1, up with every change")
	}
	ids := make([]string, 0, len(p.Recipients))
	for i, r := range p.Recipients {
		if slices.Contains(ids, r.ID) {
			ctx.Fault(fmt.Sprintf("recipient[%d].id", i), "%q is there twice", r.ID)
		}
		ids = append(ids, r.ID)
	}
	seen := map[string]bool{}
	for i, o := range p.Purposes {
		if seen[o.ID] {
			ctx.Fault(fmt.Sprintf("purpose[%d].id", i), "%q is there twice; one purpose, one id", o.ID)
		}
		seen[o.ID] = true
		if o.Recipient != "" && !slices.Contains(ids, o.Recipient) {
			ctx.Unknown(fmt.Sprintf("purpose[%d].recipient", i), "recipient", o.Recipient, ids)
		}
	}
	if len(p.Purposes) > maxPurposes {
		ctx.Fault("purpose", "%d purposes; at most %d", len(p.Purposes), maxPurposes)
	}
}

// Check implements tinyconf.Checker.
func (r *Recipient) Check(ctx *tinyconf.Context) {
	checkID(ctx, "id", r.ID)
	oneOf(ctx, "role", "role", r.Role, []string{"controller", "joint-controller", "processor", "third-party"})
	if ctx.Has("linkability") {
		oneOf(ctx, "linkability", "level", r.Linkability, []string{string(L0), string(L1), string(L2)})
	}
}

// Defaults implements tinyconf.Defaulter.
func (o *Offer) Defaults() { o.Epoch, o.Expires = defaultEpoch, defaultExpires }

// Check implements tinyconf.Checker.
func (o *Offer) Check(ctx *tinyconf.Context) {
	checkID(ctx, "id", o.ID)
	if o.ID == MineID {
		ctx.Fault("id", "%q is the history kept for the person, which the object offers itself; choose another name", o.ID)
	}
	o.checkGrounds(ctx)
	wholeDays(ctx, "retention", o.Retention)
	wholeDays(ctx, "epoch", o.Epoch)
	if o.Time > 0 && !nests(o.Time) {
		ctx.Fault("time", "%s does not divide a day into equal parts; use 1s, 1m, 15m, 1h, 6h, 1d …", o.Time.String())
	}
	if o.Time > maxWindow {
		ctx.Fault("time", "%s is too long; at most %s", o.Time, maxWindow)
	}
	if o.Upload == 0 {
		o.Upload = o.Time
	}
	if o.Room != nil {
		if o.Room.Rows < 1 || o.Room.Rows > 1000 {
			ctx.Fault("room.rows", "%d rows; from 1 to 1000", o.Room.Rows)
		}
		if o.Room.Bytes < 160 || o.Room.Bytes > 65536 {
			ctx.Fault("room.bytes", "%d bytes; from 160 to 65536", o.Room.Bytes)
		}
	}
	if o.Cover != nil && *o.Cover && o.Room == nil {
		ctx.Fault("cover", "sends empty uploads of the room's size, and there is no room = { rows = …, bytes = … }")
	}
	fields := map[string]bool{}
	for i := range o.Rules {
		r := &o.Rules[i]
		if fields[r.Field] {
			ctx.Fault(fmt.Sprintf("rule[%d].field", i), "%q has a rule already; one field, one rule a purpose", r.Field)
		}
		fields[r.Field] = true
		if r.Window > 0 && o.Time > 0 && r.Window%o.Time != 0 && o.Time%r.Window != 0 {
			ctx.Fault(fmt.Sprintf("rule[%d].window", i), "%s and the purpose's time %s do not nest; one must be a multiple of the other", r.Window.String(), o.Time.String())
		}
	}
	if len(o.Rules) > maxRules {
		ctx.Fault("rule", "%d rules; at most %d", len(o.Rules), maxRules)
	}
}

func (o *Offer) checkGrounds(ctx *tinyconf.Context) {
	if o.Access == "legitimate-interest" || o.Access == "legitimate-interests" {
		ctx.Fault("access", "a legitimate interest is no ground to read from an object in a home (ePrivacy directive, art. 5(3)); use consent or strictly-necessary")
	} else {
		oneOf(ctx, "access", "access ground", o.Access, []string{"consent", "strictly-necessary"})
	}
	if o.Access == "strictly-necessary" && o.Service == "" {
		ctx.Fault("access", "strictly-necessary needs the service it is necessary for: service = \"…\", one the person can switch off")
	}
	if o.Access == "consent" && o.Service != "" {
		ctx.Fault("service", "is for access = \"strictly-necessary\" only")
	}
	oneOf(ctx, "basis", "GDPR ground", o.Basis, Bases())
}

// Bases are the grounds of GDPR art. 6(1), letters a to f, as a policy names them.
func Bases() []string {
	return []string{"consent", "contract", "legal-obligation", "vital-interests", "public-task", "legitimate-interests"}
}

func ruleActions() []string {
	return []string{"keep", "drop", "local", "round", "clamp", "bucket", "threshold", "grid", "mean", "min", "max", "sum", "count", "pseudonym"}
}

// ruleKeys are the keys each action needs (marked !) and takes, besides field and action.
func ruleKeys(action string) []string {
	switch action {
	case "keep":
		return []string{"labels"}
	case "round":
		return []string{"round!"}
	case "clamp":
		return []string{"min!", "max!", "round"}
	case "bucket":
		return []string{"edges!"}
	case "threshold":
		return []string{"threshold!", "hysteresis"}
	case "grid":
		return []string{"level!"}
	case "mean", "min", "max", "sum":
		return []string{"window!", "round", "least", "least_coverage"}
	case "count":
		return []string{"window!", "least", "least_coverage"}
	}
	return nil
}

// Check implements tinyconf.Checker.
func (r *Rule) Check(ctx *tinyconf.Context) {
	if r.Step != nil {
		if r.Round != nil {
			ctx.Fault("step", "is another word for round; give one of them")
		}
		r.Round = r.Step
		r.Step = nil
	}
	if r.Field != "" && !strings.Contains(r.Field, ".") {
		ctx.Fault("field", "%q is no field; a field is a sensor and a quantity, \"hall.temperature\"", r.Field)
	}
	if !slices.Contains(ruleActions(), r.Action) {
		if r.Action == "hash" || r.Action == "sha256" {
			ctx.Fault("action", "a hash without a key hides nothing and does not exist here; use pseudonym")
		} else if r.Action != "" {
			ctx.Unknown("action", "action", r.Action, ruleActions())
		}
		return
	}
	r.checkKeys(ctx)
	if r.Window > 0 && !nests(r.Window) {
		ctx.Fault("window", "%s does not divide a day into equal parts and is no whole number of days; use 15m, 1h, 6h, 1d …", r.Window.String())
	}
	if r.Window > maxWindow {
		ctx.Fault("window", "%s is too long; at most %s", r.Window, maxWindow)
	}
	if ctx.Has("least") && r.Least < 1 {
		ctx.Fault("least", "%d values; at least 1", r.Least)
	}
	if ctx.Has("least_coverage") && (r.Coverage < 1 || r.Coverage > 4) {
		ctx.Fault("least_coverage", "%d quarters of the window; from 1 to 4", r.Coverage)
	}
	if ctx.Has("level") && (r.Level < 1 || r.Level > gridLevels) {
		ctx.Fault("level", "%d is no level of the grid; from 1, the coarsest, to %d", r.Level, gridLevels)
	}
	if r.Hysteresis != nil && r.Hysteresis.Sign() < 0 {
		ctx.Fault("hysteresis", "%s is below zero; it is how far a value has to fall before it counts as off", r.Hysteresis)
	}
}

func (r *Rule) checkKeys(ctx *tinyconf.Context) {
	set := r.set()
	set["least"], set["least_coverage"], set["level"] = ctx.Has("least"), ctx.Has("least_coverage"), ctx.Has("level")
	for _, k := range ruleKeys(r.Action) {
		name, needed := strings.CutSuffix(k, "!")
		if needed && !set[name] && ctx.OK(name) {
			ctx.Fault("action", "%s needs %s", r.Action, name)
		}
		delete(set, name)
	}
	left := make([]string, 0, len(set))
	for name, there := range set {
		if there {
			left = append(left, name)
		}
	}
	sort.Strings(left)
	for _, name := range left {
		at := name
		if name == "round" && !ctx.Has("round") {
			at = "step"
		}
		ctx.Fault(at, "the action %s does not use it", r.Action)
	}
}

// set tells which keys the rule has, besides field and action.
func (r *Rule) set() map[string]bool {
	return map[string]bool{"window": r.Window != 0, "round": r.Round != nil, "min": r.Min != nil, "max": r.Max != nil, "edges": len(r.Edges) > 0,
		"labels": len(r.Labels) > 0, "least": r.Least != 0, "least_coverage": r.Coverage != 0, "threshold": r.Threshold != nil,
		"hysteresis": r.Hysteresis != nil, "level": r.Level != 0}
}

// Check implements tinyconf.Checker.
func (c *Charter) Check(ctx *tinyconf.Context) {
	for key, list := range map[string][]string{"never": c.Never, "never_readable": c.NeverReadable} {
		for i, w := range list {
			if !strings.Contains(w, ".") && !slices.Contains(sensors.Classes(), sensors.Class(w)) {
				known := make([]string, 0, 8)
				for _, class := range sensors.Classes() {
					known = append(known, string(class))
				}
				ctx.Unknown(fmt.Sprintf("%s[%d]", key, i), "class or field", w, known)
			}
		}
	}
	if c.MaxBits < 0 {
		ctx.Fault("max_bits_per_day", "%d bits; 0 means no ceiling, below it means nothing", c.MaxBits)
	}
	if c.MaxBitsRecipient < 0 {
		ctx.Fault("max_bits_per_day_recipient", "%d bits; 0 means no ceiling, below it means nothing", c.MaxBitsRecipient)
	}
	if c.MaxBitsPresent < 0 {
		ctx.Fault("max_bits_per_day_presence", "%d bits; 0 means no ceiling, below it means nothing", c.MaxBitsPresent)
	}
}

// nests tells whether windows of this length tile the UTC day, or days tile the window.
func nests(d tinyconf.Duration) bool {
	return d >= tinyconf.Duration(time.Microsecond) && d%tinyconf.Duration(time.Microsecond) == 0 && (day%d == 0 || d%day == 0)
}

func wholeDays(ctx *tinyconf.Context, key string, d tinyconf.Duration) {
	if d != 0 && d%day != 0 {
		ctx.Fault(key, "%s is no whole number of days", d.String())
	}
}

func oneOf(ctx *tinyconf.Context, key, what, word string, known []string) {
	if word != "" && !slices.Contains(known, word) {
		ctx.Unknown(key, what, word, known)
	}
}

// checkID: ids become file names and topics, so they are lower-case letters, digits and hyphens, 1 to 32 of them.
func checkID(ctx *tinyconf.Context, key, id string) {
	if id == "" {
		return
	}
	ok := len(id) <= 32 && id[0] != '-'
	for i := 0; i < len(id); i++ {
		c := id[i]
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-')
	}
	if !ok {
		ctx.Fault(key, "%q won't do as an id; use 1 to 32 lower-case letters, digits and hyphens", id)
	}
}
