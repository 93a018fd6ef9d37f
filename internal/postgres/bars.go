package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// infinity is more than any price. NaN, which passes for a positive amount, is greater still: a row that has it for its close is none.
const infinity = "1e30"

// Bars returns the daily bars of tickers from from to to, with one query.
func (s *Store) Bars(ctx context.Context, tickers []marketdata.Ticker, from, to exchange.Date) (map[marketdata.Ticker][]history.StoredBar, error) {
	const statement = `
select distinct on (ticker, ("timestamp" at time zone 'UTC')::date)
    ticker, id::bigint as id, "timestamp" as stamp, source, coalesce(updated_at at time zone 'UTC', created_at) as fetched_at,
    case when abs(open_amount) < @infinity::numeric then open_amount::text end as open,
    case when abs(high_amount) < @infinity::numeric then high_amount::text end as high,
    case when abs(low_amount) < @infinity::numeric then low_amount::text end as low,
    coalesce(close_amount, price_amount)::text as close,
    coalesce(case when close_amount is not null then close_currency end, price_currency) as currency, volume,
    close_amount is null as incomplete
from price_history
where ticker = any(@tickers::text[]) and "interval" = '1day' and abs(coalesce(close_amount, price_amount)) < @infinity::numeric
    and isfinite("timestamp")
    and "timestamp" >= coalesce(@from::timestamptz, '-infinity') and "timestamp" < coalesce(@until::timestamptz, 'infinity')
order by ticker, ("timestamp" at time zone 'UTC')::date, source = @manual desc, incomplete, fetched_at desc, id desc`
	var until *time.Time
	if !to.IsZero() {
		until = day(to.AddDays(1))
	}
	found, err := query(ctx, s.pool, pgx.RowToStructByName[barRow], statement,
		pgx.NamedArgs{"tickers": list(tickers), "from": day(from), "until": until, "manual": history.ManualSource, "infinity": infinity})
	if err != nil {
		return nil, fmt.Errorf("read the stored bars: %w", err)
	}
	byTicker := map[marketdata.Ticker][]history.StoredBar{}
	for _, row := range found {
		bar, err := row.bar()
		if err != nil {
			return nil, fmt.Errorf("read the stored bars: %w", err)
		}
		byTicker[bar.Ticker] = append(byTicker[bar.Ticker], bar)
	}
	return byTicker, nil
}

type barRow struct {
	Ticker           string
	Stamp, FetchedAt time.Time
	Source           string
	Open, High, Low  decimal.NullDecimal
	Close            decimal.Decimal
	Currency         string
	Volume           *int64
	ID               int64
	Incomplete       bool
}

func (r barRow) bar() (history.StoredBar, error) {
	ticker, err := marketdata.ParseTicker(r.Ticker)
	return history.StoredBar{
		Bar: marketdata.Bar{
			Ticker: ticker, Session: exchange.DateOf(r.Stamp.UTC()),
			Open: r.Open, High: r.High, Low: r.Low, Close: r.Close, Volume: r.Volume, Currency: r.Currency,
		},
		Timestamp: r.Stamp.UTC(), Source: r.Source, FetchedAt: r.FetchedAt.UTC(), Row: r.ID, Incomplete: r.Incomplete,
	}, err
}
