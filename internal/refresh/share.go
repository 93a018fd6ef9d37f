package refresh

import (
	"cmp"
	"slices"
	"time"
)

// share chooses as many of the due items, which are in the order of the run, as can be served now, in
// the order in which they are to be fetched, so that what goes wrong costs the last: first the urgent
// ones; then, of the others, as many of those that have waited longest as it takes to serve each
// within maxSessionsWaited sessions, or else one after the other; and then by the order of the run.
//
// A run serves now items; one that has a whole day's calls serves daily, of which the urgent ones take
// their part each time.
func share(items []Item, due []int, now, daily, urgent int, at time.Time) []int {
	waited := map[int]int{}
	var first, others []int
	for _, i := range due {
		waited[i] = sessionsWaited(items[i].ActiveTicker, at)
		if items[i].Priority <= UrgentPriority {
			first = append(first, i)
		} else {
			others = append(others, i)
		}
	}
	longest := func(a, b int) int {
		if waited[a] == maxSessionsWaited && waited[b] == maxSessionsWaited {
			return lastTurn(items[a].ActiveTicker).Compare(lastTurn(items[b].ActiveTicker))
		}
		return cmp.Compare(waited[b], waited[a])
	}
	slices.SortStableFunc(first, longest)
	byWait := slices.Clone(others)
	slices.SortStableFunc(byWait, longest)

	chosen := slices.Clone(first[:min(now, len(first))])
	required := min(now-len(chosen), len(byWait), minServed(byWait, waited, max(0, daily-urgent)))
	chosen = append(chosen, byWait[:required]...)
	isChosen := map[int]bool{}
	for _, i := range chosen {
		isChosen[i] = true
	}
	rest := slices.DeleteFunc(others, func(i int) bool { return isChosen[i] })
	return append(chosen, rest[:min(now-len(chosen), len(rest))]...)
}

// minServed returns the least number of items to serve now, those that have waited longest first, so that
// each can still have its turn in time with perSession of them from the next session on.
func minServed(items []int, waited map[int]int, perSession int) int {
	var latest [maxSessionsWaited + 1]int // items whose turn is at the latest in so many sessions
	for _, i := range items {
		latest[maxSessionsWaited-waited[i]]++
	}
	required, within := 0, 0
	for session := range maxSessionsWaited {
		within += latest[session]
		required = max(required, within-session*perSession)
	}
	return required
}
