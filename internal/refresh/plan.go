package refresh

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"papertrade/internal/quota"
	"papertrade/pkg/exchange"
)

// maxHistoriesPerBatch bounds how many histories without a bound are in memory at once.
const maxHistoriesPerBatch = 10

// Plan is what a run will do: each want with what is decided about it, and the calls.
type Plan struct {
	At       time.Time
	Session  exchange.Date // the newest completed session of the US exchanges
	Items    []Item
	Batches  int
	Calls    []Call // ascending by batch
	Estimate time.Duration
	End      time.Time // when the last call is answered, by the real clock
	Refusal  string    // why items are deferred; "" if none is
	Reserve  Reserve
}

// NewPlan decides which wants the limits leave calls for, in which batches, and by which calls. It is a pure
// function: a dry run prints what a real run does.
func NewPlan(in Inputs) Plan {
	p := Plan{At: in.At, Session: exchange.XNYS.LastCompleted(in.At).Date, Items: in.items(in.Wants)}
	order := planned(p.Items)
	in.BatchSize = batchSize(p.Items, order, in.BatchSize)
	assignBatches(p.Items, order, in.BatchSize)
	calls := pack(p.Items, order, in.Vendors)
	possible := in.simulate(in.Now, calls)
	chosen := served(order, calls, possible.made)
	if in.LeavesCalls {
		chosen = p.reserve(in, order, calls, possible)
	} else if daily := in.daily(p.Items); len(chosen) < len(order) || daily < len(p.Items) {
		// Even if they suffice now: perhaps a limit was forgotten that still holds.
		chosen = share(p.Items, order, len(chosen), daily, urgent(p.Items), in.At)
	}
	p.refuse(possible.refusal)
	chosen = p.schedule(in, chosen)
	p.deferRest(order)
	p.addIncomplete(in, chosen)
	return p
}

// items routes wants. One that no vendor can serve is skipped, with the reason.
func (in Inputs) items(wants []Want) []Item {
	items := make([]Item, len(wants))
	for i, want := range wants {
		items[i] = Item{Want: want}
		item := &items[i]
		if want.Outcome != OutcomePlanned {
			continue
		}
		r, found := in.routeOf(want)
		item.route = r
		switch unreachable := len(r.unreachable); {
		case !found:
			reason := in.endOfDayReason(want)
			item.Outcome, item.Forceable = OutcomeSkipped, reason != ""
			item.Reason = want.Reason + "; " + cmp.Or(reason, "no provider can bring it")
		case !want.Goal.isOfPast() || unreachable == 0:
		case unreachable == len(want.Sessions):
			item.Outcome, item.Reason = OutcomeSkipped, want.Reason+"; all of them are out of reach: "+r.limit(want, in.At)
		default:
			item.Reason = fmt.Sprintf("%s; %d of them are out of reach: %s", want.Reason, unreachable, r.limit(want, in.At))
		}
	}
	return items
}

// limit returns why a route does not bring all of a want.
func (r route) limit(want Want, at time.Time) string {
	return "the key's plan has no series that begins before " + r.capability.OldestSession(want.Ticker.Calendar(), at).String()
}

// planned returns the items that are to be fetched, in their order.
func planned(items []Item) []int {
	var order []int
	for i, item := range items {
		if item.Outcome == OutcomePlanned {
			order = append(order, i)
		}
	}
	return order
}

func batchSize(items []Item, order []int, size int) int {
	if slices.ContainsFunc(order, func(i int) bool { return items[i].isUnbounded() }) {
		return min(size, maxHistoriesPerBatch)
	}
	return size
}

// urgent returns the number of tickers that are to be fetched every session.
func urgent(items []Item) int {
	n := 0
	for _, item := range items {
		if item.Priority <= UrgentPriority {
			n++
		}
	}
	return n
}

// daily returns how many of the items could be served if each of them were due by one session, with what an
// empty ledger leaves a run: a day's worth of calls, by all that refusals ever showed.
func (in Inputs) daily(items []Item) int {
	wants := make([]Want, len(items))
	for i, item := range items {
		newest := item.Ticker.Calendar().LastCompleted(in.At)
		wants[i] = Want{ActiveTicker: item.ActiveTicker, Sessions: []exchange.Date{newest.Date}, Outcome: OutcomePlanned}
	}
	in.Vendors = slices.Clone(in.Vendors)
	for i := range in.Vendors {
		vendor := &in.Vendors[i]
		vendor.Limits = vendor.Account.CautiousLimits(vendor.Limits)
		vendor.Account = quota.Account{CallTime: vendor.Account.CallTime}
	}
	tomorrow := in.Now.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	next := in.planNext(&NextRun{At: in.At, Begins: tomorrow, Wants: wants})
	return len(served(next.order, next.calls, in.simulate(next.begins, next.calls).made))
}

func (in Inputs) planNext(next *NextRun) nextPlan {
	in.At = next.At
	items := in.items(next.Wants)
	order := planned(items)
	assignBatches(items, order, in.BatchSize)
	return nextPlan{next.Begins, order, pack(items, order, in.Vendors)}
}

// reserve returns the items that the limits have calls for now, and that take none from the next run.
func (p *Plan) reserve(in Inputs, order []int, calls []Call, possible forecast) []int {
	next := in.planNext(in.Next)
	p.Reserve = Reserve{Kept: len(next.calls), KeptFor: in.Next.At}
	made := slices.Clone(possible.made)
	var first []Call
	for i, call := range calls {
		if made[i] {
			first = append(first, call)
		}
	}
	n := in.affordable(first, next)
	if n < len(first) {
		p.Reserve.HoldsBack = true
		p.refuse(&quota.DeferredError{KeptFor: in.Next.At})
	}
	for i := range made {
		if made[i] {
			made[i] = n > 0
			n--
		}
	}
	return served(order, calls, made)
}

// schedule divides what was chosen into batches, in this order, and finds the calls and how long they take. It returns what
// can be served.
func (p *Plan) schedule(in Inputs, chosen []int) []int {
	for {
		p.Batches = assignBatches(p.Items, chosen, in.BatchSize)
		p.Calls = pack(p.Items, chosen, in.Vendors)
		f := in.simulate(in.Now, p.Calls)
		p.End, p.Estimate = f.end, f.end.Sub(in.Now)
		fits := served(chosen, p.Calls, f.made)
		if len(fits) == len(chosen) {
			return chosen
		}
		// In another order items can share fewer calls.
		p.refuse(f.refusal)
		chosen = fits
	}
}

// assignBatches divides items into batches, in this order, and returns how many there are.
func assignBatches(items []Item, order []int, size int) int {
	for i := range items {
		items[i].Batch = 0
	}
	for place, i := range order {
		items[i].Batch = place/size + 1
	}
	return (len(order) + size - 1) / size
}

// refuse takes note of why items are deferred, unless there is a reason already.
func (p *Plan) refuse(refusal error) {
	if p.Refusal == "" && refusal != nil {
		p.Refusal = refusal.Error()
	}
}

// deferRest defers the due items that have no batch.
func (p *Plan) deferRest(due []int) {
	for _, i := range due {
		if item := &p.Items[i]; item.Batch == 0 {
			item.Outcome = OutcomeDeferred
			item.Reason += "; " + p.Refusal
		}
	}
}

// triesPremium reports whether a capability is asked that the key's plan may not include.
func (p Plan) triesPremium() bool {
	return slices.ContainsFunc(p.Calls, func(c Call) bool { return c.Question.Capability.Premium })
}

// report returns that of a plan of which nothing was done yet.
func (p Plan) report() Report {
	r := Report{
		At: p.At, Session: p.Session, Status: Succeeded, Reason: p.Refusal, Batches: p.Batches,
		EstimateSeconds: int(p.Estimate.Round(time.Second) / time.Second), EndsAt: p.End,
		Reserve: p.Reserve, TriesPremium: p.triesPremium(), Tickers: make([]TickerReport, len(p.Items)),
	}
	for i, item := range p.Items {
		r.Tickers[i] = item.row()
	}
	r.setCost(quota.Usage{Calls: len(p.Calls), Cost: cost(p.Calls)})
	r.count()
	return r
}

// routeOf returns the first vendor that brings all of a want, or else the one that brings most of it; false
// if none brings any.
func (in Inputs) routeOf(want Want) (best route, found bool) {
	for i, vendor := range in.Vendors {
		r, ok := vendor.routeOf(want, in.At, in.Now)
		if !ok {
			continue
		}
		r.vendor = i
		if !found || len(r.unreachable) < len(best.unreachable) {
			best, found = r, true
		}
	}
	return best, found
}
