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
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return runVersion(a) },
	}
}

func runVersion(a *app) error {
	v := version
	if v == "" {
		v = "unknown"
		if info, ok := debug.ReadBuildInfo(); ok {
			v = info.Main.Version
		}
	}
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
