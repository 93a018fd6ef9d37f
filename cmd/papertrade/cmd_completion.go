package main

import "github.com/spf13/cobra"

// setUpCompletion gives cobra's completion what every command here has.
func setUpCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	cmd, _, _ := root.Find([]string{"completion"})
	cmd.Short = "Print the script by which a shell completes papertrade"
	cmd.Long = `completion prints the script by which a shell completes commands, flags, their values
and tickers. The help of each shell says where it goes.
` + exitStatuses
	cmd.Example = `  source <(papertrade completion bash)
  papertrade completion zsh --help`
	cmd.RunE = withoutSettings(showHelp)

	for _, shell := range cmd.Commands() {
		name := shell.Name()
		shell.Short = "Print the script for " + name
		shell.Long = name + " prints the script by which " + name + " completes papertrade." + shellNeeds[name] + "\n" + exitStatuses
		shell.Example = shellExamples[name]
		shell.RunE = withoutSettings(shell.RunE)
	}
}

var shellNeeds = map[string]string{
	"bash": " It needs the package\nbash-completion.",
	"zsh":  " It needs\n'autoload -U compinit; compinit' in ~/.zshrc.",
}

var shellExamples = map[string]string{
	"bash": `  source <(papertrade completion bash)                               # in this shell
  papertrade completion bash > /etc/bash_completion.d/papertrade     # in every new one`,
	"zsh": `  source <(papertrade completion zsh)                                # in this shell
  papertrade completion zsh > "${fpath[1]}/_papertrade"              # in every new one`,
	"fish": `  papertrade completion fish | source                                # in this shell
  papertrade completion fish > ~/.config/fish/completions/papertrade.fish`,
	"powershell": `  papertrade completion powershell | Out-String | Invoke-Expression  # in this shell
  papertrade completion powershell >> $PROFILE                       # in every new one`,
}
