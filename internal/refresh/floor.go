package refresh

import (
	"slices"
	"time"

	"papertrade/internal/quota"
)

// floor is what a run leaves of a vendor's limits: all that the next run of the schedule needs, as a plan keeps it. It holds
// for calls that no plan knows, too.
type floor struct {
	*run
	vendor int
	in     Inputs // with the run that is the next one
	next   nextPlan
}

// setFloors lets no call through that the run for which the inputs leave calls could not do without; any, if they leave none.
func (r *run) setFloors(in Inputs) {
	for i, v := range r.Vendors {
		if !in.LeavesCalls {
			v.Limiter.SetFloor(nil)
			continue
		}
		f := &floor{run: r, vendor: i, in: in}
		f.next = in.planNext(in.Next)
		v.Limiter.SetFloor(f.keptFor)
	}
}

// keptFor is a quota.Floor.
func (f *floor) keptFor(calls []quota.Call, at time.Time, cost int) time.Time {
	if !f.realNow().Before(f.in.Next.Begins) { // the one after it is the next now
		f.in.Next = f.nextRun()
		f.next = f.in.planNext(f.in.Next)
	}
	with := append(slices.Clone(calls), quota.Call{From: at, Until: at, Cost: cost})
	if f.servedAfter(with) < f.servedAfter(calls) {
		return f.in.Next.At
	}
	return time.Time{}
}

// servedAfter returns how many tickers the next run can serve after calls to the vendor.
func (f *floor) servedAfter(calls []quota.Call) int {
	in := f.in
	in.Vendors = slices.Clone(in.Vendors)
	in.Vendors[f.vendor].Account.Calls = calls
	return in.servedNext(f.next)
}
