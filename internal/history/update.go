package history

import (
	"github.com/shopspring/decimal"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// Newer returns the bars of an ascending answer that a refresh stores: those of completed sessions after last, the
// newest stored one, or the newest completed one if there is none after it or nothing is stored. What came before is
// for a backfill. Completed is the newest completed session.
func Newer(bars []marketdata.Bar, last, completed exchange.Date) []marketdata.Bar {
	end, _ := find(bars, completed.AddDays(1))
	bars = bars[:end]
	start, _ := find(bars, last.AddDays(1))
	if start == end || last.IsZero() {
		start = max(0, end-1)
	}
	return bars[start:]
}

// correctedSessions is how many of the newest sessions a vendor may still correct.
const correctedSessions = 10

// Recent returns the bars of an ascending answer that a refresh looks at: those of Newer, from first on, and before them
// those of the last sessions that a vendor may still correct.
func Recent(bars []marketdata.Bar, last, completed exchange.Date, calendar *exchange.Exchange) (recent []marketdata.Bar, first int) {
	newer := Newer(bars, last, completed)
	if len(newer) == 0 {
		return nil, 0
	}
	oldest := completed
	for range correctedSessions - 1 {
		oldest = previousSession(calendar, oldest)
	}
	start, _ := find(bars, oldest)
	from, _ := find(bars, newer[0].Session)
	start = min(start, from)
	return bars[start : from+len(newer)], from - start
}

// Filling returns the bars of a provider's ascending answer that bring what is blank in the stored bars of their sessions.
func Filling(bars []marketdata.Bar, stored []StoredBar, provider string) []marketdata.Bar {
	var filling []marketdata.Bar
	for _, bar := range bars {
		if b, found := StoredOf(stored, bar.Session); found && b.IsFilledBy(bar, provider) {
			filling = append(filling, bar)
		}
	}
	return filling
}

// IsFilledBy reports whether a provider's bar of the session brings what is blank: all of it if the bar is incomplete, or
// what the same provider did not have before, with the same close.
func (b StoredBar) IsFilledBy(fetched marketdata.Bar, provider string) bool {
	lacks := func(stored, fetched decimal.NullDecimal) bool { return fetched.Valid && !stored.Valid }
	isBlank := lacks(b.Open, fetched.Open) || lacks(b.High, fetched.High) || lacks(b.Low, fetched.Low) ||
		b.Volume == nil && fetched.Volume != nil
	isSame := b.Source == provider && b.Currency == fetched.Currency && samePrice(b.Close, fetched.Close)
	return b.Incomplete || isBlank && isSame
}

// DiffersFrom reports whether a stored bar differs from a fetched one of its session in a value that this has. Prices in
// different currencies cannot be compared.
func (b StoredBar) DiffersFrom(fetched marketdata.Bar) bool {
	differs := func(stored, fetched decimal.NullDecimal) bool {
		return fetched.Valid && (!stored.Valid || !samePrice(stored.Decimal, fetched.Decimal))
	}
	isVolume := fetched.Volume != nil && (b.Volume == nil || *b.Volume != *fetched.Volume)
	isPrice := !samePrice(b.Close, fetched.Close) || differs(b.Open, fetched.Open) || differs(b.High, fetched.High) || differs(b.Low, fetched.Low)
	return b.Currency == fetched.Currency && (isPrice || isVolume)
}
