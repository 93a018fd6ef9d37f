package refresh

import (
	"time"

	"papertrade/pkg/exchange"
)

// SessionsBehind is how many sessions of the ticker's exchange were completed by a time and have no daily
// price yet, after the newest that has one. Where nothing is stored it is 1 until the ticker's first turn,
// since a run would fetch just one, and longestWait (8) once it was asked about in vain, so that a ticker
// without a price does not pass for one that is nearly fresh. It is 0 for a ticker that the provider does not
// know: Note tells of that.
func SessionsBehind(a ActiveTicker, at time.Time) int {
	calendar, _ := exchange.ForSymbol(a.Ticker.String())
	newest := calendar.LastCompleted(at)
	switch {
	case a.State.unknown():
		return 0
	case a.State.LastSession.IsZero() && a.State.AskedAt.IsZero():
		return 1
	case a.State.LastSession.IsZero():
		return longestWait
	case a.State.early(newest):
		return 1
	default:
		return len(calendar.Sessions(a.State.LastSession.AddDays(1), newest.Date))
	}
}
