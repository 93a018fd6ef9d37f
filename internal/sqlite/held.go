package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"papertrade/internal/history"
	"papertrade/pkg/marketdata"
)

// heldBar is a row of papertrade_held_prices as JSON, whose keys are the names of the fields of history.HeldBar.
const heldBar = `json_object('ticker', held.ticker, 'session', session,
        'close', close, 'open', open, 'high', high, 'low', low, 'previousClose', previous_close,
        'currency', currency, 'volume', volume, 'source', source,
        'fetchedAt', replace(fetched_at, ' ', 'T') || 'Z', 'why', why, 'evidence', json(nullif(evidence, '[]')),
        'decision', decision, 'decidedAt', replace(decided_at, ' ', 'T') || 'Z')`

// HeldBars returns all held bars of tickers, or of all tickers if tickers is nil, with one query.
func (s *Store) HeldBars(ctx context.Context, tickers []marketdata.Ticker) (map[marketdata.Ticker][]history.HeldBar, error) {
	const statement = `
select ` + heldBar + `
from papertrade_held_prices as held
where ?1 is null or ticker in (select value from json_each(?1))
order by ticker, session`
	var asked any
	if tickers != nil {
		var err error
		if asked, err = list(tickers); err != nil {
			return nil, err
		}
	}
	found, err := query(ctx, s.db, scanHeld, statement, asked)
	if err != nil {
		return nil, fmt.Errorf("read the held prices: %w", err)
	}
	byTicker := map[marketdata.Ticker][]history.HeldBar{}
	for _, bar := range found {
		byTicker[bar.Ticker] = append(byTicker[bar.Ticker], bar)
	}
	return byTicker, nil
}

func scanHeld(rows *sql.Rows) (bar history.HeldBar, err error) {
	text, err := scanColumn[string](rows)
	if err == nil {
		err = json.Unmarshal([]byte(text), &bar)
	}
	return bar, err
}

func writeHeld(ctx context.Context, tx *sql.Tx, held []history.HeldBar) error {
	const statement = `
insert or replace into papertrade_held_prices (
    ticker, session, close, open, high, low, previous_close, currency, volume,
    source, fetched_at, why, evidence, decision, decided_at)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	for _, bar := range held {
		evidence, err := list(append([]string{}, bar.Evidence...))
		if err != nil {
			return err
		}
		_, err = exec(ctx, tx, statement, bar.Ticker.String(), day(bar.Session),
			marketdata.FormatPrice(bar.Close), amount(bar.Open), amount(bar.High), amount(bar.Low), amount(bar.PreviousClose),
			bar.Currency, bar.Volume, bar.Source, stamp(bar.FetchedAt), bar.Why, evidence, string(bar.Decision), stamp(bar.DecidedAt))
		if err != nil {
			return fmt.Errorf("%s: %w", bar.Ticker, err)
		}
	}
	return nil
}
