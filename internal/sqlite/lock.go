package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

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
	err := makeLockFile(lock.Path(), s.path)
	var locked bool
	if err == nil {
		locked, err = lock.TryLock()
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", job, translate(err))
	}
	if !locked {
		return nil, refresh.ErrLocked
	}
	return lock, nil
}

// Locked returns the zero Holder if a process holds the lock of a job on the file, a snapshot's too, and nil if none does.
// It makes no file. A lock that is free is shared for a moment in which nobody else gets it: ask only when a process should
// have it. The error is refresh.ErrLockUnknown if the file cannot be read, as that of another user.
func (s *Store) Locked(_ context.Context, job string) (*refresh.Holder, error) {
	lock := flock.New(s.lockFile(job), flock.SetFlag(os.O_RDONLY))
	shared, err := lock.TryRLock()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = lock.Unlock()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", refresh.ErrLockUnknown, err)
	}
	if shared {
		return nil, nil
	}
	return &refresh.Holder{}, nil
}

const lockSuffix = ".lock"

func (s *Store) lockFile(job string) string { return s.path + "." + job + lockSuffix }

// makeLockFile makes a lock file that is missing, with the owner, the group and the mode of the database, so that one run
// of root's does not lock out who else may use the database. A file that is there stays as it is: it could be a link that
// somebody else has made to a file of root's.
func makeLockFile(path, database string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(likeDatabase(file, database), file.Close())
}

// likeDatabase gives a file the owner, the group and the mode of the database.
func likeDatabase(file *os.File, database string) error {
	info, err := os.Stat(database)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil // on a system that has no owners of this kind
	}
	// Who may write to another's database, but is not root, can give nothing away.
	err = file.Chown(int(owner.Uid), int(owner.Gid))
	if err != nil && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return file.Chmod(info.Mode().Perm())
}

// checkLockFiles returns the error of opening one of the lock files beside a database.
func checkLockFiles(database string) error {
	entries, err := os.ReadDir(filepath.Dir(database))
	if err != nil {
		return fmt.Errorf("find the lock files: %w", translate(err))
	}
	for _, entry := range entries {
		isLock := strings.HasPrefix(entry.Name(), filepath.Base(database)+".") && strings.HasSuffix(entry.Name(), lockSuffix)
		if !isLock {
			continue
		}
		path := filepath.Join(filepath.Dir(database), entry.Name())
		file, err := os.Open(path)
		if errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("the lock file is another user's: %w: give %s the owner of %s by chown, as root", translate(err), path, database)
		}
		if err != nil {
			return fmt.Errorf("the lock file: %w", translate(err))
		}
		file.Close()
	}
	return nil
}
