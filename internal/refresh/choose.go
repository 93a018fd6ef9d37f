package refresh

import (
	"cmp"
	"slices"
	"time"
)

// longestWait is after how many sessions at the latest a ticker has its turn, whatever the priorities
// of the others, as long as there are calls enough for that.
const longestWait = 8

// choose takes as many of the due items, which are in the order of the run, as there are calls now, in
// the order in which they are to be fetched, so that what goes wrong costs the last: first the urgent
// ones; then, of the others, as many of those that have waited longest as it takes to serve each
// within longestWait sessions; and then by the order of the run.
//
// A run serves now items; one that has a whole day's calls serves daily, of which the urgent ones take
// their part each time.
func choose(due []*Item, now, daily, urgent int, at time.Time) []*Item {
	waited := map[*Item]int{}
	var first, others []*Item
	for _, item := range due {
		waited[item] = waitedSessions(item.ActiveTicker, at)
		if item.Priority <= UrgentPriority {
			first = append(first, item)
		} else {
			others = append(others, item)
		}
	}
	longest := func(a, b *Item) int { return cmp.Compare(waited[b], waited[a]) }
	slices.SortStableFunc(first, longest)
	byWait := slices.Clone(others)
	slices.SortStableFunc(byWait, longest)

	chosen := first[:min(now, len(first))]
	must := min(now-len(chosen), len(byWait), mustServe(byWait, waited, max(0, daily-urgent)))
	chosen = append(slices.Clone(chosen), byWait[:must]...)
	rest := slices.DeleteFunc(others, func(item *Item) bool { return slices.Contains(chosen, item) })
	return append(chosen, rest[:min(now-len(chosen), len(rest))]...)
}

// mustServe is the least number of items to serve now, those that have waited longest first, so that
// each can still have its turn in time with so many a session from now on.
func mustServe(items []*Item, waited map[*Item]int, each int) int {
	must := 0
	for session := range longestWait {
		// Those whose turn is at the latest in so many sessions from now.
		within := 0
		for _, item := range items {
			if longestWait-waited[item] <= session {
				within++
			}
		}
		must = max(must, within-session*each)
	}
	return must
}

// waitedSessions is how many sessions were completed since the ticker had its turn, at most longestWait.
func waitedSessions(a ActiveTicker, at time.Time) int {
	calendar := a.Ticker.Calendar()
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
