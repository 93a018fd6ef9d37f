package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"papertrade/internal/config"
)

func newMigrate(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Create or upgrade the tables in Postgres",
		Long: `migrate creates the tables that the database does not have, and upgrades those of an
older papertrade. It only ever adds, and can be run again at any time: the web
application's own tables and rows stay as they are. SQLite needs no migrate: its
file is made and upgraded by the first command that writes to it, of which this is one.
` + exitStatuses,
		Example: `  papertrade migrate
  papertrade migrate --database-url postgres://user@localhost/papertrade`,
		Args: cobra.NoArgs,
		RunE: p.withSettings(func(ctx context.Context, inv *invocation, _ []string) error { return runMigrate(ctx, inv) }),
	}
}

func runMigrate(ctx context.Context, inv *invocation) error {
	applied, err := migrate(ctx, inv.config)
	if err != nil || !inv.wantsResult() {
		return err
	}
	return inv.print(migrateView(inv.config, applied))
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
