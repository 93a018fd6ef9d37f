package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"papertrade/internal/quota"
)

// Account returns what is known of the calls of a key.
func (s *Store) Account(ctx context.Context, account string) (quota.Account, error) {
	a, err := readAccount(ctx, s.db, account)
	if err != nil {
		return quota.Account{}, fmt.Errorf("read the calls made so far: %w", err)
	}
	return a, nil
}

// UpdateAccount writes the change that decide returns for what is known of the calls of a key. SQLite lets one
// transaction write at a time.
func (s *Store) UpdateAccount(ctx context.Context, account string, since time.Time, decide func(quota.Account) quota.Change) error {
	err := s.transact(ctx, func(tx *sql.Tx) error {
		if err := deleteOldCalls(ctx, tx, account, since); err != nil {
			return err
		}
		a, err := readAccount(ctx, tx, account)
		if err != nil {
			return err
		}
		return changeAccount(ctx, tx, account, decide(a))
	})
	if err != nil {
		return fmt.Errorf("write down calls: %w", err)
	}
	return nil
}

func readAccount(ctx context.Context, db querier, account string) (quota.Account, error) {
	const (
		selectAccount = `
select cast(held_until as text), max(coalesce(call_ms, 0), 0), cast(not_entitled_at as text), cast(end_of_day_at as text),
    coalesce(learned, '[]')
from papertrade_accounts where account = ?`
		selectCalls = `select id, cost, cast(from_time as text), cast(until_time as text) from papertrade_calls where account = ?`
	)
	found, err := query(ctx, db, scanAccount, selectAccount, account)
	if err != nil {
		return quota.Account{}, err
	}
	var a quota.Account
	if len(found) > 0 {
		a = found[0]
	}
	a.Calls, err = query(ctx, db, scanCall, selectCalls, account)
	return a, err
}

func scanAccount(rows *sql.Rows) (a quota.Account, err error) {
	var held, notEntitled, endOfDay sql.NullString
	var milliseconds int64
	var learned string
	if err = rows.Scan(&held, &milliseconds, &notEntitled, &endOfDay, &learned); err != nil {
		return a, err
	}
	if err = parseList(learned, &a.Learned); err != nil {
		return a, err
	}
	times, err := parseStamps(held, notEntitled, endOfDay)
	if err != nil {
		return a, err
	}
	a.HeldUntil, a.NotEntitledAt, a.EndOfDayAt = times[0], times[1], times[2]
	a.CallTime = time.Duration(milliseconds) * time.Millisecond
	return a, nil
}

func scanCall(rows *sql.Rows) (call quota.Call, err error) {
	var from, until sql.NullString
	if err = rows.Scan(&call.ID, &call.Cost, &from, &until); err != nil {
		return call, err
	}
	times, err := parseStamps(from, until)
	if err != nil {
		return call, err
	}
	call.From, call.Until = times[0], times[1]
	return call, nil
}

func deleteOldCalls(ctx context.Context, tx *sql.Tx, account string, since time.Time) error {
	const statement = `delete from papertrade_calls where account = ? and until_time < ?`
	_, err := exec(ctx, tx, statement, account, stamp(since))
	return err
}

func changeAccount(ctx context.Context, tx *sql.Tx, account string, change quota.Change) error {
	if err := deleteCalls(ctx, tx, account, change.Delete); err != nil {
		return err
	}
	if err := saveCalls(ctx, tx, account, change.Save); err != nil {
		return err
	}
	return updateAccount(ctx, tx, account, change)
}

func deleteCalls(ctx context.Context, tx *sql.Tx, account string, ids []string) error {
	const statement = `delete from papertrade_calls where account = ? and id in (select value from json_each(?))`
	if len(ids) == 0 {
		return nil
	}
	deleted, err := list(ids)
	if err == nil {
		_, err = exec(ctx, tx, statement, account, deleted)
	}
	return err
}

func saveCalls(ctx context.Context, tx *sql.Tx, account string, calls []quota.Call) error {
	const statement = `
insert into papertrade_calls (id, account, cost, from_time, until_time) values (?, ?, ?, ?, ?)
on conflict (id) do update set cost = excluded.cost, from_time = excluded.from_time, until_time = excluded.until_time`
	for _, c := range calls {
		if _, err := exec(ctx, tx, statement, c.ID, account, c.Cost, stamp(c.From), stamp(c.Until)); err != nil {
			return err
		}
	}
	return nil
}

func updateAccount(ctx context.Context, tx *sql.Tx, account string, change quota.Change) error {
	const statement = `
insert into papertrade_accounts as stored (account, held_until, call_ms, not_entitled_at, end_of_day_at, learned)
values (?1, ?2, nullif(?3, 0), ?4, ?5, ?7)
on conflict (account) do update set
    held_until = coalesce(excluded.held_until, stored.held_until), call_ms = coalesce(excluded.call_ms, stored.call_ms),
    not_entitled_at = coalesce(excluded.not_entitled_at, stored.not_entitled_at),
    end_of_day_at = iif(?6, excluded.end_of_day_at, stored.end_of_day_at), learned = coalesce(excluded.learned, stored.learned)`
	isUnchanged := change.HeldUntil.IsZero() && change.CallTime == 0 && change.NotEntitledAt.IsZero()
	if isUnchanged && change.EndOfDayAt == nil && change.Learned == nil {
		return nil
	}
	var endOfDay time.Time
	if change.EndOfDayAt != nil {
		endOfDay = *change.EndOfDayAt
	}
	var learned any // NULL
	if change.Learned != nil {
		text, err := list(change.Learned)
		if err != nil {
			return err
		}
		learned = text
	}
	_, err := exec(ctx, tx, statement,
		account, stamp(change.HeldUntil), change.CallTime.Milliseconds(), stamp(change.NotEntitledAt),
		stamp(endOfDay), change.EndOfDayAt != nil, learned)
	return err
}
