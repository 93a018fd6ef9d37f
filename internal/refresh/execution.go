package refresh

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"papertrade/internal/quota"
	"papertrade/pkg/marketdata"
)

// execution is a run under way.
type execution struct {
	*Job
	fetch *fetcher
	// kept outlives an interruption, for the writes of what was fetched.
	kept context.Context
	// begun ends before kept does: no commit begins after it.
	begun   context.Context
	main    *Report // whose record is kept up to date
	before  int     // calls that the limiter had let through
	lastEnd time.Time
	results []TaskResult // of tasks that were committed with what was fetched for them
}

// work fetches and commits batch by batch what a plan has in mind, of which report tells. Its error is why
// it stopped before the plan's end.
func (e *execution) work(ctx context.Context, plan Plan, report *Report) error {
	items := plan.fetched()
	if len(items) > 0 {
		e.observe(WorkBegun{len(items)})
		e.tellForecast(ctx, items)
	}
	var ended atomic.Int64
	e.fetch.ended = func(tickers int) {
		e.tellForecast(ctx, items[min(len(items), int(ended.Add(int64(tickers)))):])
	}
	for batch := 1; batch <= plan.Batches; batch++ {
		if next := e.lastEnd.Add(e.BatchDelay); !e.lastEnd.IsZero() && time.Until(next) > 0 {
			e.observe(Waiting{next})
			if err := sleep(ctx, time.Until(next)); err != nil {
				return err
			}
		}
		var items []*Item
		rows := map[marketdata.Ticker]*TickerReport{}
		for i := range plan.Items {
			if item := &plan.Items[i]; item.Batch == batch {
				items = append(items, item)
				rows[item.Ticker] = &report.Tickers[i]
			}
		}
		answers, stop := e.fetch.batch(ctx, items)
		e.lastEnd = time.Now()
		e.main.Calls = e.Limiter.Used().Calls - e.before
		committed, err := e.commitParts(ctx, answers, rows, report)
		if err != nil {
			return errors.Join(err, stop)
		}
		if committed {
			report.Batches++
			e.observe(BatchCommitted{
				Batch: batch, Batches: plan.Batches, Calls: e.main.Calls,
				Refreshed: report.Counts.Refreshed, Failed: report.Counts.Failed,
			})
		}
		if stop != nil {
			return stop
		}
	}
	return nil
}

// tellForecast tells a Forecast of what is left, where somebody watches. Where the ledger does not answer
// it tells none: nothing depends on it.
func (e *execution) tellForecast(ctx context.Context, rest []*Item) {
	if !e.Watched {
		return
	}
	in, err := e.inputs(ctx, e.main.At)
	if err != nil {
		return
	}
	left := quota.Remaining(in.Limits, in.Account, in.Now)
	begin := in.Now
	var notBefore time.Time
	if in.Limits, notBefore = e.Limiter.Outlook(); notBefore.After(begin) {
		begin = notBefore
	}
	e.observe(Forecast{EndsAt: in.timetable(in.Account, begin, rest).end, Left: left})
}

// learn tells the plans of later runs how long calls take.
func (e *execution) learn() {
	if e.main.Calls > 0 {
		e.Limiter.RecordCallTime(time.Duration(e.fetch.asking.Load() / int64(e.main.Calls)))
	}
}
