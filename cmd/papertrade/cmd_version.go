package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version string

func newVersion(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of papertrade",
		Long:  "version prints the version of papertrade, of Go, and what it was built for.\n" + exitStatuses,
		Example: `  papertrade version
  papertrade version -o json | jq -r .version`,
		Args: cobra.NoArgs,
		RunE: withoutSettings(func(*cobra.Command, []string) error { return runVersion(p.printer()) }),
	}
}

func runVersion(out printer) error {
	v := programVersion()
	platform := runtime.GOOS + "/" + runtime.GOARCH
	return out.print(result{
		json:  map[string]string{"version": v, "go": runtime.Version(), "platform": platform},
		csv:   table{columns: []string{"version", "go", "platform"}, rows: [][]string{{v, runtime.Version(), platform}}},
		plain: []string{v},
		text:  []section{{summary: "papertrade " + v + " (" + runtime.Version() + ", " + platform + ")"}},
	})
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
