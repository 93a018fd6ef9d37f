package main

import (
	"context"

	"github.com/spf13/cobra"

	"papertrade/internal/refresh"
)

func newActiveTickers(p *program) *cobra.Command {
	var opts activeTickersOptions
	cmd := &cobra.Command{
		Use:   "active-tickers",
		Short: "List the active tickers and why each is active",
		Long: `active-tickers lists the tickers whose prices are kept warm, in the order in which
a run would take them: by priority (lower first), then the stalest, then by name.
Those that the web application could not read are left out where its tables are.
` + exitStatuses,
		Example: `  papertrade active-tickers
  papertrade active-tickers --days 7 --source transactions
  papertrade active-tickers -o plain | xargs -n1 echo`,
		Args: cobra.NoArgs,
		RunE: p.withSettings(func(ctx context.Context, inv *invocation, _ []string) error { return runActiveTickers(ctx, inv, opts) }),
	}
	opts.AddFlags(cmd)
	return cmd
}

type activeTickersOptions struct{ at instant }

// AddFlags adds the flags of active-tickers; those without a field are settings.
func (o *activeTickersOptions) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.String("days", "", "how many `DAYS` back a transaction makes its ticker active, at least 1")
	addAnyTickerFlag(f)
	f.StringSlice("source", nil, "`SOURCE` of active tickers: watchlist, transactions or holdings; repeatable")
	f.Var(&o.at, "at", instantUsage)
}

func runActiveTickers(ctx context.Context, inv *invocation, opts activeTickersOptions) error {
	db, err := openForReading(ctx, inv.config)
	if err != nil {
		return err
	}
	defer db.Close()
	from, err := discovery(ctx, inv.config, db)
	if err != nil {
		return err
	}
	active, skipped, err := refresh.Discover(ctx, db, from, opts.at.clock(inv.now)())
	if err != nil {
		return err
	}
	for _, row := range skipped {
		inv.log.observe(refresh.RowSkipped{SkippedRow: row})
	}
	return inv.print(activeTickersView(active))
}
