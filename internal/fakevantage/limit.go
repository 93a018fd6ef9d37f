package fakevantage

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limit is the number of calls that a key may make in a window. A Window of zero is the calendar day
// in UTC. Any other is rolling: in no window of that length, wherever it starts, are there more than
// Calls; two calls exactly Window apart do not share one.
type Limit struct {
	Calls  int
	Window time.Duration
}

// ParseLimit reads N/DURATION or N/day, as in 5/1m and 500/day.
func ParseLimit(s string) (Limit, error) {
	calls, window, _ := strings.Cut(s, "/")
	l := Limit{}
	var err error
	if l.Calls, err = strconv.Atoi(calls); err != nil || l.Calls < 1 {
		return Limit{}, notALimit(s)
	}
	if window == "day" {
		return l, nil
	}
	if l.Window, err = time.ParseDuration(window); err != nil || l.Window <= 0 {
		return Limit{}, notALimit(s)
	}
	return l, nil
}

func notALimit(s string) error {
	return fmt.Errorf("%q is not a limit: write N/DURATION or N/day, as in 5/1m", s)
}

// admits reports whether a call at now is within the limit, after calls at the times of entered.
func (l Limit) admits(entered []time.Time, now time.Time) bool {
	if len(entered) < l.Calls {
		return true
	}
	oldest := entered[len(entered)-l.Calls]
	if l.Window == 0 {
		return oldest.UTC().Format(time.DateOnly) < now.UTC().Format(time.DateOnly)
	}
	return now.Sub(oldest) >= l.Window
}
