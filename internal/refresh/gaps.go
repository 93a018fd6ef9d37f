package refresh

import "papertrade/pkg/exchange"

// Gap is a run of sessions without a bar.
type Gap struct {
	From     exchange.Date `json:"from"` // the first of them
	To       exchange.Date `json:"to"`   // the last
	Sessions int           `json:"sessions"`
}

// Gaps finds the sessions of an exchange that have no bar, between the first and the last of bars, which
// are ascending. No bar lies within a gap.
func Gaps(e *exchange.Exchange, bars []StoredBar) []Gap {
	var gaps []Gap
	for i := 1; i < len(bars); i++ {
		missing := e.Sessions(bars[i-1].Session.AddDays(1), bars[i].Session.AddDays(-1))
		if n := len(missing); n > 0 {
			gaps = append(gaps, Gap{From: missing[0], To: missing[n-1], Sessions: n})
		}
	}
	return gaps
}
