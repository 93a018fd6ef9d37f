// Package marketdata is the port between a program that wants prices and the vendors that sell
// them: what a ticker, a bar and a provider are, and the ways in which a provider can refuse.
package marketdata

import (
	"context"
	"errors"
	"time"

	"github.com/shopspring/decimal"

	"papertrade/pkg/exchange"
)

// Bar is what was traded of a ticker in one session of its exchange.
type Bar struct {
	Ticker  Ticker
	Session exchange.Date // the trading day, in the exchange's own calendar
	// Open, High and Low are not valid where the vendor did not give them. Prices are in whole units
	// of Currency and greater than zero.
	Open, High, Low decimal.NullDecimal
	Close           decimal.Decimal
	Volume          *int64 // shares; nil where the vendor did not give it
	Currency        string // ISO 4217
	// PreviousClose is the close of the session before as this answer has it, where it tells.
	PreviousClose decimal.NullDecimal
	// SplitCoefficient is how many shares each share became with this session, 1 where there was no
	// split; not valid where the answer does not tell.
	SplitCoefficient decimal.NullDecimal
	// AdjustedClose is Close in shares as they are since, less dividends; not valid where the answer does
	// not tell.
	AdjustedClose decimal.NullDecimal
}

// Series is the daily bars of one ticker.
type Series struct {
	Bars []Bar // ascending by session, at least one; the newest can be of a session under way
	// Complete says that the vendor has no bar of an older session.
	Complete bool
}

// Quote is a provider's answer about one ticker: its newest Bar, or the Err why there is none.
type Quote struct {
	Ticker Ticker
	Bar    Bar
	Err    error
}

// Provider is a source of daily prices. Its methods are safe for concurrent use.
type Provider interface {
	// Source is the name that prices of this provider are stored under, like "alpha_vantage".
	Source() string
	// TickersPerCall is the largest number of tickers that one call of Quotes takes, 1 or more.
	TickersPerCall() int
	// Quotes asks for the newest daily bar of each ticker with exactly one call to the vendor. It
	// returns one Quote a ticker, in the order asked, or an error that concerns the whole call.
	// Errors of either kind wrap one of this package's Err values or the context's error.
	Quotes(ctx context.Context, tickers []Ticker) ([]Quote, error)
	// Daily asks for the daily bars of one ticker with exactly one call to the vendor: the newest
	// CompactSessions of them, or with Full all of them and their splits. A bar other than the newest
	// whose numbers cannot be right is left out. Errors are as those of Quotes; ErrNotEntitled where
	// the plan does not include Full.
	Daily(ctx context.Context, ticker Ticker, extent Extent) (Series, error)
}

// Extent is how far back a call of Provider.Daily reaches.
type Extent int

// The extents. A vendor may know of fewer sessions.
const (
	Compact Extent = iota // the newest CompactSessions
	Full                  // all
)

// CompactSessions is how many sessions Compact brings.
const CompactSessions = 100

// The ways in which a vendor, or the way to it, can refuse. errors.Is tells them apart.
var (
	ErrUnknownTicker = errors.New("unknown ticker")       // the vendor does not know the ticker
	ErrThrottled     = errors.New("throttled")            // asked too fast; the same call will succeed later
	ErrQuotaSpent    = errors.New("quota spent")          // nothing more until the quota's window ends
	ErrCredentials   = errors.New("credentials refused")  // the key is missing or wrong: no call can succeed
	ErrNotEntitled   = errors.New("not entitled")         // the key's plan does not include the call
	ErrUnavailable   = errors.New("provider unavailable") // no connection, a timeout, a 5xx, an unreadable answer
	ErrInvalidData   = errors.New("invalid data")         // an answer whose numbers cannot be right
)

// ThrottledError is an ErrThrottled that tells when to ask again.
type ThrottledError struct {
	Message    string
	RetryAfter time.Duration // 0 where the vendor did not say
}

func (e *ThrottledError) Error() string { return ErrThrottled.Error() + ": " + e.Message }

// Unwrap makes a ThrottledError an ErrThrottled.
func (e *ThrottledError) Unwrap() error { return ErrThrottled }

// FormatPrice writes a price with every digit that it was read with, trailing zeros included.
func FormatPrice(d decimal.Decimal) string { return d.StringFixed(max(0, -d.Exponent())) }

// UnavailableError is an ErrUnavailable that tells when to ask again.
type UnavailableError struct {
	Message    string
	RetryAfter time.Duration // 0 where the vendor did not say
}

func (e *UnavailableError) Error() string { return ErrUnavailable.Error() + ": " + e.Message }

// Unwrap makes an UnavailableError an ErrUnavailable.
func (e *UnavailableError) Unwrap() error { return ErrUnavailable }
