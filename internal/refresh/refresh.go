package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"papertrade/internal/quota"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// Job is what a run works with.
type Job struct {
	Store    Store
	Provider marketdata.Provider
	// Made is when the provider's calls were made so far, ascending, as the limiter has them.
	Made   func() []time.Time
	Limits []quota.Limit
	// Now stands for the time in every decision and record; rate limits go by the real clock.
	Now func() time.Time
	// Observe is told what happens while it happens. It is called by one goroutine at a time.
	Observe func(Event)

	Discovery    Discovery
	BatchSize    int
	BatchDelay   time.Duration
	Concurrency  int
	Attempts     int     // tries of one call
	MaxErrorRate float64 // failed share of the attempted tickers that still counts as success
}

// Options are what one run is asked to do.
type Options struct {
	RunID   string              // a UUID
	Tickers []marketdata.Ticker // instead of the active ones
	Force   bool
	DryRun  bool // plan only: no call, nothing written
}

// Event is something worth telling while a run is under way: RowSkipped, RunStarted,
// BatchCommitted, TickerFailed or RunFinished.
type Event any

// The events of a run.
type (
	RowSkipped     struct{ SkippedRow }
	RunStarted     struct{ Report Report } // of which nothing was done yet
	BatchCommitted struct{ Batch, Batches, Refreshed, Failed, Calls int }
	TickerFailed   struct {
		Ticker marketdata.Ticker
		Kind   string
		Err    error
	}
	RunFinished struct{ Report Report }
)

// Run does the job once: discover, plan, fetch, commit, report. The report is complete also where an
// error tells why the run could not go on. The error is ErrLocked where another run is under way.
func (j *Job) Run(ctx context.Context, o Options) (Report, error) {
	at, began := j.Now(), time.Now()
	if !o.DryRun {
		unlock, err := j.Store.Lock(ctx, JobName)
		if errors.Is(err, ErrLocked) {
			return Report{RunID: o.RunID, At: at, Provider: j.Provider.Source(), Status: Locked, Tickers: []TickerReport{}}, err
		}
		if err != nil {
			return Report{}, err
		}
		defer unlock()
	}
	active, err := j.discover(ctx, o, at)
	if err != nil {
		return Report{}, err
	}
	plan := NewPlan(Inputs{
		At: at, Active: active, Force: o.Force, TickersPerCall: j.Provider.TickersPerCall(),
		BatchSize: j.BatchSize, BatchDelay: j.BatchDelay, Limits: j.Limits, Made: j.Made(), Now: time.Now(),
	})
	report := plan.report()
	report.RunID, report.DryRun, report.Provider = o.RunID, o.DryRun, j.Provider.Source()
	if o.DryRun {
		return report, nil
	}
	report.StartedAt = at
	if err := j.Store.BeginRun(ctx, report.record()); err != nil {
		return report, fmt.Errorf("record the run: %w", err)
	}
	j.Observe(RunStarted{report})
	report.Calls, report.Batches = 0, 0
	stop := j.work(ctx, plan, &report)
	// A clock that stands still all the same lets a run take its time.
	report.FinishedAt = report.StartedAt.Add(time.Since(began))
	j.finish(ctx, &report, stop)
	if err := j.Store.FinishRun(context.WithoutCancel(ctx), report.record()); err != nil {
		report.Status = Failed
		stop = errors.Join(stop, fmt.Errorf("record the end of the run: %w", err))
	}
	j.Observe(RunFinished{report})
	return report, stop
}

func (j *Job) discover(ctx context.Context, o Options, at time.Time) ([]ActiveTicker, error) {
	active, skipped, err := Discover(ctx, j.Store, j.Discovery, at)
	if err != nil {
		return nil, err
	}
	for _, row := range skipped {
		j.Observe(RowSkipped{row})
	}
	if len(o.Tickers) > 0 {
		return Named(ctx, j.Store, active, o.Tickers)
	}
	return active, nil
}

// work fetches and commits batch by batch. Its error is why it stopped before the plan's end.
func (j *Job) work(ctx context.Context, plan Plan, report *Report) error {
	before := len(j.Made())
	var lastEnd time.Time
	for batch := 1; batch <= plan.Batches; batch++ {
		if batch > 1 {
			if err := sleep(ctx, time.Until(lastEnd.Add(j.BatchDelay))); err != nil {
				return err
			}
		}
		var tickers []marketdata.Ticker
		rows := map[marketdata.Ticker]*TickerReport{}
		for i := range report.Tickers {
			if row := &report.Tickers[i]; row.Batch == batch {
				tickers = append(tickers, row.Ticker)
				rows[row.Ticker] = row
			}
		}
		quotes, stop := j.fetchBatch(ctx, tickers)
		lastEnd = time.Now()
		report.Calls = len(j.Made()) - before
		// What was fetched is committed, also where the run is being interrupted.
		if err := j.commit(context.WithoutCancel(ctx), quotes, rows, report); err != nil {
			return err
		}
		report.Batches = batch
		j.Observe(BatchCommitted{
			Batch: batch, Batches: plan.Batches, Calls: report.Calls,
			Refreshed: report.Counts.Refreshed, Failed: report.Counts.Failed,
		})
		if stop != nil {
			return stop
		}
	}
	return nil
}

// commit writes what the quotes of a batch brought, and reports what became of each of its tickers.
func (j *Job) commit(ctx context.Context, quotes []marketdata.Quote, rows map[marketdata.Ticker]*TickerReport, report *Report) error {
	now := j.Now()
	var prices []Price
	for _, q := range quotes {
		row := rows[q.Ticker]
		if q.Err != nil {
			j.fail(row, q.Err)
			continue
		}
		prices = append(prices, j.price(q.Bar, now))
		row.Status = OutcomeRefreshed
	}
	report.count()
	stored, err := j.Store.CommitBatch(ctx, Batch{Prices: prices, Run: report.record()})
	if err != nil {
		for _, p := range prices {
			j.fail(rows[p.Bar.Ticker], err)
		}
		report.count()
		return fmt.Errorf("commit a batch: %w", err)
	}
	for i, p := range prices {
		row := rows[p.Bar.Ticker]
		if stored[i].Err != nil {
			j.fail(row, stored[i].Err)
			continue
		}
		row.Session, row.Price, row.Currency = p.Bar.Session, stored[i].Amount, p.Bar.Currency
	}
	report.count()
	return nil
}

// price is a bar as it is stored: the close of a completed session, or the price of the moment while
// the session is under way, which must never pass for its close.
func (j *Job) price(bar marketdata.Bar, now time.Time) Price {
	p := Price{Bar: bar, Timestamp: DailyStamp(bar.Session), Source: j.Provider.Source(), Interval: IntervalDaily, FetchedAt: now}
	calendar, _ := exchange.ForSymbol(bar.Ticker.String())
	if bar.Session.After(calendar.LastCompleted(now).Date) {
		p.Interval, p.Timestamp = IntervalRealTime, now
	}
	return p
}

// DailyStamp is the time that the application stores a daily bar under: 21:00 UTC of its trading day.
func DailyStamp(session exchange.Date) time.Time {
	return session.In(time.UTC).Add(21 * time.Hour)
}

func (j *Job) fail(row *TickerReport, err error) {
	row.Status = OutcomeFailed
	row.Error = &TickerError{Kind: kindOf(err), Message: err.Error()}
	var deferred *quota.DeferredError
	if errors.As(err, &deferred) || errors.Is(err, marketdata.ErrQuotaSpent) || errors.Is(err, marketdata.ErrThrottled) || interrupted(err) {
		// It was not answered because of the others: a later run asks for it.
		row.Status = OutcomeDeferred
		row.Error = nil
		return
	}
	j.Observe(TickerFailed{Ticker: row.Ticker, Kind: row.Error.Kind, Err: err})
}

// finish defers what was not asked for, and judges the run.
func (j *Job) finish(ctx context.Context, report *Report, stop error) {
	for i := range report.Tickers {
		if report.Tickers[i].Status == OutcomePlanned {
			report.Tickers[i].Status = OutcomeDeferred
		}
	}
	report.count()
	report.judge(j.MaxErrorRate)
	var deferred *quota.DeferredError
	switch {
	case ctx.Err() != nil:
		report.Status = Interrupted
	case stop == nil, errors.As(stop, &deferred), errors.Is(stop, marketdata.ErrQuotaSpent):
	default:
		report.Status = Failed
	}
}
