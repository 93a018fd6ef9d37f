package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"papertrade/pkg/safetext"
)

// program is what the constructors of commands share. Cobra parses the flags of every command into it.
type program struct {
	environ
	globals globalOptions
}

// cobraRun is a function by which cobra runs a command.
type cobraRun func(cmd *cobra.Command, args []string) error

// withSettings runs a command that goes by the settings: with all of them valid, or not at all.
func (p *program) withSettings(run func(ctx context.Context, inv *invocation, args []string) error) cobraRun {
	return func(cmd *cobra.Command, args []string) error {
		inv, err := newInvocation(p.environ, p.globals, cmd.Flags())
		if err == nil {
			inv.logWarnings()
			inv.logIgnored()
			err = run(cmd.Context(), inv, args)
		}
		return commandFailed(inv, err)
	}
}

// withoutSettings runs a command that goes by no settings, however wrong they are.
func withoutSettings(run cobraRun) cobraRun {
	return func(cmd *cobra.Command, args []string) error { return commandFailed(nil, run(cmd, args)) }
}

// showHelp runs a command that is there for its subcommands.
func showHelp(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// checkGlobals is run by cobra before any command.
func (p *program) checkGlobals(cmd *cobra.Command, _ []string) error {
	if cmd.Flags().Changed("config") && p.globals.configFile == "" {
		return errors.New("--config needs the name of a file")
	}
	return nil
}

// printer returns what prints the result of a command that goes by no settings.
func (p *program) printer() printer { return newPrinter(p.stdout, p.globals) }

// commandError is the error of a command that was run: nothing is wrong with what cobra knows of its
// command line.
type commandError struct {
	invocation *invocation // nil if there is none, or its settings are wrong
	err        error
}

func commandFailed(inv *invocation, err error) error {
	if err == nil {
		return nil
	}
	return &commandError{inv, err}
}

func (e *commandError) Error() string { return e.err.Error() }

func (e *commandError) Unwrap() error { return e.err }

// emitError reports the error that ends the program: to programs as a log line, to people as text.
func emitError(stderr io.Writer, err error) {
	var usage *usageError
	var failure *commandError
	switch {
	case err == nil, errors.Is(err, errUnhealthy):
	case !errors.As(err, &failure), failure.invocation == nil:
		fmt.Fprintln(stderr, "papertrade:", safetext.Lines(err.Error()))
	case errors.As(err, &usage):
		fmt.Fprintln(stderr, "papertrade:", failure.invocation.safe(err))
	default:
		failure.invocation.emitError(err)
	}
}
