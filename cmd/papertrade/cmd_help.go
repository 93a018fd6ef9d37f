package main

import "github.com/spf13/cobra"

// describeHelp makes cobra's help refuse what is no command.
func describeHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	cmd, _, _ := root.Find([]string{"help"})
	cmd.Use = "help [COMMAND…]"
	cmd.Short = "Tell what a command does"
	cmd.Long = "help tells what a command does, as its --help.\n" + exitStatuses
	cmd.Example = `  papertrade help refresh
  papertrade help watchlist add`
	cmd.RunE = func(_ *cobra.Command, args []string) error { return runHelp(root, args) }
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

// describeCompletion gives cobra's completion what every command here has.
func describeCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	cmd, _, _ := root.Find([]string{"completion"})
	cmd.Short = "Print the script by which a shell completes papertrade"
	cmd.Long = `completion prints the script by which a shell completes commands, flags, their values
and tickers. The help of each shell says where it goes.
` + exitStatuses
	cmd.Example = `  source <(papertrade completion bash)
  papertrade completion zsh --help`
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }

	needs := map[string]string{
		"bash": " It needs the package\nbash-completion.",
		"zsh":  " It needs\n'autoload -U compinit; compinit' in ~/.zshrc.",
	}
	examples := map[string]string{
		"bash": `  source <(papertrade completion bash)                               # in this shell
  papertrade completion bash > /etc/bash_completion.d/papertrade     # in every new one`,
		"zsh": `  source <(papertrade completion zsh)                                # in this shell
  papertrade completion zsh > "${fpath[1]}/_papertrade"              # in every new one`,
		"fish": `  papertrade completion fish | source                                # in this shell
  papertrade completion fish > ~/.config/fish/completions/papertrade.fish`,
		"powershell": `  papertrade completion powershell | Out-String | Invoke-Expression  # in this shell
  papertrade completion powershell >> $PROFILE                       # in every new one`,
	}
	for _, shell := range cmd.Commands() {
		name := shell.Name()
		shell.Short = "Print the script for " + name
		shell.Long = name + " prints the script by which " + name + " completes papertrade." + needs[name] + "\n" + exitStatuses
		shell.Example = examples[name]
	}
}
