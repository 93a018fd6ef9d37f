package main

import "github.com/spf13/cobra"

// setUpHelp makes cobra's help refuse what is not a command.
func setUpHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	cmd, _, _ := root.Find([]string{"help"})
	cmd.Use = "help [COMMAND…]"
	cmd.Short = "Explain what a command does"
	cmd.Long = "help explains what a command does, as its --help does.\n" + exitStatuses
	cmd.Example = `  papertrade help refresh
  papertrade help watchlist add`
	cmd.RunE = withoutSettings(func(_ *cobra.Command, args []string) error { return runHelp(root, args) })
}

func runHelp(root *cobra.Command, args []string) error {
	cmd, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	if cmd.HasSubCommands() && len(rest) > 0 {
		return &usageError{command: cmd.CommandPath(), err: unknownCommand(cmd, rest[0])}
	}
	cmd.InitDefaultHelpFlag()
	return cmd.Help()
}
