package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"papertrade/internal/refresh"
)

// translate returns an error of the driver or of the file system as one that wraps a refresh.StoreError. Any other
// error stays as it is: a context's, a StoreError, and what is a bug of ours.
func translate(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, new(refresh.StoreError)) {
		return err
	}
	var failure *sqlite.Error
	if errors.As(err, &failure) {
		return translateSQLite(failure, err)
	}
	var number syscall.Errno
	if errors.As(err, &number) {
		return fmt.Errorf("%w: %w", ofErrno(number), err)
	}
	return err
}

// IsTransient reports whether what failed with an error of a Store or of Open can succeed if it is tried again.
func IsTransient(err error) bool { return errors.Is(err, refresh.ErrBusy) }

// causeOf returns why a file cannot be opened, if err is that it cannot: SQLite does not say.
func causeOf(path string, err error) error {
	if !errors.Is(translate(err), refresh.ErrUnreachable) {
		return err
	}
	file, openErr := os.Open(path)
	if openErr != nil {
		return openErr
	}
	file.Close()
	return err
}

// translateSQLite returns err, which wraps failure, as an error that wraps a StoreError.
func translateSQLite(failure *sqlite.Error, err error) error {
	const primary = 0xff // an extended result code adds to the primary one
	code := failure.Code() & primary
	switch {
	case failure.Code() == sqlite3.SQLITE_READONLY_ROLLBACK, failure.Code() == sqlite3.SQLITE_IOERR_DELETE: // of the journal
		return fmt.Errorf("%w, and so what a program that died has left half done in it cannot be undone: %w", refresh.ErrReadOnly, err)
	case failure.Code() == sqlite3.SQLITE_READONLY_DBMOVED:
		return fmt.Errorf("%w: its file was moved, deleted or replaced since it was opened: %w", refresh.ErrReadOnly, err)
	case failure.Code() == sqlite3.SQLITE_READONLY_DIRECTORY:
		return fmt.Errorf("%w: its directory, where SQLite makes a journal, may not be written: %w", refresh.ErrReadOnly, err)
	case code == sqlite3.SQLITE_READONLY:
		return fmt.Errorf("%w: its file may not be written: %w", refresh.ErrReadOnly, err)
	case code != sqlite3.SQLITE_ERROR:
		return fmt.Errorf("%w: %w", ofCode(code), err)
	case strings.Contains(failure.Error(), "no such table"): // which has no code of its own
		return fmt.Errorf("%w: %w", refresh.ErrTableMissing, err)
	default:
		return err // a statement that SQLite does not understand
	}
}

// ofCode returns what a primary result code of SQLite means.
func ofCode(code int) refresh.StoreError {
	switch code {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return refresh.ErrBusy
	case sqlite3.SQLITE_CONSTRAINT:
		return refresh.ErrRowRefused
	case sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return refresh.ErrNoPermission
	case sqlite3.SQLITE_CANTOPEN:
		return refresh.ErrUnreachable
	case sqlite3.SQLITE_FULL:
		return refresh.ErrNoSpace
	case sqlite3.SQLITE_NOTADB:
		return ErrNotSQLite
	default:
		return refresh.ErrDatabase
	}
}

// ofErrno returns what an error of the file system means for the database.
func ofErrno(number syscall.Errno) refresh.StoreError {
	switch {
	case errors.Is(number, fs.ErrPermission):
		return refresh.ErrNoPermission
	case number == syscall.EROFS:
		return refresh.ErrReadOnly
	case number == syscall.ENOSPC, number == syscall.EDQUOT:
		return refresh.ErrNoSpace
	default:
		return refresh.ErrUnreachable
	}
}
