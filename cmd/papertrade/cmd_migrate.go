package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"papertrade/internal/config"
	"papertrade/internal/postgres"
)

func newMigrate(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Create or upgrade the tables in Postgres",
		Long: `migrate creates the tables that the database does not have, and upgrades those of an
older papertrade. It only ever adds, and can be run again at any time: the web
application's own tables and rows stay as they are. SQLite needs no migrate: its
file is made and upgraded when it is opened.
` + exitStatuses,
		Example: `  papertrade migrate
  papertrade migrate --database-url postgres://user@localhost/papertrade`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runMigrate(cmd.Context(), a) },
	}
}

func runMigrate(ctx context.Context, a *app) error {
	applied, err := a.migrate(ctx)
	if err != nil || !a.asksForResult() {
		return err
	}
	view := result{
		json:    map[string][]string{"applied": append([]string{}, applied...)},
		columns: []string{"applied"},
		plain:   applied,
		summary: "The tables of " + a.config.Database.String() + " are up to date.",
	}
	for _, name := range applied {
		view.rows = append(view.rows, []string{strings.TrimSuffix(name, ".sql")})
	}
	return a.print(view)
}

func (a *app) migrate(ctx context.Context) (applied []string, err error) {
	if a.config.Database.Driver == config.Postgres {
		applied, err = postgres.Migrate(ctx, a.config.Database.URL.Reveal())
		return applied, a.ofDatabase(err)
	}
	db, err := a.openStore(ctx)
	if err != nil {
		return nil, err
	}
	return nil, db.Close()
}
