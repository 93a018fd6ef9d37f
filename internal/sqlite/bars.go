package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// Bars returns the daily bars of tickers from from to to, with one query.
func (s *Store) Bars(ctx context.Context, tickers []marketdata.Ticker, from, to exchange.Date) (map[marketdata.Ticker][]history.StoredBar, error) {
	// It has no order: for the sake of one, SQLite would leave the index by ticker, interval and stamp
	// aside, and read what is stored of a ticker in all intervals.
	const statement = `
select id, ticker, strftime('%Y-%m-%d %H:%M:%f', "timestamp"), source, strftime('%Y-%m-%d %H:%M:%f', coalesce(updated_at, created_at)),
    cast(open_amount as text), cast(high_amount as text), cast(low_amount as text),
    cast(coalesce(close_amount, price_amount) as text),
    coalesce(iif(close_amount is null, null, close_currency), price_currency), iif(typeof(volume) = 'integer', volume, null),
    close_amount is null
from price_history
where ticker in (select value from json_each(?)) and "interval" = '1day' and "timestamp" >= ? and "timestamp" < ?`
	asked, err := list(tickers)
	if err != nil {
		return nil, err
	}
	earliest, latest := textRange(from, to)
	found, err := query(ctx, s.db, scanBar, statement, asked, earliest, latest)
	if err != nil {
		return nil, fmt.Errorf("read the stored bars: %w", err)
	}
	return newestBySession(found, from, to), nil
}

// newestBySession returns the bars of each ticker ascending by session, for each session the one that a person set, else
// a complete one, else the one written last.
func newestBySession(bars []history.StoredBar, from, to exchange.Date) map[marketdata.Ticker][]history.StoredBar {
	slices.SortFunc(bars, func(a, b history.StoredBar) int {
		return cmp.Or(
			a.Session.Compare(b.Session), compareManual(a, b), compareComplete(a, b), a.FetchedAt.Compare(b.FetchedAt), cmp.Compare(a.Row, b.Row),
		)
	})
	byTicker := map[marketdata.Ticker][]history.StoredBar{}
	for _, bar := range bars {
		// A stamp that is not a time has the zero Session.
		if bar.Session.IsZero() || bar.Session.Before(from) || !to.IsZero() && bar.Session.After(to) {
			continue
		}
		kept := byTicker[bar.Ticker]
		if n := len(kept); n > 0 && kept[n-1].Session == bar.Session {
			kept = kept[:n-1]
		}
		byTicker[bar.Ticker] = append(kept, bar)
	}
	return byTicker
}

// compareManual orders bars that a person set after all others.
func compareManual(a, b history.StoredBar) int {
	return compareBool(a.Source == history.ManualSource, b.Source == history.ManualSource)
}

// compareComplete orders complete bars after all others.
func compareComplete(a, b history.StoredBar) int { return compareBool(!a.Incomplete, !b.Incomplete) }

// compareBool orders true after false.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// textRange returns bounds for the text of stamps whose sessions lie from from to to; the end is exclusive. They are
// a day wider at each end, since a stamp with an offset can have another date than it has in UTC.
func textRange(from, to exchange.Date) (start, end string) {
	end = ":" // after all that starts with a digit
	if !from.IsZero() {
		start = from.AddDays(-1).String()
	}
	if !to.IsZero() {
		end = to.AddDays(2).String()
	}
	return start, end
}

func scanBar(rows *sql.Rows) (bar history.StoredBar, err error) {
	var symbol string
	var stamped, written, open, high, low, closing sql.NullString
	err = rows.Scan(&bar.Row, &symbol, &stamped, &bar.Source, &written,
		&open, &high, &low, &closing, &bar.Currency, &bar.Volume, &bar.Incomplete)
	if err != nil {
		return bar, err
	}
	bar.Open, bar.High, bar.Low = parseAmount(open), parseAmount(high), parseAmount(low)
	price := parseAmount(closing)
	if !price.Valid {
		return history.StoredBar{}, nil // as one whose stamp is not a time
	}
	bar.Close = price.Decimal
	if bar.Ticker, err = marketdata.ParseTicker(symbol); err != nil {
		return bar, err
	}
	times, err := parseStamps(stamped, written)
	if err != nil {
		return bar, fmt.Errorf("%s: %w", symbol, err)
	}
	bar.Timestamp, bar.FetchedAt, bar.Session = times[0], times[1], dateOf(times[0])
	return bar, nil
}

// parseAmount returns an amount, or none if what another program has stored is not a number.
func parseAmount(text sql.NullString) decimal.NullDecimal {
	amount, err := decimal.NewFromString(text.String)
	return decimal.NullDecimal{Decimal: amount, Valid: text.Valid && err == nil}
}
