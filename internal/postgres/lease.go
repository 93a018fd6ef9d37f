package postgres

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"papertrade/internal/refresh"
)

const (
	// leaseLife is for how long a process blocks others after the last sign of it.
	leaseLife = time.Minute
	// renewals of a lease are due in its life, so that one that fails does not cost it.
	renewals = 3
	// limitWait limits how long to wait for a transaction of whoever had the lease before.
	limitWait = `set local lock_timeout = '10s'`
	// commitTurn is the name of the row that whoever commits locks.
	commitTurn = "commit"
)

// lease is one that this process has taken, and may have lost since.
type lease struct {
	name  string
	token int64
}

func (l lease) args() pgx.NamedArgs { return pgx.NamedArgs{"name": l.name, "token": l.token} }

// leases are those that a store has taken and not given back.
type leases struct {
	mu   sync.Mutex
	held []lease
}

func (l *leases) add(taken lease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = append(l.held, taken)
}

func (l *leases) remove(returned lease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = slices.DeleteFunc(l.held, func(held lease) bool { return held == returned })
}

// has reports whether the store knows that it has a lease.
func (l *leases) has(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.held, func(held lease) bool { return held.name == name })
}

// all returns the leases in the order in which every transaction locks their rows.
func (l *leases) all() []lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.held)
}

// leaseRow is a row of papertrade.papertrade_leases; zero if there is none.
type leaseRow struct {
	Token   int64
	Holder  *process // nil: given back
	TakenAt *time.Time
	Expired bool
}

func readLease(ctx context.Context, db querier, name string) (leaseRow, error) {
	const statement = `
select token, holder, taken_at, expires_at <= clock_timestamp() as expired
from papertrade.papertrade_leases
where name = @name and holder is not null`
	found, err := query(ctx, db, pgx.RowToStructByName[leaseRow], statement, pgx.NamedArgs{"name": name})
	if err != nil || len(found) == 0 {
		return leaseRow{}, err
	}
	return found[0], nil
}

// takeFrom takes a lease that nobody has, that has run out, or that has the token of one who left it. The token is 0 if
// another process has the lease. It waits for a transaction of the last holder: what that commits is written before.
func (s *Store) takeFrom(ctx context.Context, name string, leftBy int64) (token int64, err error) {
	const statement = `
insert into papertrade.papertrade_leases as lease (name, token, holder, taken_at, expires_at)
values (@name, 1, @holder, clock_timestamp(), clock_timestamp() + make_interval(secs => @life))
on conflict (name) do update set
    token = lease.token + 1, holder = excluded.holder,
    taken_at = clock_timestamp(), expires_at = clock_timestamp() + make_interval(secs => @life)
where lease.holder is null or lease.expires_at <= clock_timestamp() or lease.token = @left_by
returning token`
	holder := thisProcess()
	holder.Store = s.id
	err = transact(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := exec(ctx, tx, limitWait, nil); err != nil {
			return err
		}
		tokens, err := query(ctx, tx, pgx.RowTo[int64], statement, pgx.NamedArgs{
			"name": name, "holder": holder, "life": s.leaseLife.Seconds(), "left_by": leftBy})
		if len(tokens) > 0 {
			token = tokens[0]
		}
		return err
	})
	return token, err
}

// keepRenewing renews a lease until ctx is done. If it cannot, the next transaction finds out whether the lease is lost.
func (s *Store) keepRenewing(ctx context.Context, held lease) {
	ticker := time.NewTicker(s.leaseLife / renewals)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.renew(ctx, held)
		}
	}
}

func (s *Store) renew(ctx context.Context, held lease) {
	const statement = `
update papertrade.papertrade_leases
set expires_at = clock_timestamp() + make_interval(secs => @life)
where name = @name and token = @token and holder is not null`
	ctx, cancel := context.WithTimeout(ctx, s.leaseLife/renewals)
	defer cancel()
	args := held.args()
	args["life"] = s.leaseLife.Seconds()
	_, _ = exec(ctx, s.pool, statement, args)
}

const freeLease = `
update papertrade.papertrade_leases
set holder = null, taken_at = null, expires_at = null
where name = @name and token = @token`

// revokeDead frees a lease whose holder is gone or has not renewed it in time, unless a transaction of the holder is under way.
func (s *Store) revokeDead(ctx context.Context, name string) error {
	const statement = freeLease + ` and (@is_gone or expires_at <= clock_timestamp())`
	row, err := readLease(ctx, s.pool, name)
	if err != nil || row.Holder == nil {
		return err
	}
	isGone := fateOf(*row.Holder) == gone
	if !isGone && !row.Expired {
		return nil
	}
	args := lease{name, row.Token}.args()
	args["is_gone"] = isGone
	err = transact(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := exec(ctx, tx, limitWait, nil); err != nil {
			return err
		}
		_, err := exec(ctx, tx, statement, args)
		return err
	})
	if errors.Is(err, refresh.ErrBusy) {
		return nil
	}
	return err
}

// giveBack lets another process take a lease at once.
func (s *Store) giveBack(held lease) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	for ctx.Err() == nil {
		if _, err := exec(ctx, s.pool, freeLease, held.args()); err == nil {
			return
		}
		time.Sleep(closeTimeout / 10) // a connection that was cut is found out by its use
	}
}

// queueFence makes the transaction that begins with it fail with refresh.ErrLeaseLost unless the store still has each lease that
// it took. Until the transaction ends nobody can take them: the row is locked, though not against other transactions of this store.
// CockroachDB may take no such lock where transactions are serializable, but then refuses one of the two with 40001. Citus
// refuses to lock rows of several shards, which those of papertrade's own tables are not.
func (s *Store) queueFence(writes *pgx.Batch) {
	const statement = `
select 1 / count(*)
from (
    select from papertrade.papertrade_leases
    where name = @name and token = @token and holder is not null
    for share) as held`
	for _, held := range s.leases.all() {
		writes.Queue(statement, held.args()).QueryRow(func(row pgx.Row) error {
			const divisionByZero = "22012"
			err := row.Scan(new(int64))
			if answer := (*pgconn.PgError)(nil); errors.As(err, &answer) && answer.Code == divisionByZero {
				return refresh.ErrLeaseLost
			}
			return err
		})
	}
}

// fence is queueFence of a transaction that has begun.
func (s *Store) fence(ctx context.Context, tx pgx.Tx) error {
	var reads pgx.Batch
	s.queueFence(&reads)
	return send(ctx, tx, &reads)
}

// queueTurn lets one process commit at a time: two that write rows of the same tickers in different
// orders would wait for each other.
func queueTurn(writes *pgx.Batch) {
	args := pgx.NamedArgs{"name": commitTurn}
	writes.Queue(`insert into papertrade.papertrade_leases (name, token) values (@name, 0) on conflict do nothing`, args)
	writes.Queue(`select from papertrade.papertrade_leases where name = @name for update`, args)
}
