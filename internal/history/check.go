package history

import (
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// Checked is what is left of an answer about one ticker once each of its bars was looked at by itself.
type Checked struct {
	Bars     []marketdata.Bar        // those that can be right, repaired
	Refused  []marketdata.InvalidBar // those that cannot
	Repaired []exchange.Date         // of Bars, ascending
}

// Check returns what is left of bars, ascending, that were fetched at a time: those of days that are not sessions of the
// exchange, or that were yet to come, are refused, and those that contradict themselves repaired.
func Check(bars []marketdata.Bar, calendar *exchange.Exchange, at time.Time) Checked {
	var got Checked
	newest := newestPossible(calendar, at)
	for _, bar := range bars {
		if err := impossible(bar, calendar, newest); err != nil {
			got.Refused = append(got.Refused, marketdata.InvalidBar{Ticker: bar.Ticker, Session: bar.Session, Err: err})
			continue
		}
		bar, changed := Repair(bar)
		if changed {
			got.Repaired = append(got.Repaired, bar.Session)
		}
		got.Bars = append(got.Bars, bar)
	}
	return got
}

// impossible returns why a bar cannot be one of its ticker; nil if it can.
func impossible(bar marketdata.Bar, calendar *exchange.Exchange, newest exchange.Date) error {
	switch {
	case !bar.Close.IsPositive():
		return fmt.Errorf("%w: close of %s is %s", marketdata.ErrInvalidData, bar.Session, marketdata.FormatPrice(bar.Close))
	case bar.Session.After(newest):
		return fmt.Errorf("%w: the price is of %s, which is yet to come", marketdata.ErrInvalidData, bar.Session)
	case !calendar.IsSession(bar.Session):
		return fmt.Errorf("%w: the price is of %s, which is not a session", marketdata.ErrInvalidData, bar.Session)
	default:
		return nil
	}
}

// newestPossible returns the newest session that there can be a bar of at a time: the one under way, or the newest
// completed one. If the calendar is not known, the next day can have begun at the exchange.
func newestPossible(calendar *exchange.Exchange, at time.Time) exchange.Date {
	newest := calendar.LastCompleted(at).Date
	if calendar.IsOpen(at) {
		newest = nextSession(calendar, newest)
	}
	if calendar.MIC() == "" {
		newest = nextSession(calendar, newest)
	}
	return newest
}

// Repair returns a bar whose low ≤ open, close ≤ high: if its open, high and low contradict each other or the close,
// they are dropped, and the close is kept.
func Repair(bar marketdata.Bar) (repaired marketdata.Bar, changed bool) {
	if isConsistent(bar) {
		return bar, false
	}
	bar.Open, bar.High, bar.Low = decimal.NullDecimal{}, decimal.NullDecimal{}, decimal.NullDecimal{}
	return bar, true
}

// Contradicts reports whether a stored bar has an open, high or low that a fetched one of its session does not have, and
// that contradicts it.
func (b StoredBar) Contradicts(fetched marketdata.Bar) bool {
	for _, price := range []struct{ stored, fetched *decimal.NullDecimal }{{&b.Open, &fetched.Open}, {&b.High, &fetched.High}, {&b.Low, &fetched.Low}} {
		if !price.fetched.Valid {
			*price.fetched = *price.stored
		}
	}
	return !isConsistent(fetched)
}

// maxDayRange is by which factor the prices of one session may differ from its close.
const maxDayRange = 20

// isConsistent reports whether all prices of a bar lie within its low and its high, and can be of one day.
func isConsistent(bar marketdata.Bar) bool {
	within := []decimal.Decimal{bar.Close}
	for _, price := range []decimal.NullDecimal{bar.Open, bar.High, bar.Low} {
		if price.Valid && !price.Decimal.IsPositive() {
			return false
		}
		if price.Valid {
			within = append(within, price.Decimal)
		}
	}
	return !slices.ContainsFunc(within, func(price decimal.Decimal) bool {
		return distance(price, bar.Close) > maxDayRange || bar.Low.Valid && price.LessThan(bar.Low.Decimal) || bar.High.Valid && price.GreaterThan(bar.High.Decimal)
	})
}
