package quota

import (
	"slices"
	"time"
)

// Allowance is what is left of a limit.
type Allowance struct {
	Limit Limit
	Used  int // calls that count, those too that are reserved
	Left  int // calls that the limit still allows; 0 while the vendor says that the quota is spent
	// FreesAt is when more is left, if nobody makes a call until then; zero where nothing is used.
	FreesAt time.Time
}

// Remaining is what is left of each limit at a time, in their order, as far as a ledger knows.
func Remaining(limits []Limit, account Account, now time.Time) []Allowance {
	until := NewSchedule(nil, account.Calls).until
	left := make([]Allowance, len(limits))
	for i, limit := range limits {
		left[i] = limit.allowance(until, now)
		if now.Before(account.HeldUntil) {
			left[i].Left, left[i].FreesAt = 0, later(left[i].FreesAt, account.HeldUntil)
		}
	}
	return left
}

// allowance is what is left of this limit alone after calls that have arrived by then, ascending.
func (l Limit) allowance(until []time.Time, now time.Time) Allowance {
	used, frees := l.used(until, now)
	a := Allowance{Limit: l, Used: used, Left: max(0, l.Calls-used)}
	for ; used > 0 && l.Calls-used <= a.Left; used, frees = l.used(until, frees) {
		a.FreesAt = frees
	}
	return a
}

// used is how many calls count at a time, and when the oldest of them no longer does.
func (l Limit) used(until []time.Time, at time.Time) (used int, frees time.Time) {
	day := at.Add(-dayMargin).UTC().Truncate(24 * time.Hour)
	oldest := day.Add(-dayMargin)
	frees = day.Add(24*time.Hour + dayMargin)
	if l.Window > 0 {
		oldest = at.Add(-l.Window - margin(l.Window) + 1)
	}
	first, _ := slices.BinarySearchFunc(until, oldest, time.Time.Compare)
	if l.Window > 0 && first < len(until) {
		frees = until[first].Add(l.Window + margin(l.Window))
	}
	return len(until) - first, frees
}
