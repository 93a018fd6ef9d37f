package sqlite_test

import (
	"bufio"
	"context"
	"database/sql"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"papertrade/internal/refresh"
	"papertrade/internal/sqlite"
	"papertrade/internal/storetest"
)

// brokenDatabase is the variable of a process that writes to a database until it is killed.
const brokenDatabase = "PAPERTRADE_TEST_BROKEN_DATABASE"

// breakOff begins a transaction, writes a part of it to the file, says so, and waits to be killed.
func breakOff(path string) {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path}).String())
	if err == nil {
		db.SetMaxOpenConns(1)
		_, err = db.Exec(`pragma cache_size = 1; pragma cache_spill = 1; begin;
			update ticker_watchlist set ticker = 'X' || id;
			create table filler (content blob);
			with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 100)
			insert into filler select randomblob(4000) from numbers`)
	}
	if err != nil {
		_, _ = os.Stdout.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	_, _ = os.Stdout.WriteString("written\n")
	select {}
}

// leaveHotJournal makes a database that a program has left in the middle of a transaction, for which there is a hot journal.
func leaveHotJournal(t *testing.T, path string) {
	t.Helper()
	openStore(t, path).Close()
	writer := exec.Command(os.Args[0])
	writer.Env = append(os.Environ(), brokenDatabase+"="+path)
	output, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(output).ReadString('\n')
	_ = writer.Process.Kill()
	_ = writer.Wait()
	if line != "written\n" {
		t.Fatal(line)
	}
	if info, err := os.Stat(path + "-journal"); err != nil || info.Size() == 0 {
		t.Fatalf("no journal: %v", err)
	}
}

// What another program has left half done is undone by whoever reads it next, as SQLite has it: else nothing could be read.
func TestHotJournal(t *testing.T) {
	for name, open := range map[string]func(context.Context, string) (*sqlite.Store, error){
		"current":   sqlite.OpenCurrent,
		"read-only": func(_ context.Context, path string) (*sqlite.Store, error) { return sqlite.OpenReadOnly(path) },
		"snapshot":  sqlite.OpenSnapshot,
		"writable":  sqlite.Open,
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			leaveHotJournal(t, path)
			store, err := open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			entries, err := store.Watchlist(t.Context(), true)
			if err != nil {
				t.Fatal(err)
			}
			if len(entries) != 7 || strings.HasPrefix(entries[0].Symbol, "X") {
				t.Errorf("%d entries of which the first is %s, want those of before", len(entries), entries[0].Symbol)
			}
		})
	}
}

// Who may not write the file or its directory cannot undo it, and learns what to do.
func TestHotJournalOfAnotherUser(t *testing.T) {
	for name, modes := range map[string][2]os.FileMode{"file": {0o444, 0o755}, "directory": {0o666, 0o555}, "both": {0o444, 0o555}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "papertrade.db")
			leaveHotJournal(t, path)
			for _, change := range []struct {
				path string
				mode os.FileMode
			}{{filepath.Dir(dir), 0o755}, {path, modes[0]}, {path + "-journal", modes[0]}, {dir, modes[1]}} {
				if err := os.Chmod(change.path, change.mode); err != nil {
					t.Fatal(err)
				}
			}
			unprivileged(t, func() {
				_, err := sqlite.OpenCurrent(t.Context(), path)
				storetest.WantError(t, err, refresh.ErrReadOnly)
				if err != nil && !strings.Contains(err.Error(), "what a program that died has left half done in it cannot be undone") {
					t.Errorf("error %v, want one that says what is to be undone", err)
				}
				_, err = sqlite.OpenSnapshot(t.Context(), path)
				storetest.WantError(t, err, refresh.ErrReadOnly)
			})
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		})
	}
}
