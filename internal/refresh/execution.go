package refresh

import (
	"context"
	"errors"
	"time"

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
	for batch := 1; batch <= plan.Batches; batch++ {
		if !e.lastEnd.IsZero() {
			if err := sleep(ctx, time.Until(e.lastEnd.Add(e.BatchDelay))); err != nil {
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
		e.main.Calls = e.Limiter.Calls() - e.before
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

// learn tells the plans of later runs how long calls take.
func (e *execution) learn() {
	if e.main.Calls > 0 {
		e.Limiter.Took(time.Duration(e.fetch.asking.Load() / int64(e.main.Calls)))
	}
}
