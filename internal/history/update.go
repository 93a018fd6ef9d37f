package history

import (
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// Newer returns the bars of an ascending answer that a refresh stores: those of completed sessions after last, the
// newest stored one, or the newest completed one if there is none after it or nothing is stored. What came before is
// for a backfill. Completed is the newest completed session.
func Newer(bars []marketdata.Bar, last, completed exchange.Date) []marketdata.Bar {
	end, _ := find(bars, completed.AddDays(1))
	bars = bars[:end]
	start, _ := find(bars, last.AddDays(1))
	if start == end || last.IsZero() {
		start = max(0, end-1)
	}
	return bars[start:]
}
