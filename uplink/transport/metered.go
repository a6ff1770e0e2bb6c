package transport

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/candor-edge/candor/tinyconf"
)

// Limits are what a metered link allows. The zero value allows everything. Deletion requests know no limits.
type Limits struct {
	PerDay  int64    // bytes in a day (UTC), with what HTTP and TLS add; 0: as many as there are
	Windows []Window // when something may be sent; none: always
}

// Window is a part of the day, in UTC; one that ends before it begins goes over midnight.
type Window struct{ From, To time.Duration }

// Limits reads budget and windows of a route.
func (r *Route) Limits() (l Limits, err error) {
	if r.Budget != "" {
		text, ok := strings.CutSuffix(r.Budget, "/d")
		size, err := tinyconf.ParseSize(strings.TrimSpace(text))
		if !ok || err != nil || size < 4<<10 {
			return l, fmt.Errorf("budget: %q won't do; use a size a day of 4KiB at the least, as in \"5MiB/d\"", r.Budget)
		}
		l.PerDay = int64(size)
	}
	for _, text := range r.Windows {
		w, err := parseWindow(text)
		if err != nil {
			return l, fmt.Errorf("windows: %w", err)
		}
		l.Windows = append(l.Windows, w)
	}
	return l, nil
}

func parseWindow(text string) (w Window, err error) {
	from, to, ok := strings.Cut(text, "-")
	if ok {
		if w.From, err = parseHour(from); err == nil {
			w.To, err = parseHour(to)
		}
	}
	if !ok || err != nil || w.From == w.To {
		return w, fmt.Errorf("%q won't do; use two times of the day in UTC, as in \"01:00-05:00\"", text)
	}
	return w, nil
}

func parseHour(text string) (time.Duration, error) {
	if text == "24:00" {
		return 24 * time.Hour, nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil || len(text) != 5 {
		return 0, errors.New("no time of the day")
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, nil
}

// Open tells when something may be sent by the windows: now itself, or the next moment when one opens.
func (l Limits) Open(now time.Time) time.Time {
	if len(l.Windows) == 0 {
		return now
	}
	day := now.UTC().Truncate(24 * time.Hour)
	next := now.Add(48 * time.Hour)
	for _, w := range l.Windows {
		for offset := -24 * time.Hour; offset <= 24*time.Hour; offset += 24 * time.Hour {
			from, to := day.Add(offset+w.From), day.Add(offset+w.To)
			if w.To < w.From {
				to = to.Add(24 * time.Hour)
			}
			switch {
			case !now.Before(from) && now.Before(to):
				return now
			case now.Before(from) && from.Before(next):
				next = from
			}
		}
	}
	return next
}
