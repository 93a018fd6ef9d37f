package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// Try does what a run does with the database in a file, in a transaction that it undoes, and returns what would keep a run from its
// work. If the tables are those of an older papertrade, it does that with an upgraded copy.
func Try(ctx context.Context, path string, at time.Time) (obstacles []error) {
	db, err := openToTry(ctx, path)
	if err != nil {
		return []error{translate(err)}
	}
	defer db.Close()
	err = checkTables(ctx, db)
	if err == nil {
		err = try(ctx, db, at)
	}
	if err != nil {
		return []error{err}
	}
	return nil
}

func openToTry(ctx context.Context, path string) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dsn(path, url.Values{"mode": {"rw"}}, readPatience))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	err = checkSchema(ctx, db)
	if err == nil {
		return db, nil
	}
	if err = errors.Join(err, db.Close()); !isOlder(err) {
		return nil, err
	}
	snapshot, err := OpenSnapshot(ctx, path)
	if err != nil {
		return nil, err
	}
	return snapshot.db, nil
}

// try begins a transaction, which waits for other writers, writes all that a run writes, and undoes it.
func try(ctx context.Context, db *sql.DB, at time.Time) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("nothing can be written: %w", translate(err))
	}
	defer func() { _ = rollback(tx) }() // or the end of the connection does it
	for _, table := range []string{"price_history", "ticker_watchlist", "transactions", "job_executions", "backfill_tasks"} {
		if _, err := query(ctx, tx, scanColumn[int], `select 1 from `+table+` limit 1`); err != nil {
			return fmt.Errorf("%s cannot be read: %w", table, err)
		}
	}
	ticker, err := anyTicker(ctx, tx)
	if err != nil {
		return err
	}
	batch := refresh.TrialBatch(ticker, at)
	if err := insertRun(ctx, tx, batch.Run); err != nil {
		return fmt.Errorf("the record of a run cannot be written: %w", err)
	}
	stored, err := writeBatch(ctx, tx, batch, nil)
	if err == nil {
		err = stored[0].Err
	}
	if err != nil {
		return fmt.Errorf("a price of %s cannot be written: %w", ticker, err)
	}
	const account = "config check"
	if err := changeAccount(ctx, tx, account, refresh.TrialChange(at)); err != nil {
		return fmt.Errorf("the count of calls cannot be written: %w", err)
	}
	return nil
}

// anyTicker returns a ticker that is known, if any is: a row of another one could be refused for that alone.
func anyTicker(ctx context.Context, db querier) (marketdata.Ticker, error) {
	const statement = `
select coalesce(
    (select ticker from ticker_watchlist where is_active order by priority, ticker limit 1),
    (select ticker from price_history limit 1), '')`
	symbol, err := queryOne[string](ctx, db, statement)
	if err != nil {
		return marketdata.Ticker{}, err
	}
	ticker, err := marketdata.ParseTicker(symbol)
	if err != nil { // there is none, or it is a dirty one
		return marketdata.MustParseTicker("AAPL"), nil
	}
	return ticker, nil
}
