package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Check returns the error that Open would return of a file, after MakeDirectory if that is to make its directory, and
// whether the file exists yet. It makes, upgrades and changes no database; in the directory it makes and removes an empty
// file, as SQLite does with its journal.
func Check(ctx context.Context, path string, makesDirectory bool) (found bool, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return false, fmt.Errorf("find %s: %w", path, err)
	}
	if found, err = findFile(path); err != nil {
		return found, err
	}
	if found {
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return true, fmt.Errorf("open the SQLite database: %w", translate(err))
		}
		file.Close()
	}
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && !makesDirectory {
		return found, noDirectory(path)
	}
	if err := probeDirectory(dir); err != nil {
		return found, err
	}
	snapshot, err := OpenSnapshot(ctx, path)
	if err != nil {
		return found, err
	}
	if found {
		err = checkLockFiles(snapshot.path)
	}
	return found, errors.Join(err, snapshot.Close())
}

// probeDirectory returns the error of making a file in a directory, which itself may have to be made first.
func probeDirectory(dir string) error {
	file, err := os.CreateTemp(dir, ".papertrade-*")
	if parent := filepath.Dir(dir); errors.Is(err, fs.ErrNotExist) && parent != dir {
		return probeDirectory(parent)
	}
	var failure *fs.PathError
	if errors.As(err, &failure) {
		return fmt.Errorf("SQLite could make no files in %s: %w", dir, translate(failure.Err))
	}
	if err != nil {
		return err
	}
	file.Close()
	return os.Remove(file.Name())
}
