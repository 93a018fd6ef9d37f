package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/gofrs/flock"

	"papertrade/internal/refresh"
)

// Lock takes the lock of a job on a file beside the database. The file stays after unlock: deleting it could take the
// lock away from a process that has just opened it.
func (s *Store) Lock(_ context.Context, job string) (unlock func(), err error) {
	lock, err := s.tryLock(job)
	if err != nil {
		return nil, err
	}
	return func() { _ = lock.Unlock() }, nil
}

func (s *Store) tryLock(job string) (*flock.Flock, error) {
	if s.snapshot {
		return nil, errors.New("a snapshot has no lock: it is private to its process") // a bug of ours
	}
	lock := flock.New(s.lockFile(job))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", job, translate(err))
	}
	if !locked {
		return nil, refresh.ErrLocked
	}
	return lock, nil
}

// Locked reports whether a process holds the lock of a job on the file, a snapshot's too. It makes no file. A lock that
// is free is shared for a moment in which nobody else gets it: ask only when a process should have it.
func (s *Store) Locked(_ context.Context, job string) (bool, error) {
	lock := flock.New(s.lockFile(job), flock.SetFlag(os.O_RDONLY))
	shared, err := lock.TryRLock()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = lock.Unlock()
	}
	if err != nil {
		return false, fmt.Errorf("look at the lock of %s: %w", job, translate(err))
	}
	return !shared, nil
}

func (s *Store) lockFile(job string) string { return s.path + "." + job + ".lock" }
