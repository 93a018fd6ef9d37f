package main

import (
	"bytes"
	dbsql "database/sql"
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

// A database that hangs costs a monitor no more than its patience, and it is told in one line.
func TestCheckOfADatabaseThatHangs(t *testing.T) {
	wait := patience{open: 5 * time.Second, total: 200 * time.Millisecond}
	t.Run("server that accepts and says nothing", func(t *testing.T) {
		url := "postgres://papertrade@" + silentServer(t) + "/papertrade"
		checkHangs(t, url, patience{open: 200 * time.Millisecond, total: 5 * time.Second})
		checkHangs(t, url, wait)
	})
	t.Run("table that another program locks", func(t *testing.T) {
		db, err := startDatabases(t, "postgres-own").create(t.TempDir(), "postgres-own")
		if err != nil {
			t.Fatal(err)
		}
		holdOpen(t, db, "begin; lock table job_executions in access exclusive mode")
		checkHangs(t, db.url, wait)
	})
	t.Run("file that another program locks", func(t *testing.T) {
		dir := t.TempDir()
		db, err := startDatabases(t, "sqlite-application").create(dir, "sqlite-application")
		if err != nil {
			t.Fatal(err)
		}
		holdOpen(t, db, "begin exclusive")
		checkHangs(t, db.url, wait)
	})
}

func checkHangs(t *testing.T, url string, wait patience) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	env := environ{stdout: &stdout, stderr: &stderr, now: time.Now}
	c := loadConfig(t, "PAPERTRADE_DATABASE_URL="+url)
	inv := &invocation{environ: env, printer: newPrinter(&stdout, globalOptions{}), config: c, log: newLogger(env, c, false)}
	const want = "the database has not answered for 200ms: "
	start := time.Now()
	err := runCheck(t.Context(), inv, statusOptions{maxStale: 1}, wait)
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("it took %v", took)
	}
	if !errors.Is(err, errUnhealthy) || strings.Count(stdout.String(), "\n") != 1 || !strings.HasPrefix(stdout.String(), want) {
		t.Errorf("%v, stdout %q, want one line that begins with %q", err, stdout.String(), want)
	}
}

// silentServer takes connections and never answers. It returns its address.
func silentServer(t *testing.T) string {
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
			t.Cleanup(func() { conn.Close() })
		}
	}()
	return listener.Addr().String()
}

// holdOpen runs a statement on a connection that stays open until the test ends.
func holdOpen(t *testing.T, db *database, statement string) {
	t.Helper()
	other, err := dbsql.Open(db.driver, db.dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	conn, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := conn.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}
