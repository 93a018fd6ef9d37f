package postgres

import (
	"context"
	"encoding/json"
	"errors"
	osexec "os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/internal/retry"
	"papertrade/internal/storetest"
	"papertrade/pkg/marketdata"
)

// lockRefresh locks the job "refresh" until the test ends.
func lockRefresh(t *testing.T, store *Store) {
	t.Helper()
	unlock, err := store.Lock(t.Context(), "refresh")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(unlock)
}

// tokens are the rows of leases: how often each was taken, and whether it is given back.
func tokens(t *testing.T, url string) []string {
	t.Helper()
	return texts(t, url, `select name || ' ' || token || case when holder is null then ' free' else ' held' end
		from papertrade_leases where name <> 'commit' order by name`)
}

func wantLocked(t *testing.T, store *Store) {
	t.Helper()
	if _, err := store.Lock(t.Context(), "refresh"); !errors.Is(err, refresh.ErrLocked) {
		t.Errorf("error %v, want ErrLocked", err)
	}
}

// heldBy makes another process the holder of the lease.
func heldBy(t *testing.T, url string, holder process, expires string) {
	t.Helper()
	run(t, url, `insert into papertrade_leases values ('refresh', 1, '`+encoded(t, holder)+`', '2026-11-21T00:00:01Z', `+expires+`)
		on conflict (name) do update set token = papertrade_leases.token + 1, holder = excluded.holder, expires_at = excluded.expires_at`)
}

func encoded(t *testing.T, holder process) string {
	t.Helper()
	text, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A firewall, a time limit of the server or its administrator cut connections; the run is alive.
func TestLockOutlivesItsConnections(t *testing.T) {
	address := cluster.Clone(t, ownTables)
	unlock, err := openStore(t, address).Lock(t.Context(), "refresh")
	if err != nil {
		t.Fatal(err)
	}
	// With a time limit, the server waits until the process of the connection has ended.
	run(t, address, `select pg_terminate_backend(pid, 5000) from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid() and application_name = 'papertrade'`)
	second := openStore(t, address)
	wantLocked(t, second)
	unlock()
	lockRefresh(t, second)
	diff(t, tokens(t, address), []string{"refresh 2 held"})
}

func TestLockGoesByTheHolder(t *testing.T) {
	ended := osexec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	self := thisProcess()
	if self.Boot == "" || self.Start == "" {
		t.Fatalf("%+v lacks what /proc says", self)
	}
	with := func(change func(*process)) process {
		other := self
		change(&other)
		return other
	}
	const later, past = `clock_timestamp() + interval '1 minute'`, `clock_timestamp() - interval '1 second'`
	elsewhere := with(func(p *process) { p.Boot = "another" })
	tests := []struct {
		name          string
		holder        process
		expires       string
		locked, taken bool
	}{
		{"alive", self, later, true, false},
		{"alive but out of time", self, past, true, true},
		{"ended", with(func(p *process) { p.PID = ended.Process.Pid }), later, false, true},
		{"its number is another's now", with(func(p *process) { p.Start = "1" }), later, false, true},
		{"on another host", elsewhere, later, true, false},
		{"on another host, out of time", elsewhere, past, false, true},
		{"in another container", with(func(p *process) { p.PIDNamespace, p.PID = "pid:[1]", ended.Process.Pid }), later, true, false},
		{"on a system without /proc", process{Host: self.Host, PID: ended.Process.Pid}, later, true, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			address := cluster.Clone(t, ownTables)
			store := openStore(t, address)
			store.leaseTimes.grace = 50 * time.Millisecond
			heldBy(t, address, test.holder, test.expires)
			holder, err := store.Locked(t.Context(), "refresh")
			if err != nil {
				t.Fatal(err)
			}
			diff(t, holder != nil, test.locked)
			if !test.taken {
				wantLocked(t, store)
				diff(t, tokens(t, address), []string{"refresh 1 held"})
				return
			}
			began := time.Now()
			lockRefresh(t, store)
			if took := time.Since(began); test.expires == past && took < store.leaseTimes.grace {
				t.Errorf("it was taken after %v, which leaves its holder no time to renew it", took)
			}
			diff(t, tokens(t, address), []string{"refresh 2 held"})
		})
	}
}

// Whoever is refused learns who is at work.
func TestLockNamesTheHolder(t *testing.T) {
	address := cluster.Clone(t, ownTables)
	heldBy(t, address, process{Host: "alpha", PID: 4711}, `clock_timestamp() + interval '1 minute'`)
	_, err := openStore(t, address).Lock(t.Context(), "refresh")
	if want := "it is process 4711 of host alpha, since 2026-11-21T00:00:01Z"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("error %v, want one that ends with %q", err, want)
	}
}

func TestLeaseIsRenewed(t *testing.T) {
	address := cluster.Clone(t, ownTables)
	store := openStore(t, address)
	store.leaseTimes.life = 30 * time.Millisecond // so that a renewal is due each hundredth of a second
	lockRefresh(t, store)
	run(t, address, `do $$ declare first timestamptz := (select expires_at from papertrade_leases where name = 'refresh'); begin
		while (select expires_at from papertrade_leases where name = 'refresh') < first + interval '200 ms' loop
			perform pg_sleep(0.01);
			if clock_timestamp() > first + interval '20 s' then raise 'it is not renewed'; end if;
		end loop;
	end $$`)
}

// refuseLeases has each write of a lease fail with a code, until the trigger refuse is dropped.
func refuseLeases(t *testing.T, address, code string) {
	t.Helper()
	run(t, address, `create function refuse() returns trigger language plpgsql as $$ begin raise 'refused' using errcode = '`+code+`'; end $$;
		create trigger refuse before insert or update on papertrade.papertrade_leases for each row execute function refuse()`)
}

// A server that does not answer for a while has the lease given back still, unless the process was interrupted: that ends at once.
func TestLeaseIsGivenBackLate(t *testing.T) {
	for name, test := range map[string]struct {
		interrupted bool
		want        string
	}{
		"at the end": {false, "refresh 1 free"}, "interrupted": {true, "refresh 1 held"},
	} {
		t.Run(name, func(t *testing.T) {
			address := cluster.Clone(t, ownTables)
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			unlock, err := openStore(t, address).Lock(ctx, "refresh")
			if err != nil {
				t.Fatal(err)
			}
			refuseLeases(t, address, "57P03")
			if test.interrupted {
				interrupt()
			}
			returned := make(chan struct{})
			go func() {
				unlock()
				close(returned)
			}()
			time.Sleep(4 * closeTimeout)
			run(t, address, `drop trigger refuse on papertrade.papertrade_leases`)
			<-returned
			diff(t, tokens(t, address), []string{test.want})
		})
	}
}

// Another that waits for its turn does not get it because the database was away for longer than a lease lasts.
func TestLeaseOutlivesAnOutage(t *testing.T) {
	address := cluster.Clone(t, ownTables)
	first, second := openStore(t, address), openStore(t, address)
	first.leaseTimes = leaseTimes{life: 300 * time.Millisecond, retry: 100 * time.Millisecond}
	second.leaseTimes.grace = time.Second
	var failures atomic.Int32
	first.OnRenewalFailure(func(error) { failures.Add(1) })
	lockRefresh(t, first)
	refuseLeases(t, address, "57P03")
	run(t, address, `select pg_sleep_until(expires_at + interval '300 ms') from papertrade_leases where name = 'refresh'`)
	taken := make(chan error, 1)
	go func() {
		_, err := second.take(context.Background(), "refresh")
		taken <- err
	}()
	time.Sleep(200 * time.Millisecond) // in which it finds that the lease has run out
	run(t, address, `drop trigger refuse on papertrade.papertrade_leases`)
	if err := <-taken; !errors.Is(err, refresh.ErrLocked) {
		t.Errorf("error %v, want ErrLocked", err)
	}
	diff(t, tokens(t, address), []string{"refresh 1 held"})
	diff(t, failures.Load(), int32(1))
}

// A holder that is dead blocks others for a minute at most, and one that lives has time to renew its lease after an outage.
func TestLeaseTimes(t *testing.T) {
	l := defaultLeaseTimes
	if l.life+l.grace > time.Minute || l.grace <= 3*l.retry || l.grace >= retry.NoticeAfter {
		t.Errorf("%+v", l)
	}
}

// A process that was halted for long, or cut off, finds that another has taken its lease: with the same token, if a server took
// over, or a backup was restored, that does not know of the first time.
func TestLostLeaseWritesNothing(t *testing.T) {
	for name, lose := range map[string]func(t *testing.T, address string){
		"taken": func(t *testing.T, address string) {
			heldBy(t, address, process{Host: "beta", PID: 1}, `clock_timestamp() + interval '1 minute'`)
		},
		"taken where it was not known": func(t *testing.T, address string) {
			run(t, address, `delete from papertrade_leases where name = 'refresh'`)
			lockRefresh(t, openStore(t, address))
			diff(t, tokens(t, address), []string{"refresh 1 held", "tasks 1 1 held"})
		},
		"taken where it was free": func(t *testing.T, address string) {
			run(t, address, `update papertrade_leases set token = token - 1, holder = null where name = 'refresh'`)
			lockRefresh(t, openStore(t, address))
			diff(t, tokens(t, address), []string{"refresh 1 held", "tasks 1 1 held"})
		},
		"not known": func(t *testing.T, address string) {
			run(t, address, `delete from papertrade_leases where name = 'refresh'`)
		},
	} {
		t.Run(name, func(t *testing.T) { wantNothingWritten(t, lose) })
	}
}

// wantNothingWritten demands that a store which has lost its lease writes nothing.
func wantNothingWritten(t *testing.T, lose func(t *testing.T, address string)) {
	t.Helper()
	address := cluster.Clone(t, served)
	store := openStore(t, address)
	record := refresh.RunRecord{ID: "00000000-0000-0000-0000-000000000001", JobName: "refresh", StartedAt: time.Now(), Status: "RUNNING"}
	unlock, err := store.Lock(t.Context(), "refresh")
	if err == nil {
		err = store.BeginRun(t.Context(), record, true)
	}
	if err != nil {
		t.Fatal(err)
	}
	queue := openTasks(t, store)
	run(t, address, `insert into backfill_tasks (id, ticker, start_date, end_date, priority, status, created_at)
		values (gen_random_uuid(), 'IBM', '2026-11-02', '2026-11-13', 'low', 'pending', now())`)
	const everything = `
		select to_jsonb(t)::text from job_executions as t union all select to_jsonb(t)::text from price_history as t
		union all select to_jsonb(t)::text from papertrade_ticker_states as t union all select to_jsonb(t)::text from papertrade_accounts as t
		union all select to_jsonb(t)::text from backfill_tasks as t union all select to_jsonb(t)::text from papertrade_leases as t
		union all select to_jsonb(t)::text from papertrade_task_claims as t order by 1`
	lose(t, address)
	before := texts(t, address, everything)

	ibm := marketdata.MustParseTicker("IBM")
	next := record
	next.ID = "00000000-0000-0000-0000-000000000002"
	batch := refresh.Batch{Run: record, Prices: []refresh.Price{{
		Bar:       marketdata.Bar{Ticker: ibm, Close: decimal.New(125, -2), Currency: "USD"},
		Timestamp: time.Date(2026, 11, 20, 21, 0, 0, 0, time.UTC),
		Source:    "alpha_vantage", Interval: refresh.IntervalDaily, FetchedAt: time.Now(),
	}}}
	ctx := t.Context()
	for name, write := range map[string]func() error{
		"batch":                            func() error { _, err := store.CommitBatch(ctx, batch); return err },
		"batch with a row that is refused": func() error { _, err := store.commitInParts(ctx, batch); return err },
		"beginning":                        func() error { return store.BeginRun(ctx, next, true) },
		"active tickers":                   func() error { return store.NoteActive(ctx, []marketdata.Ticker{ibm}, time.Now()) },
		"calls": func() error {
			return store.UpdateAccount(ctx, "key", time.Time{}, func(quota.Account) quota.Change { return quota.Change{} })
		},
		"tasks": func() error { _, err := queue.Claim(ctx, 1, 1, nil); return err },
		"end":   func() error { return store.FinishRun(ctx, record) },
	} {
		t.Run(name, func(t *testing.T) { storetest.WantError(t, write(), refresh.ErrLeaseLost) })
	}
	if err := store.renew(ctx, store.leases.all()[0], time.Minute); err != nil {
		t.Error(err)
	}
	unlock() // which gives back only what is its own
	diff(t, texts(t, address, everything), before)
}

// Only what another process has is locked: a deadlock, or whatever else keeps the lease from being taken, is another error.
func TestFailureToTakeALeaseIsNoLock(t *testing.T) {
	for _, code := range []string{"40001", "40P01"} {
		address := cluster.Clone(t, ownTables)
		store := openStore(t, address)
		store.leaseTimes.grace = 0
		heldBy(t, address, process{Host: "beta", PID: 1}, `clock_timestamp() - interval '1 hour'`)
		refuseLeases(t, address, code)
		_, lockErr := store.Lock(t.Context(), "refresh")
		for what, err := range map[string]error{"lock": lockErr, "revoke": store.revokeDead(t.Context(), "refresh")} {
			if !IsTransient(err) || errors.Is(err, refresh.ErrLocked) {
				t.Errorf("%s: error %v, want %s, which is tried again", what, err, code)
			}
		}
	}
}

// Nobody takes a lease amid a transaction of the one who has it, though it has run out: what that writes comes before.
func TestLeaseIsTakenAfterATransaction(t *testing.T) {
	address := cluster.Clone(t, ownTables)
	first, second := openStore(t, address), openStore(t, address)
	second.leaseTimes.grace = 0
	lockRefresh(t, first)
	run(t, address, `update papertrade_leases set expires_at = clock_timestamp() - interval '1 second' where name = 'refresh'`)
	taken := make(chan error, 1)
	err := transact(t.Context(), first.pool, func(tx pgx.Tx) error {
		if err := first.fence(t.Context(), tx); err != nil {
			return err
		}
		go func() {
			_, err := second.Lock(context.Background(), "refresh")
			taken <- err
		}()
		// Each look is a transaction of its own, in which the activity does not change.
		const waiting = `select 'one' from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
		for deadline := time.Now().Add(20 * time.Second); texts(t, address, waiting) == nil; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				return errors.New("nobody waits for the lease")
			}
		}
		diff(t, tokens(t, address), []string{"refresh 1 held"})
		return first.fence(t.Context(), tx)
	})
	if err := errors.Join(err, <-taken); err != nil {
		t.Fatal(err)
	}
	diff(t, tokens(t, address), []string{"refresh 2 held"})
}
