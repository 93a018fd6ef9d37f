// Package sqlite keeps what papertrade reads and writes in a SQLite file: one that it makes itself,
// or the one that the web application made.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	_ "modernc.org/sqlite" // registers the driver
)

// Store is a SQLite database. It implements refresh.Store and keeps the watchlist.
type Store struct {
	db       *sql.DB
	path     string // absolute, and of an existing file without links
	snapshot bool
}

// Open opens the database in a file and brings its tables up to date. A file that is missing is
// made, readable by its owner alone, and so is its directory.
func Open(ctx context.Context, path string) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", path, err)
	}
	if err := prepareFile(path); err != nil {
		return nil, err
	}
	if path, err = withoutLinks(path); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dsn(path, url.Values{}))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	if err := migrateFile(ctx, db, path); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, translate(err)), db.Close())
	}
	return &Store{db: db, path: path}, nil
}

// Close ends the use of the database.
func (s *Store) Close() error { return s.db.Close() }

// findFile says whether the file is there, and refuses what is no file.
func findFile(path string) (found bool, err error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return false, nil // to make it tells why
	case info.IsDir():
		return true, fmt.Errorf("%s is a directory: name a file for the SQLite database", path)
	case !info.Mode().IsRegular():
		return true, fmt.Errorf("%s is not a regular file: name one for the SQLite database", path)
	}
	return true, nil
}

func prepareFile(path string) error {
	if found, err := findFile(path); found || err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("create the directory %s for the SQLite database: %w", dir, err)
	}
	// SQLite itself would make the file with the permissions that the umask leaves.
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("create the SQLite database: %w", err)
	}
	return file.Close()
}

// dsn names the file to the driver. What SQLite would take for the end of a path is escaped.
func dsn(path string, params url.Values) string {
	params.Add("_pragma", "busy_timeout(10000)")
	params.Set("_txlock", "immediate")
	return (&url.URL{Scheme: "file", Path: path, RawQuery: params.Encode()}).String()
}

func (s *Store) transact(ctx context.Context, write func(tx *sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := write(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// migrateFile takes turns with other processes that open the same file.
func migrateFile(ctx context.Context, db *sql.DB, path string) error {
	current, err := upToDate(ctx, db)
	if current || err != nil {
		return err
	}
	lock := flock.New(path + ".migrate.lock")
	if _, err := lock.TryLockContext(ctx, 50*time.Millisecond); err != nil {
		return fmt.Errorf("take the lock of migrations: %w", err)
	}
	err = migrate(ctx, db)
	return errors.Join(err, lock.Unlock())
}

// withoutLinks is the path of a file, so that it has one lock by whatever link it is found. One that does
// not exist keeps its path.
func withoutLinks(path string) (string, error) {
	found, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	if err != nil {
		return "", fmt.Errorf("find the SQLite database: %w", err)
	}
	return found, nil
}
