package main

import (
	"context"

	"github.com/spf13/cobra"

	"papertrade/internal/refresh"
)

func newWatchlistExport(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "export",
		Short: "Print the watchlist as 'watchlist import' reads it",
		Long: `export prints the watchlist as CSV of ticker,priority, which 'watchlist import' reads;
with another --output it prints what 'watchlist list' does.
` + exitStatuses,
		Example: `  papertrade watchlist export > watchlist.csv
  papertrade watchlist export | ssh backup 'cat > watchlist.csv'`,
		Args: cobra.NoArgs,
		RunE: p.withSettings(func(ctx context.Context, inv *invocation, _ []string) error { return runWatchlistExport(ctx, inv) }),
	}
}

func runWatchlistExport(ctx context.Context, inv *invocation) error {
	db, err := openForReading(ctx, inv.config)
	if err != nil {
		return err
	}
	defer db.Close()
	entries, err := db.Watchlist(ctx, false)
	if err != nil {
		return err
	}
	out := inv.withDefault(formatCSV)
	if out.format != formatCSV {
		return out.print(watchlistView(entries))
	}
	view, skipped := exportView(entries)
	for _, row := range skipped {
		inv.log.observe(refresh.RowSkipped{SkippedRow: row})
	}
	return out.print(view)
}
