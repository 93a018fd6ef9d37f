package sqlite

import (
	"database/sql"
	"net/url"
	"testing"
	"time"
)

// SchemaVersion is the version of the tables.
const SchemaVersion = schemaVersion

// UpdateRunByID is a statement.
const UpdateRunByID = updateRunByID

// Limit runs a pragma on the connection of a store.
func (s *Store) Limit(t *testing.T, pragma string) {
	t.Helper()
	if _, err := s.db.Exec(pragma); err != nil {
		t.Fatal(err)
	}
}

// Patience returns how long a store waits for a lock.
func (s *Store) Patience(t *testing.T) time.Duration {
	t.Helper()
	milliseconds, err := queryOne[int64](t.Context(), s.db, `pragma busy_timeout`)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(milliseconds) * time.Millisecond
}

// MigrateTo makes a database of an older papertrade.
func MigrateTo(t *testing.T, path string, version int64) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(path, url.Values{}, writePatience))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	provider, err := newProvider(db, ownForm)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
}
