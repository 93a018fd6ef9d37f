package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"papertrade/internal/quota"
)

const (
	accountRow = `select held_until, coalesce(call_ms, 0) as call_ms, not_entitled_at from papertrade_accounts where account = @account`
	calls      = `select id::text, cost, from_time as "from", until_time as until from papertrade_calls where account = @account`
)

// Account reads what is known of the calls of a key.
func (s *Store) Account(ctx context.Context, account string) (quota.Account, error) {
	var a quota.Account
	var reads pgx.Batch
	queueAccount(&reads, account, &a)
	if err := translate(s.pool.SendBatch(ctx, &reads).Close()); err != nil {
		return quota.Account{}, fmt.Errorf("read the calls made so far: %w", err)
	}
	return a, nil
}

// UpdateAccount writes what decide makes of what is known of the calls of a key. The account's row
// keeps others from doing so at the same time.
func (s *Store) UpdateAccount(ctx context.Context, account string, since time.Time, decide func(quota.Account) quota.Change) error {
	const (
		ensure = `insert into papertrade_accounts (account) values (@account) on conflict do nothing`
		lock   = `select from papertrade_accounts where account = @account for update`
		drop   = `delete from papertrade_calls where account = @account and until_time < @since`
		remove = `delete from papertrade_calls where account = @account and id = any(@ids::uuid[])`
		hold   = `
update papertrade_accounts
set held_until = coalesce(@until, held_until), call_ms = coalesce(@call_ms, call_ms),
    not_entitled_at = coalesce(@not_entitled_at, not_entitled_at)
where account = @account`
		save = `
insert into papertrade_calls (id, account, cost, from_time, until_time) values (@id, @account, @cost, @from, @until)
on conflict (id) do update set cost = excluded.cost, from_time = excluded.from_time, until_time = excluded.until_time`
	)
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var a quota.Account
		var reads, writes pgx.Batch
		args := pgx.NamedArgs{"account": account, "since": since.UTC()}
		reads.Queue(ensure, args)
		reads.Queue(lock, args)
		reads.Queue(drop, args)
		queueAccount(&reads, account, &a)
		if err := tx.SendBatch(ctx, &reads).Close(); err != nil {
			return err
		}
		change := decide(a)
		if len(change.Delete) > 0 {
			writes.Queue(remove, pgx.NamedArgs{"account": account, "ids": change.Delete})
		}
		for _, c := range change.Save {
			writes.Queue(save, pgx.NamedArgs{
				"id": c.ID, "account": account, "cost": c.Cost, "from": c.From.UTC(), "until": c.Until.UTC()})
		}
		writes.Queue(hold, pgx.NamedArgs{"account": account, "until": nullTime(change.HeldUntil),
			"call_ms": nullMilliseconds(change.CallTime), "not_entitled_at": nullTime(change.NotEntitledAt)})
		return tx.SendBatch(ctx, &writes).Close()
	})
	if err != nil {
		return fmt.Errorf("write down calls: %w", translate(err))
	}
	return nil
}

// nullMilliseconds is NULL where d is 0.
func nullMilliseconds(d time.Duration) *int64 {
	if d == 0 {
		return nil
	}
	return new(d.Milliseconds())
}

func queueAccount(reads *pgx.Batch, account string, a *quota.Account) {
	args := pgx.NamedArgs{"account": account}
	reads.Queue(accountRow, args).Query(func(rows pgx.Rows) error {
		type row struct {
			HeldUntil, NotEntitledAt *time.Time
			CallMS                   int64
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
		if len(found) > 0 {
			a.HeldUntil, a.NotEntitledAt = utc(found[0].HeldUntil), utc(found[0].NotEntitledAt)
			a.CallTime = time.Duration(found[0].CallMS) * time.Millisecond
		}
		return err
	})
	reads.Queue(calls, args).Query(func(rows pgx.Rows) (err error) {
		a.Calls, err = pgx.CollectRows(rows, pgx.RowToStructByName[quota.Call])
		return err
	})
}
