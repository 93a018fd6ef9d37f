package main

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"papertrade/internal/config"
	"papertrade/internal/refresh"
)

const (
	keepRealTime = 7 * 24 * time.Hour // by default
	keepRuns     = 365 * 24 * time.Hour
	// pruneBlock is how many rows are looked at in one transaction: a SQLite file on a slow machine is
	// then locked for some tenths of a second.
	pruneBlock = 2000
)

type pruneOptions struct {
	dryRun             bool
	keep, keepRealTime retention
	at                 instant
}

// retention is a flag that says for how long rows are kept; zero where it is not given.
type retention struct{ time.Duration }

func (r *retention) Set(s string) (err error) {
	r.Duration, err = config.ParseDuration(s)
	// 1m is a minute, and easily taken for a month.
	if err == nil && r.Duration < 24*time.Hour {
		return errors.New("it is less than a day, and what is deleted is gone: write days or weeks, like 30d or 260w")
	}
	return err
}

func (r *retention) String() string {
	if r.Duration == 0 {
		return ""
	}
	return r.Duration.String()
}

func (r *retention) Type() string { return "DURATION" }

func newPrune(a *app) *cobra.Command {
	var opts pruneOptions
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Delete prices past their retention",
		Long: `prune deletes real-time prices that are older than --keep-intraday, daily bars that
are older than --keep, if that is given, and the records of papertrade's own runs that
have finished more than 365 days ago. The newest daily bar of a ticker always stays.

It works block by block, in transactions of well under a second, so that it can run at
any time and keeps no refresh from starting. Where it is interrupted, what was deleted
stays deleted. A SQLite file does not shrink: later rows take the space that comes free.
` + exitStatuses,
		Example: `  papertrade prune --dry-run --keep 260w    # count; nothing is deleted
  papertrade prune -q                       # what cron runs: daily bars all stay
  papertrade prune --keep 260w --keep-intraday 2d`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runPrune(cmd.Context(), a, opts) },
	}
	opts.AddFlags(cmd)
	return cmd
}

// AddFlags adds the flags of prune.
func (o *pruneOptions) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVarP(&o.dryRun, "dry-run", "n", false, "count what would be deleted: write nothing")
	f.Var(&o.keep, "keep", "`DURATION` for which daily bars are kept, like 260w (default for ever)")
	f.Var(&o.keepRealTime, "keep-intraday", "`DURATION` for which real-time prices are kept (default 7d)")
	f.Var(&o.at, "at", atUsage)
}

func runPrune(ctx context.Context, a *app, opts pruneOptions) error {
	open := a.openStore
	if opts.dryRun {
		open = a.openSnapshot
	}
	db, err := open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	pruned, err := refresh.Prune(ctx, db, refresh.PruneOptions{
		At: a.clock(opts.at)(), BlockRows: pruneBlock, DryRun: opts.dryRun,
		Keep: refresh.Retention{
			Daily: opts.keep.Duration, RealTime: cmp.Or(opts.keepRealTime.Duration, keepRealTime), Runs: keepRuns,
		},
	})
	a.logPruned(pruned, err)
	if !a.asksForResult() && !pruned.DryRun {
		return err
	}
	return errors.Join(err, a.printPruned(pruned))
}

func (a *app) logPruned(p refresh.Pruned, err error) {
	if p.DryRun {
		return
	}
	event, message := a.log.Info(), "prune finished"
	if err != nil {
		event, message = a.log.Warn(), "prune stopped"
	}
	event.Int("daily", p.Daily.Rows).Int("real_time", p.RealTime.Rows).Int("runs", p.Runs.Rows).Msg(message)
}

func (a *app) printPruned(p refresh.Pruned) error {
	view := result{json: p, columns: []string{"what", "older_than", "rows"}}
	total := 0
	for _, kind := range []struct {
		what    string
		expired refresh.Expired
	}{{"daily bars", p.Daily}, {"real-time prices", p.RealTime}, {"runs", p.Runs}} {
		if kind.expired.Before.IsZero() {
			continue
		}
		rows := strconv.Itoa(kind.expired.Rows)
		view.rows = append(view.rows, []string{kind.what, formatTime(kind.expired.Before), rows})
		view.plain = append(view.plain, kind.what+"\t"+rows)
		total += kind.expired.Rows
	}
	view.summary = count(total, "row was deleted.", "rows were deleted.")
	if p.DryRun {
		view.summary = count(total, "row", "rows") + " would be deleted; nothing was touched."
	}
	if p.Daily.Before.IsZero() {
		view.summary += "\nDaily bars are all kept."
	}
	return a.print(view)
}
