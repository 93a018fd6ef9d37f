// Command papertrade keeps the price tables of a paper-trading application warm.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"papertrade/internal/config"
	"papertrade/internal/refresh"
)

func main() {
	os.Exit(run(os.Args[1:], environ{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, env: os.Environ(), now: time.Now,
	}))
}

// run is the program, from its arguments to its exit status.
func run(args []string, env environ) int {
	ctx, stop := untilSignal(context.Background())
	defer stop()
	a := &app{environ: env}
	root := newRoot(a)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	// Cobra has no type of its own for what is wrong with a command line, and finds it all before
	// a command is prepared.
	if err != nil && !a.prepared {
		err = &usageError{command: cmd.CommandPath(), err: explain(cmd, err)}
	}
	a.tell(err)
	return exitStatus(ctx, err)
}

// exitStatus is the one place where errors become exit statuses.
func exitStatus(ctx context.Context, err error) int {
	var usage *usageError
	var settings *config.Error
	var interruption *interruptedError
	switch {
	case err == nil:
		return 0
	case errors.As(context.Cause(ctx), &interruption):
		return 128 + int(interruption.signal)
	case errors.As(err, &usage), errors.As(err, &settings):
		return 2
	case errors.Is(err, errPartly):
		return 3
	case errors.Is(err, refresh.ErrLocked):
		return 4
	case errors.Is(err, errQuota):
		return 5
	default:
		return 1
	}
}

// usageError is what is wrong with a command line.
type usageError struct {
	command string // whose help tells more; "" where it would not
	err     error
}

func (e *usageError) Error() string {
	if e.command == "" {
		return e.err.Error()
	}
	return fmt.Sprintf("%v\nRun '%s --help' for usage.", e.err, e.command)
}

func (e *usageError) Unwrap() error { return e.err }

// interruptedError is the cause of a context that a signal has ended.
type interruptedError struct {
	signal syscall.Signal
	at     time.Time
}

func (e *interruptedError) Error() string { return "interrupted (" + e.signal.String() + ")" }

// untilSignal is a context that the first SIGINT or SIGTERM ends. A second one ends the process.
func untilSignal(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals)
			cancel(&interruptedError{s.(syscall.Signal), time.Now()})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}
