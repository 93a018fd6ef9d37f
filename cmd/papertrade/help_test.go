package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"papertrade/internal/config"
)

// allCommands is the commands that a user can see, from the root on.
func allCommands(t *testing.T) []*cobra.Command {
	t.Helper()
	var all []*cobra.Command
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		if cmd.Hidden {
			return
		}
		all = append(all, cmd)
		for _, c := range cmd.Commands() {
			visit(c)
		}
	}
	visit(newRoot(environ{}))
	return all
}

func TestHelpOfEveryCommand(t *testing.T) {
	exits := regexp.MustCompile(`(?s)[^\n]\n\nExit status:\n  0    .*\n  2    .*[^\n]$`)
	for _, cmd := range allCommands(t) {
		if !exits.MatchString(cmd.Long) {
			t.Errorf("the help of %q does not end with its exit statuses:\n%s", cmd.CommandPath(), cmd.Long)
		}
		cmd.InitDefaultHelpFlag()
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if name, _ := pflag.UnquoteUsage(f); f.Value.Type() != "bool" && strings.ToUpper(name) != name {
				t.Errorf("the help of %q does not say in `CAPITALS` what --%s takes", cmd.CommandPath(), f.Name)
			}
		})
	}
}

// What examples show are command lines that the program accepts, two of them or more of the command
// itself or of one below it.
func TestExamplesOfEveryCommand(t *testing.T) {
	commandLine := regexp.MustCompile(`(?m)(?:^ *|\(|[|&] )(papertrade(?: [^|>)#&\n]*)?)`)
	for _, cmd := range allCommands(t) {
		own := 0
		for _, match := range commandLine.FindAllStringSubmatch(cmd.Example, -1) {
			found, args, err := newRoot(environ{}).Find(strings.Fields(match[1])[1:])
			if err == nil {
				found.InitDefaultHelpFlag()
				err = found.ParseFlags(args)
			}
			if err == nil {
				err = found.ValidateArgs(found.Flags().Args())
			}
			if err != nil {
				t.Errorf("%q: the example %q: %v", cmd.CommandPath(), match[1], err)
			}
			if strings.HasPrefix(found.CommandPath(), cmd.CommandPath()) {
				own++
			}
		}
		if own < 2 {
			t.Errorf("%q has %d examples, want 2 at least", cmd.CommandPath(), own)
		}
	}
}

func TestCompletionOfEverySetting(t *testing.T) {
	for _, cmd := range allCommands(t) {
		for _, s := range config.Settings() {
			flag := cmd.Flags().Lookup(s.Flag)
			if flag == nil || len(s.Values) == 0 {
				continue
			}
			complete, _ := cmd.GetFlagCompletionFunc(s.Flag)
			if complete == nil {
				t.Errorf("%q does not complete --%s", cmd.CommandPath(), s.Flag)
				continue
			}
			if got, directive := complete(cmd, nil, ""); !slices.Equal(got, s.Values) || directive != cobra.ShellCompDirectiveNoFileComp {
				t.Errorf("%q completes --%s with %q and directive %d, want %q", cmd.CommandPath(), s.Flag, got, directive, s.Values)
			}
		}
	}
}
