package marketdata

import (
	"context"
	"time"

	"github.com/shopspring/decimal"

	"papertrade/pkg/exchange"
)

// Kind is the kind of a question to a vendor.
type Kind int

// The kinds of questions.
const (
	Quotes    Kind = iota + 1 // the newest bar of each ticker, which can be that of a session under way
	History                   // the daily bars of each ticker between two sessions
	MarketDay                 // the bars of one session of every ticker that the vendor has
	Splits                    // every split of each ticker that the vendor knows of
)

// Capability is a kind of question that a vendor answers. It is plain data, so that calls can be planned
// without the vendor.
type Capability struct {
	Kind Kind
	// Name is unique among the capabilities of one vendor.
	Name string
	// MaxTickers is the maximum number of tickers per question, 1 or more; MarketDay takes none.
	MaxTickers int
	// Reach returns the oldest session that an answer can include for a ticker with this calendar at a time;
	// nil if there is no bound.
	Reach func(calendar *exchange.Exchange, at time.Time) exchange.Date
	// Adjusted means that prices are adjusted for later splits, rather than as they were traded.
	Adjusted bool
	// Premium means that the plan of a key may not include it: the error is then ErrNotEntitled.
	Premium bool
	// CreditsPerTicker is what each ticker of a question uses of the vendor's limits; 0 if a call uses 1,
	// however many tickers it asks for.
	CreditsPerTicker int
}

// Cost returns what a question about a number of tickers uses of the vendor's limits, 1 or more.
func (c Capability) Cost(tickers int) int { return max(1, c.CreditsPerTicker*tickers) }

// OldestSession returns the oldest session that an answer can include; the zero Date if there is no bound.
func (c Capability) OldestSession(calendar *exchange.Exchange, at time.Time) exchange.Date {
	if c.Reach == nil {
		return exchange.Date{}
	}
	return c.Reach(calendar, at)
}

// NewestSessions returns a Reach of a number of sessions, of which a session under way counts as one.
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
	// From and To are the sessions of interest, both inclusive: the same one for MarketDay, zero for Quotes
	// and Splits. A vendor may answer with more.
	From, To exchange.Date
}

// Cost returns what the question uses of the vendor's limits.
func (q Question) Cost() int { return q.Capability.Cost(len(q.Tickers)) }

// Answer is a vendor's answer to a question. It may lack tickers and have others, in any order: the caller
// has to check.
type Answer struct {
	Bars []Bar // of any tickers and sessions; those whose close cannot be a price are omitted
	// Invalid has the bars that were omitted, by ascending sessions. A ticker without any other bar is in Missing
	// instead.
	Invalid []InvalidBar
	// Splits are the splits of the tickers of a question about Splits, by ascending sessions.
	Splits []Split
	// Missing has the reason why there is no bar of a ticker, if the vendor says so: ErrUnknownTicker or ErrInvalidData.
	Missing map[Ticker]error
	// Since is the oldest session that the answer to a History covers: whether there are bars before it is
	// not known. It is zero if the vendor has nothing older than what it answered.
	Since exchange.Date
	// Complete says that the vendor has no bar of the tickers that is older than those of the answer.
	Complete bool
}

// InvalidBar is a bar of an answer that cannot be stored.
type InvalidBar struct {
	Ticker  Ticker
	Session exchange.Date // zero if the answer does not give a day that can be read
	Err     error         // why; it wraps ErrInvalidData
}

// Split is a split of a ticker, as the vendor's own table has it.
type Split struct {
	Ticker  Ticker
	Session exchange.Date   // the first one that is traded at the new scale
	Factor  decimal.Decimal // new shares per old share, greater than zero: 10 for 10:1, 0.1 for 1:10
}

// RawAnswer is one answer of a vendor as it came, with what its client made of it.
type RawAnswer struct {
	Question    Question
	Status      int    // of HTTP; 0 if no answer came
	ContentType string // as the vendor has it
	Body        []byte // which can repeat the API key; not to be changed
	Answer      Answer
	Err         error // why there is no Answer
}

// Provider is a source of daily prices. Its methods are safe for concurrent use.
type Provider interface {
	// Name returns the name under which prices of this provider are stored, like "alpha_vantage".
	Name() string
	// Covers reports whether the vendor may have prices of a ticker, judging by the symbol.
	Covers(ticker Ticker) bool
	// Capabilities returns what the vendor can be asked, of each kind the cheapest first.
	Capabilities() []Capability
	// Ask makes exactly one call to the vendor. An error concerns the whole call; it wraps one of this
	// package's Err values, an error of the rate limiter, or the context's error.
	Ask(ctx context.Context, question Question) (Answer, error)
}
