package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"papertrade/internal/refresh"
)

// querier runs queries: a database, a transaction, or a transaction's prepared statements.
type querier interface {
	QueryContext(ctx context.Context, statement string, args ...any) (*sql.Rows, error)
}

// executor runs statements: a database, or a transaction.
type executor interface {
	querier
	ExecContext(ctx context.Context, statement string, args ...any) (sql.Result, error)
}

// query returns all rows of a statement, each of them read by scan, whose error is refresh.ErrBadValue.
func query[T any](ctx context.Context, db querier, scan func(*sql.Rows) (T, error), statement string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, translate(err)
	}
	found, err := collect(rows, scan)
	return found, translate(err)
}

// queryOne returns the only column of the only row of a statement.
func queryOne[T any](ctx context.Context, db querier, statement string, args ...any) (value T, err error) {
	found, err := query(ctx, db, scanColumn[T], statement, args...)
	if err != nil {
		return value, err
	}
	if len(found) != 1 {
		return value, errors.New("the statement does not have one row")
	}
	return found[0], nil
}

// exec runs a statement and returns how many rows it has written.
func exec(ctx context.Context, db executor, statement string, args ...any) (rows int, err error) {
	result, err := db.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, translate(err)
	}
	n, err := result.RowsAffected()
	return int(n), translate(err)
}

// transact commits what write has written, or nothing if it returns an error.
func (s *Store) transact(ctx context.Context, write func(tx *sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return translate(err)
	}
	if err := write(tx); err != nil {
		return translate(errors.Join(err, rollback(tx)))
	}
	return translate(tx.Commit())
}

// rollback ends a transaction, which SQLite or the end of the context may have ended already.
func rollback(tx *sql.Tx) error {
	if err := tx.Rollback(); !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil
}

// collect returns all rows, and closes them.
func collect[T any](rows *sql.Rows, scan func(*sql.Rows) (T, error)) ([]T, error) {
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", refresh.ErrBadValue, err)
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// scanColumn returns the value of a row of one column.
func scanColumn[T any](rows *sql.Rows) (value T, err error) {
	err = rows.Scan(&value)
	return value, err
}
