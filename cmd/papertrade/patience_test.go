package main

import (
	"bufio"
	"bytes"
	"context"
	dbsql "database/sql"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"papertrade/internal/config"
	"papertrade/internal/fakevantage"
	"papertrade/internal/pgtest"
	"papertrade/internal/postgres"
	"papertrade/internal/refresh"
)

// trial is a run of a real process in which something happens to its database.
type trial struct {
	db       *database // as the test reaches it
	url      string    // as the process does
	dir      string
	log      string
	lines    *bufio.Scanner
	cmd      *exec.Cmd
	stdout   bytes.Buffer
	stderr   strings.Builder
	patience string
}

// start starts a command, whose vendor takes a while to answer.
func (r *trial) start(t *testing.T, args ...string) {
	t.Helper()
	r.log = filepath.Join(t.TempDir(), "arrivals.jsonl")
	r.cmd = exec.CommandContext(t.Context(), "papertrade", args...) // which ends with a test that has failed
	r.cmd.Env = append(environWithoutSettings(), "HOME="+r.dir, "GORACE=atexit_sleep_ms=0", "ALPHAVANTAGE_API_KEY="+apiKey,
		"PAPERTRADE_DATABASE_URL="+r.url, "PAPERTRADE_DATABASE_PATIENCE="+r.patience, "PAPERTRADE_ALPHAVANTAGE_RATE_LIMITS=100/1s,500/day",
		"PAPERTRADE_REFRESH_BATCH_DELAY=0s", "PAPERTRADE_REFRESH_BATCH_SIZE=2",
		"PAPERTRADE_ALPHAVANTAGE_BASE_URL="+startVendor(t, "--log", r.log, "--at", "2026-11-21T00:00:00Z", "--latency", "100ms"))
	r.stdout.Reset()
	r.cmd.Stdout = &r.stdout
	stderr, err := r.cmd.StderrPipe()
	if err == nil {
		err = r.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	r.lines = bufio.NewScanner(stderr)
}

// await reads the log until a text comes.
func (r *trial) await(t *testing.T, text string) {
	t.Helper()
	for r.lines.Scan() {
		fmt.Fprintln(&r.stderr, r.lines.Text())
		if strings.Contains(r.lines.Text(), text) {
			return
		}
	}
	t.Fatalf("no %q in\n%s", text, r.stderr.String())
}

// end returns the exit status.
func (r *trial) end() int {
	for r.lines.Scan() {
		fmt.Fprintln(&r.stderr, r.lines.Text())
	}
	_ = r.cmd.Wait() // its status is what is asked about
	return r.cmd.ProcessState.ExitCode()
}

// isOnce checks that a run of seven tickers succeeded, and that everything is as if nothing had happened: stored once and as
// reported, with as many calls in the ledger as the vendor counted, and one record.
func (r *trial) isOnce(t *testing.T, stored int) {
	t.Helper()
	if status := r.end(); status != 0 {
		t.Fatalf("exit status %d\n%s", status, r.stderr.String())
	}
	var report struct {
		Status  string
		Calls   int
		Tickers []struct{ Stored int }
	}
	if err := json.Unmarshal(r.stdout.Bytes(), &report); err != nil {
		t.Fatalf("%v: %s", err, r.stdout.String())
	}
	reported := 0
	for _, ticker := range report.Tickers {
		reported += ticker.Stored
	}
	arrivals := r.arrivals(t)
	got := []any{report.Status, report.Calls, reported}
	if diff := cmp.Diff([]any{"succeeded", arrivals, stored}, got); diff != "" {
		t.Errorf("report (-want +got)\n%s\n%s", diff, r.stderr.String())
	}
	for query, want := range map[string]string{
		`select status from job_executions order by started_at desc limit 1`:                                                   "SUCCEEDED\n",
		`select count(*) from (select count(*) from price_history group by ticker, "timestamp" having count(*) > 1) as double`: "0\n",
	} {
		r.finds(t, query, want)
	}
}

func (r *trial) arrivals(t *testing.T) int {
	t.Helper()
	file, err := os.Open(r.log)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	arrivals, err := fakevantage.ReadArrivals(file)
	if err != nil {
		t.Fatal(err)
	}
	return len(arrivals)
}

// comes waits until a query finds something.
func (r *trial) comes(t *testing.T, query, want string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		got, err := r.db.query(query)
		if err == nil && got == want {
			return
		}
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("%s: %q, want %q; error %v\n%s", query, got, want, err, r.stderr.String())
		}
	}
}

func (r *trial) finds(t *testing.T, query, want string) {
	t.Helper()
	got, err := r.db.query(query)
	if err != nil || got != want {
		t.Errorf("%s: %q, want %q; error %v\n%s", query, got, want, err, r.stderr.String())
	}
}

// sql opens a connection of another program.
func (r *trial) sql(t *testing.T) *dbsql.Conn {
	t.Helper()
	db, err := dbsql.Open(r.db.driver, r.db.dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func exec1(t *testing.T, conn *dbsql.Conn, statement string) {
	t.Helper()
	if _, err := conn.ExecContext(t.Context(), statement); err != nil {
		t.Errorf("%s: %v", statement, err)
	}
}

func newTrial(t *testing.T, kind string) *trial {
	t.Helper()
	dir := t.TempDir()
	db, err := startDatabases(t, kind).create(dir, kind)
	if err != nil {
		t.Fatal(err)
	}
	return &trial{db: db, url: db.url, dir: dir, patience: "1m"}
}

const backendsOfProgram = `from pg_stat_activity where datname = current_database() and application_name = 'papertrade'`

// refresh starts a refresh.
func (r *trial) refresh(t *testing.T) {
	t.Helper()
	r.start(t, "refresh", "--at", "2026-11-21", "-o", "json", "--log-format", "json", "--batch-delay", "1s") // so that it is not over before
}

// Whatever happens to the server or to what it has locked during a run, the run waits for it and ends as if nothing had happened.
func TestRunOutlastsItsDatabase(t *testing.T) {
	tests := map[string]struct {
		kind    string
		happens func(t *testing.T, r *trial) // to a refresh that it starts
		log     string                       // a pattern; "" for none
	}{
		"connections are cut all the time": {"postgres-own", func(t *testing.T, r *trial) {
			conn := r.sql(t)
			r.refresh(t)
			r.await(t, "batch committed")
			for range 5 {
				exec1(t, conn, `select pg_terminate_backend(pid) `+backendsOfProgram)
				time.Sleep(200 * time.Millisecond)
			}
		}, ""},
		"the server is halted for a while": {"postgres-own", func(t *testing.T, r *trial) {
			r.refresh(t)
			r.await(t, "batch committed")
			pids, err := r.db.query(`select pid ` + backendsOfProgram)
			if err != nil {
				t.Fatal(err)
			}
			for _, sig := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT} {
				for _, text := range strings.Fields(pids) {
					pid, err := strconv.Atoi(text)
					if err != nil {
						t.Fatal(err)
					}
					_ = syscall.Kill(pid, sig) // it may have ended
				}
				time.Sleep(time.Second)
			}
		}, ""},
		"somebody has the table locked": {"postgres-own", func(t *testing.T, r *trial) {
			conn := r.sql(t)
			r.refresh(t)
			r.await(t, "batch committed")
			exec1(t, conn, `begin; lock table price_history in share mode`)
			r.await(t, "waiting for the database")
			exec1(t, conn, `rollback`)
		}, `(?s)lock timeout.*waiting for the database.*the database answers again`},
		"the server is a standby until another one has its address": {"postgres-own", func(t *testing.T, r *trial) {
			conn := r.sql(t)
			r.refresh(t)
			r.await(t, "batch committed")
			exec1(t, conn, readOnlyFromNowOn)
			exec1(t, conn, `select pg_terminate_backend(pid) `+backendsOfProgram)
			time.Sleep(2 * time.Second)
			exec1(t, conn, `set transaction_read_only = off; `+strings.ReplaceAll(readOnlyFromNowOn, "= on", "= off"))
		}, ""},
		"somebody has the file locked": {"sqlite-own", func(t *testing.T, r *trial) {
			r.start(t, "migrate") // which makes the file
			if status := r.end(); status != 0 {
				t.Fatal(r.stderr.String())
			}
			conn := r.sql(t)
			exec1(t, conn, `begin immediate`)
			r.refresh(t)
			r.await(t, "waiting for the database")
			exec1(t, conn, `rollback`)
		}, `waiting for the database(?s:.*)the database answers again`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newTrial(t, test.kind)
			test.happens(t, r)
			r.isOnce(t, 0)
			r.finds(t, `select count(*) from price_history`, "7\n")
			r.finds(t, `select count(*) from papertrade_calls where from_time = until_time`, "7\n")
			r.finds(t, `select count(*) from papertrade_calls`, "7\n")
			if !regexp.MustCompile(test.log).MatchString(r.stderr.String()) {
				t.Errorf("no %s in\n%s", test.log, r.stderr.String())
			}
		})
	}
}

const readOnlyFromNowOn = `do $$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $$`

// A run that has not written yet is not one whose server has changed: it refuses at once.
func TestRunDoesNotWaitForAStandby(t *testing.T) {
	t.Parallel()
	r := newTrial(t, "postgres-own")
	exec1(t, r.sql(t), readOnlyFromNowOn)
	r.start(t, "refresh", "--at", "2026-11-21")
	status := r.end()
	said := r.stderr.String()
	if status != 1 || !strings.Contains(said, "read-only") || strings.Contains(said, "tried again") {
		t.Errorf("exit status %d: %s", status, said)
	}
}

// What passes is waited for as long as the settings say; what a time limit ends, for a minute.
func TestRetryLimit(t *testing.T) {
	one := loadConfig(t, "PAPERTRADE_DATABASE_URL=postgres://ada@a/db")
	several := loadConfig(t, "PAPERTRADE_DATABASE_URL=postgres://ada@a,b/db")
	file := loadConfig(t, "PAPERTRADE_DATABASE_URL=sqlite:////var/lib/a.db")
	for _, tt := range []struct {
		c          *config.Config
		err        error
		hasWritten bool
		want       time.Duration
	}{
		{one, refresh.ErrReadOnly, false, 0},
		{one, refresh.ErrReadOnly, true, 5 * time.Minute},
		{several, refresh.ErrReadOnly, false, 5 * time.Minute},
		{file, refresh.ErrReadOnly, true, 0},
		{one, &pgconn.PgError{Code: "57014"}, true, time.Minute},
		{one, &pgconn.PgError{Code: "55P03"}, true, time.Minute},
		{one, &pgconn.PgError{Code: "40P01"}, true, 5 * time.Minute},
		{one, postgres.ErrNoDatabase, true, 0},
	} {
		if got := retryLimit(tt.c, tt.err, tt.hasWritten); got != tt.want {
			t.Errorf("%s, %v (has written: %t): %v, want %v", tt.c.Database, tt.err, tt.hasWritten, got, tt.want)
		}
	}
}

const waitingForLock = backendsOfProgram + ` and wait_event_type = 'Lock'`

// Somebody has a row locked for longer than a statement waits for it: the run tries again.
func TestRunOutlastsALockedRow(t *testing.T) {
	t.Parallel()
	r := newTrial(t, "postgres-own")
	other := r.lockMSFT(t)
	first, err := r.db.query(`select min(xact_start)::text ` + waitingForLock)
	if err != nil {
		t.Fatal(err)
	}
	r.comes(t, `select exists (select `+waitingForLock+` and xact_start > '`+strings.TrimSpace(first)+`')`, "true\n")
	r.await(t, "waiting for the database")
	exec1(t, other, `rollback`)
	r.isOnce(t, 0)
	want := regexp.MustCompile(`(?s)"operation":"store the batch".*"message":"waiting for the database".*the database answers again`)
	if !want.MatchString(r.stderr.String()) {
		t.Errorf("no %s in\n%s", want, r.stderr.String())
	}
}

// Two who write the same rows in different orders wait for each other until the server ends one of them: the run, since it looks for
// a deadlock before the other does, and before its limit for locks.
func TestRunOutlastsADeadlock(t *testing.T) {
	t.Parallel()
	r := newTrial(t, "postgres-own")
	name, err := r.db.query(`select current_database()`)
	if err != nil {
		t.Fatal(err)
	}
	exec1(t, r.sql(t), `alter database `+strings.TrimSpace(name)+` set deadlock_timeout = '3s'`) // of sessions to come
	other := r.lockMSFT(t)
	exec1(t, other, `set local deadlock_timeout = '1min'`)
	exec1(t, other, `update price_history set volume = volume where ticker = 'META'`)
	exec1(t, other, `commit`)
	r.isOnce(t, 0)
	r.comes(t, `select deadlocks from pg_stat_database where datname = current_database()`, "1\n") // once the session has ended
}

// lockMSFT has another program lock a price of MSFT, and starts a run that waits for it.
func (r *trial) lockMSFT(t *testing.T) (other *dbsql.Conn) {
	t.Helper()
	refresh := []string{"refresh", "--at", "2026-11-21", "-o", "json", "--log-format", "json", "--batch-size", "7"}
	r.start(t, refresh...)
	r.isOnce(t, 0)
	other = r.sql(t)
	exec1(t, other, `begin; update price_history set volume = volume where ticker = 'MSFT'`)
	r.start(t, append(refresh, "--force")...)
	r.comes(t, `select exists (select `+waitingForLock+`)`, "true\n")
	return other
}

// So is whoever changes the watchlist.
func TestWatchlistOutlastsADeadlock(t *testing.T) {
	t.Parallel()
	r := newTrial(t, "postgres-own")
	other := r.sql(t)
	exec1(t, other, `begin; update ticker_watchlist set updated_at = now() where ticker = 'TSLA'`)
	r.start(t, "watchlist", "add", "AAPL", "TSLA", "--priority", "3")
	for waits := ""; waits != "true\n"; time.Sleep(10 * time.Millisecond) {
		var err error
		if waits, err = r.db.query(`select exists (select ` + backendsOfProgram + ` and wait_event_type = 'Lock')`); err != nil {
			t.Fatal(err)
		}
	}
	exec1(t, other, `update ticker_watchlist set updated_at = now() where ticker = 'AAPL'`)
	exec1(t, other, `commit`)
	if status := r.end(); status != 0 {
		t.Errorf("exit status %d: %s", status, r.stderr.String())
	}
	r.finds(t, `select count(*) from ticker_watchlist where ticker in ('AAPL', 'TSLA') and priority = 3`, "2\n")
	r.finds(t, `select deadlocks from pg_stat_database where datname = current_database()`, "1\n")
}

// A server restarts: at the beginning of a run, and in its midst.
func TestRunOutlastsARestart(t *testing.T) {
	t.Parallel()
	cluster.Get(t) // which leaves the test out if there is no Postgres
	private, err := pgtest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := private.Stop(); err != nil {
			t.Error(err)
		}
	})
	db, err := (&databases{private}).createPostgres("template0")
	if err != nil {
		t.Fatal(err)
	}
	r := &trial{db: db, url: db.url, dir: t.TempDir(), patience: "1m"}
	r.start(t, "migrate")
	if status := r.end(); status != 0 {
		t.Fatal(r.stderr.String())
	}
	r.start(t, "refresh", "--at", "2026-11-21", "-o", "json")
	r.await(t, "batch committed")
	if err := private.Restart(t.Context(), time.Second); err != nil {
		t.Fatal(err)
	}
	r.isOnce(t, 0)
	r.finds(t, `select count(*) from price_history`, "7\n")

	restarted := make(chan error, 1)
	go func() { restarted <- private.Restart(context.WithoutCancel(t.Context()), 2*time.Second) }()
	time.Sleep(500 * time.Millisecond) // until it is down
	r.start(t, "refresh", "--at", "2026-11-21", "-o", "json", "--force")
	r.isOnce(t, 0)
	if err := <-restarted; err != nil {
		t.Fatal(err)
	}
}

// The answer to each commit is lost once: it is found done, or is done again.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	r := newTrial(t, "postgres-own")
	var lost atomic.Int64
	r.url = startLossyProxy(t, r.db, &lost)
	r.start(t, "refresh", "--at", "2026-11-21", "-o", "json")
	r.isOnce(t, 0)
	r.finds(t, `select count(*) from price_history`, "7\n")
	r.finds(t, `select count(*) from papertrade_calls`, "7\n")
	r.finds(t, `select count(*) from papertrade_calls where from_time = until_time`, "7\n")
	r.finds(t, `select count(*) from job_executions`, "1\n")
	if lost.Load() < 8 { // the lock, its return, the active tickers, the record twice, batches and calls
		t.Errorf("%d answers were lost", lost.Load())
	}

	// Bars of the past are reported as stored though they are there when they are written again.
	r.start(t, "backfill", "--from", "2026-11-16", "--at", "2026-11-21", "-o", "json")
	r.isOnce(t, 7*4)
	r.finds(t, `select count(*) from price_history`, "35\n")
	r.finds(t, `select count(*) from papertrade_leases where holder is not null`, "0\n")

	// What is added and removed is reported so, though it is there, or gone, when it is done again.
	for _, command := range []struct{ name, isActive string }{{"add", "true"}, {"remove", "false"}} {
		before := lost.Load()
		r.start(t, "watchlist", command.name, "IBM", "-o", "csv")
		if status := r.end(); status != 0 || !strings.Contains(r.stdout.String(), "IBM") || lost.Load() == before {
			t.Errorf("watchlist %s: exit status %d, %d answers lost: %s%s", command.name, status, lost.Load()-before, &r.stdout, &r.stderr)
		}
		r.finds(t, `select is_active from ticker_watchlist where ticker = 'IBM'`, command.isActive+"\n")
	}
	r.start(t, "watchlist", "remove", "IBM")
	if status := r.end(); status != 1 || !strings.Contains(r.stderr.String(), "not on the watchlist: IBM") {
		t.Errorf("removed again: exit status %d: %s", status, &r.stderr)
	}
}

// A database that does not come back ends a run with the reason, and without a wait at each of its last steps.
func TestRunGivesUp(t *testing.T) {
	t.Parallel()
	r := newTrial(t, "postgres-own")
	r.patience = "2s"
	stop := refusingProxy(t, r)
	r.start(t, "refresh", "--at", "2026-11-21")
	r.await(t, "batch committed")
	stop()
	start := time.Now()
	if status := r.end(); status != 1 {
		t.Errorf("exit status %d, want 1", status)
	}
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("it took %v", took)
	}
	if !strings.Contains(r.stderr.String(), "; it was tried again for ") {
		t.Errorf("it does not say that it was tried again:\n%s", r.stderr.String())
	}
}

// startLossyProxy returns the URL of a database over a network that loses the first answer to each commit.
func startLossyProxy(t *testing.T, db *database, lost *atomic.Int64) (address string) {
	var commits atomic.Int64
	return proxy(t, db, func(client, server net.Conn) {
		go func() {
			_, _ = io.Copy(server, client)
			server.Close()
		}()
		answers := answerReader{Reader: bufio.NewReader(server)}
		for {
			answer, isCommit, err := answers.next()
			if err != nil {
				return
			}
			if isCommit && commits.Add(1)%2 == 1 {
				lost.Add(1)
				return
			}
			if _, err := client.Write(answer); err != nil {
				return
			}
		}
	})
}

// answerReader reads the answers of a server.
type answerReader struct {
	*bufio.Reader
	wrote bool // in the transaction under way
}

// next reads what the server answers until it is ready for more, or asks for more, and whether that has committed something.
func (r *answerReader) next() (answer []byte, isCommit bool, err error) {
	writes := regexp.MustCompile(`^(INSERT|UPDATE|DELETE)`)
	for {
		head := make([]byte, 5)
		if _, err := io.ReadFull(r, head); err != nil {
			return nil, false, err
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		if _, err := io.ReadFull(r, body); err != nil {
			return nil, false, err
		}
		answer = append(append(answer, head...), body...)
		switch head[0] {
		case 'C': // a command is complete
			r.wrote = r.wrote || writes.Match(body)
		case 'R': // authentication
			return answer, false, nil
		case 'Z': // ready, within a transaction or not
			isCommit = r.wrote && string(body) == "I"
			r.wrote = r.wrote && !isCommit
			return answer, isCommit, nil
		}
	}
}

// refusingProxy has the process reach its database by a server that refuses all from stop on: there are too many connections.
func refusingProxy(t *testing.T, r *trial) (stop func()) {
	const answer = "SFATAL\x00C53300\x00Msorry, too many clients already\x00\x00"
	var stopped atomic.Bool
	r.url = proxy(t, r.db, func(client, server net.Conn) {
		go func() {
			_, _ = io.Copy(client, server)
			client.Close()
		}()
		buffer := make([]byte, 1<<16)
		for {
			n, err := client.Read(buffer)
			if err != nil {
				return
			}
			if stopped.Load() {
				_, _ = client.Write(append(binary.BigEndian.AppendUint32([]byte("E"), uint32(4+len(answer))), answer...))
				return
			}
			if _, err := server.Write(buffer[:n]); err != nil {
				return
			}
		}
	})
	return func() { stopped.Store(true) }
}

// proxy returns the URL of a database by way of a proxy, whose connections end when serve returns.
func proxy(t *testing.T, db *database, serve func(client, server net.Conn)) (address string) {
	t.Helper()
	u, err := url.Parse(db.url)
	if err != nil {
		t.Fatal(err)
	}
	host := u.Host
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	u.Host = listener.Addr().String()
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer client.Close()
				server, err := net.Dial("tcp", host)
				if err != nil {
					return
				}
				defer server.Close()
				serve(client, server)
			}()
		}
	}()
	return u.String()
}
