package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
)

// OpenSnapshot copies the database in a file into memory and brings the copy's tables up to date. A
// file that is missing counts as an empty database. Neither opening nor any use of the Store
// writes to the file, or makes a file or a directory.
func OpenSnapshot(ctx context.Context, path string) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", path, err)
	}
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, fmt.Errorf("open a database in memory: %w", err)
	}
	// Each connection to :memory: is a database of its own.
	db.SetMaxOpenConns(1)
	if err := fillSnapshot(ctx, db, path); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, translate(err)), db.Close())
	}
	if path, err = resolveLinks(path); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Store{db: db, path: path, snapshot: true}, nil
}

// OpenReadOnly opens the database in a file as it is: if its tables are older than this program, some queries fail. The
// error is ErrNotThere if the file does not exist. Neither opening nor any use of the Store writes to it, or makes a file.
func OpenReadOnly(path string) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", path, err)
	}
	params, err := readOnly(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notThere(path)
	}
	if err != nil {
		return nil, fmt.Errorf("open the SQLite database: %w", translate(err))
	}
	db, err := sql.Open("sqlite", dsn(path, params, readPatience))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return &Store{db: db}, nil
}

// OpenCurrent is OpenReadOnly of a database whose tables are up to date. The error is a *refresh.SchemaError if they are
// not.
func OpenCurrent(ctx context.Context, path string) (*Store, error) {
	store, err := OpenReadOnly(path)
	if err != nil {
		return nil, err
	}
	err = checkSchema(ctx, store.db)
	if err == nil {
		store.path, err = resolveLinks(path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, translate(err)), store.Close())
	}
	store.snapshot = true
	return store, nil
}

func fillSnapshot(ctx context.Context, db *sql.DB, path string) error {
	if err := restore(ctx, db, path); err != nil {
		return err
	}
	if err := checkSchema(ctx, db); !isOlder(err) {
		return err
	}
	if err := checkTables(ctx, db); err != nil {
		return err
	}
	return migrate(ctx, db, ownForm)
}

func restore(ctx context.Context, db *sql.DB, path string) error {
	params, err := readOnly(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(driverConn any) error {
		backup, err := driverConn.(interface {
			NewRestore(source string) (*sqlite.Backup, error)
		}).NewRestore(dsn(path, params, readPatience))
		if err != nil {
			return err
		}
		_, err = backup.Step(-1)
		return cmp.Or(backup.Finish(), err) // Finish words a failure of Step better
	})
}

// readOnly returns how to open a file so that nothing is written beside it. In WAL mode even a reader makes the -wal and
// -shm files if they are absent; but then nobody writes to the database, and it can be read as one that does not change.
// What a program that died has left half done can be read by nobody before it is undone, which SQLite does by itself if it may.
func readOnly(path string) (url.Values, error) {
	if _, err := findFile(path); err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	const readVersion, walVersion = 19, 2
	header := make([]byte, readVersion+1)
	if _, err := file.ReadAt(header, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	_, err = os.Stat(path + "-wal")
	if header[readVersion] == walVersion && errors.Is(err, fs.ErrNotExist) {
		return url.Values{"immutable": {"1"}}, nil
	}
	if hasJournal(path) {
		return url.Values{"mode": {"rw"}, "_pragma": {"query_only(1)"}}, nil
	}
	return url.Values{"mode": {"ro"}}, nil
}

// hasJournal reports whether a transaction is under way in a file, or was when its program died. What is left of a journal that is kept
// for the next transaction begins with zeros.
func hasJournal(path string) bool {
	file, err := os.Open(path + "-journal")
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) // the error of SQLite says more
	}
	defer file.Close()
	first := make([]byte, 1)
	_, err = file.Read(first)
	return err == nil && first[0] != 0
}
