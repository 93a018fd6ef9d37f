package refresh

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"papertrade/pkg/marketdata"
)

// Job is what a run works with.
type Job struct {
	Store   Store
	Vendors []Vendor // at least one, the preferred first
	// Now stands for the time in every decision and record; rate limits go by the real clock.
	Now func() time.Time
	// Observe is called with what happens while it happens, by one goroutine at a time.
	Observe func(Event)
	// WantForecast asks for a Forecast after each call, which costs a look into the ledger.
	WantForecast bool
	// WantDecisions asks for a TickerPlanned for each ticker of a plan, and for a BarDecided for each bar of an answer that
	// matters.
	WantDecisions bool

	Discovery    Discovery
	BatchSize    int // tickers per commit
	BatchDelay   time.Duration
	Concurrency  int     // calls under way at once
	MaxErrorRate float64 // failed share of the attempted tickers that still counts as success
	Schedule     Schedule
	// MaxMove returns the largest part by which a close of a ticker may differ from the one before without being in
	// doubt: 0.5 is 50 %.
	MaxMove func(marketdata.Ticker) decimal.Decimal

	observing sync.Mutex
}

func (j *Job) observe(e Event) {
	j.observing.Lock()
	defer j.observing.Unlock()
	j.Observe(e)
}

// run is one run of a job.
type run struct {
	*Job
	Options
	began     time.Time // by the real clock
	deadlines deadlines
	unlock    func()          // nil if the run shares its lock
	skipped   rowSet          // rows that were reported
	misdated  map[string]bool // kinds of records that were reported
	limits    learnedLimits
	active    []ActiveTicker // all of them, whatever the run is about
	inputs    Inputs
	plan      Plan
	tasks     TaskQueue // of the application; nil if the run processes none
	fetcher   *fetcher
	lastRound time.Time      // when the last calls were answered
	results   []TaskResult   // of tasks that were committed with what was fetched for them
	rejected  []rejectedTask // of a dry run
	report    Report
}

func (j *Job) newRun(ctx context.Context, o Options) *run {
	r := &run{Job: j, Options: o, began: time.Now(), deadlines: newDeadlines(ctx), skipped: rowSet{}, misdated: map[string]bool{}}
	r.report = r.identify(Report{At: j.Now(), Tickers: []TickerReport{}})
	return r
}

// beginAnew forgets what the run has found out before it had the lock.
func (r *run) beginAnew(o Options) {
	r.Options, r.began, r.active = o, time.Now(), nil
	r.report = r.identify(Report{At: r.Now(), Tickers: []TickerReport{}})
}

// realNow returns the time by the clock that the rate limits go by.
func (r *run) realNow() time.Time { return r.Vendors[0].Limiter.Now() }

// identify says in a report which run it is of.
func (r *run) identify(report Report) Report {
	var names []string
	for _, v := range r.Vendors {
		names = append(names, v.Provider.Name())
	}
	report.RunID, report.DryRun, report.Kind, report.mode = r.RunID, r.DryRun, r.Kind, r.mode()
	report.Provider = strings.Join(names, ", ")
	return report
}

// tasksFailed returns an error that is about the application's tasks, if that is what the run is about. It is
// no fault of any other run.
func (r *run) tasksFailed(err error) error {
	if r.Kind == Tasks {
		return err
	}
	r.observe(TasksStopped{err})
	return nil
}
