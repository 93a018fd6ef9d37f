package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Restart shuts the server down as its administrator does, and starts it again after a while. No other method may be called
// meanwhile.
func (c *Cluster) Restart(ctx context.Context, down time.Duration) error {
	if err := c.shutDown(); err != nil {
		return err
	}
	time.Sleep(down)
	return c.startAgain(ctx)
}

// shutDown ends the server at once, but in order.
func (c *Cluster) shutDown() error {
	if err := c.server.Process.Signal(syscall.SIGINT); err != nil {
		return fmt.Errorf("stop Postgres: %w", err)
	}
	<-c.exited
	return nil
}

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

func (c *Cluster) startAgain(ctx context.Context) (err error) {
	old := c.server
	c.server = &exec.Cmd{Path: old.Path, Args: old.Args, Dir: old.Dir, SysProcAttr: old.SysProcAttr}
	if c.exited, err = runServer(c.server); err != nil {
		return fmt.Errorf("start Postgres again: %w", err)
	}
	return c.awaitReady(ctx)
}
