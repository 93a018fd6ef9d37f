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
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", job, translate(err))
	}
	locked, err := queryOne[bool](ctx, conn, `select pg_try_advisory_lock(@key)`, pgx.NamedArgs{"key": lockKey(job)})
	if err != nil {
		release(conn)
		return nil, fmt.Errorf("lock %s: %w", job, err)
	}
	if !locked {
		release(conn)
		return nil, refresh.ErrLocked
	}
	return func() { release(conn) }, nil
}

// closeTimeout is how long a server that does not answer can hold up the end of the process.
const closeTimeout = 300 * time.Millisecond

// release frees the locks of a connection before it closes it, since the server notices the end of
// a connection somewhat later than the client.
func release(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_, _ = conn.Exec(ctx, `select pg_advisory_unlock_all()`)
	_ = conn.Close(ctx)
}

// lockKey returns what stands for a job among the advisory locks of a database.
func lockKey(job string) int64 {
	hash := fnv.New64a()
	hash.Write([]byte("papertrade:" + job))
	return int64(hash.Sum64())
}

// Locked reports whether a process holds the lock of a job. It does not try to take the lock, which could get in the way
// of a process that does.
func (s *Store) Locked(ctx context.Context, job string) (bool, error) {
	const statement = `
select exists (
    select from pg_locks
    where locktype = 'advisory' and granted and objsubid = 1
        and database = (select oid from pg_database where datname = current_database())
        and (classid::bigint << 32) | objid::bigint = @key)`
	locked, err := queryOne[bool](ctx, s.pool, statement, pgx.NamedArgs{"key": lockKey(job)})
	if err != nil {
		return false, fmt.Errorf("look at the lock of %s: %w", job, err)
	}
	return locked, nil
}
