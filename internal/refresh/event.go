package refresh

import (
	"time"

	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/internal/quota"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// Event is something worth knowing while a run is under way: LockAwaited, RowSkipped, RecordsMisdated, CalendarUnknown,
// CalendarEnding, RunStarted, WorkBegun, TickerBegun, TickerEnded, Forecast, Waiting, CallThrottled, BatchCommitted,
// TickerPlanned, BarDecided, TickerFailed, SplitFound, BarRepaired, BarJudged, BarCorrected, BarFilled, HeldDecided,
// DoubtAsked, SessionMissing, LimitsLearned, TaskFailure, TaskPriorityUnknown, TasksStopped or RunFinished.
type Event any

// The events of a run.
type (
	LockAwaited struct { // another run has the lock
		Holder *Holder       // nil if the store does not know which
		Wait   time.Duration // at the longest
	}
	RowSkipped      struct{ SkippedRow }
	RecordsMisdated struct{ Misdated }
	CalendarUnknown struct { // of these tickers' exchange: each weekday is taken for a session
		Suffix  string
		Tickers []marketdata.Ticker
	}
	CalendarEnding struct { // of these tickers' exchange: after Until each weekday is taken for a session
		MIC     string
		Until   exchange.Date
		Tickers []marketdata.Ticker
	}
	BarRepaired struct { // its open, high and low contradict each other or the close: only the close was stored
		Ticker  marketdata.Ticker
		Session exchange.Date
	}
	BarJudged struct { // it is odd, and was stored all the same, or it is wrong, and was not
		Ticker marketdata.Ticker
		history.Judgement
	}
	BarCorrected struct { // a stored one, by the vendor's later word
		Ticker   marketdata.Ticker
		Session  exchange.Date
		Old, New decimal.Decimal // closes
	}
	BarFilled struct { // a stored one that lacked values, which the vendor has brought
		Ticker  marketdata.Ticker
		Session exchange.Date
	}
	HeldDecided struct{ history.HeldBar } // by what came after it
	DoubtAsked  struct {                  // a further call that can settle a doubt
		Ticker     marketdata.Ticker
		Capability string
	}
	RunStarted struct{ Report Report } // of which nothing is done yet
	// WorkBegun comes before the first of a number of tickers, more than once if tasks follow.
	WorkBegun   struct{ Tickers int }
	TickerBegun struct{ Ticker marketdata.Ticker }
	TickerEnded struct { // answered or not; what became of it is reported when its batch is committed
		Ticker marketdata.Ticker
		Err    error
	}
	// Forecast is what can be said of the rest of the work that has begun.
	Forecast struct {
		EndsAt time.Time         // when the last call is answered, by the real clock
		Left   []quota.Allowance // what the limits allow as of now
	}
	Waiting struct { // no call is made before
		Until time.Time
	}
	CallThrottled struct {
		Ticker marketdata.Ticker
		Wait   time.Duration // no call is made for this long
		Err    error
	}
	// TickerPlanned is what a plan decides about a ticker, and why: it is planned, fresh, skipped or deferred.
	TickerPlanned struct {
		Ticker   marketdata.Ticker
		Outcome  Outcome
		Reason   string
		Batch    int             // 0 if nothing is fetched
		Sessions []exchange.Date // that are wanted, ascending
		Provider string          // that is asked
		Asked    string          // the capability that it is asked for
	}
	// BarDecided is what becomes of a fetched bar, and why.
	BarDecided struct {
		Decision Decision
		Bar      marketdata.Bar
		Provider string    // that it came from
		Asked    string    // the capability that brought it
		Began    time.Time // when the call began
		Why      string
		Evidence []string
		Before   *history.StoredBar // the stored one of the session before it; nil if there is none
	}
	LimitsLearned  struct{ Limits []LearnedLimit } // of a vendor's key
	BatchCommitted struct{ Batch, Batches, Refreshed, Failed, Calls int }
	TickerFailed   struct {
		Ticker marketdata.Ticker
		Kind   string
		Err    error
	}
	SplitFound struct { // which the stored history of the ticker lacks
		Ticker marketdata.Ticker
		Split  history.Split
	}
	SessionMissing struct { // from an answer, whose newest session is older than the newest completed one
		Ticker          marketdata.Ticker
		Session, Newest exchange.Date
	}
	TaskFailure         struct{ ID, Reason string }   // of the application, for good
	TaskPriorityUnknown struct{ ID, Priority string } // of the application: it is taken for low
	TasksStopped        struct{ Err error }           // the tasks of the application, and not the refresh before them
	RunFinished         struct{ Report Report }
)
