package postgres

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/jackc/pgx/v5"

	"papertrade/internal/refresh"
)

// Lock takes the advisory lock of a job on a connection of its own: with the connection, Postgres
// frees the lock of a process that has died.
func (s *Store) Lock(ctx context.Context, job string) (unlock func(), err error) {
	const sql = `select pg_try_advisory_lock($1) as locked`
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", job, translate(err))
	}
	rows, _ := conn.Query(ctx, sql, lockKey(job)) // CollectExactlyOneRow returns the error
	locked, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[bool])
	if err != nil {
		release(conn)
		return nil, fmt.Errorf("lock %s: %w", job, translate(err))
	}
	if !locked {
		release(conn)
		return nil, refresh.ErrLocked
	}
	return func() { release(conn) }, nil
}

// farewell is how long a server that does not answer can hold up the end of the process.
const farewell = 300 * time.Millisecond

// release frees the locks of a connection before it closes it, since the server notices the end of
// a connection somewhat later than the client.
func release(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	_, _ = conn.Exec(ctx, `select pg_advisory_unlock_all()`)
	_ = conn.Close(ctx)
}

// lockKey is what stands for a job among the advisory locks of a database.
func lockKey(job string) int64 {
	hash := fnv.New64a()
	hash.Write([]byte("papertrade:" + job))
	return int64(hash.Sum64())
}

// Locked says whether a process holds the lock of a job, without a try of its own that could get in the
// way of one.
func (s *Store) Locked(ctx context.Context, job string) (bool, error) {
	const sql = `
select exists (
    select from pg_locks
    where locktype = 'advisory' and granted and objsubid = 1
        and database = (select oid from pg_database where datname = current_database())
        and (classid::bigint << 32) | objid::bigint = @key) as locked`
	found, err := query[struct{ Locked bool }](ctx, s, sql, pgx.NamedArgs{"key": lockKey(job)})
	if err != nil {
		return false, fmt.Errorf("look at the lock of %s: %w", job, err)
	}
	return found[0].Locked, nil
}
