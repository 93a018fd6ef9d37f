package sqlite_test

import (
	"database/sql"
	_ "embed"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"papertrade/internal/sqlite"
	"papertrade/internal/storetest"
)

//go:embed testdata/application.sql
var applicationTables string

// All tests of the package run 14 hours east of UTC.
func TestMain(m *testing.M) {
	time.Local = time.FixedZone("far east", 14*60*60)
	if path := os.Getenv(heldDatabase); path != "" {
		holdLock(path)
	}
	if path := os.Getenv(brokenDatabase); path != "" {
		breakOff(path)
	}
	os.Exit(m.Run())
}

func TestOwnTables(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Database {
		database := at(newPath(t))
		database.KeepsZeros = true
		return database
	})
}

func TestApplicationTables(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Database { return at(applicationDatabase(t)) })
}

func at(path string) storetest.Database {
	return storetest.Database{
		Open:  func(t *testing.T) storetest.Store { return openStore(t, path) },
		Exec:  func(t *testing.T, statement string) { run(t, path, statement) },
		Texts: func(t *testing.T, query string) []string { return texts(t, path, query) },
	}
}

// newPath is of a file that is not there, in a directory that tries the driver's parsing of names.
func newPath(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a b?c#d%20e&f", "papertrade.db")
	if err := sqlite.MakeDirectory(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func applicationDatabase(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "application.db")
	run(t, path, applicationTables)
	return path
}

func openStore(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func connect(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: "_pragma=busy_timeout(10000)"}).String())
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func run(t *testing.T, path, statements string) {
	t.Helper()
	db := connect(t, path)
	defer db.Close()
	if _, err := db.Exec(statements); err != nil {
		t.Fatal(err)
	}
}

func texts(t *testing.T, path, query string) []string {
	t.Helper()
	db := connect(t, path)
	defer db.Close()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
