package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"papertrade/internal/history"
	"papertrade/pkg/marketdata"
)

// heldBar is a row of papertrade.papertrade_held_prices as JSON, whose keys are the names of the fields of history.HeldBar.
const heldBar = `json_build_object('ticker', held.ticker, 'session', session,
        'close', close, 'open', open, 'high', high, 'low', low, 'previousClose', previous_close,
        'currency', currency, 'volume', volume, 'source', source,
        'fetchedAt', to_char(fetched_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'why', why,
        'evidence', nullif(evidence::text, '[]')::json,
        'decision', decision, 'decidedAt', to_char(decided_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))`

// HeldBars returns all held bars of tickers, or of all tickers if tickers is nil, with one query.
func (s *Store) HeldBars(ctx context.Context, tickers []marketdata.Ticker) (map[marketdata.Ticker][]history.HeldBar, error) {
	const statement = `
select ` + heldBar + `
from papertrade.papertrade_held_prices as held
where @all or ticker = any(@tickers::text[])
order by ticker, session`
	found, err := query(ctx, s.pool, pgx.RowTo[history.HeldBar], statement,
		pgx.NamedArgs{"all": tickers == nil, "tickers": list(tickers)})
	if err != nil {
		return nil, fmt.Errorf("read the held prices: %w", err)
	}
	byTicker := map[marketdata.Ticker][]history.HeldBar{}
	for _, bar := range found {
		byTicker[bar.Ticker] = append(byTicker[bar.Ticker], bar)
	}
	return byTicker, nil
}

func queueHeld(writes *pgx.Batch, held []history.HeldBar) {
	const statement = `
insert into papertrade.papertrade_held_prices (
    ticker, session, close, open, high, low, previous_close, currency, volume,
    source, fetched_at, why, evidence, decision, decided_at)
values (@ticker, @session, @close::text::numeric, @open::text::numeric, @high::text::numeric, @low::text::numeric,
    @previous_close::text::numeric, @currency, @volume, @source, @fetched_at, @why, @evidence, @decision, @decided_at)
on conflict (ticker, session) do update set
    close = excluded.close, open = excluded.open, high = excluded.high, low = excluded.low,
    previous_close = excluded.previous_close, currency = excluded.currency, volume = excluded.volume,
    source = excluded.source, fetched_at = excluded.fetched_at, why = excluded.why, evidence = excluded.evidence,
    decision = excluded.decision, decided_at = excluded.decided_at`
	for _, bar := range held {
		writes.Queue(statement, pgx.NamedArgs{
			"ticker": bar.Ticker.String(), "session": day(bar.Session),
			"close": marketdata.FormatPrice(bar.Close), "open": amount(bar.Open), "high": amount(bar.High),
			"low": amount(bar.Low), "previous_close": amount(bar.PreviousClose), "currency": bar.Currency, "volume": bar.Volume,
			"source": bar.Source, "fetched_at": stamp(bar.FetchedAt), "why": bar.Why,
			"evidence": append([]string{}, bar.Evidence...), "decision": string(bar.Decision), "decided_at": stamp(bar.DecidedAt),
		})
	}
}
