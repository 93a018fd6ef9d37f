package marketdata

import (
	"context"
	"time"

	"papertrade/pkg/exchange"
)

// Kind is what a question to a vendor is about.
type Kind int

// The kinds of questions.
const (
	Quotes    Kind = iota + 1 // the newest bar of each ticker, which can be that of a session under way
	History                   // the daily bars of each ticker between two sessions
	MarketDay                 // the bars of one session of every ticker that the vendor has
)

// Capability is a kind of question that a vendor answers. It is plain data, so that calls can be planned
// without the vendor.
type Capability struct {
	Kind Kind
	// Name tells the capabilities of one vendor apart.
	Name string
	// MaxTickers is how many tickers a question takes, 1 or more; MarketDay takes none.
	MaxTickers int
	// Reach returns the oldest session that an answer can bring of a ticker with this calendar at a time;
	// nil if there is no bound.
	Reach func(calendar *exchange.Exchange, at time.Time) exchange.Date
	// Adjusted says that prices are in shares as they are today, rather than as they were traded.
	Adjusted bool
	// Premium says that the plan of a key may not include it: the answer is then ErrNotEntitled.
	Premium bool
	// CreditsPerTicker is what each ticker of a question takes from the vendor's limits; 0 if a call takes
	// 1, whatever it asks for.
	CreditsPerTicker int
}

// Cost returns what a question about a number of tickers takes from the vendor's limits, 1 or more.
func (c Capability) Cost(tickers int) int { return max(1, c.CreditsPerTicker*tickers) }

// OldestSession returns the oldest session that an answer can bring; the zero Date if there is no bound.
func (c Capability) OldestSession(calendar *exchange.Exchange, at time.Time) exchange.Date {
	if c.Reach == nil {
		return exchange.Date{}
	}
	return c.Reach(calendar, at)
}

// NewestSessions returns a Reach of a number of sessions, of which one that is under way takes a place.
func NewestSessions(n int) func(calendar *exchange.Exchange, at time.Time) exchange.Date {
	return func(calendar *exchange.Exchange, at time.Time) exchange.Date {
		completed := n
		if calendar.IsOpen(at) {
			completed--
		}
		newest := calendar.LastCompleted(at).Date
		if completed == 0 {
			return newest.AddDays(1) // the one that is under way, and no other
		}
		sessions := calendar.Sessions(newest.AddDays(-3*n-14), newest)
		return sessions[max(0, len(sessions)-completed)]
	}
}

// Question is what one call asks a vendor.
type Question struct {
	Capability Capability // one of the provider's
	Tickers    []Ticker   // at least one and at most MaxTickers, each once; none for MarketDay
	// From and To are the sessions of interest, both inclusive: the same one for MarketDay, zero for Quotes.
	// A vendor may answer with more.
	From, To exchange.Date
}

// Cost returns what the question takes from the vendor's limits.
func (q Question) Cost() int { return q.Capability.Cost(len(q.Tickers)) }

// Answer is what a vendor made of a question. It may lack tickers and have others, in any order: it is for
// the caller to check.
type Answer struct {
	Bars []Bar // of any tickers and sessions; prices that cannot be right are left out
	// Missing is why there is no bar of a ticker, if the vendor says so: ErrUnknownTicker or ErrInvalidData.
	Missing map[Ticker]error
	// Since is the oldest session that the answer to a History speaks for: whether there are bars before it
	// is not known. If it is zero that is the question's From.
	Since exchange.Date
	// Complete says that the vendor has no bar of the tickers that is older than those of the answer.
	Complete bool
}

// Provider is a source of daily prices. Its methods are safe for concurrent use.
type Provider interface {
	// Name is what prices of this provider are stored under, like "alpha_vantage".
	Name() string
	// Covers reports whether the vendor may have prices of a ticker, as far as the symbol tells.
	Covers(ticker Ticker) bool
	// Capabilities returns what the vendor can be asked, of each kind the cheapest first.
	Capabilities() []Capability
	// Ask makes exactly one call to the vendor, once its limits allow the question's Cost: whatever holds calls
	// back is asked by the provider, and told when the call has been sent. An error concerns the whole call; it
	// wraps one of this package's Err values, an error of what holds calls back to the limits, or the context's
	// error, and never shows a key.
	Ask(ctx context.Context, question Question) (Answer, error)
}
