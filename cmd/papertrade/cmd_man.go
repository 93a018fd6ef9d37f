package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newMan is hidden: it is for make and for those who make packages.
func newMan() *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "Write the man pages",
		Hidden: true,
		Long: `man writes a man page of each command into a directory, which it makes if need be. The
pages are dated by SOURCE_DATE_EPOCH, so that the same source makes the same pages.
` + exitStatuses,
		Example: `  papertrade man ~/.local/share/man/man1
  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) papertrade man bin/man`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs),
		RunE:              withoutSettings(func(cmd *cobra.Command, args []string) error { return runMan(cmd.Root(), args[0]) }),
	}
}

func runMan(root *cobra.Command, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write the man pages: %w", err)
	}
	root.DisableAutoGenTag = true
	return writeManPages(root, dir)
}

// writeManPages writes the pages of a command and of all below it.
func writeManPages(cmd *cobra.Command, dir string) error {
	var page bytes.Buffer
	header := &doc.GenManHeader{Section: "1", Source: "papertrade " + programVersion(), Manual: "papertrade"}
	if err := doc.GenMan(cmd, header, &page); err != nil {
		return fmt.Errorf("write the man page of %s: %w", cmd.CommandPath(), err)
	}
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-") + ".1"
	if err := os.WriteFile(filepath.Join(dir, name), formatManPage(page.Bytes()), 0o644); err != nil {
		return fmt.Errorf("write the man pages: %w", err)
	}
	for _, c := range cmd.Commands() {
		if !c.IsAvailableCommand() {
			continue
		}
		if err := writeManPages(c, dir); err != nil {
			return err
		}
	}
	return nil
}

var layouts = []struct {
	cobra *regexp.Regexp
	man   string
}{
	// A flag looks as in other programs' pages, without the value that stands for none …
	{regexp.MustCompile(`(?m)^(?:\.PP\n)?(\\fB-.*\\fP)(?:=|=""|\[=false\])\n\t`), ".TP\n$1\n"},
	// … and with the name of what it takes.
	{regexp.MustCompile(`(?m)^(\.TP\n.*)\n(.*?)\\fB([A-Z]+)\\fR`), "$1 \\fI$3\\fP\n$2\\fI$3\\fP"},
	{regexp.MustCompile(`(?m)^\.PP\nExit status:$`), ".SH EXIT STATUS"},
	{regexp.MustCompile(`(?m)^  (\d+) +(.*)`), ".TP\n\\fB$1\\fP\n$2"},
	{regexp.MustCompile(`(?m)^ {7}(\w)`), "$1"},
}

// formatManPage makes of cobra's page one that looks like other programs' pages.
func formatManPage(page []byte) []byte {
	for _, l := range layouts {
		page = l.cobra.ReplaceAll(page, []byte(l.man))
	}
	return page
}
