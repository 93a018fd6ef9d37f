package postgres

import (
	"time"

	"github.com/shopspring/decimal"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// stamp returns a time as it is written to Postgres; the zero time is NULL.
func stamp(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC())
}

// day returns a date as it is written to Postgres; the zero Date is NULL.
func day(d exchange.Date) *time.Time {
	if d.IsZero() {
		return nil
	}
	return new(d.In(time.UTC))
}

// days returns dates as they are written to Postgres.
func days(dates []exchange.Date) []time.Time {
	all := make([]time.Time, len(dates))
	for i, date := range dates {
		all[i] = date.In(time.UTC)
	}
	return all
}

// seconds returns a duration as it is written to Postgres; nil is NULL.
func seconds(d *time.Duration) *int64 {
	if d == nil {
		return nil
	}
	return new(int64(d.Seconds()))
}

// milliseconds returns a duration as it is written to Postgres; 0 is NULL.
func milliseconds(d time.Duration) *int64 {
	if d == 0 {
		return nil
	}
	return new(d.Milliseconds())
}

// amount returns a price as it is written to Postgres; one that is not valid is NULL.
func amount(d decimal.NullDecimal) *string {
	if !d.Valid {
		return nil
	}
	return new(marketdata.FormatPrice(d.Decimal))
}

// list returns tickers as they are written to Postgres.
func list(tickers []marketdata.Ticker) []string {
	all := make([]string, len(tickers))
	for i, ticker := range tickers {
		all[i] = ticker.String()
	}
	return all
}

// utc returns a time in UTC; NULL is the zero time.
func utc(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// dateOf returns the date of a time in UTC; NULL is the zero Date.
func dateOf(t *time.Time) exchange.Date {
	if t == nil {
		return exchange.Date{}
	}
	return exchange.DateOf(t.UTC())
}

// datesOf returns the dates of times in UTC.
func datesOf(times []time.Time) []exchange.Date {
	var all []exchange.Date
	for _, t := range times {
		all = append(all, exchange.DateOf(t.UTC()))
	}
	return all
}
