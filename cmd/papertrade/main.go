// Command papertrade keeps the price tables of a paper-trading application warm.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"papertrade/internal/quota"
)

func main() {
	os.Exit(runProgram(os.Args[1:], environ{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, env: os.Environ(), now: time.Now,
		clock: quota.MachineClock,
	}))
}

// runProgram is the program, from its arguments to its exit status.
func runProgram(args []string, env environ) int {
	ctx, stop := untilSignal(context.Background())
	defer stop()
	root := newRoot(env)
	root.SetArgs(args)
	help := &helpWriter{w: env.stdout}
	root.SetOut(help)
	cmd, err := root.ExecuteContextC(ctx)
	var failure *commandError
	if help.err != nil && !errors.As(err, &failure) {
		err = commandFailed(nil, fmt.Errorf("write to stdout: %w", help.err))
	}
	// Cobra has no type of its own for what is wrong with a command line, and finds all of it before it
	// runs a command.
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

// helpWriter remembers why what cobra writes could not be written, which it does not say.
type helpWriter struct {
	w   io.Writer
	err error
}

func (h *helpWriter) Write(text []byte) (int, error) {
	n, err := h.w.Write(text)
	if h.err == nil {
		h.err = err
	}
	return n, err
}
