// Package quota keeps a program within the rate limits of a vendor: what a limit is, and when the
// next call may be made so that none of them is exceeded.
package quota

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limit allows a number of calls in any window of a length, wherever it starts, or in a calendar
// day in UTC. If the vendor charges credits for calls, it is a number of credits.
type Limit struct {
	Calls  int           // 1 or more
	Window time.Duration // greater than zero; 0 stands for a calendar day in UTC
}

// ParseLimit reads N/DURATION, a rolling window, or N/day, a calendar day in UTC: 5/1m, 500/day.
func ParseLimit(s string) (Limit, error) {
	count, window, found := strings.Cut(strings.TrimSpace(s), "/")
	calls, err := strconv.Atoi(count)
	if !found || err != nil || calls < 1 {
		return Limit{}, notALimit(s)
	}
	if window == "day" {
		return Limit{Calls: calls}, nil
	}
	length, err := time.ParseDuration(window)
	if err != nil || length <= 0 {
		return Limit{}, notALimit(s)
	}
	return Limit{Calls: calls, Window: length}, nil
}

func notALimit(s string) error {
	return fmt.Errorf("%.40q is not a rate limit: write N/DURATION for a rolling window, as in 5/1m, or N/day for a day in UTC", s)
}

// String returns the limit in the form that ParseLimit reads.
func (l Limit) String() string {
	if l.Window == 0 {
		return fmt.Sprintf("%d/day", l.Calls)
	}
	// Duration writes a minute as 1m0s.
	window := l.Window.String()
	if strings.HasSuffix(window, "m0s") {
		window = strings.TrimSuffix(window, "0s")
	}
	if strings.HasSuffix(window, "h0m") {
		window = strings.TrimSuffix(window, "0m")
	}
	return fmt.Sprintf("%d/%s", l.Calls, window)
}

// MarshalText returns what String does.
func (l Limit) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what ParseLimit does.
func (l *Limit) UnmarshalText(text []byte) (err error) {
	*l, err = ParseLimit(string(text))
	return err
}

// UnaffordableError says that a call costs more than a limit ever allows.
type UnaffordableError struct {
	Cost  int
	Limit Limit
}

func (e *UnaffordableError) Error() string {
	return fmt.Sprintf("a call that costs %d can never be made: the rate limit is %s", e.Cost, e.Limit)
}

// CheckCost returns an *UnaffordableError if one of the limits can never allow a call of this cost.
func CheckCost(limits []Limit, cost int) error {
	for _, l := range limits {
		if cost > l.Calls {
			return &UnaffordableError{Cost: cost, Limit: l}
		}
	}
	return nil
}
