package refresh

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"papertrade/internal/quota"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// Once a run is interrupted, writes of what was fetched may begin and end so much later, and after them
// what the run records of itself.
const (
	lastBegin  = 250 * time.Millisecond
	lastWrites = 700 * time.Millisecond
	lastRecord = 300 * time.Millisecond
)

// Job is what a run works with.
type Job struct {
	Store    Store
	Provider marketdata.Provider
	Limiter  *quota.Limiter // the one that the provider's calls wait for
	// Now stands for the time in every decision and record; rate limits go by the real clock.
	Now func() time.Time
	// Observe is told what happens while it happens. It is called by one goroutine at a time.
	Observe func(Event)
	// Watched asks for a Forecast after each ticker, which costs a look into the ledger.
	Watched bool

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
	Backfill *Backfill
}

// jobName is what a run is recorded and locked as.
func (o Options) jobName() string {
	switch {
	case o.worksOffTasks():
		return TasksJobName
	case o.Backfill != nil:
		return BackfillJobName
	default:
		return JobName
	}
}

// worksOffTasks says whether the application's tasks are what the run is about.
func (o Options) worksOffTasks() bool { return o.Backfill != nil && o.Backfill.Pending }

// mostTasks is how many of the application's tasks a run works off, once its own plan is done.
func (o Options) mostTasks() int {
	switch {
	case o.worksOffTasks():
		return math.MaxInt
	case o.Backfill == nil && o.mode() == modeAll:
		return tasksARefresh
	default:
		return 0
	}
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

// Forecast is an event too: what can be said of the rest of the work that has begun.
type Forecast struct {
	EndsAt time.Time         // when the last call is answered, by the real clock
	Left   []quota.Allowance // what the limits allow as of now
}

// Event is something worth telling while a run is under way: RowSkipped, RunStarted, WorkBegun,
// TickerBegun, TickerEnded, Forecast, Waiting, CallThrottled, BatchCommitted, TickerFailed, SplitFound, TaskRejected,
// TasksStopped, SessionMissing, CalendarUnknown or RunFinished.
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
	// WorkBegun comes before the first of so many tickers, more than once where tasks follow.
	WorkBegun   struct{ Tickers int }
	TickerBegun struct{ Ticker marketdata.Ticker }
	TickerEnded struct { // answered or not; what became of it is told when its batch is committed
		Ticker marketdata.Ticker
		Err    error
	}
	Waiting struct { // no call is made before
		Until time.Time
	}
	BatchCommitted struct{ Batch, Batches, Refreshed, Failed, Calls int }
	TickerFailed   struct {
		Ticker marketdata.Ticker
		Kind   string
		Err    error
	}
	SplitFound struct { // which the stored history of the ticker lacks
		Ticker marketdata.Ticker
		Split  Split
	}
	TaskRejected struct { // of the application: nothing can be fetched for it
		ID, Reason string
	}
	TasksStopped   struct{ Err error } // the tasks of the application, and not the refresh before them
	SessionMissing struct {            // from an answer, whose newest session is older than the newest completed one
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
	alone := false
	if !o.DryRun {
		unlock, err := j.Store.Lock(ctx, o.jobName())
		// Tasks are shared among processes one by one, by OpenTasks.
		if errors.Is(err, ErrLocked) && !o.worksOffTasks() {
			idle.Status = Locked
			return idle, err
		}
		if alone = err == nil; alone {
			defer unlock()
		} else if !errors.Is(err, ErrLocked) {
			return Report{}, err
		}
	}
	plan, err := j.plan(ctx, o, at)
	if err != nil {
		return Report{}, err
	}
	report := plan.report()
	report.RunID, report.DryRun, report.Provider, report.mode, report.jobName = o.RunID, o.DryRun, j.Provider.Source(), o.mode(), o.jobName()
	if o.mostTasks() > 0 {
		if _, report.PendingTasks, err = j.Store.PendingTasks(ctx, 1); err != nil {
			if o.worksOffTasks() {
				return Report{}, err
			}
			j.observe(TasksStopped{err})
		}
	}
	if o.DryRun {
		report.judge(j.MaxErrorRate)
		return report, nil
	}
	report.StartedAt = at
	var tasks Tasks
	if o.mostTasks() > 0 {
		tasks, err = j.Store.OpenTasks(ctx)
		switch {
		case errors.Is(err, ErrLocked) && o.worksOffTasks():
			idle.Status = Locked
			return idle, err
		case errors.Is(err, ErrLocked): // another process works them off
		case err != nil && o.worksOffTasks():
			return Report{}, err
		case err != nil:
			j.observe(TasksStopped{err})
		default:
			defer tasks.Close()
		}
	}
	planned := report
	report.Calls, report.Batches = 0, 0
	if err := j.Store.BeginRun(ctx, report.record(), alone); err != nil {
		return Report{}, err
	}
	j.observe(RunStarted{planned})
	kept, cancel := grace(ctx, lastWrites)
	defer cancel()
	j.Limiter.OnWait(func(until time.Time) { j.observe(Waiting{until}) })
	begun, cancelBegun := grace(ctx, lastBegin)
	defer cancelBegun()
	last, cancelLast := grace(ctx, lastWrites+lastRecord)
	defer cancelLast()
	e := &execution{Job: j, fetch: j.newFetcher(), kept: kept, begun: begun, main: &report, before: j.Limiter.Used().Calls}
	stop := e.work(ctx, plan, &report)
	if stop == nil && tasks != nil {
		stop = e.tasks(ctx, tasks, plan.active, o)
	}
	e.learn()
	if err := j.Limiter.Close(last); err != nil && ctx.Err() == nil {
		stop = errors.Join(stop, err)
	}
	// A clock that stands still all the same lets a run take its time.
	report.FinishedAt = report.StartedAt.Add(time.Since(began))
	report.finish(ctx, stop, j.MaxErrorRate)
	if err := j.Store.FinishRun(last, report.record()); err != nil {
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
		if err != nil {
			return "", "", err
		}
		if next, isDue := due(j.Schedule, last, at); !isDue {
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

// due says whether a schedule has fired by a time since the last run, and when it fires after that; the
// zero time where there was no run, in which case one is due.
func due(s Schedule, last, at time.Time) (next time.Time, isDue bool) {
	if last.IsZero() {
		return time.Time{}, true
	}
	next = s.Next(last.UTC())
	return next, !next.After(at)
}

// plan reads all that a plan depends on.
func (j *Job) plan(ctx context.Context, o Options, at time.Time) (Plan, error) {
	if o.Backfill != nil {
		return j.planBackfill(ctx, o, at)
	}
	active, err := j.discover(ctx, at)
	if err != nil {
		return Plan{}, err
	}
	in, err := j.inputs(ctx, at)
	if err != nil {
		return Plan{}, err
	}
	if in.Active, err = j.named(ctx, active, o.Tickers); err != nil {
		return Plan{}, err
	}
	in.Force = o.Force
	if !o.Intraday {
		p := NewPlan(in)
		p.active = active
		return p, nil
	}
	entries, _, err := j.watch(ctx, at)
	if err != nil {
		return Plan{}, err
	}
	return newIntradayPlan(in, entries, j.coming(active, at)), nil
}

// inputs are what any plan depends on.
func (j *Job) inputs(ctx context.Context, at time.Time) (Inputs, error) {
	account, err := j.Limiter.Account(ctx)
	if err != nil {
		return Inputs{}, err
	}
	return Inputs{
		At: at, TickersPerCall: j.Provider.TickersPerCall(),
		BatchSize: j.BatchSize, BatchDelay: j.BatchDelay, Concurrency: j.Concurrency,
		Limits: j.Limiter.Limits(), Account: account, MaxWait: j.Limiter.MaxWait(), Now: time.Now(),
	}, nil
}

func (j *Job) discover(ctx context.Context, at time.Time) ([]ActiveTicker, error) {
	active, skipped, err := Discover(ctx, j.Store, j.Discovery, at)
	for _, row := range skipped {
		j.observe(RowSkipped{row})
	}
	return active, err
}

// named are the active tickers, or instead those that are named.
func (j *Job) named(ctx context.Context, active []ActiveTicker, names []marketdata.Ticker) (chosen []ActiveTicker, err error) {
	chosen = active
	if len(names) > 0 {
		if chosen, err = Named(ctx, j.Store, active, names); err != nil {
			return nil, err
		}
	}
	j.tellUnknownCalendars(chosen)
	return chosen, nil
}

func (j *Job) tellUnknownCalendars(active []ActiveTicker) {
	bySuffix := map[string][]marketdata.Ticker{}
	for _, a := range active {
		if !a.Ticker.HasCalendar() {
			bySuffix[a.Ticker.Suffix()] = append(bySuffix[a.Ticker.Suffix()], a.Ticker)
		}
	}
	for _, suffix := range slices.Sorted(maps.Keys(bySuffix)) {
		j.observe(CalendarUnknown{suffix, bySuffix[suffix]})
	}
}

// grace is a context for writes that an interruption of ctx must not prevent, and must not be held up
// by for long.
func grace(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	kept, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(d):
			cancel()
		case <-kept.Done():
		}
	})
	return kept, func() { stop(); cancel() }
}
