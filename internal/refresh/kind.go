// Package refresh is the job: it discovers the active tickers, works out what is wanted of them, plans
// the calls that bring it within the vendors' limits, makes them, judges the answers, commits them batch
// by batch and reports. It knows no SQL, no HTTP and no terminal.
//
// A run reads as one line: discover, want, plan, fetch, judge, commit, report. Kinds of runs differ in
// what they want, and in their lock and name.
package refresh

import (
	"math"
	"time"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// Kind is what a run is about.
type Kind int

// The kinds of runs.
const (
	Scheduled Kind = iota // all active tickers: what the schedule asks for
	Named                 // tickers that are named, active or not
	Intraday              // entries of the watchlist whose interval has passed, while their exchange is open
	Backfill              // gaps in the stored history
	Tasks                 // what the application asks for in its table of tasks
	Late                  // active tickers whose newest session was not out yet, between two firings of the schedule
)

// The names that runs are recorded and locked under. The application's health page looks for JobName.
const (
	JobName         = "refresh_active_stocks"
	BackfillJobName = "backfill_active_stocks"
	TasksJobName    = "backfill_tasks"
)

// JobNames returns the names of all jobs.
func JobNames() []string { return []string{JobName, BackfillJobName, TasksJobName} }

// JobName returns what runs of the kind are recorded and locked under.
func (k Kind) JobName() string {
	switch k {
	case Backfill:
		return BackfillJobName
	case Tasks:
		return TasksJobName
	default:
		return JobName
	}
}

// String returns a word for the kind: refresh, named, intraday, backfill, tasks or late.
func (k Kind) String() string {
	return [...]string{"refresh", "named", "intraday", "backfill", "tasks", "late"}[k]
}

// sharesLock reports whether runs of the kind may go on side by side. They share tasks one by one.
func (k Kind) sharesLock() bool { return k == Tasks }

// leavesCalls reports whether runs of the kind leave the next one of the schedule the calls that it needs.
func (k Kind) leavesCalls() bool { return k == Intraday || k == Backfill || k == Tasks || k == Late }

// maxTasks returns how many of the application's tasks a run processes after its own plan.
func (k Kind) maxTasks() int {
	const perRefresh = 20
	switch k {
	case Scheduled:
		return perRefresh
	case Tasks:
		return math.MaxInt
	default:
		return 0
	}
}

// Options are what one run is asked to do.
type Options struct {
	RunID   string // a UUID
	Kind    Kind
	Tickers []marketdata.Ticker // of Named, at least one; of Backfill instead of the active ones
	Force   bool                // what is stored is fetched too
	DryRun  bool                // plan only: no call, nothing written
	IfDue   bool                // of Scheduled: only if the schedule has fired since the last run that did not fail, else a run of Late
	Range   Range               // of Backfill
	Rebase  bool                // of Backfill, instead of a range: all that is stored, on one scale
	Wait    time.Duration       // for a run to end that holds the lock; then the error is ErrLocked
}

// Range is a range of days, both inclusive; a zero To is the newest completed session.
type Range struct{ From, To exchange.Date }

// The modes of runs in the metadata of their records. Only a run of all active tickers, without one, counts
// as one that the schedule asks for.
const (
	modeNamed    = "named"
	modeIntraday = "intraday"
	modeLate     = "late"
)

// mode returns what the record of the run says of it besides its job's name.
func (o Options) mode() string {
	switch {
	case o.Kind == Intraday:
		return modeIntraday
	case o.Kind == Late:
		return modeLate
	case len(o.Tickers) > 0:
		return modeNamed
	default:
		return ""
	}
}

// recordedKind returns the kind of a run by what its record says.
func recordedKind(job, mode string) Kind {
	switch {
	case job == BackfillJobName:
		return Backfill
	case job == TasksJobName:
		return Tasks
	case mode == modeIntraday:
		return Intraday
	case mode == modeLate:
		return Late
	case mode == modeNamed:
		return Named
	default:
		return Scheduled
	}
}
