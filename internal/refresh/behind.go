package refresh

import (
	"time"
)

// SessionsBehind is how many sessions of the ticker's exchange were completed by a time and have no daily
// price yet, after the newest that has one. Where nothing is stored it is 1, since a run would fetch just
// one, as long as the ticker has yet to have its turn or has only had it during a session; and longestWait
// (8) once it was asked about in vain, so that a ticker without a price does not pass for one that is
// nearly fresh. It is 0 for a ticker that the provider does not know: Note tells of that.
func SessionsBehind(a ActiveTicker, at time.Time) int {
	calendar := a.Ticker.Calendar()
	newest := calendar.LastCompleted(at)
	nothing, inVain := a.State.LastSession.IsZero(), a.State.AskedAt.After(a.State.CheckedAt)
	switch {
	case a.State.unknown():
		return 0
	case nothing && inVain:
		return longestWait
	case nothing, a.State.early(newest):
		return 1
	default:
		return len(calendar.Sessions(a.State.LastSession.AddDays(1), newest.Date))
	}
}
