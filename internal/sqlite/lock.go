package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/gofrs/flock"

	"papertrade/internal/refresh"
)

// Lock takes the lock of a job on a file beside the database. The file stays after unlock: to delete
// it could take the lock away from a process that has just opened it.
func (s *Store) Lock(_ context.Context, job string) (unlock func(), err error) {
	lock, err := s.tryLock(job)
	if err != nil {
		return nil, err
	}
	return func() { _ = lock.Unlock() }, nil
}

func (s *Store) tryLock(job string) (*flock.Flock, error) {
	if s.path == "" {
		return nil, errors.New("a snapshot has no lock: it is private to its process")
	}
	lock := flock.New(s.path + "." + job + ".lock")
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", job, err)
	}
	if !locked {
		return nil, refresh.ErrLocked
	}
	return lock, nil
}
