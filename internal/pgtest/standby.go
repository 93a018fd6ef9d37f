package pgtest

import (
	"context"
	"os"
	"path/filepath"
)

// MakeStandby starts the server anew as a standby, which waits for a primary that never comes: it can only be read.
func (c *Cluster) MakeStandby(ctx context.Context) error {
	if err := c.shutDown(); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.dir, "data", "standby.signal"), nil, 0o644); err != nil {
		return err
	}
	return c.startAgain(ctx)
}
