package refresh

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"papertrade/internal/quota"
	"papertrade/pkg/marketdata"
)

// runPlan makes the calls of a plan and commits what they bring, batch by batch. If it turns out that a key's plan does not
// include what is asked for, or that an exchange has opened since, what is still wanted is planned again. It returns the items
// with what was decided about them in the end. The error is why it stopped early.
func (r *run) runPlan(ctx context.Context, in Inputs, plan Plan, report *Report) ([]Item, error) {
	if len(plan.Calls) > 0 {
		r.observe(WorkBegun{len(planned(plan.Items))})
	}
	defer r.setFloors(Inputs{})
	for {
		r.setFloors(in)
		p := r.newPass(in, plan, report)
		replan, err := p.callAndCommit(ctx)
		if err != nil || !replan {
			return plan.Items, err
		}
		again, err := r.readVendors(ctx)
		if err != nil {
			return plan.Items, err
		}
		again.At, again.Wants = r.Now(), p.left(in.Wants)
		again.Next, again.LeavesCalls = r.nextRun(), in.LeavesCalls
		in, plan = again, NewPlan(again)
		r.reportPlan(plan)
		r.reportAgain(plan, report)
	}
}

// pass carries out one plan.
type pass struct {
	*run
	in         Inputs
	plan       Plan
	stopped    bool           // no further call is made
	doubtCalls int            // that were made to settle doubts
	result     *Report        // what is reported of the plan's items
	begun      int            // batches that earlier passes committed
	calls      map[int][]Call // by their batch
	batches    map[int][]int  // the items of each batch
	awaited    map[int]int    // calls that are still to be made, by item
	answers    map[int]answer // by item
	counting   sync.Mutex     // of awaited and ended, while calls are under way
	ended      int            // calls that were answered
}

func (r *run) newPass(in Inputs, plan Plan, report *Report) *pass {
	p := &pass{
		run: r, in: in, plan: plan, result: report, begun: report.Batches,
		calls: map[int][]Call{}, batches: map[int][]int{}, awaited: map[int]int{}, answers: map[int]answer{},
	}
	for _, call := range plan.Calls {
		p.calls[call.Batch] = append(p.calls[call.Batch], call)
		for _, i := range call.Items {
			p.awaited[i]++
		}
	}
	for i, item := range plan.Items {
		if item.Batch > 0 {
			p.batches[item.Batch] = append(p.batches[item.Batch], i)
		}
	}
	return p
}

// minHurried is how many tickers a commit has at least once a run has stopped: there is little time left.
const minHurried = 500

// callAndCommit makes the calls and commits the batches. Once it is to stop, or to be planned again, it makes no further
// call, and commits what was answered.
func (p *pass) callAndCommit(ctx context.Context) (replan bool, stop error) {
	p.reportForecast(ctx)
	p.fetcher.ended = func(call Call, err error) { p.callEnded(ctx, call, err) }
	p.fetcher.waiting = func() { p.reportForecast(ctx) }
	var items []answered
	for batch := 1; batch <= p.plan.Batches; batch++ {
		if !p.stopped {
			replan, stop = p.makeCalls(ctx, p.calls[batch])
		}
		items = append(items, p.answered(batch)...)
		waits, lacks := p.checkPlans(items, batch == p.plan.Batches)
		stop = cmp.Or(stop, lacks)
		p.stopped = p.stopped || stop != nil || replan
		isHurried := stop != nil || ctx.Err() != nil
		if waits || isHurried && len(items) < minHurried && batch < p.plan.Batches {
			continue
		}
		if err := p.commitBatch(ctx, items); err != nil {
			return false, errors.Join(err, stop)
		}
		items = nil
	}
	return replan && stop == nil, stop
}

// isOutdated reports whether a quote would not be of the close that is wanted any more, since the exchange has opened.
func (p *pass) isOutdated(calls []Call) bool {
	now := p.Now()
	return slices.ContainsFunc(calls, func(call Call) bool {
		return call.Question.Capability.Kind == marketdata.Quotes && slices.ContainsFunc(call.Items, func(i int) bool {
			item := p.plan.Items[i]
			return item.Goal == Update && item.Ticker.Calendar().IsOpen(now)
		})
	})
}

// makeCalls makes the calls of a batch, unless their vendor is down, the plan of its key lacks them, or they are optional and no
// call is left for them. It makes none if what they are for is to be planned again.
func (p *pass) makeCalls(ctx context.Context, calls []Call) (replan bool, stop error) {
	calls = slices.DeleteFunc(calls, func(c Call) bool { return p.fetcher.down(c) || p.fetcher.isEndOfDay(c) })
	calls = p.withAffordable(ctx, calls)
	if len(calls) == 0 {
		return false, nil
	}
	if next := p.lastRound.Add(p.BatchDelay); !p.lastRound.IsZero() && time.Until(next) > 0 {
		p.observe(Waiting{next})
		if err := sleep(ctx, time.Until(next)); err != nil {
			return false, err
		}
	}
	if p.isOutdated(calls) {
		return true, nil
	}
	stop = p.fetcher.round(ctx, calls, p.plan.Calls, p.plan.Items, p.answers)
	if !keptFor(stop).IsZero() {
		p.deferToNextRun()
		stop = nil
	}
	if replan = p.lacksAny(); !replan { // what was lacking is asked for at once by another way
		p.lastRound = time.Now()
	}
	p.report.setCost(p.fetcher.used())
	return replan, stop
}

// deferToNextRun leaves all that is left of the plan to a later run, since the next one of the schedule needs the calls.
func (p *pass) deferToNextRun() {
	next := p.nextRun()
	p.stopped = true
	p.result.Reserve = Reserve{Kept: len(p.in.planNext(next).calls), KeptFor: next.At, HoldsBack: true}
	p.result.Reason = (&quota.DeferredError{KeptFor: next.At}).Error()
}

// callEnded takes note of a call that was made, and reports the tickers that wait for no other.
func (p *pass) callEnded(ctx context.Context, call Call, err error) {
	p.counting.Lock()
	var ended []int
	for _, i := range call.Items {
		if p.awaited[i]--; p.awaited[i] == 0 && !errors.Is(err, errLacking) {
			ended = append(ended, i)
		}
	}
	p.ended++
	p.counting.Unlock()
	for _, i := range ended {
		p.observe(TickerEnded{p.plan.Items[i].Ticker, err})
	}
	p.reportForecast(ctx)
}

// lacksAny reports whether an item is to be planned again.
func (p *pass) lacksAny() bool {
	for _, a := range p.answers {
		if errors.Is(a.err, errLacking) {
			return true
		}
	}
	return false
}

// answered returns those items of a batch all of whose calls were made.
func (p *pass) answered(batch int) []answered {
	var items []answered
	for _, i := range p.batches[batch] {
		a, found := p.answers[i]
		if !found || p.awaited[i] > 0 || errors.Is(a.err, errLacking) {
			continue
		}
		delete(p.answers, i)
		item := &p.plan.Items[i]
		items = append(items, answered{
			Item: item, answer: a.check(item.Ticker).complete(), row: &p.result.Tickers[i],
			provider: p.Vendors[item.route.vendor].Provider.Name(), capability: item.route.capability, maxMove: p.MaxMove(item.Ticker),
			isForced: p.Force || item.Goal == Rebase, readableOnly: p.Discovery.ReadableOnly, wantDecisions: p.WantDecisions,
		})
	}
	return items
}

func (p *pass) commitBatch(ctx context.Context, items []answered) error {
	committed, err := p.commit(ctx, items)
	if err == nil && committed {
		p.result.Batches++
		p.observe(BatchCommitted{
			Batch: p.begun + items[len(items)-1].Batch, Batches: p.begun + p.plan.Batches, Calls: p.report.Calls,
			Refreshed: p.result.Counts.Refreshed, Failed: p.result.Counts.Failed,
		})
	}
	return err
}

// left returns the wants of the plan of which those that are done are not wanted any more.
func (p *pass) left(wants []Want) []Want {
	left := slices.Clone(wants)
	for i := range left {
		if row := p.result.Tickers[i]; row.Status != OutcomePlanned {
			left[i].Outcome, left[i].Reason, left[i].Incomplete = row.Status, row.Reason, false
		}
	}
	return left
}

// reportAgain reports what another plan decided about those items that are not done.
func (r *run) reportAgain(plan Plan, report *Report) {
	for i, item := range plan.Items {
		if row := &report.Tickers[i]; row.Status == OutcomePlanned {
			*row = item.row()
			if item.Batch > 0 {
				row.Batch += report.Batches
				row.OutOfReach = 0 // which the answer is to show
				continue
			}
			if row.Status == OutcomeSkipped && row.OutOfReach > 0 {
				row.Reason = outOfReach(row.OutOfReach)
			}
			r.observe(TickerEnded{Ticker: item.Ticker})
		}
	}
	plan.Reserve.HoldsBack = plan.Reserve.HoldsBack || report.HoldsBack
	report.Reserve = plan.Reserve
	if plan.Refusal != "" {
		report.Reason = plan.Refusal
	}
	report.count()
}

// reportForecast reports what can be said of the calls that are left, if anybody wants to know. If the ledger does
// not answer it reports nothing: nothing depends on it.
func (p *pass) reportForecast(ctx context.Context) {
	if !p.WantForecast || len(p.plan.Calls) == 0 {
		return
	}
	p.counting.Lock()
	rest := p.plan.Calls[p.ended:]
	p.counting.Unlock()
	in, err := p.readVendors(ctx)
	if err != nil {
		return
	}
	begin := in.Now
	var left []quota.Allowance
	for i, vendor := range p.Vendors {
		state := &in.Vendors[i]
		left = append(left, quota.Remaining(state.Limits, state.Account, in.Now)...)
		var notBefore time.Time
		if state.Limits, notBefore = vendor.Limiter.Outlook(); notBefore.After(begin) {
			begin = notBefore
		}
	}
	end := in.simulate(begin, rest).end
	p.observe(Forecast{EndsAt: time.Now().Add(end.Sub(in.Now)), Left: left})
}
