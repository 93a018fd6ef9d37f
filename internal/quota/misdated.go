package quota

import (
	"slices"
	"time"
)

// clockTolerance is how far the clocks of processes that share a ledger may be apart.
const clockTolerance = 10 * time.Minute

// Misdated is what a clock that was wrong has left in an account: it is recorded in the future, and does not count.
type Misdated struct {
	HeldUntil time.Time // of a hold that ends later than any that begins now; zero if there is none
	Calls     []Call    // further ahead than calls are reserved
	Learned   []Learned
}

// IsZero reports whether nothing is misdated.
func (m Misdated) IsZero() bool {
	return m.HeldUntil.IsZero() && len(m.Calls) == 0 && len(m.Learned) == 0
}

// Believed returns the account of a key with these limits without what a clock that was wrong has left in it, which is what
// Misdated then has. A plan that refused a call in the future has refused it now at the latest.
func (a Account) Believed(set []Limit, now time.Time) Account {
	latest := now.Add(maxJump)
	a.Misdated = Misdated{}
	if a.HeldUntil.After(resetAfter(set, latest)) {
		a.Misdated.HeldUntil, a.HeldUntil = a.HeldUntil, time.Time{}
	}
	a.Misdated.Calls, a.Calls = partition(a.Calls, func(c Call) bool { return c.From.After(now.Add(maxJump)) })
	a.Misdated.Learned, a.Learned = partition(a.Learned, func(l Learned) bool { return l.At.After(latest) })
	if a.NotEntitledAt.After(latest) {
		a.NotEntitledAt = now
	}
	return a
}

// forget adds to a change of an account that it loses what is misdated, unless the change writes something in its place.
func (m Misdated) forget(change Change, believed Account, now time.Time) Change {
	if !m.HeldUntil.IsZero() && change.HeldUntil.IsZero() {
		change.HeldUntil = now.Add(-maxJump) // the hold is over, by any clock that may be right
	}
	if len(m.Learned) > 0 && change.Learned == nil {
		change.Learned = append([]Learned{}, believed.Learned...)
	}
	change.Delete = append(change.Delete, ids(m.Calls)...)
	return change
}

// resetAfter returns when a quota that is spent at a time is whole again: when its day in UTC has ended, or its longest window if
// that is longer.
func resetAfter(limits []Limit, at time.Time) time.Time {
	until := at.UTC().Truncate(day).Add(day + dayMargin)
	for _, limit := range limits {
		until = later(until, at.Add(limit.Window))
	}
	return until
}

// partition returns the elements that are so, and the others.
func partition[T any](all []T, is func(T) bool) (are, others []T) {
	if !slices.ContainsFunc(all, is) {
		return nil, all
	}
	for _, x := range all {
		if is(x) {
			are = append(are, x)
		} else {
			others = append(others, x)
		}
	}
	return are, others
}
