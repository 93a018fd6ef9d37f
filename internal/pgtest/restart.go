package pgtest

import (
	"context"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// Restart shuts the server down as its administrator does, and starts it again after a while. No other method may be called
// meanwhile.
func (c *Cluster) Restart(ctx context.Context, down time.Duration) error {
	if err := c.server.Process.Signal(syscall.SIGINT); err != nil {
		return fmt.Errorf("stop Postgres: %w", err)
	}
	<-c.exited
	time.Sleep(down)
	old := c.server
	c.server = &exec.Cmd{Path: old.Path, Args: old.Args, Dir: old.Dir, SysProcAttr: old.SysProcAttr}
	var err error
	if c.exited, err = runServer(c.server); err != nil {
		return fmt.Errorf("start Postgres again: %w", err)
	}
	return c.awaitReady(ctx)
}
