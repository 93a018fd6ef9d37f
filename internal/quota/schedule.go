package quota

import (
	"slices"
	"time"
)

// margin widens a window by the time that calls can differ in on their way to the vendor, who counts
// them where they arrive: a hundredth of the window, between 2 ms and 250 ms.
func margin(window time.Duration) time.Duration {
	return min(max(window/100, 2*time.Millisecond), 250*time.Millisecond)
}

// dayMargin is how far the vendor's clock may be from ours where a calendar day ends.
const dayMargin = time.Second

// Next is the earliest time, not before at, for one more call after those made, so that all limits
// hold at once. The times of made are ascending; those after at count as well.
func Next(limits []Limit, made []time.Time, at time.Time) time.Time {
	if n := len(made); n > 0 && made[n-1].After(at) {
		at = made[n-1]
	}
	// One limit's wait can move the call into reach of another's, so go on until none moves it. Each
	// only ever moves it later, and a call that all windows have passed is moved by none.
	for moved := true; moved; {
		moved = false
		for _, l := range limits {
			if next := l.next(made, at); next.After(at) {
				at, moved = next, true
			}
		}
	}
	return at
}

// next is the earliest time from at on that this limit alone allows.
func (l Limit) next(made []time.Time, at time.Time) time.Time {
	if l.Window > 0 {
		if len(made) < l.Calls {
			return at
		}
		// The call that is Calls calls back must have left the window.
		return later(at, made[len(made)-l.Calls].Add(l.Window+margin(l.Window)))
	}
	// Near midnight a call counts for the day before as well as for the day after.
	day := at.Add(-dayMargin).UTC().Truncate(24 * time.Hour)
	first, _ := slices.BinarySearchFunc(made, day.Add(-dayMargin), time.Time.Compare)
	if len(made)-first < l.Calls {
		return at
	}
	return later(at, day.Add(24*time.Hour+dayMargin))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
