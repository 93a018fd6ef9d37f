package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Check says whether Open would succeed with a file, and whether that is there yet. It makes, upgrades
// and changes no database; in the directory it makes and removes an empty file, as SQLite does with
// its journal.
func Check(ctx context.Context, path string) (found bool, err error) {
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
			return true, fmt.Errorf("the SQLite database cannot be written: %w", err)
		}
		file.Close()
	}
	if err := probe(filepath.Dir(path)); err != nil {
		return found, err
	}
	snapshot, err := OpenSnapshot(ctx, path)
	if err != nil {
		return found, err
	}
	return found, snapshot.Close()
}

// probe says whether a file can be made in a directory, which itself may have to be made first.
func probe(dir string) error {
	file, err := os.CreateTemp(dir, ".papertrade-*")
	if parent := filepath.Dir(dir); errors.Is(err, fs.ErrNotExist) && parent != dir {
		return probe(parent)
	}
	var failure *fs.PathError
	if errors.As(err, &failure) {
		return fmt.Errorf("SQLite could make no files in %s: %w", dir, failure.Err)
	}
	if err != nil {
		return err
	}
	file.Close()
	return os.Remove(file.Name())
}
