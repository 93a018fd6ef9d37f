package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version string

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of papertrade",
		Long:  "version prints the version of papertrade, of Go, and what it was built for.\n" + exitStatuses,
		Example: `  papertrade version
  papertrade version -o json | jq -r .version`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return runVersion(a) },
	}
}

func runVersion(a *app) error {
	v := programVersion()
	platform := runtime.GOOS + "/" + runtime.GOARCH
	view := result{
		json:    map[string]string{"version": v, "go": runtime.Version(), "platform": platform},
		columns: []string{"version", "go", "platform"},
		plain:   []string{v},
		summary: "papertrade " + v + " (" + runtime.Version() + ", " + platform + ")",
	}
	if a.output == outputCSV {
		view.rows = [][]string{{v, runtime.Version(), platform}}
	}
	return a.print(view)
}

func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}
