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

	"papertrade/internal/refresh"
)

// The ways in which SQLite alone fails.
const (
	ErrNotSQLite refresh.StoreError = "the file is not a SQLite database"
	ErrNotFile   refresh.StoreError = "not a file"
	// ErrNotThere is the error of opening a file to read it that does not exist.
	ErrNotThere refresh.StoreError = "not there yet"
	// ErrEmpty is the error of a file of no bytes that should be a database: SQLite would take it for a new one.
	ErrEmpty       refresh.StoreError = "empty"
	ErrNoDirectory refresh.StoreError = "its directory does not exist"
)

// Store is a SQLite database. It implements refresh.Store and keeps the watchlist.
type Store struct {
	db       *sql.DB
	path     string // absolute, and of an existing file without links
	snapshot bool
}

// Open opens the database in a file and brings its tables up to date. A file that is missing is
// made, readable by its owner alone. The error is ErrNoDirectory if its directory is missing, and an *apptables.TableError, of a file
// that is left as it is, if it is to be migrated and has a table of another program in place of one of the application's.
func Open(ctx context.Context, path string) (*Store, error) {
	store, _, err := open(ctx, path, ownForm)
	return store, err
}

func open(ctx context.Context, path string, f form) (store *Store, created bool, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, false, fmt.Errorf("find %s: %w", path, err)
	}
	if err := prepareFile(path); err != nil {
		return nil, false, err
	}
	if path, err = resolveLinks(path); err != nil {
		return nil, false, err
	}
	db, err := sql.Open("sqlite", dsn(path, url.Values{}, writePatience))
	if err != nil {
		return nil, false, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	if created, err = migrateFile(ctx, db, path, f); err != nil {
		return nil, false, errors.Join(fmt.Errorf("open %s: %w", path, translate(causeOf(path, err))), db.Close())
	}
	return &Store{db: db, path: path}, created, nil
}

// Close ends the use of the database.
func (s *Store) Close() error { return s.db.Close() }

// MakeDirectory makes the directory of a file, for its owner alone, if it is missing.
func MakeDirectory(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("create the directory %s for the SQLite database: %w", dir, translate(err))
	}
	return nil
}

// CheckExists returns ErrNotThere if there is nothing at a path.
func CheckExists(path string) error {
	if found, _ := findFile(path); !found { // what is no file is something too
		return notThere(path)
	}
	return nil
}

// CheckFilled returns ErrNotThere if there is nothing at a path, and ErrEmpty if what is there has no bytes.
func CheckFilled(path string) error {
	if err := CheckExists(path); err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() == 0 {
		return fmt.Errorf("the SQLite database %s is %w", path, ErrEmpty)
	}
	return nil
}

func notThere(path string) error {
	return fmt.Errorf("the SQLite database %s is %w", path, ErrNotThere)
}

// findFile reports whether the file exists. The error is ErrNotFile if it is a directory or a device.
func findFile(path string) (found bool, err error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return false, nil // making it shows why
	case info.IsDir():
		return true, &notFileError{path + " is a directory"}
	case !info.Mode().IsRegular():
		return true, &notFileError{path + " is not a regular file"}
	}
	return true, nil
}

// notFileError is ErrNotFile in better words.
type notFileError struct{ message string }

func (e *notFileError) Error() string { return e.message }

func (e *notFileError) Unwrap() error { return ErrNotFile }

// prepareFile makes the file if it is missing.
func prepareFile(path string) error {
	if found, err := findFile(path); found || err != nil {
		return err
	}
	// SQLite itself would make the file with the permissions that the umask leaves.
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return noDirectory(path)
	case err != nil:
		return fmt.Errorf("create the SQLite database: %w", translate(err))
	}
	return file.Close()
}

func noDirectory(path string) error {
	return fmt.Errorf("create the SQLite database %s: %w", path, ErrNoDirectory)
}

const (
	// writePatience is how long a run, which would lose what it has fetched, waits for another writer.
	writePatience = 10 * time.Second
	// readPatience is how long a command waits that somebody looks at: no commit of ours takes nearly as long.
	readPatience = 4 * time.Second
)

// dsn returns the driver's name of a file, which waits for others for so long. It escapes what SQLite would take for the
// end of a path.
func dsn(path string, params url.Values, patience time.Duration) string {
	params.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", patience.Milliseconds()))
	params.Set("_txlock", "immediate")
	return (&url.URL{Scheme: "file", Path: path, RawQuery: params.Encode()}).String()
}

// migrateFile takes turns with other processes that open the same file.
func migrateFile(ctx context.Context, db *sql.DB, path string, f form) (created bool, err error) {
	if err := checkSchema(ctx, db); f == ownForm && !isOlder(err) {
		return false, err
	}
	if err := checkTables(ctx, db); err != nil {
		return false, err
	}
	lock := flock.New(path + ".migrate" + lockSuffix)
	const pollInterval = 50 * time.Millisecond
	err = makeLockFile(lock.Path(), path)
	if err == nil {
		_, err = lock.TryLockContext(ctx, pollInterval)
	}
	if err != nil {
		return false, fmt.Errorf("take the lock of migrations: %w", err)
	}
	created, err = bringUpToDate(ctx, db, f)
	return created, errors.Join(err, lock.Unlock())
}

// resolveLinks returns the path of a file without links, so that it has one lock, whatever link leads to it. A file
// that does not exist keeps its path.
func resolveLinks(path string) (string, error) {
	found, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	if err != nil {
		return "", fmt.Errorf("find the SQLite database: %w", translate(err))
	}
	return found, nil
}
