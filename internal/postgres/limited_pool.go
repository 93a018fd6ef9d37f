package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// limits are after how long it is given up to wait for the server.
type limits struct {
	statement time.Duration // of one statement, which the server then ends
	lock      time.Duration // of a lock that another transaction has: the server then ends the statement
	silence   time.Duration // of a server that is to answer: it does not even end what is out of time
}

// A wait for a lock ends before NoticeAfter of retry, so that the reason is known when it is logged. The answers to
// some statements of a batch can come together.
var defaultLimits = limits{statement: 30 * time.Second, lock: 4 * time.Second, silence: time.Minute}

// migrationLimits leave each statement the time that a large table takes, but have the application not queue for long behind one
// that waits for a table of its.
var migrationLimits = limits{lock: 10 * time.Second, silence: time.Hour}

// limitedPool is a pool of connections whose transactions all have limits. They are set anew in each transaction, since a pooler
// has none of a session's settings kept for us.
type limitedPool struct {
	unlimited *pgxpool.Pool
	limits    limits
}

const readOnlyTransaction = "25006"

func newLimitedPool(ctx context.Context, config *pgxpool.Config, l limits) (*limitedPool, error) {
	db := &limitedPool{limits: l}
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &impatientConn{Conn: conn, silence: l.silence, onSilence: func() { db.unlimited.Reset() }}, nil
	}
	onError := config.ConnConfig.OnPgError
	config.ConnConfig.OnPgError = func(conn *pgconn.PgConn, answer *pgconn.PgError) bool {
		// Of several servers, another one may be the one to write to by now. A trigger can raise what it likes.
		isStandby := answer.Code == readOnlyTransaction && !isOfFunction(answer)
		return !isStandby && onError(conn, answer)
	}
	var err error
	db.unlimited, err = pgxpool.NewWithConfig(ctx, config)
	return db, err
}

// Close ends all connections once they are not used any more.
func (db *limitedPool) Close() { db.unlimited.Close() }

// SendBatch runs statements in a transaction of their own. It begins before they are sent, since Postgres is asked first for the types
// in those that the connection does not know yet, which waits for locks as well. What is returned is at its end: it can only be closed.
func (db *limitedPool) SendBatch(ctx context.Context, statements *pgx.Batch) pgx.BatchResults {
	return endedBatch{err: pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error { return tx.SendBatch(ctx, statements).Close() })}
}

// endedBatch is a batch that has been read to its end.
type endedBatch struct {
	pgx.BatchResults
	err error
}

func (b endedBatch) Close() error { return b.err }

// Exec runs a statement in a transaction of its own.
func (db *limitedPool) Exec(ctx context.Context, statement string, args ...any) (tag pgconn.CommandTag, err error) {
	var writes pgx.Batch
	writes.Queue(statement, args...).Exec(func(t pgconn.CommandTag) error {
		tag = t
		return nil
	})
	return tag, db.SendBatch(ctx, &writes).Close()
}

// Begin begins a transaction, with one round trip.
func (db *limitedPool) Begin(ctx context.Context) (pgx.Tx, error) {
	begin := fmt.Sprintf(`begin; set local statement_timeout = %d; set local lock_timeout = %d`,
		db.limits.statement.Milliseconds(), db.limits.lock.Milliseconds())
	return db.unlimited.BeginTx(ctx, pgx.TxOptions{BeginQuery: begin})
}

// impatientConn is a connection of which a read fails if the other side is silent for too long. It is a deadline of each read,
// besides that of the driver, which has one for the end of a context.
type impatientConn struct {
	net.Conn
	silence   time.Duration
	onSilence func() // a server that is silent is likely to be so on other connections too

	mu       sync.Mutex
	deadline time.Time // the driver's
}

func (c *impatientConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return c.Conn.SetDeadline(t)
}

func (c *impatientConn) Read(b []byte) (int, error) {
	limit := time.Now().Add(c.silence)
	isOurs, err := c.setReadDeadline(limit)
	if err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	if timeout := net.Error(nil); isOurs && errors.As(err, &timeout) && timeout.Timeout() && !time.Now().Before(limit) {
		c.onSilence()
	}
	return n, err
}

// setReadDeadline reports whether a limit is the deadline of the next read, as it is unless the driver's is earlier.
func (c *impatientConn) setReadDeadline(limit time.Time) (isOurs bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.deadline.IsZero() && c.deadline.Before(limit) {
		return false, nil
	}
	return true, c.SetReadDeadline(limit)
}
