package history

import (
	"slices"

	"papertrade/pkg/exchange"
)

// Gap is a run of sessions without a bar.
type Gap struct {
	From     exchange.Date `json:"from"` // the first of them
	To       exchange.Date `json:"to"`   // the last
	Sessions int           `json:"sessions"`
}

// Gaps returns the sessions of a calendar, from from to to, that have no bar and that a provider may have: it has none
// of those in absent. They lie between the first and the last of bars; no bar lies within a gap. Bars and absent are
// ascending. A zero Date is no bound.
func Gaps(calendar *exchange.Exchange, bars []StoredBar, absent []exchange.Date, from, to exchange.Date) []Gap {
	var gaps []Gap
	for i := 1; i < len(bars); i++ {
		missing := calendar.Sessions(bars[i-1].Session.AddDays(1), bars[i].Session.AddDays(-1))
		missing = slices.DeleteFunc(missing, func(d exchange.Date) bool {
			return contains(absent, d) || d.Before(from) || !to.IsZero() && d.After(to)
		})
		if n := len(missing); n > 0 {
			gaps = append(gaps, Gap{From: missing[0], To: missing[n-1], Sessions: n})
		}
	}
	return gaps
}
