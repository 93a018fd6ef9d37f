package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"papertrade/internal/config"
)

// usageError is what is wrong with a command line.
type usageError struct {
	command string // whose help says more; "" if it would not
	err     error
}

func (e *usageError) Error() string {
	if e.command == "" {
		return e.err.Error()
	}
	return fmt.Sprintf("%v\nRun '%s --help' for usage.", e.err, e.command)
}

func (e *usageError) Unwrap() error { return e.err }

func wrongUsage(format string, args ...any) error {
	return &usageError{err: fmt.Errorf(format, args...)}
}

// explain adds to cobra's error about a command line what was probably meant, or what to write.
func explain(cmd *cobra.Command, err error) error {
	args := cmd.Flags().Args()
	var unknown *pflag.NotExistError
	var valueless *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch wrongArgs := cmd.ValidateArgs(args); {
	case cmd.HasSubCommands() && len(args) > 0:
		return unknownCommand(cmd, args[0])
	case errors.As(err, &unknown):
		return explainUnknownFlag(cmd, unknown)
	case errors.As(err, &valueless):
		name, usage := pflag.UnquoteUsage(valueless.GetFlag())
		return fmt.Errorf("--%s needs a value, %s: %s", valueless.GetFlag().Name, name, usage)
	case errors.As(err, &invalid) && invalid.GetFlag().Value.Type() == "bool":
		return fmt.Errorf("--%s=%s: write true or false, or --%[1]s alone for true", invalid.GetFlag().Name, invalid.GetValue())
	case wrongArgs == nil || wrongArgs.Error() != err.Error():
		return err
	}
	write := fmt.Sprintf("write '%s'", cmd.CommandPath()+strings.TrimPrefix(cmd.Use, cmd.Name()))
	if len(args) == 0 {
		return fmt.Errorf("an argument is missing: %s", write)
	}
	return fmt.Errorf("%q is one argument too many: %s", args[len(args)-1], write)
}

func unknownCommand(parent *cobra.Command, name string) error {
	var names []string
	for _, c := range parent.Commands() {
		if c.IsAvailableCommand() || c.Name() == "help" {
			names = append(names, c.Name())
		}
	}
	hint := "there are " + strings.Join(names, ", ")
	if near := config.Nearest(name, names); near != "" {
		hint = fmt.Sprintf("did you mean '%s %s'?", parent.CommandPath(), near)
	}
	return fmt.Errorf("unknown command %q for %q: %s", name, parent.CommandPath(), hint)
}

func explainUnknownFlag(cmd *cobra.Command, unknown *pflag.NotExistError) error {
	name := cmp.Or(unknown.GetSpecifiedShortnames(), unknown.GetSpecifiedName()) // with -dry-run the first
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := config.Nearest(name, names); near != "" {
		return fmt.Errorf("%w: did you mean --%s?", unknown, near)
	}
	return unknown
}
