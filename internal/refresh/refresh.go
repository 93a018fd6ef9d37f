package refresh

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"papertrade/internal/quota"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// lastWrites is how long the writes of what was fetched may take once a run is interrupted.
const lastWrites = time.Second

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
	Schedule     Schedule

	observing sync.Mutex
}

// Schedule tells when runs are due.
type Schedule interface {
	// Next is the first time after t, in the zone of t.
	Next(t time.Time) time.Time
}

// Options are what one run is asked to do.
type Options struct {
	RunID    string              // a UUID
	Tickers  []marketdata.Ticker // instead of the active ones
	Force    bool
	DryRun   bool // plan only: no call, nothing written
	IfDue    bool // only if the schedule has fired since the last run that did not fail
	Intraday bool // the entries of the watchlist whose interval has passed, while their exchange is open
}

// Mode is what a run was about.
type Mode string

// The modes of a run. Only a run of all active tickers counts as one that the schedule asks for.
const (
	modeAll      Mode = ""
	modeNamed    Mode = "named"
	modeIntraday Mode = "intraday"
)

func (o Options) mode() Mode {
	switch {
	case o.Intraday:
		return modeIntraday
	case len(o.Tickers) > 0:
		return modeNamed
	default:
		return modeAll
	}
}

// Event is something worth telling while a run is under way: RowSkipped, RunStarted, CallThrottled,
// BatchCommitted, TickerFailed, SessionMissing, CalendarUnknown or RunFinished.
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
	SessionMissing struct { // from an answer, whose newest session is older than the newest completed one
		Ticker          marketdata.Ticker
		Session, Newest exchange.Date
	}
	CalendarUnknown struct { // of these tickers' exchange: each weekday is taken for a session
		Suffix  string
		Tickers []marketdata.Ticker
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
	idle := Report{RunID: o.RunID, DryRun: o.DryRun, At: at, Provider: j.Provider.Source(), Tickers: []TickerReport{}}
	var err error
	if idle.Status, idle.Reason, err = j.idle(ctx, o, at); err != nil {
		return Report{}, err
	}
	if idle.Status != "" {
		return idle, nil
	}
	if !o.DryRun {
		unlock, err := j.Store.Lock(ctx, JobName)
		if errors.Is(err, ErrLocked) {
			idle.Status = Locked
			return idle, err
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
	report.RunID, report.DryRun, report.Provider, report.mode = o.RunID, o.DryRun, j.Provider.Source(), o.mode()
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

// idle is the status, and the reason, of a run that has nothing to do because of the time of day.
func (j *Job) idle(ctx context.Context, o Options, at time.Time) (Status, string, error) {
	switch {
	case o.IfDue:
		last, err := j.Store.LastRun(ctx, JobName)
		if err != nil || last.IsZero() {
			return "", "", err
		}
		if next := j.Schedule.Next(last.UTC()); next.After(at) {
			return NotDue, fmt.Sprintf("the last run was at %s, the next is due at %s",
				last.UTC().Format(time.RFC3339), next.Format(time.RFC3339)), nil
		}
	case o.Intraday:
		_, open, err := j.watch(ctx, at)
		if err != nil {
			return "", "", err
		}
		if !open {
			return Closed, "no exchange of the watchlist is open", nil
		}
	}
	return "", "", nil
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
	in := Inputs{
		At: at, Active: active, Force: o.Force, TickersPerCall: j.Provider.TickersPerCall(),
		BatchSize: j.BatchSize, BatchDelay: j.BatchDelay, Concurrency: j.Concurrency,
		Limits: j.Limiter.Limits(), Account: account, MaxWait: j.Limiter.MaxWait(), Now: time.Now(),
	}
	if !o.Intraday {
		return NewPlan(in), nil
	}
	entries, _, err := j.watch(ctx, at)
	if err != nil {
		return Plan{}, err
	}
	next := coming{at: j.Schedule.Next(at)}
	for _, a := range active {
		item := Item{ActiveTicker: a}
		if item.Action, _ = decide(a, next.at, false); item.Fetches() {
			next.items = append(next.items, &item)
		}
	}
	return newIntradayPlan(in, entries, next), nil
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
		if active, err = Named(ctx, j.Store, active, o.Tickers); err != nil {
			return nil, err
		}
	}
	j.tellUnknownCalendars(active)
	return active, nil
}

func (j *Job) tellUnknownCalendars(active []ActiveTicker) {
	bySuffix := map[string][]marketdata.Ticker{}
	for _, a := range active {
		symbol := a.Ticker.String()
		if _, known := exchange.ForSymbol(symbol); !known {
			suffix := symbol[strings.LastIndexByte(symbol, '.'):]
			bySuffix[suffix] = append(bySuffix[suffix], a.Ticker)
		}
	}
	for _, suffix := range slices.Sorted(maps.Keys(bySuffix)) {
		j.observe(CalendarUnknown{suffix, bySuffix[suffix]})
	}
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
	defer func() {
		if report.Calls > 0 {
			j.Limiter.Took(time.Duration(fetch.asking.Load() / int64(report.Calls)))
		}
	}()
	var lastEnd time.Time
	for batch := 1; batch <= plan.Batches; batch++ {
		if batch > 1 {
			if err := sleep(ctx, time.Until(lastEnd.Add(j.BatchDelay))); err != nil {
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
		answers, stop := fetch.batch(ctx, items)
		lastEnd = time.Now()
		report.Calls = j.Limiter.Calls() - before
		committed, err := j.commit(kept, answers, rows, report)
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
