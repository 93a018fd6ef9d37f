package refresh

import (
	"cmp"
	"slices"
	"time"
)

// share chooses as many of the due items, which are in the order of the run, as can be served now, in
// the order in which they are to be fetched, so that what goes wrong costs the last: first the urgent
// ones; then, of the others, as many of those that have waited longest as it takes to serve each in time;
// and then by the order of the run.
//
// A run serves now items; one that has a whole day's calls serves daily, of which the urgent ones take
// their part each time.
func share(items []Item, due []int, now, daily, urgent int, at time.Time) []int {
	perSession := max(0, daily-urgent)
	limit := maxWait(len(items)-urgent, perSession)
	waited := map[int]int{}
	var first, others []int
	for _, i := range due {
		waited[i] = sessionsWaited(items[i].ActiveTicker, at, limit)
		if items[i].Priority <= UrgentPriority {
			first = append(first, i)
		} else {
			others = append(others, i)
		}
	}
	longest := func(a, b int) int {
		if waited[a] == limit && waited[b] == limit {
			return lastTurn(items[a].ActiveTicker).Compare(lastTurn(items[b].ActiveTicker))
		}
		return cmp.Compare(waited[b], waited[a])
	}
	slices.SortStableFunc(first, longest)
	byWait := slices.Clone(others)
	slices.SortStableFunc(byWait, longest)

	chosen := slices.Clone(first[:min(now, len(first))])
	required := min(now-len(chosen), len(byWait), minServed(byWait, waited, limit, perSession))
	chosen = append(chosen, byWait[:required]...)
	isChosen := map[int]bool{}
	for _, i := range chosen {
		isChosen[i] = true
	}
	rest := slices.DeleteFunc(others, func(i int) bool { return isChosen[i] })
	return append(chosen, rest[:min(now-len(chosen), len(rest))]...)
}

// maxWait returns after how many sessions at the latest each of some tickers has its turn, of which so many are served per
// session: after maxSessionsWaited if that suffices, or else after those that all take in turn, and one to spare for those with a
// better priority.
func maxWait(tickers, perSession int) int {
	if perSession <= 0 {
		return maxSessionsWaited
	}
	return max(maxSessionsWaited, (tickers+perSession-1)/perSession+1)
}

// minServed returns the least number of items to serve now, those that have waited longest first, so that
// each can still have its turn after limit sessions with perSession of them from the next session on.
func minServed(items []int, waited map[int]int, limit, perSession int) int {
	latest := make([]int, limit+1) // items whose turn is at the latest in so many sessions
	for _, i := range items {
		latest[limit-waited[i]]++
	}
	required, within := 0, 0
	for session := range limit {
		within += latest[session]
		required = max(required, within-session*perSession)
	}
	return required
}
