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

// Schedule finds times for calls so that all limits hold at once, after calls that are already made
// or reserved. It is not safe for concurrent use.
type Schedule struct {
	limits []Limit
	until  []time.Time // when each call has arrived at the latest, ascending
}

// NewSchedule makes a Schedule that keeps to the limits after these calls, which are in any order.
func NewSchedule(limits []Limit, calls []Call) *Schedule {
	s := &Schedule{limits: limits, until: make([]time.Time, 0, len(calls))}
	for _, c := range calls {
		s.until = append(s.until, c.Until)
	}
	slices.SortFunc(s.until, time.Time.Compare)
	return s
}

// Add places a call that arrives at a time, which Next has found, or later.
func (s *Schedule) Add(at time.Time) {
	i, _ := slices.BinarySearchFunc(s.until, at, time.Time.Compare)
	s.until = slices.Insert(s.until, i, at)
}

// Next is the earliest time for one more call, not before at. Calls that are placed later count as well.
func (s *Schedule) Next(at time.Time) time.Time {
	// One limit's wait can move the call into reach of another's, so go on until none moves it. Each
	// only ever moves it later, and a call that all windows have passed is moved by none.
	for moved := true; moved; {
		moved = false
		for _, l := range s.limits {
			if next := l.next(s.until, at); next.After(at) {
				at, moved = next, true
			}
		}
	}
	return at
}

// next is the earliest time from at on that this limit alone allows.
func (l Limit) next(until []time.Time, at time.Time) time.Time {
	if l.Window > 0 {
		if len(until) < l.Calls {
			return at
		}
		// The call that is Calls calls back must have left the window.
		return later(at, until[len(until)-l.Calls].Add(l.Window+margin(l.Window)))
	}
	// Near midnight a call counts for the day before as well as for the day after.
	day := at.Add(-dayMargin).UTC().Truncate(24 * time.Hour)
	first, _ := slices.BinarySearchFunc(until, day.Add(-dayMargin), time.Time.Compare)
	if len(until)-first < l.Calls {
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
