package pgtest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// MakeStandby starts the server anew as a standby, which waits for a primary that never comes: it can only be read.
func (c *Cluster) MakeStandby(ctx context.Context) error {
	if err := c.server.Process.Signal(syscall.SIGINT); err != nil { // at once, but in order
		return err
	}
	<-c.exited
	if err := os.WriteFile(filepath.Join(c.dir, "data", "standby.signal"), nil, 0o644); err != nil {
		return err
	}
	before := c.server
	c.server, c.exited = exec.Command(before.Path, before.Args[1:]...), make(chan struct{})
	c.server.Dir, c.server.SysProcAttr = before.Dir, before.SysProcAttr
	if err := c.run(); err != nil {
		return err
	}
	if err := c.awaitReady(ctx); err != nil {
		return errors.Join(err, c.end())
	}
	return nil
}
