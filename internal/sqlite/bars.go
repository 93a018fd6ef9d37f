package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// It has no order: for the sake of one, SQLite would leave the index by ticker, interval and stamp
// aside, and read what is stored of a ticker in all intervals.
const bars = `
select id, ticker, strftime('%Y-%m-%d %H:%M:%f', "timestamp"), source, strftime('%Y-%m-%d %H:%M:%f', coalesce(updated_at, created_at)),
    cast(open_amount as text), cast(high_amount as text), cast(low_amount as text),
    cast(coalesce(close_amount, price_amount) as text),
    coalesce(iif(close_amount is null, null, close_currency), price_currency), volume
from price_history
where ticker in (select value from json_each(?)) and "interval" = '1day' and "timestamp" >= ? and "timestamp" < ?`

// Bars reads the daily bars of tickers from from to to, with one query.
func (s *Store) Bars(ctx context.Context, tickers []marketdata.Ticker, from, to exchange.Date) (map[marketdata.Ticker][]history.StoredBar, error) {
	asked, err := json.Marshal(tickers)
	if err != nil {
		return nil, err
	}
	earliest, latest := textRange(from, to)
	rows, err := s.db.QueryContext(ctx, bars, string(asked), earliest, latest)
	if err != nil {
		return nil, fmt.Errorf("read the stored bars: %w", translate(err))
	}
	found, err := collect(rows, scanBar)
	if err != nil {
		return nil, fmt.Errorf("read the stored bars: %w", translate(err))
	}
	slices.SortFunc(found, func(a, b history.StoredBar) int {
		return cmp.Or(a.Session.Compare(b.Session), a.FetchedAt.Compare(b.FetchedAt), cmp.Compare(a.Row, b.Row))
	})
	byTicker := map[marketdata.Ticker][]history.StoredBar{}
	for _, row := range found {
		// A stamp that is no time has the zero Session.
		if row.Session.IsZero() || row.Session.Before(from) || !to.IsZero() && row.Session.After(to) {
			continue
		}
		of := byTicker[row.Ticker]
		if n := len(of); n > 0 && of[n-1].Session == row.Session {
			of = of[:n-1]
		}
		byTicker[row.Ticker] = append(of, row)
	}
	return byTicker, nil
}

// textRange bounds the text of stamps whose sessions lie from from to to, its end exclusive. It is a day
// wider at each end, since a stamp with an offset can have another date than it has in UTC.
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

func scanBar(rows *sql.Rows) (row history.StoredBar, err error) {
	var symbol string
	var stamped, written sql.NullString
	err = rows.Scan(&row.Row, &symbol, &stamped, &row.Source, &written,
		&row.Open, &row.High, &row.Low, &row.Close, &row.Currency, &row.Volume)
	if err != nil {
		return row, err
	}
	if row.Ticker, err = marketdata.ParseTicker(symbol); err != nil {
		return row, err
	}
	if row.Timestamp, err = parseStamp(stamped); err != nil {
		return row, fmt.Errorf("%s: %w", symbol, err)
	}
	if row.FetchedAt, err = parseStamp(written); err != nil {
		return row, fmt.Errorf("%s: %w", symbol, err)
	}
	row.Session = dateOf(row.Timestamp)
	return row, nil
}
