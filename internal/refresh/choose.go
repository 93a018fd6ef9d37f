package refresh

import (
	"cmp"
	"slices"
	"time"

	"papertrade/pkg/exchange"
)

// longestWait is after how many sessions at the latest a ticker has its turn, whatever the priorities
// of the others, as long as there are calls enough for that.
const longestWait = 8

// choose says which of the due tickers, in the order of the run, have the calls that there are: first
// the urgent ones; then, of the others, as many of those that have waited longest as it takes to
// serve each within longestWait sessions; and then by the order of the run.
//
// A run serves now tickers; one that has a whole day's calls serves daily, of which the urgent ones
// take their part each time.
func choose(due []*Item, now, daily, urgent int, at time.Time) []bool {
	chosen := make([]bool, len(due))
	take := func(from []int, most int) {
		for _, i := range from[:max(0, min(most, len(from)))] {
			chosen[i] = true
			now--
		}
	}
	var first, others []int
	waited := make([]int, len(due))
	for i, item := range due {
		waited[i] = waitedSessions(item.ActiveTicker, at)
		if item.Priority <= UrgentPriority {
			first = append(first, i)
		} else {
			others = append(others, i)
		}
	}
	longest := func(a, b int) int { return cmp.Compare(waited[b], waited[a]) }
	slices.SortStableFunc(first, longest)
	take(first, now)

	byWait := slices.Clone(others)
	slices.SortStableFunc(byWait, longest)
	take(byWait, min(now, mustServe(byWait, waited, max(0, daily-urgent))))

	take(slices.DeleteFunc(others, func(i int) bool { return chosen[i] }), now)
	return chosen
}

// mustServe is the least number of tickers to serve now, those that have waited longest first, so that
// each can still have its turn in time with so many a session from now on.
func mustServe(tickers []int, waited []int, each int) int {
	must := 0
	for session := range longestWait {
		// Those whose turn is at the latest in so many sessions from now.
		within := 0
		for _, i := range tickers {
			if longestWait-waited[i] <= session {
				within++
			}
		}
		must = max(must, within-session*each)
	}
	return must
}

// waitedSessions is how many sessions were completed since the ticker had its turn, at most longestWait.
func waitedSessions(a ActiveTicker, at time.Time) int {
	calendar, _ := exchange.ForSymbol(a.Ticker.String())
	last := a.State.LastSession
	if !a.State.AskedAt.IsZero() {
		if asked := calendar.LastCompleted(a.State.AskedAt).Date; asked.After(last) {
			last = asked
		}
	}
	if last.IsZero() {
		return longestWait
	}
	return min(longestWait, len(calendar.Sessions(last.AddDays(1), calendar.LastCompleted(at).Date)))
}
