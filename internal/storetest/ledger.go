package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"papertrade/internal/quota"
)

const account = "vendor:0123456789abcdef"

func ledger(t *testing.T, db Database) {
	store, other := db.Open(t), db.Open(t)
	read := func() quota.Account {
		t.Helper()
		a, err := other.Account(t.Context(), account)
		noError(t, err)
		return sorted(a)
	}
	var seen quota.Account
	update := func(since time.Time, change quota.Change) {
		t.Helper()
		noError(t, store.UpdateAccount(t.Context(), account, since, func(a quota.Account) quota.Change {
			seen = sorted(a)
			return change
		}))
	}
	call := func(n, cost int, from, until time.Time) quota.Call {
		return quota.Call{ID: fmt.Sprintf("00000000-0000-0000-0000-%012d", n), Cost: cost, From: from, Until: until}
	}
	equal(t, read(), quota.Account{})
	first := call(1, 1, midnight.Add(123456*time.Microsecond).In(time.FixedZone("", 9*60*60)), midnight.Add(20*time.Second))
	second := call(2, 100, midnight, midnight.Add(20*time.Second))
	update(midnight, quota.Change{Save: []quota.Call{first, second}})
	equal(t, seen, quota.Account{})
	first.From = first.From.UTC()
	equal(t, read(), quota.Account{Calls: []quota.Call{first, second}})

	first.Until, first.Cost = first.From, 7
	third := call(3, 1, midnight.Add(time.Minute), midnight.Add(2*time.Minute))
	update(midnight, quota.Change{Save: []quota.Call{first, third}, Delete: []string{second.ID}})
	equal(t, len(seen.Calls), 2) // as they were before the change
	equal(t, read(), quota.Account{Calls: []quota.Call{first, third}})

	// Calls older than since are gone, even before the callback sees them.
	hold := midnight.Add(24 * time.Hour)
	update(midnight.Add(time.Minute), quota.Change{HeldUntil: hold})
	equal(t, seen, quota.Account{Calls: []quota.Call{third}})
	update(midnight, quota.Change{CallTime: 345 * time.Millisecond})
	update(midnight, quota.Change{})
	equal(t, read(), quota.Account{Calls: []quota.Call{third}, HeldUntil: hold, CallTime: 345 * time.Millisecond})

	// Older versions stored negative ones: nobody knows how long a call takes.
	update(midnight, quota.Change{CallTime: -time.Second})
	equal(t, read().CallTime, 0)
	// What was learned is written as a whole.
	learned := []quota.Learned{
		{Limit: quota.Limit{Calls: 25}, Named: true, At: midnight}, {Limit: quota.Limit{Calls: 1, Window: time.Second}, At: midnight.Add(time.Microsecond)},
	}
	update(midnight, quota.Change{Learned: learned})
	update(midnight, quota.Change{CallTime: 345 * time.Millisecond})
	equal(t, seen.Learned, learned)
	equal(t, read(), quota.Account{Calls: []quota.Call{third}, HeldUntil: hold, CallTime: 345 * time.Millisecond, Learned: learned})
	update(midnight, quota.Change{Learned: learned[1:]})
	equal(t, read().Learned, learned[1:])

	another, err := store.Account(t.Context(), "vendor:fedcba9876543210")
	noError(t, err)
	equal(t, sorted(another), quota.Account{})
}

// Changes of an account leave the others as they are.
func ledgerOfSeveralAccounts(t *testing.T, db Database) {
	store := db.Open(t)
	const other = "vendor:fedcba9876543210"
	call := func(n int) quota.Call {
		return quota.Call{ID: fmt.Sprintf("00000000-0000-0000-0000-%012d", n), Cost: 1, From: midnight, Until: midnight}
	}
	change := func(account string, since time.Time, c quota.Change) {
		t.Helper()
		noError(t, store.UpdateAccount(t.Context(), account, since, func(quota.Account) quota.Change { return c }))
	}
	want := quota.Account{Calls: []quota.Call{call(1)}, HeldUntil: midnight, CallTime: time.Second, NotEntitledAt: midnight}
	change(other, midnight, quota.Change{Save: want.Calls, HeldUntil: want.HeldUntil, CallTime: want.CallTime, NotEntitledAt: want.NotEntitledAt})
	change(account, midnight, quota.Change{
		Save: []quota.Call{call(2)}, Delete: []string{call(1).ID},
		HeldUntil: midnight.Add(time.Hour), CallTime: time.Minute, NotEntitledAt: midnight.Add(time.Hour),
	})
	change(account, midnight, quota.Change{}) // for which a call at that instant is not too old
	got, err := store.Account(t.Context(), account)
	noError(t, err)
	equal(t, got.Calls, []quota.Call{call(2)})
	change(account, midnight.Add(time.Microsecond), quota.Change{})
	got, err = store.Account(t.Context(), account)
	noError(t, err)
	equal(t, len(got.Calls), 0)
	got, err = store.Account(t.Context(), other)
	noError(t, err)
	equal(t, got, want)
}

// sorted returns an account with its calls, whose order means nothing, by ID; no calls are nil.
func sorted(a quota.Account) quota.Account {
	a.Calls = slices.SortedFunc(slices.Values(a.Calls), func(a, b quota.Call) int { return cmp.Compare(a.ID, b.ID) })
	return a
}

// ledgerTakesTurns has several processes record a call whenever they see fewer than ten.
func ledgerTakesTurns(t *testing.T, db Database) {
	var writers sync.WaitGroup
	noError(t, db.Open(t).UpdateAccount(t.Context(), account, midnight, func(quota.Account) quota.Change {
		old := midnight.Add(-time.Hour)
		return quota.Change{Save: []quota.Call{{ID: "00000000-0000-0000-9999-000000000000", Cost: 1, From: old, Until: old}}}
	}))
	for i := range 4 {
		store := db.Open(t)
		writers.Go(func() {
			for n := range 5 {
				err := store.UpdateAccount(t.Context(), account, midnight, func(a quota.Account) quota.Change {
					if len(a.Calls) >= 10 {
						return quota.Change{}
					}
					id := fmt.Sprintf("00000000-0000-0000-%04d-%012d", i, n)
					return quota.Change{Save: []quota.Call{{ID: id, Cost: 1, From: midnight, Until: midnight}}}
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	a, err := db.Open(t).Account(t.Context(), account)
	noError(t, err)
	equal(t, len(a.Calls), 10)
}
