package refresh

import (
	"context"
	"errors"
	"slices"
	"sort"
)

// addIncomplete plans, after the chosen items, those whose newest bar lacks values, in batches of their own: as many as the limits
// leave calls for that neither this run nor the next one needs.
func (p *Plan) addIncomplete(in Inputs, chosen []int) {
	waiting := p.incomplete(in)
	if len(waiting) == 0 {
		return
	}
	next := in.planNext(in.Next)
	due := in.servedAfter(p.Calls, next)
	n := 0
	if p.Refusal == "" {
		n = sort.Search(len(waiting), func(n int) bool {
			p.appendBatches(in, waiting[:n+1])
			calls := pack(p.Items, slices.Concat(chosen, waiting[:n+1]), in.Vendors)
			return in.simulate(in.Now, calls).refusal != nil || in.servedAfter(calls, next) < due
		})
	}
	for _, i := range waiting {
		p.Items[i].Batch = 0
	}
	for _, i := range waiting[n:] {
		p.Items[i].Reason += "; " + errNoCallLeft.Error()
	}
	waiting = waiting[:n]
	for _, i := range waiting {
		p.Items[i].Outcome = OutcomePlanned
	}
	p.Batches = p.appendBatches(in, waiting)
	p.Calls = pack(p.Items, slices.Concat(chosen, waiting), in.Vendors)
	p.End = in.simulate(in.Now, p.Calls).end
	p.Estimate = p.End.Sub(in.Now)
}

// incomplete routes the items that are to be made complete, and returns those that a vendor can serve, in their order.
func (p *Plan) incomplete(in Inputs) []int {
	var waiting []int
	for i := range p.Items {
		item := &p.Items[i]
		if !item.Incomplete || item.Outcome != OutcomeFresh {
			continue
		}
		if r, found := in.routeOf(item.Want); found {
			item.route = r
			waiting = append(waiting, i)
		}
	}
	return waiting
}

// appendBatches divides items into batches after those that there are, and returns how many there are then.
func (p *Plan) appendBatches(in Inputs, items []int) int {
	for place, i := range items {
		p.Items[i].Batch = p.Batches + place/in.BatchSize + 1
	}
	return p.Batches + (len(items)+in.BatchSize-1)/in.BatchSize
}

// isOptional reports whether a call serves nothing but what is to be made complete.
func (p *pass) isOptional(c Call) bool {
	return !slices.ContainsFunc(c.Items, func(i int) bool { return !p.plan.Items[i].Incomplete })
}

// withAffordable returns calls without those that only make bars complete and that calls which were not planned have left no
// room for.
func (p *pass) withAffordable(ctx context.Context, calls []Call) []Call {
	var chosen, optional []Call
	for _, call := range calls {
		if p.isOptional(call) {
			if !p.affords(ctx, append(optional, call)...) {
				continue
			}
			optional = append(optional, call)
		}
		chosen = append(chosen, call)
	}
	return chosen
}

// hasLeftNothingDue reports whether a run that stops for an error about the limits has done all that was due.
func (r *Report) hasLeftNothingDue(stop error) bool {
	return isDeferral(stop) && !slices.ContainsFunc(r.Tickers, func(t TickerReport) bool {
		return t.Status == OutcomeDeferred || t.Status == OutcomePlanned && !t.Incomplete
	})
}

// forgive makes a ticker fresh again whose newest bar could not be filled, unless its price is in doubt.
func (v *verdict) forgive() {
	if !v.row.Incomplete || v.err == nil || errors.As(v.err, new(doubtError)) {
		return
	}
	v.row.leaveIncomplete(v.err)
	v.err = nil
}
