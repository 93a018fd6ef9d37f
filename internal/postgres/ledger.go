package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"papertrade/internal/quota"
)

// Account returns what is known of the calls of a key.
func (s *Store) Account(ctx context.Context, account string) (quota.Account, error) {
	var a quota.Account
	var reads pgx.Batch
	queueAccount(&reads, account, &a)
	if err := send(ctx, s.pool, &reads); err != nil {
		return quota.Account{}, fmt.Errorf("read the calls made so far: %w", err)
	}
	return a, nil
}

// UpdateAccount writes the change that decide returns for what is known of the calls of a key. The account's row
// keeps others from doing so at the same time.
func (s *Store) UpdateAccount(ctx context.Context, account string, since time.Time, decide func(quota.Account) quota.Change) error {
	err := transact(ctx, s.pool, func(tx pgx.Tx) error {
		var a quota.Account
		var reads, writes pgx.Batch
		s.queueFence(&reads)
		queueLockAccount(&reads, account)
		queueDeleteOldCalls(&reads, account, since)
		queueAccount(&reads, account, &a)
		if err := send(ctx, tx, &reads); err != nil {
			return err
		}
		queueChange(&writes, account, decide(a))
		return send(ctx, tx, &writes)
	})
	if err != nil {
		return fmt.Errorf("write down calls: %w", err)
	}
	return nil
}

func queueLockAccount(writes *pgx.Batch, account string) {
	args := pgx.NamedArgs{"account": account}
	writes.Queue(`insert into papertrade.papertrade_accounts (account) values (@account) on conflict do nothing`, args)
	writes.Queue(`select from papertrade.papertrade_accounts where account = @account for update`, args)
}

func queueDeleteOldCalls(writes *pgx.Batch, account string, since time.Time) {
	const statement = `delete from papertrade.papertrade_calls where account = @account and until_time < @since`
	writes.Queue(statement, pgx.NamedArgs{"account": account, "since": stamp(since)})
}

// queueAccount reads into a.
func queueAccount(reads *pgx.Batch, account string, a *quota.Account) {
	const (
		selectAccount = `
select held_until, greatest(call_ms, 0) as call_ms, not_entitled_at, end_of_day_at, learned
from papertrade.papertrade_accounts where account = @account`
		selectCalls = `
select id::text, cost, from_time as "from", until_time as until from papertrade.papertrade_calls where account = @account`
	)
	args := pgx.NamedArgs{"account": account}
	reads.Queue(selectAccount, args).Query(func(rows pgx.Rows) error {
		found, err := pgx.CollectRows(rows, scanAccount)
		if len(found) > 0 {
			*a = found[0]
		}
		return err
	})
	reads.Queue(selectCalls, args).Query(func(rows pgx.Rows) (err error) {
		a.Calls, err = pgx.CollectRows(rows, pgx.RowToStructByName[quota.Call])
		return err
	})
}

func scanAccount(row pgx.CollectableRow) (quota.Account, error) {
	r, err := pgx.RowToStructByName[struct {
		HeldUntil, NotEntitledAt, EndOfDayAt *time.Time
		CallMS                               int64
		Learned                              []quota.Learned
	}](row)
	return quota.Account{
		HeldUntil: utc(r.HeldUntil), NotEntitledAt: utc(r.NotEntitledAt), EndOfDayAt: utc(r.EndOfDayAt),
		CallTime: time.Duration(r.CallMS) * time.Millisecond, Learned: r.Learned,
	}, err
}

func queueChange(writes *pgx.Batch, account string, change quota.Change) {
	queueDeleteCalls(writes, account, change.Delete)
	queueSaveCalls(writes, account, change.Save)
	queueUpdateAccount(writes, account, change)
}

func queueDeleteCalls(writes *pgx.Batch, account string, ids []string) {
	const statement = `delete from papertrade.papertrade_calls where account = @account and id = any(@ids::uuid[])`
	if len(ids) > 0 {
		writes.Queue(statement, pgx.NamedArgs{"account": account, "ids": ids})
	}
}

func queueSaveCalls(writes *pgx.Batch, account string, calls []quota.Call) {
	const statement = `
insert into papertrade.papertrade_calls (id, account, cost, from_time, until_time) values (@id, @account, @cost, @from, @until)
on conflict (id) do update set cost = excluded.cost, from_time = excluded.from_time, until_time = excluded.until_time`
	for _, c := range calls {
		writes.Queue(statement, pgx.NamedArgs{
			"id": c.ID, "account": account, "cost": c.Cost, "from": stamp(c.From), "until": stamp(c.Until)})
	}
}

func queueUpdateAccount(writes *pgx.Batch, account string, change quota.Change) {
	const statement = `
update papertrade.papertrade_accounts
set held_until = coalesce(@until, held_until), call_ms = coalesce(@call_ms, call_ms),
    not_entitled_at = coalesce(@not_entitled_at, not_entitled_at),
    end_of_day_at = case when @sets_end_of_day then @end_of_day_at else end_of_day_at end,
    learned = coalesce(@learned, learned)
where account = @account`
	var endOfDay time.Time
	if change.EndOfDayAt != nil {
		endOfDay = *change.EndOfDayAt
	}
	writes.Queue(statement, pgx.NamedArgs{
		"account": account, "until": stamp(change.HeldUntil), "call_ms": milliseconds(change.CallTime),
		"not_entitled_at": stamp(change.NotEntitledAt),
		"sets_end_of_day": change.EndOfDayAt != nil, "end_of_day_at": stamp(endOfDay), "learned": change.Learned,
	})
}
