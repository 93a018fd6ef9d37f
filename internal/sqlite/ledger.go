package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"papertrade/internal/quota"
)

// Account reads what is known of the calls of a key.
func (s *Store) Account(ctx context.Context, account string) (quota.Account, error) {
	a, err := readAccount(ctx, s.db, account)
	if err != nil {
		return quota.Account{}, fmt.Errorf("read the calls made so far: %w", translate(err))
	}
	return a, nil
}

// UpdateAccount writes what decide makes of what is known of the calls of a key. SQLite lets one
// transaction write at a time.
func (s *Store) UpdateAccount(ctx context.Context, account string, since time.Time, decide func(quota.Account) quota.Change) error {
	err := s.transact(ctx, func(tx *sql.Tx) error {
		const drop = `delete from papertrade_calls where account = ? and until_time < ?`
		if _, err := tx.ExecContext(ctx, drop, account, stamp(since)); err != nil {
			return err
		}
		a, err := readAccount(ctx, tx, account)
		if err != nil {
			return err
		}
		return changeAccount(ctx, tx, account, decide(a))
	})
	if err != nil {
		return fmt.Errorf("write down calls: %w", translate(err))
	}
	return nil
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func readAccount(ctx context.Context, db querier, account string) (quota.Account, error) {
	var a quota.Account
	row, err := db.QueryContext(ctx,
		`select cast(held_until as text), coalesce(call_ms, 0), cast(not_entitled_at as text) from papertrade_accounts where account = ?`, account)
	if err != nil {
		return a, err
	}
	if _, err := collect(row, func(rows *sql.Rows) (none struct{}, err error) {
		var held, notEntitled sql.NullString
		var milliseconds int64
		if err = rows.Scan(&held, &milliseconds, &notEntitled); err != nil {
			return none, err
		}
		if a.NotEntitledAt, err = parseStamp(notEntitled); err != nil {
			return none, err
		}
		a.CallTime = time.Duration(milliseconds) * time.Millisecond
		a.HeldUntil, err = parseStamp(held)
		return none, err
	}); err != nil {
		return a, err
	}
	const calls = `select id, cost, cast(from_time as text), cast(until_time as text) from papertrade_calls where account = ?`
	rows, err := db.QueryContext(ctx, calls, account)
	if err != nil {
		return a, err
	}
	a.Calls, err = collect(rows, func(rows *sql.Rows) (call quota.Call, err error) {
		var from, until sql.NullString
		if err = rows.Scan(&call.ID, &call.Cost, &from, &until); err != nil {
			return call, err
		}
		if call.From, err = parseStamp(from); err != nil {
			return call, err
		}
		call.Until, err = parseStamp(until)
		return call, err
	})
	return a, err
}

func scanStamp(rows *sql.Rows) (time.Time, error) {
	var text sql.NullString
	if err := rows.Scan(&text); err != nil {
		return time.Time{}, err
	}
	return parseStamp(text)
}

func changeAccount(ctx context.Context, tx *sql.Tx, account string, change quota.Change) error {
	const (
		remove = `delete from papertrade_calls where id in (select value from json_each(?))`
		hold   = `
insert into papertrade_accounts as stored (account, held_until, call_ms, not_entitled_at) values (?, ?, nullif(?, 0), ?)
on conflict (account) do update set
    held_until = coalesce(excluded.held_until, stored.held_until), call_ms = coalesce(excluded.call_ms, stored.call_ms),
    not_entitled_at = coalesce(excluded.not_entitled_at, stored.not_entitled_at)`
		save = `
insert into papertrade_calls (id, account, cost, from_time, until_time) values (?, ?, ?, ?, ?)
on conflict (id) do update set cost = excluded.cost, from_time = excluded.from_time, until_time = excluded.until_time`
	)
	if len(change.Delete) > 0 {
		ids, err := json.Marshal(change.Delete)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, remove, string(ids)); err != nil {
			return err
		}
	}
	for _, c := range change.Save {
		if _, err := tx.ExecContext(ctx, save, c.ID, account, c.Cost, stamp(c.From), stamp(c.Until)); err != nil {
			return err
		}
	}
	if change.HeldUntil.IsZero() && change.CallTime == 0 && change.NotEntitledAt.IsZero() {
		return nil
	}
	_, err := tx.ExecContext(ctx, hold, account, stamp(change.HeldUntil), change.CallTime.Milliseconds(), stamp(change.NotEntitledAt))
	return err
}
