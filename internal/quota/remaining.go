package quota

import "time"

// Allowance is what is left of a limit, in the vendor's unit: calls or credits.
type Allowance struct {
	Limit Limit
	Used  int // what the calls cost that count, including those that are reserved
	Left  int // what the limit still allows; 0 while the vendor says that the quota is spent
	// FreesAt is when more is left, if nobody makes a call until then; zero if nothing is used.
	FreesAt time.Time
}

// Remaining returns what is left of each limit at a time, in their order, as far as a ledger knows.
func Remaining(limits []Limit, account Account, now time.Time) []Allowance {
	calls := arrivalsOf(account.Calls)
	left := make([]Allowance, len(limits))
	for i, limit := range limits {
		left[i] = limit.allowance(calls, now)
		if now.Before(account.HeldUntil) {
			left[i].Left, left[i].FreesAt = 0, later(left[i].FreesAt, account.HeldUntil)
		}
	}
	return left
}

// allowance returns what is left of this limit alone.
func (l Limit) allowance(calls arrivals, now time.Time) Allowance {
	used, frees := l.used(calls, now)
	a := Allowance{Limit: l, Used: used, Left: max(0, l.Calls-used)}
	for ; used > 0 && l.Calls-used <= a.Left; used, frees = l.used(calls, frees) {
		a.FreesAt = frees
	}
	return a
}

// used returns what the calls cost that count at a time, and when the oldest of them no longer does.
func (l Limit) used(calls arrivals, at time.Time) (cost int, frees time.Time) {
	if l.Window == 0 {
		day := at.Add(-dayMargin).UTC().Truncate(24 * time.Hour)
		return calls.costSince(day.Add(-dayMargin)), day.Add(24*time.Hour + dayMargin)
	}
	window := l.Window + margin(l.Window)
	oldest := at.Add(-window + 1)
	if first := calls.firstSince(oldest); first < len(calls) {
		frees = calls[first].at.Add(window)
	}
	return calls.costSince(oldest), frees
}
