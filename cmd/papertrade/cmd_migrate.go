package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"papertrade/internal/config"
	"papertrade/internal/refresh"
	"papertrade/internal/retry"
)

func newMigrate(p *program) *cobra.Command {
	var opts migrateOptions
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Create or upgrade the tables in Postgres",
		Long: `migrate creates the tables that the database does not have, and upgrades those of an
older papertrade. It can be run again at any time: the web application's own rows stay
as they are, and its tables too, but for what an older application does not have: the
column price_history.updated_at and the table backfill_tasks. SQLite needs no migrate:
its file is made and upgraded by the first command that writes to it, of which this is
one. If a table of the application's name is another program's, nothing is made.

In Postgres, papertrade's own tables are in the schema papertrade, and prices, the
watchlist and runs in that of the application. The first migrate needs the right to
make a schema (grant create on database). In a database that the role papertrade
uses, it keeps that schema off the role's default search_path. pgbouncer may stand
before Postgres, in session or transaction mode. Any number of migrates may run at
once: one makes all of the tables, or none if it fails, and the others wait for it.

If the web application will use the database, run its migrations first. If that cannot
be, --for-application makes its tables as it makes them: prices have two decimals. Its
own migrations must then be told that these tables are there (alembic stamp).
` + migrateExitStatuses,
		Example: `  papertrade migrate
  papertrade migrate --for-application      # the web application comes later
  papertrade migrate --database-url postgres://user@localhost/papertrade`,
		Args: cobra.NoArgs,
		RunE: p.withSettings(func(ctx context.Context, inv *invocation, _ []string) error { return runMigrate(ctx, inv, opts) }),
	}
	opts.AddFlags(cmd)
	return cmd
}

type migrateOptions struct {
	forApplication bool
}

// AddFlags adds the flags of migrate.
func (o *migrateOptions) AddFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.forApplication, "for-application", false,
		"make absent tables of the web application so that it can read them")
}

func runMigrate(ctx context.Context, inv *invocation, opts migrateOptions) error {
	done, err := retry.Do(ctx, inv.retryPolicy(openingLimit), "migrate the database",
		func() (refresh.Migration, error) { return migrate(ctx, inv.config, opts.forApplication) })
	if err != nil {
		return err
	}
	if done.Created && !opts.forApplication {
		inv.log.Warn().Msg("the application's tables were not there: run the application's migrations first if it will use this " +
			"database, or migrate --for-application, in an empty database; if it will not, nothing is left to do")
	}
	if done.Limit != "" {
		inv.log.Warn().Str("limit", done.Limit).Msg("the database's server is not quite PostgreSQL")
	}
	if !inv.wantsResult() {
		return nil
	}
	return inv.print(migrateView(inv.config, done.Applied))
}

func migrateView(c *config.Config, applied []string) result {
	t := table{columns: []string{"applied"}}
	for _, name := range applied {
		t.rows = append(t.rows, []string{strings.TrimSuffix(name, ".sql")})
	}
	return result{
		json:  map[string][]string{"applied": append([]string{}, applied...)},
		csv:   t,
		plain: applied,
		text:  []section{{table: t, summary: "The tables of " + c.Database.String() + " are up to date."}},
	}
}
