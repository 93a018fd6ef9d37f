package main

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"papertrade/internal/refresh"
)

const (
	keepRealTime = 7 * 24 * time.Hour // by default
	keepRuns     = 365 * 24 * time.Hour
	// pruneRows is how many rows are looked at in one transaction: a SQLite file on a slow machine is
	// then locked for some tenths of a second.
	pruneRows = 2000
)

func newPrune(p *program) *cobra.Command {
	var opts pruneOptions
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Delete prices past their retention",
		Long: `prune deletes real-time prices that are older than --keep-intraday, daily bars that
are older than --keep, if that is given, and the records of papertrade's own runs that
have finished more than 365 days ago. The daily bars of a session go together, and those
of a ticker's newest session always stay.
With --keep it also deletes what is recorded of prices that were held and are settled;
those that still wait stay.

It works block by block, in transactions of well under a second, so that it can run at
any time and keeps no refresh from starting. If it is interrupted, what was deleted
stays deleted. A SQLite file does not shrink: later rows take the space that comes free.
` + exitStatuses,
		Example: `  papertrade prune --dry-run --keep 260w    # count; nothing is deleted
  papertrade prune -q                       # what cron runs: daily bars all stay
  papertrade prune --keep 260w --keep-intraday 2d`,
		Args: cobra.NoArgs,
		RunE: p.withSettings(func(ctx context.Context, inv *invocation, _ []string) error { return runPrune(ctx, inv, opts) }),
	}
	opts.AddFlags(cmd)
	return cmd
}

type pruneOptions struct {
	dryRun             bool
	keep, keepRealTime retention
	at                 instant
}

// AddFlags adds the flags of prune.
func (o *pruneOptions) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVarP(&o.dryRun, "dry-run", "n", false, "count what would be deleted: write nothing")
	f.Var(&o.keep, "keep", "`DURATION` for which daily bars are kept, like 260w (default for ever)")
	f.Var(&o.keepRealTime, "keep-intraday", "`DURATION` for which real-time prices are kept (default 7d)")
	f.Var(&o.at, "at", instantUsage)
}

func runPrune(ctx context.Context, inv *invocation, opts pruneOptions) error {
	var db store
	var err error
	if opts.dryRun {
		db, err = openForReading(ctx, inv.config)
	} else {
		db, err = openPatiently(ctx, inv, openExisting)
	}
	if err != nil {
		return err
	}
	defer db.Close()
	pruned, err := refresh.Prune(ctx, db, refresh.PruneOptions{
		At: opts.at.clock(inv.now)(), BlockRows: pruneRows, DryRun: opts.dryRun,
		Keep: refresh.Retention{
			Daily: opts.keep.Duration, RealTime: cmp.Or(opts.keepRealTime.Duration, keepRealTime), Runs: keepRuns,
		},
	})
	logPruned(inv.log, pruned, err)
	if !inv.wantsResult() && !pruned.DryRun {
		return err
	}
	return errors.Join(err, inv.print(pruneView(pruned)))
}

func logPruned(log logger, p refresh.Pruned, err error) {
	if p.DryRun {
		return
	}
	event, message := log.Info(), "prune finished"
	if err != nil {
		event, message = log.Warn(), "prune stopped"
	}
	event.Int("daily", p.Daily.Rows).Int("held", p.Held.Rows).Int("real_time", p.RealTime.Rows).Int("runs", p.Runs.Rows).Msg(message)
}
