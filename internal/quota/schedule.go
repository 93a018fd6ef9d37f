package quota

import (
	"cmp"
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
	limits   []Limit
	arrivals arrivals
	days     []time.Duration // how far clocks by which the vendor's day may go are ahead
}

// NewSchedule returns a Schedule that keeps to the limits after these calls, which are in any order.
func NewSchedule(limits []Limit, calls []Call) *Schedule {
	return &Schedule{limits, arrivalsOf(calls), []time.Duration{0}}
}

// Add places a call of this cost that arrives at a time that Next returned, or later.
func (s *Schedule) Add(at time.Time, cost int) {
	i := s.arrivals.firstSince(at)
	s.arrivals = slices.Insert(s.arrivals, i, arrival{at, s.arrivals.costBefore(i)})
	for j := i; j < len(s.arrivals); j++ {
		s.arrivals[j].total += cost
	}
}

// Next returns the earliest time for one more call of this cost, not before at. Calls that are placed
// later count as well. A call that costs more than a limit allows, which CheckCost reports, waits until
// no other counts against that limit.
func (s *Schedule) Next(at time.Time, cost int) time.Time {
	// One limit's wait can move the call into reach of another's, so go on until none moves it. Each
	// only ever moves it later, and a call that all windows have passed is moved by none.
	for moved := true; moved; {
		moved = false
		for _, l := range s.limits {
			if next := l.next(s.arrivals, at, cost, s.days); next.After(at) {
				at, moved = next, true
			}
		}
	}
	return at
}

// next returns the earliest time from at on that this limit alone allows.
func (l Limit) next(calls arrivals, at time.Time, cost int, days []time.Duration) time.Time {
	allowed := max(0, l.Calls-cost) // of other calls
	if l.Window > 0 {
		excess := calls.costBefore(len(calls)) - allowed
		if excess <= 0 {
			return at
		}
		// The oldest calls that cost as much as that must have left the window.
		return later(at, calls[calls.firstTotal(excess)].at.Add(l.Window+margin(l.Window)))
	}
	next := at
	for _, ahead := range days {
		// Near midnight a call counts for the day before as well as for the day after.
		begins := at.Add(ahead - dayMargin).UTC().Truncate(day).Add(-ahead)
		if calls.costSince(begins.Add(-dayMargin)) > allowed {
			next = later(next, begins.Add(day+dayMargin))
		}
	}
	return next
}

// arrivals are calls in the order in which they arrive at the vendor.
type arrivals []arrival

type arrival struct {
	at    time.Time // when the call has arrived at the latest
	total int       // what this call and all before it cost
}

func arrivalsOf(calls []Call) arrivals {
	sorted := slices.SortedFunc(slices.Values(calls), func(a, b Call) int { return a.Until.Compare(b.Until) })
	all := make(arrivals, len(sorted))
	total := 0
	for i, c := range sorted {
		total += c.Cost
		all[i] = arrival{c.Until, total}
	}
	return all
}

// firstSince returns the index of the first call that arrives at a time or later.
func (a arrivals) firstSince(at time.Time) int {
	i, _ := slices.BinarySearchFunc(a, at, func(x arrival, at time.Time) int { return x.at.Compare(at) })
	return i
}

// firstTotal returns the index of the first call that, with all before it, costs that much.
func (a arrivals) firstTotal(cost int) int {
	i, _ := slices.BinarySearchFunc(a, cost, func(x arrival, cost int) int { return cmp.Compare(x.total, cost) })
	return i
}

// costBefore returns what the first n calls cost.
func (a arrivals) costBefore(n int) int {
	if n == 0 {
		return 0
	}
	return a[n-1].total
}

// costSince returns what the calls cost that arrive at a time or later.
func (a arrivals) costSince(at time.Time) int {
	return a.costBefore(len(a)) - a.costBefore(a.firstSince(at))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
