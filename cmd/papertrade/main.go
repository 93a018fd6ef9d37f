// Command papertrade keeps the price tables of a paper-trading application warm.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	os.Exit(runProgram(os.Args[1:], environ{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, env: os.Environ(), now: time.Now,
	}))
}

// runProgram is the program, from its arguments to its exit status.
func runProgram(args []string, env environ) int {
	ctx, stop := untilSignal(context.Background())
	defer stop()
	root := newRoot(env)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	// Cobra has no type of its own for what is wrong with a command line, and finds all of it before it
	// runs a command.
	var failure *commandError
	if err != nil && !errors.As(err, &failure) {
		err = &usageError{command: cmd.CommandPath(), err: explain(cmd, err)}
	}
	emitError(env.stderr, err)
	return exitStatus(ctx, err)
}

// untilSignal returns a context that the first SIGINT or SIGTERM ends. A second one ends the process.
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
