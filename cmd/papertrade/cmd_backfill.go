package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
)

type backfillOptions struct {
	from, to                       date
	dryRun, force, rebase, pending bool
	at                             instant
}

func newBackfill(a *app) *cobra.Command {
	var opts backfillOptions
	cmd := &cobra.Command{
		Use:   "backfill [TICKER…]",
		Short: "Fill the gaps in the stored daily history",
		Long: `backfill finds the sessions since --from that have no daily bar, of the active
tickers or of those named, and fetches them with the fewest calls: one a ticker. A
call brings the newest 100 sessions, or all where the key's plan includes full
series; whether it does is found out once. What is out of reach is counted.

Like refresh it keeps to the rate limits, commits batch by batch and can be run again
at any time, also after it was interrupted: what is there is not asked for again. A
bar that is stored stays as it is, unless --force fetches all sessions again as the
vendor tells them. The next run by the schedule is left the calls that it needs.

Where what is fetched differs from what is stored by the ratio of a split, the split
is told and marked: the bars before it are on another scale. --rebase fetches all
that is stored of the named tickers again and brings it on one scale.

--pending works off the application's table backfill_tasks instead, urgent ones first;
on Postgres several processes can do so side by side.
` + refreshExitStatuses,
		Example: `  papertrade backfill --from 2021-01-01 --dry-run      # show the plan; no call, nothing written
  papertrade backfill --from 2021-01-01                # of all active tickers
  papertrade backfill AAPL BRK.B --from 2026-10-01 --to 2026-10-31
  papertrade backfill NVDA --rebase                    # after a split
  papertrade backfill --pending -q                     # what the application asks for`,
		ValidArgsFunction: a.completeTickers(knownSymbols),
		RunE:              func(cmd *cobra.Command, args []string) error { return runBackfill(cmd.Context(), a, opts, args) },
	}
	opts.AddFlags(cmd)
	completeSettings(cmd)
	return cmd
}

// AddFlags adds the flags of backfill; those without a field are settings.
func (o *backfillOptions) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.Var(&o.from, "from", "first `DATE` of the range, like 2021-01-01")
	f.Var(&o.to, "to", "last `DATE` of the range (default: the newest completed session)")
	f.BoolVarP(&o.dryRun, "dry-run", "n", false, "show the plan: make no call, write nothing")
	f.BoolVarP(&o.force, "force", "f", false, "fetch what is stored too, and overwrite it")
	f.BoolVar(&o.rebase, "rebase", false, "instead of a range: all that is stored of the named tickers, on one scale")
	f.BoolVar(&o.pending, "pending", false, "instead of a range: the application's backfill_tasks")
	f.Var(&o.at, "at", atUsage)
	addRunFlags(f)
}

func runBackfill(ctx context.Context, a *app, opts backfillOptions, args []string) error {
	tickers, err := parseTickers(args)
	if err != nil {
		return err
	}
	ranged := !opts.from.IsZero() || !opts.to.IsZero()
	switch {
	case opts.pending && (ranged || opts.rebase || opts.force || len(args) > 0):
		return wrongUsage("--pending takes tickers and dates from the application's tasks: leave out %s", "the tickers, --from, --to, --rebase and --force")
	case opts.rebase && (ranged || opts.force):
		return wrongUsage("--rebase fetches all that is stored: leave out --from, --to and --force")
	case opts.rebase && len(args) == 0:
		return wrongUsage("--rebase needs the tickers that it is for: papertrade backfill TICKER --rebase")
	case !opts.pending && !opts.rebase && opts.from.IsZero():
		return wrongUsage("from when on? Say it with --from DATE, as in: papertrade backfill %s", strings.TrimSpace(strings.Join(args, " ")+" --from 2021-01-01"))
	}
	if err := checkRange(opts.from, opts.to); err != nil {
		return err
	}
	if opts.from.After(exchange.DateOf(a.clock(opts.at)())) {
		return wrongUsage("--from %s is in the future: choose a day up to today", opts.from.Date)
	}
	kind := refresh.Backfill
	if opts.pending {
		kind = refresh.Tasks
	}
	return a.runJob(ctx, opts.at, refresh.Options{
		Kind: kind, Tickers: tickers, Force: opts.force, DryRun: opts.dryRun,
		Range: refresh.Range{From: opts.from.Date, To: opts.to.Date}, Rebase: opts.rebase,
	}, backfillColumns)
}
