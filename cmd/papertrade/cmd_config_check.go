package main

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"papertrade/internal/config"
)

func newConfigCheck(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check that settings, database and key are ready for a run",
		Long: `check reports, one line each, whether the settings are right, whether the database can
be opened, whether there is an API key, in a file that only its owner can read, and, if
metrics.textfile is set, whether it can be written. It goes on after one that is wrong.
A key file, or a settings file with a secret in it, that others can read is accepted on
a read-only mount alone, as containers have their secrets, and noted on stderr.
The key itself is not tried: nothing is asked of the vendor.

Nothing is changed either. A SQLite file that is missing is not made, and one of an
older papertrade is not upgraded; whether both could be done is checked. Tables that
are missing in Postgres are made by 'papertrade migrate'.
` + checkExitStatuses,
		Example: `  papertrade config check
  papertrade config check --database-url postgres://user@localhost/papertrade
  papertrade config check -q && papertrade refresh -q`,
		Args: cobra.NoArgs,
		RunE: p.withSettings(func(ctx context.Context, inv *invocation, _ []string) error { return runConfigCheck(ctx, inv) }),
	}
}

func runConfigCheck(ctx context.Context, inv *invocation) error {
	checks := checkAll(ctx, inv.config)
	inv.logNotes()
	var notReady notReadyError
	for _, c := range checks {
		if c.err != nil {
			notReady = append(notReady, c)
		}
	}
	if len(notReady) > 0 {
		return errors.Join(inv.print(checksView(inv.config, checks)), notReady)
	}
	if !inv.wantsResult() {
		return nil
	}
	return inv.print(checksView(inv.config, checks))
}

func checkAll(ctx context.Context, c *config.Config) []checkResult {
	settings := checkResult{name: "settings", good: cmp.Or(c.File, "there is no file; see 'papertrade config init'")}
	database := checkResult{name: "database", good: c.Database.String()}
	var found bool
	if found, database.err = checkDatabase(ctx, c); !found {
		database.good += " is not there yet: it is made when it is needed"
	}
	vendor := c.Provider()
	key := checkResult{name: "key", good: c.KeySetting(vendor)}
	_, key.err = c.Key(vendor)
	checks := []checkResult{settings, database, key}
	if file := c.Metrics.Textfile; file != "" {
		checks = append(checks, checkResult{"metrics", file, c.CheckTextfile()})
	}
	return checks
}

// notReadyError is the checks that failed.
type notReadyError []checkResult

func (e notReadyError) Error() string {
	names := make([]string, len(e))
	for i, c := range e {
		names[i] = c.name
	}
	return "not ready for a run: fix " + strings.Join(names, ", ")
}

func (e notReadyError) Unwrap() []error {
	causes := make([]error, len(e))
	for i, c := range e {
		causes[i] = c.err
	}
	return causes
}
