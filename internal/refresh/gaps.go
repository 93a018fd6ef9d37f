package refresh

import (
	"slices"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
)

// Gap is a run of sessions without a bar.
type Gap struct {
	From     exchange.Date `json:"from"` // the first of them
	To       exchange.Date `json:"to"`   // the last
	Sessions int           `json:"sessions"`
}

// Gaps finds the sessions of an exchange from from to to that have no bar, between the first and the last
// of bars, which are ascending, and that a provider may have: those of absent, which are ascending as
// well, it has not. A zero Date is no bound. No bar lies within a gap.
func Gaps(e *exchange.Exchange, bars []history.StoredBar, absent []exchange.Date, from, to exchange.Date) []Gap {
	var gaps []Gap
	for i := 1; i < len(bars); i++ {
		missing := e.Sessions(bars[i-1].Session.AddDays(1), bars[i].Session.AddDays(-1))
		missing = slices.DeleteFunc(missing, func(d exchange.Date) bool {
			return has(absent, d) || d.Before(from) || !to.IsZero() && d.After(to)
		})
		if n := len(missing); n > 0 {
			gaps = append(gaps, Gap{From: missing[0], To: missing[n-1], Sessions: n})
		}
	}
	return gaps
}

// Marks are the splits that the stored history lacks.
func (s State) Marks() []Split {
	return slices.DeleteFunc(slices.Clone(s.Splits), func(split Split) bool { return split.Rebased })
}
