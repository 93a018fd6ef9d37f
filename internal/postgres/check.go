package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"papertrade/internal/apptables"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// Obstacle is what would keep a run from its work.
type Obstacle struct {
	Err    error
	Remedy string // what to do, as the sentence goes on
}

func (o *Obstacle) Error() string { return o.Err.Error() + ": " + o.Remedy }

func (o *Obstacle) Unwrap() error { return o.Err }

// explainSchema returns an error of checkSchema as an *Obstacle if the tables are there, but the role may not see them, and as an
// *apptables.TableError if migrations would refuse to bring them up to date.
func explainSchema(ctx context.Context, db querier, err error) error {
	const statement = `
select format('the role %I may not use the schema %I', current_user, nspname),
    format('grant usage on schema %I to %I', nspname, current_user)
from pg_class
join pg_namespace on pg_namespace.oid = relnamespace
where relname = @table and nspname <> 'papertrade' and not has_schema_privilege(relnamespace, 'usage')
union all
select format('the role %I may not select %s', current_user, found), format('grant select on %s to %I', found, current_user)
from to_regclass(@table) as found
where not has_table_privilege(found, 'select')`
	if !errors.As(err, new(*refresh.SchemaError)) && !errors.Is(err, refresh.ErrNoPermission) {
		return err
	}
	found, queryErr := query(ctx, db, scanGrant, statement, pgx.NamedArgs{"table": bookkeeping})
	if queryErr == nil && len(found) > 0 {
		return found[0]
	}
	if foreign := checkTables(ctx, db); errors.Is(foreign, apptables.ErrForeignTable) {
		return foreign
	}
	return err
}

// Try does what a run does in a transaction that it undoes, and reads the application's transactions only if a run does. It returns
// what would keep a run from its work: the first cause alone, if it brings about others, but all grants that are missing at once. No
// sequence moves either.
func (s *Store) Try(ctx context.Context, readsTransactions bool, at time.Time) (obstacles []error) {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return []error{translate(err)}
	}
	defer func() { _ = tx.Rollback(ctx) }()
	for _, find := range []func(context.Context, pgx.Tx, trial) ([]error, error){
		findReadOnly, findClosedSchema, findForeignTable, findMissingGrants, findMissingPolicies, tryReads, tryWrites,
	} {
		found, err := find(ctx, tx, trial{readsTransactions, at})
		if err != nil {
			return []error{err}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// trial is what is tried.
type trial struct {
	readsTransactions bool
	at                time.Time
}

// findReadOnly finds out why the server would refuse all writes.
func findReadOnly(ctx context.Context, tx pgx.Tx, _ trial) ([]error, error) {
	const statement = `
select case
    when pg_is_in_recovery() then 'standby'
    when current_setting('transaction_read_only') = 'off' then ''
    when source in ('client', 'session') then 'client'
    when source = 'database' then format('alter database %I set default_transaction_read_only = off', current_database())
    when source = 'user' then format('alter role %I set default_transaction_read_only = off', current_user)
    else format('alter role %I in database %I set default_transaction_read_only = off', current_user, current_database()) end
from pg_settings
where name = 'default_transaction_read_only'`
	why, err := queryOne[string](ctx, tx, statement, nil)
	switch {
	case err != nil || why == "":
		return nil, err
	case why == "standby":
		return []error{&Obstacle{fmt.Errorf("%w: the server is a standby, which only reads", refresh.ErrReadOnly),
			"connect to the primary, or give all servers in the URL with target_session_attrs=read-write"}}, nil
	case why == "client":
		return []error{&Obstacle{fmt.Errorf("%w: the URL asks for transactions that only read", refresh.ErrReadOnly),
			"take default_transaction_read_only out of it"}}, nil
	default:
		return []error{&Obstacle{fmt.Errorf("%w: default_transaction_read_only is on", refresh.ErrReadOnly),
			"if that is not on purpose, have an administrator run `" + why + "`"}}, nil
	}
}

// findClosedSchema finds out whether the role may see the tables of papertrade's schema at all.
func findClosedSchema(ctx context.Context, tx pgx.Tx, _ trial) ([]error, error) {
	const statement = `
select format('the role %I may not use the schema papertrade', current_user), format('grant usage on schema papertrade to %I', current_user)
where not has_schema_privilege('papertrade', 'usage')`
	return query(ctx, tx, scanGrant, statement, nil)
}

func findForeignTable(ctx context.Context, tx pgx.Tx, _ trial) ([]error, error) {
	err := checkTables(ctx, tx)
	if table := (*apptables.TableError)(nil); errors.As(err, &table) {
		return []error{err}, nil
	}
	return nil, err
}

// needed are the privileges of a run.
const needed = `
need (relation, privileges) as (values
    ('price_history', '{select,insert,update}'::text[]),
    ('ticker_watchlist', '{select,update}'),
    ('transactions', case when @transactions then '{select}'::text[] else '{}' end),
    ('job_executions', '{select,insert,update}'),
    ('backfill_tasks', '{select,update}'),
    ('papertrade.papertrade_ticker_states', '{select,insert,update}'),
    ('papertrade.papertrade_accounts', '{select,insert,update}'),
    ('papertrade.papertrade_calls', '{select,insert,update,delete}'),
    ('papertrade.papertrade_absent_sessions', '{select,insert}'),
    ('papertrade.papertrade_splits', '{select,insert,update,delete}'),
    ('papertrade.papertrade_held_prices', '{select,insert,update}'),
    ('papertrade.papertrade_leases', '{select,insert,update}'),
    ('papertrade.papertrade_task_claims', '{select,insert,delete}')),
asked as (
    select to_regclass(relation) as relation, privilege, place
    from need
    cross join lateral unnest(privileges) with ordinality as each (privilege, place)
    where to_regclass(relation) is not null)`

// findMissingGrants finds the privileges of a run that the role does not have. One on some columns passes: whether they are those that a
// run writes is tried. A sequence that gives an identity its values needs none.
func findMissingGrants(ctx context.Context, tx pgx.Tx, t trial) ([]error, error) {
	const statement = `
with ` + needed + `,
lacking as (
    select relation, string_agg(privilege, ', ' order by place) as privileges, false as is_sequence
    from asked
    where not case privilege when 'delete' then has_table_privilege(relation, privilege)
        else has_any_column_privilege(relation, privilege) end
    group by relation
    union all
    select sequence.oid::regclass, 'usage', true
    from pg_attribute
    join pg_attrdef on adrelid = attrelid and adnum = attnum
    join pg_depend on classid = 'pg_attrdef'::regclass and objid = pg_attrdef.oid and refclassid = 'pg_class'::regclass
    join pg_class as sequence on sequence.oid = refobjid
    where attrelid = to_regclass('price_history') and attname = 'id'
        and case when sequence.relkind = 'S' then not has_sequence_privilege(sequence.oid, 'usage, update') end)
select format('the role %I may not %s %s', current_user, replace(privileges, 'usage', 'use'), relation),
    format('grant %s on %s%s to %I', privileges, case when is_sequence then 'sequence ' else '' end, relation, current_user)
from lacking
order by relation::text`
	return query(ctx, tx, scanGrant, statement, pgx.NamedArgs{"transactions": t.readsTransactions})
}

// findMissingPolicies finds the tables whose row-level security hides all rows from the role, or refuses all of its rows: no policy lets
// any pass. Whether a policy lets those of a run pass is tried.
func findMissingPolicies(ctx context.Context, tx pgx.Tx, t trial) ([]error, error) {
	const statement = `
with ` + needed + `
select format('the row-level security of %s lets the role %I not %s any row', relation, current_user,
        string_agg(privilege, ', ' order by place)),
    format('create policy papertrade on %s to %I using (true) with check (true)', relation, current_user)
from asked
where row_security_active(relation) and not exists (
    select from pg_policy
    where polrelid = relation and polpermissive
        and polcmd in ('*', case privilege when 'select' then 'r' when 'insert' then 'a' when 'update' then 'w' else 'd' end::"char")
        and exists (select from unnest(polroles) as role where role = 0 or pg_has_role(role, 'usage')))
group by relation
order by relation::text`
	return query(ctx, tx, scanGrant, statement, pgx.NamedArgs{"transactions": t.readsTransactions})
}

func scanGrant(row pgx.CollectableRow) (error, error) {
	var lack, grant string
	err := row.Scan(&lack, &grant)
	return &Obstacle{fmt.Errorf("%w: %s", refresh.ErrNoPermission, lack), "have its owner run `" + grant + "`"}, err
}

// tryReads reads each table of the application's, of which one may be missing, or damaged.
func tryReads(ctx context.Context, tx pgx.Tx, t trial) (obstacles []error, err error) {
	for _, table := range apptables.Tables() {
		if table == apptables.Transactions && !t.readsTransactions {
			continue
		}
		err := transact(ctx, tx, func(savepoint pgx.Tx) error {
			_, err := exec(ctx, savepoint, `select from `+table+` limit 1`, nil)
			return err
		})
		if err != nil {
			obstacles = append(obstacles, fmt.Errorf("%s cannot be read: %w", table, err))
		}
	}
	return obstacles, nil
}

// tryWrites writes what a run writes. A row of a ticker that nobody knows could be refused for that alone: it is one that is known,
// if any is.
func tryWrites(ctx context.Context, tx pgx.Tx, t trial) (obstacles []error, err error) {
	const anyTicker = `
select coalesce(
    (select ticker from ticker_watchlist where is_active order by priority, ticker collate "C" limit 1),
    (select ticker from price_history limit 1), '')`
	symbol, err := queryOne[string](ctx, tx, anyTicker, nil)
	if err != nil {
		return nil, err
	}
	ticker, err := marketdata.ParseTicker(symbol)
	if err != nil { // there is none, or it is a dirty one
		ticker = marketdata.MustParseTicker("AAPL")
	}
	batch := refresh.TrialBatch(ticker, t.at)
	record := batch.Run
	batch.Run = refresh.RunRecord{}
	for _, step := range []struct {
		what  string
		queue func(*pgx.Batch)
	}{
		{"the lock of a run", queueTryLease},
		{"the record of a run", func(writes *pgx.Batch) {
			queueInsertRun(writes, record)
			writes.Queue(updateRun, runArgs(record)).Exec(func(tag pgconn.CommandTag) error {
				if tag.RowsAffected() == 0 {
					return errSuppressed
				}
				return nil
			})
		}},
		{"a price of " + ticker.String(), func(writes *pgx.Batch) { queueTryPrice(writes, batch.Prices[0]) }},
		{"what is known of " + ticker.String(), func(writes *pgx.Batch) { queueOutcomes(writes, batch, make([]refresh.StoredPrice, 1)) }},
		{"the count of calls", func(writes *pgx.Batch) { queueTryCalls(writes, t.at) }},
	} {
		err := transact(ctx, tx, func(savepoint pgx.Tx) error {
			var writes pgx.Batch
			step.queue(&writes)
			writes.Queue(`set constraints all immediate`)
			return send(ctx, savepoint, &writes)
		})
		if err != nil {
			obstacles = append(obstacles, fmt.Errorf("%s cannot be written: %w", step.what, err))
		}
	}
	return obstacles, nil
}

// tryName is nobody's lease and nobody's account.
const tryName = "config check"

func queueTryLease(writes *pgx.Batch) {
	const statement = `
insert into papertrade.papertrade_leases as lease (name, token) values (@name, 1)
on conflict (name) do update set token = lease.token + 1`
	writes.Queue(statement, pgx.NamedArgs{"name": tryName})
}

// queueTryPrice inserts a row under an ID of its own, since a sequence does not go back, and updates it as a run does.
func queueTryPrice(writes *pgx.Batch, price refresh.Price) {
	const (
		id     = -1
		insert = `
insert into price_history (id, ticker, "timestamp", source, "interval", price_amount, price_currency, created_at)
overriding system value
values (@id, @ticker, @stamp, @source, @interval, 2, 'USD', @created_at)
returning id` // as a run has it, for which a policy may lack
	)
	bar := price.Bar
	writes.Queue(insert, pgx.NamedArgs{
		"id": id, "ticker": bar.Ticker.String(), "stamp": stamp(price.Timestamp), "source": price.Source, "interval": price.Interval,
		"created_at": stamp(price.FetchedAt)})
	price.Row = id
	queuePrice(writes, price, new(refresh.StoredPrice))
}

func queueTryCalls(writes *pgx.Batch, at time.Time) {
	var a quota.Account
	queueLockAccount(writes, tryName)
	queueDeleteOldCalls(writes, tryName, at)
	queueAccount(writes, tryName, &a)
	queueChange(writes, tryName, refresh.TrialChange(at))
}
