package refresh

import (
	"slices"
	"sort"
	"time"

	"papertrade/internal/quota"
)

// Inputs are all that a plan depends on.
type Inputs struct {
	At      time.Time
	Wants   []Want // in the order in which the run is to take them
	Vendors []VendorState

	BatchSize   int // tickers per commit
	BatchDelay  time.Duration
	Concurrency int       // calls under way at once within a batch
	Now         time.Time // of the real clock, by which the limits go
	// Next is the next run, of which wants that are Incomplete take no call.
	Next *NextRun
	// LeavesCalls says that other wants leave the next run the calls that it needs, too.
	LeavesCalls bool
}

// NextRun is the next run of the schedule, as far as it can be known.
type NextRun struct {
	At     time.Time // by the clock of Inputs.At
	Begins time.Time // by the real clock
	Wants  []Want
}

// forecast is how far a run comes within the limits.
type forecast struct {
	made    []bool         // of each call, whether it is made at all
	calls   [][]quota.Call // of each vendor, those that are made
	end     time.Time      // when the last one is answered
	refusal error          // why a call is not made: a *quota.DeferredError; nil if all are
}

// simulate lets a run make calls, which are ascending by batch, from a time on.
func (in Inputs) simulate(begin time.Time, calls []Call) forecast {
	f := forecast{end: begin, made: make([]bool, len(calls)), calls: make([][]quota.Call, len(in.Vendors))}
	schedules := make([]*quota.Schedule, len(in.Vendors))
	spent := make([]bool, len(in.Vendors)) // no call of the vendor is made any more
	for i, vendor := range in.Vendors {
		schedules[i] = quota.NewSchedule(vendor.Limits, vendor.Account.Calls)
	}
	now := begin
	inFlight := make([]time.Time, max(1, in.Concurrency)) // when calls under way are answered
	batch := 0                                            // of the last call that was made
	for i, call := range calls {
		if spent[call.Vendor] {
			continue
		}
		if batch > 0 && call.Batch != batch {
			now = f.end.Add(in.BatchDelay)
		}
		slices.SortFunc(inFlight, time.Time.Compare)
		if inFlight[0].After(now) {
			now = inFlight[0]
		}
		vendor := in.Vendors[call.Vendor]
		at, err := vendor.next(schedules[call.Vendor], now, begin, call.Question.Cost())
		if err != nil {
			spent[call.Vendor], f.refusal = true, err
			continue
		}
		schedules[call.Vendor].Add(at, call.Question.Cost())
		f.made[i], batch = true, call.Batch
		f.calls[call.Vendor] = append(f.calls[call.Vendor], quota.Call{From: at, Until: at, Cost: call.Question.Cost()})
		inFlight[0] = at.Add(vendor.Account.CallTime)
		now, f.end = at, inFlight[0]
	}
	return f
}

// next returns when the next call is made, or a *quota.DeferredError.
func (s VendorState) next(schedule *quota.Schedule, now, begin time.Time, cost int) (time.Time, error) {
	held := s.Account.HeldUntil
	if held.Sub(begin) > s.MaxWait {
		return time.Time{}, &quota.DeferredError{Until: held, Spent: true}
	}
	at := schedule.Next(slices.MaxFunc([]time.Time{now, held}, time.Time.Compare), cost)
	if at.Sub(now) > s.MaxWait {
		return time.Time{}, &quota.DeferredError{Until: at}
	}
	return at, nil
}

// affordable returns how many of the first calls can be made now so that the next run can still serve all
// that it could without them.
func (in Inputs) affordable(calls []Call, next nextPlan) int {
	all := in.servedAfter(nil, next)
	// Fewer calls never leave less.
	return sort.Search(len(calls), func(n int) bool { return in.servedAfter(calls[:n+1], next) < all })
}

// servedAfter returns how many items the next run can serve once calls were made now.
func (in Inputs) servedAfter(calls []Call, next nextPlan) int {
	later := in
	later.Vendors = slices.Clone(in.Vendors)
	for i, made := range in.simulate(in.Now, calls).calls {
		later.Vendors[i].Account.Calls = slices.Concat(in.Vendors[i].Account.Calls, made)
	}
	return later.servedNext(next)
}

// servedNext returns how many items the next run can serve after the calls of the accounts. A limit of a calendar day is
// taken for one of 24 hours, since nobody knows when the vendor's day ends.
func (in Inputs) servedNext(next nextPlan) int {
	in.Vendors = slices.Clone(in.Vendors)
	for i := range in.Vendors {
		limits := slices.Clone(in.Vendors[i].Limits)
		for n := range limits {
			if limits[n].Window == 0 {
				limits[n].Window = 24 * time.Hour
			}
		}
		in.Vendors[i].Limits = limits
	}
	return len(served(next.order, next.calls, in.simulate(next.begins, next.calls).made))
}

// nextPlan is a plan of which only the calls matter.
type nextPlan struct {
	begins time.Time // by the real clock
	order  []int
	calls  []Call
}
