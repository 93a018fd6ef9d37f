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
	// renewals of a lease are due in its life, so that one that fails does not cost it.
	renewals = 3
	// commitTurn is the name of the row that whoever commits locks.
	commitTurn = "commit"
)

// leaseTimes are for how long a process blocks others after the last sign of it: life and grace.
type leaseTimes struct {
	life time.Duration // for how long nobody else takes the lease once it is taken or renewed
	// retry is after what a renewal that failed is tried again, and half of how long that can take.
	retry time.Duration
	// grace is for how long whoever finds that the lease has run out leaves it to its holder. If the database did not answer anyone
	// for longer than life, the holder renews it then, and need not throw away what it has fetched meanwhile.
	grace time.Duration
}

// A grace ends before NoticeAfter of retry, since it is no wait for the database.
var defaultLeaseTimes = leaseTimes{life: 55 * time.Second, retry: time.Second, grace: 4 * time.Second}

// lease is one that a store has taken, and may have lost since. The token alone does not tell: a server that takes over from one
// that fails, or a backup that is restored, may lack the last time that it was taken, and gives the same token again.
type lease struct {
	name  string
	token int64
	store string // "" of a holder that has written none
}

func (l lease) args() pgx.NamedArgs {
	return pgx.NamedArgs{"name": l.name, "token": l.token, "store": l.store}
}

// isLease finds the row of a lease as long as it is not taken again or given back.
const isLease = `name = @name and token = @token and holder is not null and coalesce(holder ->> 'store', '') = @store`

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

// lease returns that of a row that has a Holder.
func (r leaseRow) lease(name string) lease { return lease{name, r.Token, r.Holder.Store} }

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

// takeFrom takes a lease that nobody has, that has run out, or that one has left. The token is 0 if another process has the
// lease. It waits for a transaction of the last holder: what that commits is written before.
func (s *Store) takeFrom(ctx context.Context, name string, left lease) (taken lease, err error) {
	const statement = `
insert into papertrade.papertrade_leases as lease (name, token, holder, taken_at, expires_at)
values (@name, 1, @holder, clock_timestamp(), clock_timestamp() + make_interval(secs => @life))
on conflict (name) do update set
    token = lease.token + 1, holder = excluded.holder,
    taken_at = clock_timestamp(), expires_at = clock_timestamp() + make_interval(secs => @life)
where lease.holder is null or lease.expires_at <= clock_timestamp()
    or lease.token = @token and coalesce(lease.holder ->> 'store', '') = @store
returning token`
	holder := thisProcess()
	holder.Store = s.id
	args := left.args()
	args["name"], args["holder"], args["life"] = name, holder, s.leaseTimes.life.Seconds()
	tokens, err := query(ctx, s.pool, pgx.RowTo[int64], statement, args)
	if err != nil || len(tokens) == 0 {
		return lease{}, err
	}
	return lease{name, tokens[0], s.id}, nil
}

// keepRenewing renews a lease until ctx is done. If it cannot, the next transaction finds out whether the lease is lost.
func (s *Store) keepRenewing(ctx context.Context, held lease) {
	interval := s.leaseTimes.life / renewals
	pause, limit, failed := interval, interval, false
	for sleep(ctx, pause) == nil {
		err := s.renew(ctx, held, limit)
		switch {
		case err == nil:
			pause, limit = interval, interval
		case ctx.Err() == nil:
			pause, limit = s.leaseTimes.retry, 2*s.leaseTimes.retry
			if !failed {
				s.onRenewalFailure(err)
			}
		}
		failed = err != nil
	}
}

func (s *Store) renew(ctx context.Context, held lease, limit time.Duration) error {
	const statement = `
update papertrade.papertrade_leases
set expires_at = clock_timestamp() + make_interval(secs => @life)
where ` + isLease
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	args := held.args()
	args["life"] = s.leaseTimes.life.Seconds()
	_, err := exec(ctx, s.pool, statement, args)
	return err
}

// OnRenewalFailure has a function called when a lease could not be renewed, which is tried again until it is: once until then.
func (s *Store) OnRenewalFailure(report func(error)) { s.onRenewalFailure = report }

// sleep returns early, with the reason, if ctx is done.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

const freeLease = `
update papertrade.papertrade_leases
set holder = null, taken_at = null, expires_at = null
where ` + isLease

// revokeDead frees a lease whose holder is gone or has not renewed it in time, unless a transaction of the holder is under way.
func (s *Store) revokeDead(ctx context.Context, name string) error {
	const statement = freeLease + ` and (@is_gone or expires_at <= clock_timestamp())`
	row, err := readLease(ctx, s.pool, name)
	if err != nil || row.Holder == nil {
		return err
	}
	isGone := fateOf(*row.Holder) == gone
	if !isGone {
		if !row.Expired {
			return nil
		}
		if err := sleep(ctx, s.leaseTimes.grace); err != nil {
			return err
		}
	}
	args := row.lease(name).args()
	args["is_gone"] = isGone
	if _, err := exec(ctx, s.pool, statement, args); !isLockTimeout(err) {
		return err
	}
	return nil
}

// giveBack lets another process take a lease at once.
func (s *Store) giveBack(held lease, limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for ctx.Err() == nil {
		if _, err := exec(ctx, s.pool, freeLease, held.args()); err == nil {
			return
		}
		_ = sleep(ctx, closeTimeout/10) // a connection that was cut is found out by its use
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
    where ` + isLease + `
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
