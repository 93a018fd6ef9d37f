package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"papertrade/internal/refresh"
	"papertrade/internal/storetest"
)

// openLimited opens a database with other limits than those of the program; zero ones are long.
func openLimited(t *testing.T, address string, l limits) *Store {
	t.Helper()
	for _, limit := range []*time.Duration{&l.statement, &l.lock, &l.silence} {
		if *limit == 0 {
			*limit = time.Minute
		}
	}
	config, err := poolConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	// A connection is used as it is, though it was idle for a second: one that is halted is to be met by a statement.
	config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	store, err := open(t.Context(), config, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// Each way to run a statement has the limits, and leaves no settings in the session, which a pooler gives to others.
func TestStatementsHaveLimits(t *testing.T) {
	address := cluster.Clone(t, ownTables)
	store := openLimited(t, address, limits{})
	store.pool.limits = limits{statement: 300 * time.Millisecond, lock: 50 * time.Millisecond} // to open it may take longer
	ctx := t.Context()
	ways := map[string]func(statement string) error{
		"query": func(statement string) error {
			_, err := query(ctx, store.pool, pgx.RowTo[*string], statement, nil)
			return err
		},
		"exec": func(statement string) error {
			_, err := exec(ctx, store.pool, statement, nil)
			return err
		},
		"batch": func(statement string) error {
			var batch pgx.Batch
			batch.Queue(statement)
			return send(ctx, store.pool, &batch)
		},
		"transaction": func(statement string) error {
			return transact(ctx, store.pool, func(tx pgx.Tx) error {
				_, err := exec(ctx, tx, statement, nil)
				return err
			})
		},
	}
	other := connect(t, address)
	defer other.Close(ctx)
	if _, err := other.Exec(ctx, `begin; insert into papertrade_accounts (account) values ('key')`); err != nil {
		t.Fatal(err)
	}
	for way, run := range ways {
		t.Run(way, func(t *testing.T) {
			for code, statement := range map[string]string{
				queryCanceled:    `select pg_sleep(20)::text`,
				lockNotAvailable: `insert into papertrade.papertrade_accounts (account) values ('key') returning account`,
			} {
				err := run(statement)
				if answer := (*pgconn.PgError)(nil); !errors.As(err, &answer) || answer.Code != code || !IsTransient(err) {
					t.Errorf("%s: error %v (transient: %t), want %s", statement, err, IsTransient(err), code)
				}
				if !IsTimeout(err) || errors.Is(err, ErrTooSlow) != (code == queryCanceled) {
					t.Errorf("%v: IsTimeout is %t, ErrTooSlow %t", err, IsTimeout(err), errors.Is(err, ErrTooSlow))
				}
			}
		})
	}
	var settings []string
	err := store.pool.unlimited.QueryRow(ctx, `select array[current_setting('statement_timeout'), current_setting('lock_timeout')]`).Scan(&settings)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, settings, []string{"0", "0"})
	diff(t, string(ErrTooSlow), "a statement took longer than "+defaultLimits.statement.String())
}

// A server that is halted ends no statement. Its clients do, whatever they were at, and find it again.
func TestSilentServer(t *testing.T) {
	address := cluster.Clone(t, ownTables)
	silent := limits{silence: time.Second}
	read := func(ctx context.Context, store *Store) error {
		_, err := store.Watchlist(ctx, false)
		return err
	}
	for name, op := range map[string]func(ctx context.Context, store *Store) error{"read": read, "write": addIBM} {
		t.Run(name, func(t *testing.T) {
			store := openHalted(t, address, silent)
			start := time.Now()
			err := op(t.Context(), store)
			if took := time.Since(start); !IsTransient(err) || took > 10*time.Second {
				t.Errorf("error %v after %v, want a transient one at once", err, took)
			}
			storetest.WantError(t, err, refresh.ErrUnreachable)
			if err := op(t.Context(), store); err != nil { // by a connection that is not halted
				t.Error(err)
			}
		})
	}
	store := openHalted(t, address, limits{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := read(ctx, store); !errors.Is(err, context.DeadlineExceeded) || IsTransient(err) {
		t.Errorf("error %v, want that of the context, which is not tried again", err)
	}
}

// openHalted opens a database and halts its connections. One that has met a halted server keeps none for certain: what
// is left of a connection that it gave up has it drop the others a while later.
func openHalted(t *testing.T, address string, l limits) *Store {
	t.Helper()
	store := openLimited(t, address, l)
	if store.pool.unlimited.Stat().IdleConns() == 0 {
		t.Fatal("no connection is open")
	}
	halt(t, address)
	return store
}

// A server that was the primary refuses to write. The next connection is to one that may not.
func TestReadOnlyServerIsLeft(t *testing.T) {
	address := cluster.Clone(t, ownTables)
	setReadOnly := func(value string) {
		run(t, address, `do $$ begin execute format('alter database %I set default_transaction_read_only = `+value+`', current_database()); end $$`)
	}
	setReadOnly("on")
	store := openStore(t, address)
	conn := connect(t, withParameter(t, address, "default_transaction_read_only", "off"))
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `do $$ begin execute format('alter database %I reset all', current_database()); end $$`); err != nil {
		t.Fatal(err)
	}
	storetest.WantError(t, addIBM(t.Context(), store), refresh.ErrReadOnly)
	if err := addIBM(t.Context(), store); err != nil {
		t.Error(err)
	}
}

// The answer to the one who takes a lease is lost: it is its own, and nobody else's.
func TestLeaseWhoseAnswerWasLost(t *testing.T) {
	address := cluster.Clone(t, ownTables)
	first, second := openStore(t, address), openStore(t, address)
	if _, err := first.take(t.Context(), "refresh"); err != nil { // which does not note that it has it
		t.Fatal(err)
	}
	wantLocked(t, second)
	lockRefresh(t, first)
	wantLocked(t, first)
	wantLocked(t, second)
	diff(t, tokens(t, address), []string{"refresh 2 held"})
}

// A lease that ran out while the database did not answer goes on if nobody has taken it.
func TestLeaseThatRanOutGoesOn(t *testing.T) {
	address := cluster.Clone(t, ownTables)
	store := openStore(t, address)
	lockRefresh(t, store)
	run(t, address, `update papertrade_leases set expires_at = clock_timestamp() - interval '5 minutes' where name = 'refresh'`)
	record := refresh.RunRecord{ID: "00000000-0000-0000-0000-000000000001", JobName: "refresh", StartedAt: time.Now(), Status: "RUNNING"}
	if err := store.BeginRun(t.Context(), record, true); err != nil {
		t.Error(err)
	}
	if err := store.renew(t.Context(), store.leases.all()[0], time.Minute); err != nil {
		t.Error(err)
	}
	wantLocked(t, openStore(t, address))
	diff(t, texts(t, address, `select (expires_at > clock_timestamp())::text from papertrade_leases where name = 'refresh'`), []string{"true"})
}

// halt halts the processes of the server that serve the program, until the test ends.
func halt(t *testing.T, address string) {
	t.Helper()
	const backends = `select pid::text from pg_stat_activity where datname = current_database() and application_name = 'papertrade'`
	for _, text := range texts(t, address, backends) {
		pid, err := strconv.Atoi(text)
		if err == nil {
			err = syscall.Kill(pid, syscall.SIGSTOP)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	}
}

// What can pass by itself is distinguished from what a person must put right.
func TestTransientErrors(t *testing.T) {
	address := cluster.Clone(t, ownTables)
	role, database := withParameter(t, address, "user", "nobody_of_that_name"), withParameter(t, address, "dbname", "none_of_that_name")
	for name, test := range map[string]struct {
		url  string
		want bool
	}{
		"nobody listens":           {"postgres://papertrade@127.0.0.1:1/papertrade?sslmode=disable", true},
		"the role is missing":      {role, false},
		"the database is missing":  {database, false},
		"the URL cannot be read":   {"postgres://%zz@localhost/papertrade", false},
		"the server has no TLS":    {withParameter(t, address, "sslmode", "require"), false},
		"TLS is tried first":       {withParameter(t, withParameter(t, address, "sslmode", "prefer"), "user", "nobody_of_that_name"), false},
		"the server is restarting": {serveOnce(t, "SFATAL\x00C57P03\x00Mthe database system is shutting down\x00\x00"), true},
		"too many connections":     {serveOnce(t, "SFATAL\x00C53300\x00Msorry, too many clients already\x00\x00"), true},
		"the server dies at once":  {serveOnce(t, ""), true},
		"no pooler's database":     {serveOnce(t, "SFATAL\x00C08P01\x00Mno such database: papertrade\x00\x00"), false},
		"the pooler has no room":   {serveOnce(t, "SFATAL\x00C08P01\x00Mno more connections allowed (max_client_conn)\x00\x00"), true},
	} {
		t.Run(name, func(t *testing.T) {
			store, err := Open(t.Context(), test.url)
			if err == nil {
				store.Close()
			}
			diff(t, IsTransient(err), test.want)
			if t.Failed() {
				t.Log(err)
			}
		})
	}
	for code, want := range map[string]bool{
		"40001": true, "40P01": true, "57P01": true, "53300": true, "08006": true, "57014": true, "55P03": true,
		"25006": false, "42501": false, "23505": false, "42P01": false, "53100": false, "28P01": false, "XX000": false, "": false,
	} {
		diff(t, IsTransient(translate(&pgconn.PgError{Code: code})), want)
	}
	for words, want := range map[string]bool{
		"transaction blocks not allowed in statement pooling mode": false, "unsupported startup parameter: lock_timeout": false,
		"no such database: x": false, `database "x" does not exist`: false, "no such user: x": false, `role "x" does not exist`: false,
		"SASL authentication failed": false, `password authentication failed for user "x"`: false, "SSL required": false,
		`server login has been failing, cached error: database "x" does not exist (server_login_retry)`: false,
		"server login has been failing, try again later (server_login_retry)":                           true,
		"the database system is starting up":                                                            true, "the database system is shutting down": true,
		"query_wait_timeout": true, "server closed the connection": true, "server conn crashed?": true, "pgbouncer cannot connect to server": true,
		"database configuration changed": true, "server connections dropped, exiting": true, "client_login_timeout (server down)": true,
	} {
		if got := IsTransient(translate(&pgconn.PgError{Code: "08P01", Message: words})); got != want {
			t.Errorf("%s: transient %t, want %t", words, got, want)
		}
	}
	diff(t, slices.ContainsFunc([]error{nil, refresh.ErrLeaseLost, refresh.ErrLocked, refresh.ErrRowRefused, context.Canceled, errors.New("a bug")},
		IsTransient), false)
}

// serveOnce returns the URL of a server that answers each client with an error, of which there are the fields, and leaves.
func serveOnce(t *testing.T, fields string) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1<<10))
			if fields != "" {
				_, _ = conn.Write(append(binary.BigEndian.AppendUint32([]byte("E"), uint32(4+len(fields))), fields...))
			}
			conn.Close()
		}
	}()
	return "postgres://papertrade@" + listener.Addr().String() + "/papertrade?sslmode=disable"
}
