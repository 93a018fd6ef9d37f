// Package marketdata is the port between a program that wants prices and the vendors that sell
// them: it defines tickers, bars and providers, what a provider can be asked, and the errors with which
// it can refuse.
package marketdata

import (
	"errors"
	"time"

	"github.com/shopspring/decimal"

	"papertrade/pkg/exchange"
)

// Bar is the trading in a ticker during one session of its exchange.
type Bar struct {
	Ticker  Ticker
	Session exchange.Date // the trading day, in the exchange's own calendar
	// Open, High and Low are not valid if the vendor did not give them. Prices are in whole units
	// of Currency and greater than zero.
	Open, High, Low decimal.NullDecimal
	Close           decimal.Decimal
	Volume          *int64 // whole shares, fractions rounded; nil if the vendor did not give it
	Currency        string // ISO 4217
	// PreviousClose is the close of the session before, if this answer has it.
	PreviousClose decimal.NullDecimal
	// SplitCoefficient is how many shares each share became with this session, 1 if there was no
	// split; not valid if the answer does not have it.
	SplitCoefficient decimal.NullDecimal
	// AdjustedClose is Close adjusted for later splits and dividends; not valid if the answer does not
	// have it.
	AdjustedClose decimal.NullDecimal
}

// The ways in which a vendor, or the connection to it, can fail. errors.Is distinguishes them.
var (
	ErrUnknownTicker = errors.New("unknown ticker")       // the vendor does not know the ticker
	ErrThrottled     = errors.New("throttled")            // asked too fast; the same call will succeed later
	ErrQuotaSpent    = errors.New("quota spent")          // nothing more until the quota's window ends
	ErrCredentials   = errors.New("credentials refused")  // the key is missing or wrong: no call can succeed
	ErrNotEntitled   = errors.New("not entitled")         // the key's plan does not include the call
	ErrUnavailable   = errors.New("provider unavailable") // no connection, a timeout, a 5xx, an unreadable answer
	ErrInvalidData   = errors.New("invalid data")         // an answer that cannot be right, or is not one to the question
)

// ThrottledError is an ErrThrottled that reports when to ask again.
type ThrottledError struct {
	Message    string
	RetryAfter time.Duration // 0 if the vendor did not say
	Limits     []RateLimit   // that the vendor named
}

func (e *ThrottledError) Error() string { return ErrThrottled.Error() + ": " + e.Message }

// Unwrap makes a ThrottledError an ErrThrottled.
func (e *ThrottledError) Unwrap() error { return ErrThrottled }

// QuotaSpentError is an ErrQuotaSpent that reports what the vendor said of the quota.
type QuotaSpentError struct {
	Message string
	Limits  []RateLimit // that the vendor named
}

func (e *QuotaSpentError) Error() string { return ErrQuotaSpent.Error() + ": " + e.Message }

// Unwrap makes a QuotaSpentError an ErrQuotaSpent.
func (e *QuotaSpentError) Unwrap() error { return ErrQuotaSpent }

// RateLimit is how much a vendor says that it allows a key in a time.
type RateLimit struct {
	Calls int           // in the vendor's unit, calls or credits: 1 or more
	Per   time.Duration // a second, a minute, an hour, or 24 hours for a day
}

// FormatPrice writes a price with every digit that it was read with, trailing zeros included.
func FormatPrice(d decimal.Decimal) string { return d.StringFixed(max(0, -d.Exponent())) }

// FormatOptional is FormatPrice of a price that need not be there; "" if it is not.
func FormatOptional(d decimal.NullDecimal) string {
	if !d.Valid {
		return ""
	}
	return FormatPrice(d.Decimal)
}

// UnavailableError is an ErrUnavailable that reports when to ask again.
type UnavailableError struct {
	Message    string
	RetryAfter time.Duration // 0 if the vendor did not say
}

func (e *UnavailableError) Error() string { return ErrUnavailable.Error() + ": " + e.Message }

// Unwrap makes an UnavailableError an ErrUnavailable.
func (e *UnavailableError) Unwrap() error { return ErrUnavailable }
