package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// querier runs queries: a database, a connection, or a transaction.
type querier interface {
	SendBatch(ctx context.Context, statements *pgx.Batch) pgx.BatchResults
}

// executor runs statements: a database, a connection, or a transaction.
type executor interface {
	Exec(ctx context.Context, statement string, args ...any) (pgconn.CommandTag, error)
}

// query returns all rows of a statement, each of them read by scan; nil if there are none.
func query[T any](ctx context.Context, db querier, scan pgx.RowToFunc[T], statement string, args pgx.NamedArgs) (found []T, err error) {
	var reads pgx.Batch
	reads.Queue(statement, args).Query(func(rows pgx.Rows) (err error) {
		found, err = pgx.AppendRows([]T(nil), rows, scan)
		return err
	})
	if err := send(ctx, db, &reads); err != nil {
		return nil, err
	}
	return found, nil
}

// queryOne returns the only column of the only row of a statement.
func queryOne[T any](ctx context.Context, db querier, statement string, args pgx.NamedArgs) (value T, err error) {
	found, err := query(ctx, db, pgx.RowTo[T], statement, args)
	if err != nil {
		return value, err
	}
	if len(found) != 1 {
		return value, errors.New("the statement does not have one row")
	}
	return found[0], nil
}

// exec runs a statement and returns how many rows it has written.
func exec(ctx context.Context, db executor, statement string, args pgx.NamedArgs) (rows int, err error) {
	tag, err := db.Exec(ctx, statement, args)
	return int(tag.RowsAffected()), translate(err)
}

// send sends statements together, in the transaction or in one of their own.
func send(ctx context.Context, db querier, statements *pgx.Batch) error {
	return translate(db.SendBatch(ctx, statements).Close())
}

// transact commits what write has written, or nothing if it returns an error. Within a transaction it is a savepoint.
func transact(ctx context.Context, db interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}, write func(tx pgx.Tx) error) error {
	return translate(pgx.BeginFunc(ctx, db, write))
}
