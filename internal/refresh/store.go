package refresh

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// StoreError is a way in which a store fails. Its errors wrap one of these values, or the context's
// error; one that does not is a bug of ours.
type StoreError string

func (e StoreError) Error() string { return string(e) }

// The ways in which a store fails. Callers compare with errors.Is.
const (
	ErrUnreachable  StoreError = "the database cannot be reached"
	ErrBusy         StoreError = "another program keeps the database locked"
	ErrRowRefused   StoreError = "the database refused the row"
	ErrReadOnly     StoreError = "the database cannot be written"
	ErrNoPermission StoreError = "the database does not permit it"
	ErrNoSpace      StoreError = "the disk of the database is full"
	ErrTableMissing StoreError = "a table is missing that the database once had"
	ErrBadValue     StoreError = "the database has a value that cannot be read"
	// ErrLeaseLost is that of whatever writes after Lock, once another run has been given the lock.
	ErrLeaseLost StoreError = "this run has lost the lock, since it could not renew it in time, and writes nothing any more"
	ErrDatabase  StoreError = "the database failed" // otherwise
)

// ErrLockUnknown is the error of looking at a lock that cannot be read.
const ErrLockUnknown StoreError = "whether another process holds the lock is not known"

// ErrLocked is the error of Store.Lock while another process holds the lock.
var ErrLocked = errors.New("another run holds the lock: try again when it has ended")

// LockedError is an ErrLocked of a store that knows who holds the lock.
type LockedError struct{ Holder Holder }

func (e *LockedError) Error() string { return fmt.Sprintf("%v; it is %s", ErrLocked, e.Holder) }

// Unwrap returns ErrLocked.
func (e *LockedError) Unwrap() error { return ErrLocked }

// Holder is the process that has the lock of a job. It is zero where the store knows only that there is one.
type Holder struct {
	Host  string    `json:"host"`
	PID   int       `json:"pid"`
	Since time.Time `json:"since,omitzero"`
}

// String returns which process that is.
func (h Holder) String() string {
	if h.Since.IsZero() {
		return fmt.Sprintf("process %d of host %s", h.PID, h.Host)
	}
	return fmt.Sprintf("process %d of host %s, since %s", h.PID, h.Host, h.Since.UTC().Format(time.RFC3339))
}

// The intervals of stored prices.
const (
	IntervalDaily    = "1day"      // the bar of a completed session
	IntervalRealTime = "real-time" // a price taken while the market was open
)

// Source is where a ticker is named as active.
type Source string

// The sources of active tickers.
const (
	SourceWatchlist    Source = "watchlist"
	SourceTransactions Source = "transactions"
	SourceHoldings     Source = "holdings"
	SourceTask         Source = "task"     // asked for by the application
	SourceArgument     Source = "argument" // named on the command line, and by no other source
)

// Mention is one row by which a source names a ticker.
type Mention struct {
	Source Source
	Symbol string // as it is stored: it can be dirty
	// Priority is that of a watchlist row as it is stored; it has no meaning from other sources.
	Priority int
	// LastTradedAt is the newest transaction of the symbol in the window asked for; zero from other
	// sources.
	LastTradedAt time.Time
}

// DiscoveryQuery asks for mentions.
type DiscoveryQuery struct {
	Sources []Source
	// From and To bound the transactions, both inclusive and exact to the second.
	From, To time.Time
}

// State is what a store knows of a ticker. A zero field is unknown.
type State struct {
	LastSession exchange.Date // the newest stored daily bar, of any provider
	Incomplete  bool          // that bar is, as history.StoredBar has it
	FetchedAt   time.Time     // when that bar was last written
	CheckedAt   time.Time     // when a provider last answered with a price
	AskedAt     time.Time     // when a provider was last asked, whatever came of it
	// UnknownSessions is for how many sessions in a row a provider did not know the ticker, and
	// UnknownSession the newest of them.
	UnknownSessions int
	UnknownSession  exchange.Date
	FirstSession    exchange.Date     // the oldest that a provider has of the ticker
	Absent          []exchange.Date   // sessions that a provider has no bar of, ascending
	Splits          []history.Split   // ascending by session
	Held            []history.HeldBar // those that are not accepted, ascending by session
	Late            Lateness
	FirstActiveAt   time.Time // that NoteActive has written down
	InOutage        bool      // not stored: the provider seems to fail, so that the ticker is not given up
	MisdatedAt      time.Time // not stored: the latest of the times that were left out, since they were of the future
}

// Price is a row of the price history that is to be written. If a row of the same ticker, stamp,
// source and interval exists, it is updated; a value that the Bar does not have leaves the row's own,
// unless ClearRange is set.
type Price struct {
	Bar       marketdata.Bar
	Timestamp time.Time
	Source    string // the provider's
	Interval  string
	FetchedAt time.Time
	// Backfill marks a price of the past: the ticker and its entry of the watchlist do not count
	// as refreshed.
	Backfill bool
	Keep     bool  // if the row exists and is not history.StoredBar.Incomplete, it stays as it is
	Row      int64 // history.StoredBar.Row of the row that is updated, whatever its stamp and source; 0: by those
	// ClearRange removes open, high and low that the Bar does not have from a row that exists.
	ClearRange bool
	// Again with Keep: it may have been written already, so that a row with its FetchedAt counts as written by it.
	Again bool
	// Relabel makes the Source that of the row which Row names, unless another row of the same stamp has it.
	Relabel bool
}

// StoredPrice is what became of a Price: the amount as the database holds it, or the error with
// which it refused the row; neither if a row that exists was kept.
type StoredPrice struct {
	Amount string
	Err    error
}

// RunRecord is a row of job_executions. The application records runs of its own under the same name: a row is ours if its
// metadata is an object that has a value under the key "at", as each that this program has ever written.
type RunRecord struct {
	ID           string // a UUID
	JobName      string
	StartedAt    time.Time
	FinishedAt   time.Time // zero while the run is under way
	Status       string    // RUNNING, SUCCEEDED or FAILED
	ErrorMessage string    // at most 500 characters; "" is stored as NULL
	Metadata     json.RawMessage
}

// RunQuery asks for records of runs.
type RunQuery struct {
	Jobs []string // their names
	// ScheduledOnly leaves out the runs that were not of all active tickers: those whose metadata has a mode, and the
	// application's.
	ScheduledOnly bool
	// Published leaves out the runs that had stored no newest session when they ended.
	Published bool
	// By leaves out the runs that were started or finished later; zero: none.
	By    time.Time
	Limit int
}

// Failure is a ticker that a provider was asked about without success.
type Failure struct {
	Ticker  marketdata.Ticker
	AskedAt time.Time
	// UnknownIn is the newest completed session when the provider did not know the ticker; zero if
	// it failed otherwise.
	UnknownIn exchange.Date
}

// Finding is what a series shows of a ticker besides its bars: that it is known, and more.
type Finding struct {
	Ticker       marketdata.Ticker
	FirstSession exchange.Date   // zero: what is known stays
	Absent       []exchange.Date // besides those that are known
	ForgetSplits bool            // those that are known, before Splits are written
	Splits       []history.Split // each takes the place of one of the same session
}

// Batch is what one transaction writes: the prices; for each ticker with a price that was not refused
// and is not a Backfill its State.CheckedAt, its AskedAt, that it is known, and if it is on the
// watchlist last_refresh_at, next_refresh_at (one refresh interval later) and updated_at; for each
// failure its AskedAt, and if it is the first for its UnknownIn, one more of State.UnknownSessions;
// for each price that was refused the ticker's AskedAt; the findings; the held bars; what became of
// tasks; and the progress of the run, if there is one. Commits of different processes come one after the other.
type Batch struct {
	Prices   []Price
	Failures []Failure
	Findings []Finding
	// Held bars each take the place of the one of the same ticker and session. Their AdjustedClose and SplitCoefficient
	// are not kept.
	Held  []history.HeldBar
	Late  []TickerLateness // each takes the place of the ticker's
	Tasks []TaskResult
	Run   RunRecord // without an ID: what is written is of no run
}

// Again returns the batch for when it may have been written already, and the answer lost.
func (b Batch) Again() Batch {
	b.Prices = slices.Clone(b.Prices)
	for i := range b.Prices {
		b.Prices[i].Again = true
	}
	return b
}

// Store keeps what a run reads and writes. Whatever it is asked can be asked again if it is not known what came of it.
type Store interface {
	// Lock takes the lock of a job, without waiting, until unlock is called or the process dies. The error is ErrLocked if
	// another process has it, a *LockedError if it is known which. A store that can lose the lock writes nothing of a run once
	// it has: the error is ErrLeaseLost.
	Lock(ctx context.Context, job string) (unlock func(), err error)
	// Mentions reads what each source says, with at most one query per source.
	Mentions(ctx context.Context, q DiscoveryQuery) ([]Mention, error)
	// States returns what is known of the tickers, with one query. A ticker of which nothing is known
	// is not in the map.
	States(ctx context.Context, tickers []marketdata.Ticker) (map[marketdata.Ticker]State, error)
	// BeginRun writes the record of a run that starts. One that is alone closes those of ours of the same job
	// name that a dead process left RUNNING: they finish when it starts, or when they started themselves if that is later.
	BeginRun(ctx context.Context, run RunRecord, alone bool) error
	// NoteActive writes down when tickers were first seen active, of those of which that is not known yet.
	NoteActive(ctx context.Context, tickers []marketdata.Ticker, at time.Time) error
	// Bars returns the daily bars of tickers whose sessions lie from from to to, both inclusive, with one
	// query; a zero Date is no bound. A session is the date of a stamp in UTC. The bars of a ticker are
	// ascending by session, one per session: of several rows (of two providers, or stamped in two ways)
	// one of history.ManualSource, whenever it was written, else a complete one, else the one written last. Prices keep the
	// digits that the database holds. A ticker without any bar is not in the map.
	Bars(ctx context.Context, tickers []marketdata.Ticker, from, to exchange.Date) (map[marketdata.Ticker][]history.StoredBar, error)
	// HeldBars returns all held bars of tickers, decided ones too, ascending by session, with one query; nil asks for
	// those of all tickers. A ticker without any is not in the map.
	HeldBars(ctx context.Context, tickers []marketdata.Ticker) (map[marketdata.Ticker][]history.HeldBar, error)
	// CommitBatch writes a batch in one transaction and returns what became of each price, in their
	// order. A row that the database refuses costs that ticker alone.
	CommitBatch(ctx context.Context, batch Batch) ([]StoredPrice, error)
	// OpenTasks opens the application's tasks, until Close or the death of the process. The error is
	// ErrLocked if another process has them and the database cannot share them.
	OpenTasks(ctx context.Context) (TaskQueue, error)
	// PendingTasks returns the tasks that Claim would hand out next, at most limit of them, and how many
	// there are in all.
	PendingTasks(ctx context.Context, limit int) (tasks []Task, all int, err error)
	// LastRun returns when the newest run of ours of a job name was started that was of all active tickers (its
	// metadata has no mode) and SUCCEEDED, and not started after by, if that is not zero; the zero time if there is none.
	LastRun(ctx context.Context, job string, by time.Time) (time.Time, error)
	// Watchlist returns the watchlist; with includeRemoved also what was removed from it.
	Watchlist(ctx context.Context, includeRemoved bool) ([]WatchlistEntry, error)
	// FinishRun updates the record of a run that BeginRun wrote.
	FinishRun(ctx context.Context, run RunRecord) error
}
