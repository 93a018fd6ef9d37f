package metrics

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// lockWait is how long to wait for another process, which holds the lock for a few milliseconds.
const lockWait = 300 * time.Millisecond

// lock keeps other processes from writing a file between its reading and its writing. The lock is on the
// folder: a lock file would have to stay there for ever, among the files of other programs.
func lock(path string) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	folder := flock.New(filepath.Dir(path), flock.SetFlag(os.O_RDONLY))
	_, err = folder.TryLockContext(ctx, 10*time.Millisecond)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.New("another process is writing " + path)
	}
	if err != nil {
		return nil, err
	}
	return func() { _ = folder.Unlock() }, nil
}
