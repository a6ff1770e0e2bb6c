package consent

import (
	"fmt"
	"math"
	"strings"

	"github.com/candor-edge/candor/sensors"
)

// rule is one compiled (field, purpose) → action that lets something out. drop and local compile to no rule at all,
// so they can't be told from a field that does not exist.
type rule struct {
	input  int // index into the reading's values
	named  int // index into sourceRules.named
	field  sensors.Field
	agg    aggregate
	gain   int64 // see accumulator.result
	least  int64 // a window with fewer values says nothing
	steps  []step
	token  tokenAction
	labels map[string]bool
	axis   axis // of a grid; noAxis for all else
	level  int
	// partner is the input of the other coordinate of a grid.
	partner int
	// below is, for a threshold with hysteresis, the value under which it is off again; on says that it is one.
	on    bool
	below int64
	cover int8 // a window watched for fewer quarters says nothing
	form  FieldForm
}

// tokenAction is what happens to a token.
type tokenAction uint8

const (
	tokenNone tokenAction = iota
	tokenPseudonym
	tokenLabel
)

// shareScale is the scale of the mean of a yes/no field: thousandths.
const shareScale = 3

// sumLimit bounds what a sum may say, so that its alphabet can be declared: 2^53-1, which every reader of JSON holds exactly.
const sumLimit = 1<<53 - 1

// compileRule turns what the policy says of one field into a rule. It returns nil without an error for drop and local.
// The errors are sentences for the author of the policy.
func compileRule(r Rule, f sensors.Field, input int) (*rule, error) {
	out := &rule{input: input, field: f, gain: 1, least: int64(r.Least), cover: int8(r.Coverage)}
	out.form = FieldForm{Field: f.Name, Unit: f.Kind.Unit, Scale: f.Kind.Scale, Step: 1, Class: f.Class, Actions: r.words(), rule: r, unit: f.Kind.Unit, boolean: f.Kind.Type == sensors.Boolean, implies: f.Kind.Implies}
	switch r.Action {
	case "drop", "local", unanswered:
		return nil, nil
	case "count":
		out.agg = aggCount
		out.form.Unit, out.form.Scale, out.form.Min, out.form.Max = "count", 0, 0, sumLimit
		return out, nil
	}
	if f.Kind.Type == sensors.Text {
		return out, compileToken(r, out)
	}
	if r.Action == "pseudonym" || len(r.Labels) > 0 {
		return nil, fmt.Errorf("%s is a number; %s is for tokens", f.Name, r.Action)
	}
	if r.Action == "grid" {
		return out, compileGrid(r, out)
	}
	return out, compileNumber(r, out)
}

func compileToken(r Rule, out *rule) error {
	switch {
	case r.Action == "pseudonym":
		out.token, out.form.Type = tokenPseudonym, FormPseudonym
	case r.Action == "keep" && len(r.Labels) > 0:
		out.token, out.form.Type, out.form.Labels = tokenLabel, FormLabel, r.Labels
		out.labels = map[string]bool{}
		for _, l := range r.Labels {
			out.labels[l] = true
		}
	case r.Action == "keep":
		return fmt.Errorf("%s is a token and can't leave as it is: use pseudonym, count, drop or local, or declare every text it may have: labels = [\"…\"]", out.field.Name)
	default:
		return fmt.Errorf("%s needs a number, and %s is a token", r.Action, out.field.Name)
	}
	return nil
}

func compileNumber(r Rule, out *rule) error {
	in := span{out.field.Kind.Min, out.field.Kind.Max, 1}
	scale := out.field.Kind.Scale
	boolean := out.field.Kind.Type == sensors.Boolean
	switch r.Action {
	case "mean":
		out.agg = aggMean
		if boolean {
			out.gain, scale, boolean = 1000, shareScale, false
			in = span{0, 1000, 1}
			out.form.Unit = "/"
		}
	case "min":
		out.agg = aggMin
	case "max":
		out.agg = aggMax
	case "sum":
		out.agg, boolean = aggSum, false
		in = span{-sumLimit, sumLimit, 1}
		if out.field.Kind.Min >= 0 {
			in.lo = 0
		}
		if out.form.Unit == "" {
			out.form.Unit = "count"
		}
	}
	if err := numberSteps(r, out, scale); err != nil {
		return err
	}
	for i := range out.steps {
		if out.steps[i].kind == stepBucket {
			out.form.Unit, scale, boolean = "1", 0, false
		}
		in = out.steps[i].through(in)
	}
	// What would lie beyond what the wire can say is dropped, so the announced range ends at the last steps before it.
	in.hi = min(in.hi, sumLimit/in.unit*in.unit)
	in.lo = max(in.lo, -sumLimit/in.unit*in.unit)
	if in.lo > in.hi {
		return fmt.Errorf("no value can come of %s: the step is larger than the range", out.form.Actions)
	}
	out.form.Scale, out.form.Step, out.form.Min, out.form.Max = scale, in.unit, in.lo, in.hi
	out.form.Type = FormNumber
	if (boolean || r.Action == "threshold") && in == (span{0, 1, 1}) {
		out.form.Type, out.form.Unit = FormBoolean, out.field.Kind.Unit
		if !boolean {
			out.form.Unit = ""
		}
	}
	return nil
}

// numberSteps appends the steps the rule names, in the order clamp, round, bucket.
func numberSteps(r Rule, out *rule, scale int) error {
	if r.Min != nil {
		lo, err := r.Min.Scaled(scale)
		if err != nil {
			return fmt.Errorf("min: %w", err)
		}
		hi, err := r.Max.Scaled(scale)
		if err != nil {
			return fmt.Errorf("max: %w", err)
		}
		if lo >= hi {
			return fmt.Errorf("min must be below max")
		}
		out.steps = append(out.steps, step{kind: stepClamp, a: lo, b: hi})
	}
	if r.Round != nil {
		s, err := r.Round.Scaled(scale)
		if err != nil {
			return fmt.Errorf("round: %w", err)
		}
		if s < 1 {
			return fmt.Errorf("round must be positive")
		}
		out.steps = append(out.steps, step{kind: stepFloor, a: s})
	}
	if r.Action == "threshold" {
		return thresholdStep(r, out, scale)
	}
	if len(r.Edges) == 0 {
		return nil
	}
	edges := make([]int64, len(r.Edges))
	for i := range r.Edges {
		e, err := r.Edges[i].Scaled(scale)
		if err != nil {
			return fmt.Errorf("edges: %w", err)
		}
		if i > 0 && e <= edges[i-1] {
			return fmt.Errorf("edges must ascend")
		}
		edges[i] = e
	}
	out.steps = append(out.steps, step{kind: stepBucket, edges: edges})
	return nil
}

// thresholdStep is a bucket of one edge; with hysteresis the rule also remembers on which side it is.
func thresholdStep(r Rule, out *rule, scale int) error {
	at, err := r.Threshold.Scaled(scale)
	if err != nil {
		return fmt.Errorf("threshold: %w", err)
	}
	if at <= out.field.Kind.Min || at > out.field.Kind.Max {
		return fmt.Errorf("threshold %s is outside what %s can be, so it would never change", r.Threshold, out.field.Name)
	}
	if r.Hysteresis != nil && r.Hysteresis.Sign() > 0 {
		h, err := r.Hysteresis.Scaled(scale)
		if err != nil {
			return fmt.Errorf("hysteresis: %w", err)
		}
		if h > at-out.field.Kind.Min {
			return fmt.Errorf("hysteresis %s reaches below what %s can be, so it would never be off again", r.Hysteresis, out.field.Name)
		}
		out.on, out.below = true, at-h
	}
	out.steps = append(out.steps, step{kind: stepBucket, edges: []int64{at}})
	return nil
}

// number runs the steps; ok is false when a step has no result.
func (r *rule) number(v int64) (int64, bool) {
	for i := range r.steps {
		var ok bool
		if v, ok = r.steps[i].apply(v); !ok {
			return 0, false
		}
	}
	if v < r.form.Min || v > r.form.Max {
		return 0, false
	}
	return v, true
}

// words says the rule as a person would: "mean 1h, round 0.5".
func (r Rule) words() string {
	parts := []string{r.Action}
	if r.Action == "round" {
		parts = nil // the step says it
	}
	if r.Window != 0 {
		parts[0] += " " + r.Window.String()
	}
	if r.Min != nil {
		parts = append(parts, fmt.Sprintf("between %s and %s", r.Min, r.Max))
	}
	if r.Round != nil {
		parts = append(parts, "round "+r.Round.String())
	}
	if len(r.Edges) > 0 {
		texts := make([]string, len(r.Edges))
		for i := range r.Edges {
			texts[i] = r.Edges[i].String()
		}
		parts = append(parts, "edges "+strings.Join(texts, " "))
	}
	if len(r.Labels) > 0 {
		parts = append(parts, fmt.Sprintf("one of %d labels", len(r.Labels)))
	}
	if r.Threshold != nil {
		parts[0] += " " + r.Threshold.String()
	}
	if r.Hysteresis != nil && r.Hysteresis.Sign() > 0 {
		parts = append(parts, "hysteresis "+r.Hysteresis.String())
	}
	if r.Level > 0 {
		parts[0] += fmt.Sprintf(" level %d", r.Level)
	}
	if r.Coverage > 0 {
		parts = append(parts, fmt.Sprintf("watched for %d/4", r.Coverage))
	}
	return strings.Join(parts, ", ")
}

// micros converts a duration of the policy; the loader has refused negative and sub-microsecond ones.
func micros[D ~int64](d D) sensors.Micros {
	if int64(d) > math.MaxInt64-999 {
		return math.MaxInt64 / 1000
	}
	return sensors.Micros(int64(d) / 1000)
}
