package refresh

import (
	"context"
	"errors"
	"sync"
	"time"

	"papertrade/internal/quota"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// lastWrites is how long the writes of what was fetched may take once a run is interrupted.
const lastWrites = 1500 * time.Millisecond

// Job is what a run works with.
type Job struct {
	Store    Store
	Provider marketdata.Provider
	Limiter  *quota.Limiter // the one that the provider's calls wait for
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

	observing sync.Mutex
}

// Options are what one run is asked to do.
type Options struct {
	RunID   string              // a UUID
	Tickers []marketdata.Ticker // instead of the active ones
	Force   bool
	DryRun  bool // plan only: no call, nothing written
}

// Event is something worth telling while a run is under way: RowSkipped, RunStarted, CallThrottled,
// BatchCommitted, TickerFailed, SessionMissing or RunFinished.
type Event any

// The events of a run.
type (
	RowSkipped    struct{ SkippedRow }
	RunStarted    struct{ Report Report } // of which nothing was done yet
	CallThrottled struct {
		Ticker marketdata.Ticker
		Wait   time.Duration // no call is made for so long
		Err    error
	}
	BatchCommitted struct{ Batch, Batches, Refreshed, Failed, Calls int }
	TickerFailed   struct {
		Ticker marketdata.Ticker
		Kind   string
		Err    error
	}
	SessionMissing struct { // from an answer: it brought an older session than the newest completed one
		Ticker          marketdata.Ticker
		Session, Newest exchange.Date
	}
	RunFinished struct{ Report Report }
)

func (j *Job) observe(e Event) {
	j.observing.Lock()
	defer j.observing.Unlock()
	j.Observe(e)
}

// Run does the job once: discover, plan, fetch, commit, report. The report is complete also where an
// error tells why the run could not go on; without a Status there is none. The error is ErrLocked
// where another run is under way.
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
	plan, err := j.plan(ctx, o, at)
	if err != nil {
		return Report{}, err
	}
	report := plan.report()
	report.RunID, report.DryRun, report.Provider = o.RunID, o.DryRun, j.Provider.Source()
	if o.DryRun {
		report.judge(j.MaxErrorRate)
		return report, nil
	}
	report.StartedAt = at
	if err := j.Store.BeginRun(ctx, report.record()); err != nil {
		return Report{}, err
	}
	j.observe(RunStarted{report})
	report.Calls, report.Batches = 0, 0
	kept, cancel := grace(ctx)
	defer cancel()
	stop := j.work(ctx, kept, plan, &report)
	if err := j.Limiter.Close(kept); err != nil {
		stop = errors.Join(stop, err)
	}
	// A clock that stands still all the same lets a run take its time.
	report.FinishedAt = report.StartedAt.Add(time.Since(began))
	report.finish(ctx, stop, j.MaxErrorRate)
	if err := j.Store.FinishRun(kept, report.record()); err != nil {
		if report.Status != Interrupted {
			report.Status = Failed
		}
		stop = errors.Join(stop, err)
	}
	j.observe(RunFinished{report})
	return report, stop
}

// plan reads all that a plan depends on.
func (j *Job) plan(ctx context.Context, o Options, at time.Time) (Plan, error) {
	active, err := j.discover(ctx, o, at)
	if err != nil {
		return Plan{}, err
	}
	account, err := j.Limiter.Account(ctx)
	if err != nil {
		return Plan{}, err
	}
	return NewPlan(Inputs{
		At: at, Active: active, Force: o.Force, TickersPerCall: j.Provider.TickersPerCall(),
		BatchSize: j.BatchSize, BatchDelay: j.BatchDelay,
		Limits: j.Limiter.Limits(), Account: account, MaxWait: j.Limiter.MaxWait(), Now: time.Now(),
	}), nil
}

func (j *Job) discover(ctx context.Context, o Options, at time.Time) ([]ActiveTicker, error) {
	active, skipped, err := Discover(ctx, j.Store, j.Discovery, at)
	if err != nil {
		return nil, err
	}
	for _, row := range skipped {
		j.observe(RowSkipped{row})
	}
	if len(o.Tickers) > 0 {
		return Named(ctx, j.Store, active, o.Tickers)
	}
	return active, nil
}

// grace is a context for writes that an interruption of ctx must not prevent, and must not be held up
// by for long.
func grace(ctx context.Context) (context.Context, context.CancelFunc) {
	kept, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(lastWrites):
			cancel()
		case <-kept.Done():
		}
	})
	return kept, func() { stop(); cancel() }
}

// work fetches and commits batch by batch. What was fetched is committed with kept, which outlives an
// interruption. Its error is why it stopped before the plan's end.
func (j *Job) work(ctx, kept context.Context, plan Plan, report *Report) error {
	fetch := j.newFetcher()
	before := j.Limiter.Calls()
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
		quotes, stop := fetch.batch(ctx, tickers)
		lastEnd = time.Now()
		report.Calls = j.Limiter.Calls() - before
		committed, err := j.commit(kept, quotes, rows, report)
		if err != nil {
			return errors.Join(err, stop)
		}
		if committed {
			report.Batches++
			j.observe(BatchCommitted{
				Batch: batch, Batches: plan.Batches, Calls: report.Calls,
				Refreshed: report.Counts.Refreshed, Failed: report.Counts.Failed,
			})
		}
		if stop != nil {
			return stop
		}
	}
	return nil
}

// commit writes what the quotes of a batch brought, if anything, and reports what became of each of
// its tickers.
func (j *Job) commit(ctx context.Context, quotes []marketdata.Quote, rows map[marketdata.Ticker]*TickerReport, report *Report) (committed bool, err error) {
	now := j.Now()
	batch := Batch{}
	for _, q := range quotes {
		row := rows[q.Ticker]
		switch {
		case q.Err == nil:
			batch.Prices = append(batch.Prices, j.price(q.Bar, now))
			row.Status, row.Reason = OutcomeRefreshed, ""
		case defers(q.Err):
			row.putOff(q.Err)
		default:
			j.fail(row, q.Err)
			batch.Failures = append(batch.Failures, failure(row.Ticker, q.Err, now))
		}
	}
	report.count()
	if len(batch.Prices)+len(batch.Failures) == 0 {
		return false, nil
	}
	batch.Run = report.record()
	stored, err := j.Store.CommitBatch(ctx, batch)
	if err != nil {
		for _, p := range batch.Prices {
			j.fail(rows[p.Bar.Ticker], err)
		}
		report.count()
		return false, err
	}
	for i, p := range batch.Prices {
		row := rows[p.Bar.Ticker]
		if stored[i].Err != nil {
			j.fail(row, stored[i].Err)
			continue
		}
		row.Session, row.Price, row.Currency = p.Bar.Session, stored[i].Amount, p.Bar.Currency
		calendar, _ := exchange.ForSymbol(p.Bar.Ticker.String())
		if newest := calendar.LastCompleted(now).Date; p.Bar.Session.Before(newest) {
			row.Reason = "the session of " + newest.String() + " was not out yet"
			j.observe(SessionMissing{Ticker: row.Ticker, Session: p.Bar.Session, Newest: newest})
		}
	}
	report.count()
	return true, nil
}

// failure is what is kept of a ticker that was asked about in vain.
func failure(ticker marketdata.Ticker, err error, at time.Time) Failure {
	f := Failure{Ticker: ticker, AskedAt: at}
	if errors.Is(err, marketdata.ErrUnknownTicker) {
		calendar, _ := exchange.ForSymbol(ticker.String())
		f.UnknownIn = calendar.LastCompleted(at).Date
	}
	return f
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
	row.Status, row.Reason = OutcomeFailed, ""
	row.Error = &TickerError{Kind: kindOf(err), Message: err.Error()}
	j.observe(TickerFailed{Ticker: row.Ticker, Kind: row.Error.Kind, Err: err})
}
