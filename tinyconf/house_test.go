package tinyconf_test

import (
	"time"

	"github.com/candor-edge/candor/tinyconf"
)

// house is a configuration with one of everything, for the tests of this package.
type house struct {
	Device  device                     `toml:"device"`
	Sensors []sensor                   `toml:"sensor"`
	Facts   map[string]tinyconf.Secret `toml:"attributes" conf:"literal"`
	Buffer  buffer                     `toml:"buffer"`
	Purpose []purpose                  `toml:"purpose"`
	Token   tinyconf.Secret            `toml:"token"`
	Mirror  *mirror                    `toml:"mirror"`
	Since   time.Time                  `toml:"since"`
	Gain    float64                    `toml:"gain"`
	Small   uint8                      `toml:"small"`
	Signed  int16                      `toml:"signed"`
	On      bool                       `toml:"on"`

	Derived string
}

type device struct {
	State    string   `toml:"state" conf:"required"`
	Language string   `toml:"language"`
	Groups   []string `toml:"groups" conf:"required"`
}

type sensor struct {
	Name    string            `toml:"name" conf:"required"`
	Driver  string            `toml:"driver"`
	Address tinyconf.Address  `toml:"address"`
	Every   tinyconf.Duration `toml:"every"`
	Holdoff tinyconf.Duration `toml:"holdoff" conf:"zero"`
	Rest    tinyconf.Rest

	chip chip
}

type chip struct {
	Oversampling int               `toml:"oversampling"`
	Filter       tinyconf.Duration `toml:"filter"`
}

func (s *sensor) Defaults() { s.Every = tinyconf.Duration(10 * time.Second) }

func (s *sensor) Check(ctx *tinyconf.Context) {
	s.chip.Oversampling = 1
	ctx.Merge(s.Rest.Load(&s.chip))
	if s.chip.Oversampling > 16 {
		ctx.Fault("oversampling", "found %d, at most 16 is possible", s.chip.Oversampling)
	}
}

type buffer struct {
	Flush tinyconf.Duration `toml:"flush"`
	Max   tinyconf.Size     `toml:"max_size"`
	Least tinyconf.Size     `toml:"least" conf:"zero"`
}

func (b *buffer) Defaults() { b.Flush, b.Max = tinyconf.Duration(time.Minute), 256<<20 }

func (b *buffer) Check(ctx *tinyconf.Context) {
	if ctx.OK("least") && ctx.OK("max_size") && b.Least > b.Max {
		ctx.Fault("least", "found %s, more than %s (%s)", b.Least, ctx.Key("max_size"), b.Max)
	}
}

type purpose struct {
	ID    string             `toml:"id" conf:"required"`
	Title tinyconf.Localized `toml:"title" conf:"required"`
	Rule  []rule             `toml:"rule"`
}

func (p *purpose) Check(ctx *tinyconf.Context) {
	if len(p.Rule) > 1 && p.Rule[1].Action == "drop" {
		ctx.Fault("rule[1].action", "drop cannot be second")
		ctx.Fault("rule[1].window", "drop has no window")
	}
}

type rule struct {
	Field  string            `toml:"field" conf:"required"`
	Action string            `toml:"action"`
	Round  *tinyconf.Decimal `toml:"round"`
}

func (r *rule) Check(ctx *tinyconf.Context) {
	switch r.Action {
	case "", "keep", "drop", "round", "mean":
	default:
		ctx.Unknown("action", "action", r.Action, []string{"keep", "drop", "round", "mean"})
	}
}

type mirror struct {
	URL string `toml:"url" conf:"required"`
}

// ok is the least a house needs; cases add to it.
const ok = "[device]\nstate = \"/s\"\ngroups = [\"a\"]\n"
